"""The mark of a ledger partition: which log it is, and how many partitions its ledger had at the start.

A topic that was deleted and created again has the same name, and soon as many records as before. Only a record of its
own distinguishes it from the topic that a local store was read from. And if a source and its ledger both got more
partitions, nothing looks wrong, although keys have moved to partitions whose ledger does not know them. Only a stored
number reveals that.

The mark is the first record that the service writes to a ledger partition, once. Compaction keeps it at its offset for
ever, so reading one record shows whether a local store may be trusted.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import orjson
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from consumers.export.ledger.store import LedgerRecord, LedgerStore
from consumers.export.protocol.document_state import INTERNAL
from kafka_client.interface import KafkaClients, Producer
from kafka_client.read_to_end import LastStableOffset, PartitionReader, connected_reader

OF_OTHERS = LastStableOffset(
    "a transaction that another worker left open must not hold up this one for a minute. A mark that is missed here "
    "was written a moment ago, by a worker that counted the same partitions"
)
MARK = f"{INTERNAL}incarnation"
"""Name of the internal record that holds the mark."""


MAY_NOT = (
    "a source's partition count may not change, since its keys move to partitions whose ledger does not know them. Put "
    "new events on a new topic, and set the source's name to it."
)


class PartitionsChangedError(Exception):
    """A ledger has another number of partitions than at its start: keys have moved away from their entries."""


@dataclass(frozen=True, slots=True)
class TopicGeneration:
    """The content of the mark's record."""

    id: str
    """A random id of the log."""
    partitions: int
    """The number of partitions that the ledger topic had at the start."""


def encode(mark: TopicGeneration) -> bytes:
    """Encode the mark as the record's value."""
    return orjson.dumps(mark)


def decode(value: bytes) -> TopicGeneration:
    """Decode a record's value.

    Raises:
        ValueError: The value is no mark.
    """
    return _STORED.validate_json(value)


_STORED = TypeAdapter(TopicGeneration)


async def stamp_or_check(
    clients: KafkaClients,
    producers: Mapping[TopicPartition, Producer],
    restored: Mapping[TopicPartition, LedgerStore],
) -> None:
    """Check the partition counts of ledgers that have a mark, and write a mark to those that have none.

    Args:
        clients: The factory of Kafka clients.
        producers: The fencing producer of each ledger partition.
        restored: The restored ledgers.

    Raises:
        PartitionsChangedError: A ledger has another number of partitions than at its start.
        KafkaError: The broker did not answer.
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
    # A new partition has no mark to compare with; the partitions that existed before have one.
    existing = [TopicPartition(topic, n) for topic in {each.topic for each in new} for n in range(counts[topic])]
    for one, value in (await _first_marks(clients, existing)).items():
        _expect(counts, one, value)
    await asyncio.gather(*(_mark(ledger, counts[ledger.topic], producers[ledger], restored[ledger]) for ledger in new))


def _expect(counts: Mapping[str, int], ledger: TopicPartition, value: bytes) -> None:
    was, now = decode(value).partitions, counts[ledger.topic]
    if was != now:
        raise PartitionsChangedError(f"{ledger.topic} began with {was} partitions and has {now}: {MAY_NOT}")


async def _mark(ledger: TopicPartition, partitions: int, producer: Producer, copy: LedgerStore) -> None:
    value = encode(
        TopicGeneration(uuid4().hex, partitions)
    )  # real randomness, not the injected one: no two logs may share an id
    await producer.begin_transaction()
    sent = await producer.send(ledger.topic, key=MARK.encode(), value=value, partition=ledger.partition)
    offset = (await sent).offset
    await producer.commit_transaction()
    copy.apply([LedgerRecord(MARK, value, offset=offset)], offset + 1)


async def _first_marks(clients: KafkaClients, ledgers: list[TopicPartition]) -> dict[TopicPartition, bytes]:
    """The marks of partitions that begin with one. Other partitions are empty, or older than marks are."""
    async with connected_reader(clients) as reader:
        found = await first_records(reader, await reader.begins(ledgers), await reader.ends(ledgers, only=OF_OTHERS))
    return {ledger: value for ledger, (_, key, value) in found.items() if key == MARK.encode() and value is not None}


async def unchanged(
    reader: PartitionReader, ends: Mapping[TopicPartition, int], copies: Mapping[TopicPartition, LedgerStore]
) -> set[TopicPartition]:
    """The ledger partitions whose topic is still the one that their local store was read from."""
    marks = {ledger: at for ledger, copy in copies.items() if (at := copy.internal_offset(MARK)) is not None}
    found = await first_records(reader, marks, ends)
    return {
        ledger
        for ledger, (offset, key, value) in found.items()
        if offset == marks[ledger] and key == MARK.encode() and value == copies[ledger].internal(MARK)
    }


async def first_records(
    reader: PartitionReader, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, tuple[int, bytes | None, bytes | None]]:
    """Read the first committed record at or after each start offset: its offset, key and value.

    A partition without such a record is left out. The reader is assigned these partitions, and its positions in them
    are arbitrary afterwards.
    """
    found: dict[TopicPartition, tuple[int, bytes | None, bytes | None]] = {}
    inside = {ledger: start for ledger, start in starts.items() if start < ends[ledger]}
    if not inside:
        return found
    await reader.assign(inside, inside)
    limits = {ledger: ends[ledger] for ledger in inside}
    async for batch in reader.read_to(limits, enough=found.__contains__, max_records=1):
        if batch.records:
            first = batch.records[0]
            found[batch.partition] = (first.offset, first.key, first.value)
    return found
