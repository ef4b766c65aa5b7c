"""Topic reader for commands: it reads ledgers, and any other partition, without a group and without disturbing workers.

A worker restores its ledgers after fencing former owners (`consumers.export.ledger.restore`). A command fences nobody,
so that it can run beside workers. It reads committed records only, up to the end as of its start, and does not wait
for a transaction that stays open.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import ConsumerRecord, TopicPartition

from app.errors import CommandError
from app.kafka import admin_of, clients_of
from app.output import note
from app.progress import Progress
from app.settings import Settings
from consumers.export.ledger.codec import LedgerUnreadableError, decode
from consumers.export.protocol.document_state import INTERNAL, DocumentState
from kafka_client.read_to_end import PartitionReader, StalledError, connected_reader
from kafka_client.topics import describe
from kafka_client.unreadable import Unreadable, UnreadableRecordsError

Chosen = TypeVar("Chosen")

READ_AT_ONCE = 2_000
PATIENCE = 5.0
"""Seconds without progress after which the rest counts as part of an open transaction.

A worker's transaction takes some 30 ms. The transaction of a killed worker stays open for up to a minute.
"""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """A range of offsets of one partition: `begin` is included, `end` is not."""

    partition: TopicPartition
    begin: int
    end: int

    def __len__(self) -> int:
        """The number of offsets in the range. The records in it may be fewer."""
        return max(self.end - self.begin, 0)


class TopicReader:
    """Reader of offset ranges, one after the other, with one consumer.

    Args:
        reader: A connected reader; it should be a tolerant one.
    """

    def __init__(self, reader: PartitionReader) -> None:
        self._reader = reader

    async def whole(self, partitions: Sequence[TopicPartition]) -> list[OffsetRange]:
        """Get the whole offset range of each partition, as of some moment after this call.

        Raises:
            KafkaError: The broker refused.
        """
        ends = await self._reader.ends(partitions)
        begins = await self._reader.begins(partitions)
        return [OffsetRange(partition, begins[partition], ends[partition]) for partition in partitions]

    async def records(
        self, span: OffsetRange, progress: Progress, *, wait_for_ever: bool = True
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """Read the committed records of a range in order, in batches, so that only one batch is in memory.

        Args:
            span: The range.
            progress: Is advanced by the offsets read.
            wait_for_ever: If False, reading ends early, with a note to the person, when no record arrives for
                `PATIENCE` seconds.
        """
        if not span:
            return
        partition, position = span.partition, span.begin
        await self._reader.assign([partition], {partition: position})
        batches = self._reader.read_to(
            {partition: span.end}, max_records=READ_AT_ONCE, patience=None if wait_for_ever else PATIENCE
        )
        try:
            async for batch in batches:
                if records := [record for record in batch.records if record.offset < span.end]:
                    yield records
                reached = min(batch.position, span.end)
                progress.add(reached - position)
                position = reached
        except StalledError as stalled:
            note(
                f"note: a transaction is open on {partition.topic} {partition.partition} at offset {stalled.position}; "
                "what it holds is not looked at. Was a worker killed? It ends by itself within a minute"
            )

    async def entries(
        self, ledger: OffsetRange, progress: Progress, *, internal: bool = False
    ) -> AsyncIterator[tuple[str, bytes | None]]:
        """Read the document keys and undecoded values of a ledger partition, in order.

        A later value of a key replaces an earlier one; None deletes it. Decode values by
        `consumers.export.ledger.codec`.

        Args:
            ledger: The range of the ledger partition.
            progress: Is advanced by the offsets read.
            internal: Whether to include the export's internal records.

        Raises:
            UnreadableRecordsError: A record cannot be read.
        """
        async for records in self.records(ledger, progress, wait_for_ever=False):
            for record in records:
                if isinstance(record, Unreadable):
                    raise UnreadableRecordsError(record)
                key = record.key.decode()
                if internal or not key.startswith(INTERNAL):
                    yield key, record.value


@asynccontextmanager
async def reader_of(settings: Settings) -> AsyncIterator[TopicReader]:
    """Connect a reader, and disconnect it at the end of the `async with` block."""
    async with connected_reader(clients_of(settings), tolerant=True) as reader:
        yield TopicReader(reader)


async def partitions_of(settings: Settings, topics: Sequence[str]) -> list[TopicPartition]:
    """List all partitions of the given topics.

    Raises:
        CommandError: A topic does not exist.
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
    """Read the ledgers of these source topics, and collect the result of `choose` for each document.

    Args:
        settings: Where the broker and the topics are.
        sources: The full names of the source topics.
        choose: Called with each ledger entry, former ones included, and the source partition. Returns None to leave the
            document out. Only the result for a document's newest entry is kept.

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


def offsets_in(spans: Iterable[OffsetRange]) -> int:
    """The total number of offsets in the ranges, for a `Progress`."""
    return sum(map(len, spans))
