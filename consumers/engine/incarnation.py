"""The mark of a ledger partition: which log this is, and how many partitions its ledger had when it began.

A topic that was deleted and made anew has the same name, and soon as many records as before: only a record of its own
tells it apart from the one that a store was read from. And a source that grew together with its ledger looks well from
outside, though keys have moved to partitions whose ledger does not know them: only a number written down tells.

The mark is the first record that the service writes to a ledger partition, once. Compaction keeps it for ever at its
offset, so that one record to be read says whether a store may be believed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from consumers.engine.ledger import INTERNAL
from consumers.engine.ledger_store import Change, Ledger
from consumers.stopping import stop_client

MARK = f"{INTERNAL}incarnation"


class PartitionsChangedError(Exception):
    """A ledger has another number of partitions than when it began: keys have moved away from what is known of them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the record says."""

    id: str
    partitions: int


def encode(mark: Mark) -> bytes:
    """The record's value."""
    return orjson.dumps(mark)


def decode(value: bytes) -> Mark:
    """Read it back.

    Raises:
        ValueError, KeyError: it is no mark.
    """
    body = orjson.loads(value)
    return Mark(str(body["id"]), int(body["partitions"]))


async def begin(
    kafka: Mapping[str, object],
    producers: Mapping[TopicPartition, AIOKafkaProducer],
    restored: Mapping[TopicPartition, Ledger],
    *,
    check_crcs: bool = True,
) -> None:
    """Refuse ledgers that have another number of partitions than when they began; mark those that begin.

    Raises:
        PartitionsChangedError: they have.
        KafkaError: the broker did not answer.
    """
    counts = {ledger.topic: len(await producers[ledger].partitions_for(ledger.topic)) for ledger in producers}
    begun: set[TopicPartition] = set()
    for ledger, copy in restored.items():
        if (value := copy.internal(MARK)) is not None:
            _expect(counts, ledger, value)
            begun.add(ledger)
    new = restored.keys() - begun
    if not new:
        return
    # A partition that was added knows nothing; its elders do.
    elders = [TopicPartition(topic, n) for topic in {each.topic for each in new} for n in range(counts[topic])]
    for elder, value in (await _first_marks(kafka, elders, check_crcs=check_crcs)).items():
        _expect(counts, elder, value)
    await asyncio.gather(*(_mark(ledger, counts[ledger.topic], producers[ledger], restored[ledger]) for ledger in new))


def _expect(counts: Mapping[str, int], ledger: TopicPartition, value: bytes) -> None:
    was, now = decode(value).partitions, counts[ledger.topic]
    if was != now:
        raise PartitionsChangedError(
            f"{ledger.topic} began with {was} partitions and has {now}: a source's partition count may not change, "
            "since its keys move to partitions whose ledger does not know them. Put new events on a new topic, and "
            "set the source's name to it."
        )


async def _mark(ledger: TopicPartition, partitions: int, producer: AIOKafkaProducer, copy: Ledger) -> None:
    value = encode(Mark(uuid4().hex, partitions))  # not from the injected chance: no two logs may ever share it
    await producer.begin_transaction()
    sent = await producer.send(ledger.topic, key=MARK.encode(), value=value, partition=ledger.partition)
    offset = (await sent).offset
    await producer.commit_transaction()
    copy.apply([Change(MARK, value, offset=offset)], offset + 1)


async def _first_marks(
    kafka: Mapping[str, object], ledgers: list[TopicPartition], *, check_crcs: bool
) -> dict[TopicPartition, bytes]:
    """The marks of those that begin with one; the others are empty or older than marks are."""
    consumer = AIOKafkaConsumer(
        **kafka, group_id=None, enable_auto_commit=False, isolation_level="read_committed", check_crcs=check_crcs
    )
    try:
        await consumer.start()
        firsts = await consumer.beginning_offsets(ledgers)
        found = await first_records(consumer, firsts, await consumer.end_offsets(ledgers))
    finally:
        await stop_client(consumer)
    return {ledger: value for ledger, (_, key, value) in found.items() if key == MARK.encode() and value is not None}


async def same(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], copies: Mapping[TopicPartition, Ledger]
) -> set[TopicPartition]:
    """Those whose topic is still the one that their copy was read from."""
    marks = {ledger: at for ledger, copy in copies.items() if (at := copy.internal_offset(MARK)) is not None}
    found = await first_records(consumer, marks, ends)
    return {
        ledger
        for ledger, (offset, key, value) in found.items()
        if offset == marks[ledger] and key == MARK.encode() and value == copies[ledger].internal(MARK)
    }


async def first_records(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of the first committed record at or after each start; left out where there is none.

    The consumer is assigned these partitions, and left somewhere in them.
    """
    found: dict[TopicPartition, tuple[int, bytes | None, bytes | None]] = {}
    missing = {ledger for ledger, start in starts.items() if start < ends[ledger]}
    if missing:
        consumer.assign(list(missing))
    for ledger in missing:
        consumer.seek(ledger, starts[ledger])
    while missing:
        for ledger, records in (await consumer.getmany(*missing, timeout_ms=100, max_records=1)).items():
            found[ledger] = (records[0].offset, records[0].key, records[0].value)
            missing.discard(ledger)
        missing = {ledger for ledger in missing if await consumer.position(ledger) < ends[ledger]}
    return found
