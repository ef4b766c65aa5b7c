"""Ledgers, and any partition, as a command reads them: committed records, no group, nothing written, no one disturbed.

A worker restores its ledgers behind a fence (`consumers.export.ledger.restore`). A command fences nobody, so that it can ask
while workers run: it reads to what was committed when it began, and a transaction that stays open is not waited for.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.admin import admin_of
from app.errors import CommandError
from app.output import note
from app.progress import Progress
from app.settings import Settings, kafka_options
from consumers.export.ledger.document_state import INTERNAL, DocumentState, LedgerUnreadableError, decode
from consumers.high_watermarks import HighWatermarks
from consumers.kafka_reader import TolerantKafkaReader
from consumers.stopping import stop_client
from consumers.topic_facts import describe
from consumers.unreadable import Unreadable, UnreadableRecordsError

Chosen = TypeVar("Chosen")

READ_AT_ONCE = 2_000
POLL_MS = 100
PATIENCE = 5.0
"""Seconds without a step after which the rest is held to be in an open transaction. A worker's takes some 30 ms; one
that was killed leaves its own open for up to a minute."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one partition: from `begin` on, before `end`."""

    partition: TopicPartition
    begin: int
    end: int

    def __len__(self) -> int:
        """How many offsets; records may be fewer."""
        return max(self.end - self.begin, 0)


class Reader:
    """Reads parts of partitions, one after the other, with one consumer."""

    def __init__(
        self, consumer: AIOKafkaConsumer, watermarks: HighWatermarks, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._watermarks = watermarks
        self._clock = clock

    async def whole(self, partitions: Sequence[TopicPartition]) -> list[Span]:
        """All that partitions hold at some moment after this call.

        Raises:
            KafkaError: The broker refused.
        """
        if not partitions:
            return []
        # High watermarks, not last stable offsets: a commit is acknowledged before its markers are written.
        ends = await self._watermarks.ask(list(partitions))
        begins = await self._consumer.beginning_offsets(list(partitions))
        return [Span(partition, begins[partition], ends[partition]) for partition in partitions]

    async def records(
        self, span: Span, progress: Progress, *, wait_for_ever: bool = True
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """The committed records of a span, in order, some at a time: never more of them in memory than those.

        Unless it is to wait for ever, it ends early, with a note, where nothing comes for `PATIENCE` seconds.
        """
        partition, position = span.partition, span.begin
        self._consumer.assign([partition])
        self._consumer.seek(partition, position)
        moved = self._clock()
        while position < span.end:
            got = await self._consumer.getmany(partition, timeout_ms=POLL_MS, max_records=READ_AT_ONCE)
            records = [record for record in got.get(partition, ()) if record.offset < span.end]
            if records:
                yield records
            # The position, not the last record: the end may be a transaction's marker or a compacted hole.
            now_at = min(await self._consumer.position(partition), span.end)
            if now_at > position:
                progress.add(now_at - position)
                position, moved = now_at, self._clock()
            elif not wait_for_ever and self._clock() - moved > PATIENCE:
                note(
                    f"note: a transaction is open on {partition.topic} {partition.partition} at offset {position}; "
                    "what it holds is not looked at. Was a worker killed? It ends by itself within a minute"
                )
                return

    async def entries(
        self, ledger: Span, progress: Progress, *, internal: bool = False
    ) -> AsyncIterator[tuple[str, bytes | None]]:
        """Document keys and values of a ledger partition, in order; a later one replaces an earlier; None deletes it.

        The engine's own records are left out unless they are asked for. For `consumers.export.ledger.document_state.decode`.
        """
        async for records in self.records(ledger, progress, wait_for_ever=False):
            for record in records:
                if isinstance(record, Unreadable):
                    raise UnreadableRecordsError(record)
                key = record.key.decode()
                if internal or not key.startswith(INTERNAL):
                    yield key, record.value


@asynccontextmanager
async def reader_of(settings: Settings) -> AsyncIterator[Reader]:
    """A reader that is connected."""
    kafka: Mapping[str, object] = kafka_options(settings)
    consumer = TolerantKafkaReader(
        **kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # what retention deletes while it is read is left out
        isolation_level="read_committed",
        check_crcs=settings.check_crcs,
    )
    watermarks = HighWatermarks(kafka)
    try:
        await watermarks.start()
        await consumer.start()
        yield Reader(consumer, watermarks)
    finally:
        await stop_client(consumer)
        await stop_client(watermarks)


async def partitions_of(settings: Settings, topics: Sequence[str]) -> list[TopicPartition]:
    """All partitions of topics.

    Raises:
        CommandError: One of them does not exist.
        KafkaError: The broker refused.
    """
    async with admin_of(settings) as admin:
        facts = await describe(admin, topics)
    if absent := [topic for topic in topics if topic not in facts]:
        raise CommandError(f"{absent[0]} does not exist; see alvys-sage topics")
    return [TopicPartition(topic, number) for topic in topics for number in range(facts[topic].partitions)]


async def documents(
    settings: Settings, sources: Sequence[str], choose: Callable[[DocumentState, TopicPartition], Chosen | None]
) -> list[Chosen]:
    """What `choose` makes of the documents that the ledgers of these source topics know, without those it leaves out.

    It is given each entry that stood at some time, with its source partition; of a document the newest counts.

    Raises:
        CommandError: A ledger does not exist, or a record in it cannot be read.
        KafkaError: The broker refused.
    """
    ledgers = {settings.topics.ledger(source): source for source in sources}
    partitions = await partitions_of(settings, list(ledgers))
    found: list[Chosen] = []
    async with reader_of(settings) as reader:
        spans = await reader.whole(partitions)
        progress = Progress("reading ledgers", offsets_in(spans))
        for span in spans:
            source = TopicPartition(ledgers[span.partition.topic], span.partition.partition)
            here: dict[str, Chosen] = {}
            async for key, value in reader.entries(span, progress):
                here.pop(key, None)
                if value is None:
                    continue
                try:
                    entry = decode(key, value)
                except LedgerUnreadableError as error:
                    raise CommandError(f"{span.partition.topic}: the record of {key!r}: {error}") from None
                if (chosen := choose(entry, source)) is not None:
                    here[key] = chosen
            found += here.values()
    return found


def offsets_in(spans: Iterable[Span]) -> int:
    """How many offsets the spans have together, for a `Progress`."""
    return sum(map(len, spans))
