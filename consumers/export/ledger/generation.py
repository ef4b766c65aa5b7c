"""The mark of a ledger partition: which log it is, and how many partitions its ledger had at the start.

A topic that was deleted and created again has the same name, and soon as many records as before. Only a record of its
own distinguishes it from the topic that a local store was read from. And if a source and its ledger both got more
partitions, nothing looks wrong, although keys have moved to partitions whose ledger does not know them. Only a stored
number reveals that.

The mark is the first record that the service writes to a ledger partition, once. Compaction keeps it at its offset for
ever, so reading one record shows whether a local store may be trusted.

A second record holds the ids that the cluster gave to the ledger topic and to its source. A topic that was copied, into
another cluster or from a backup, has the same records, at offsets that may differ, and another id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import orjson
from aiokafka.structs import TopicPartition
from pydantic import TypeAdapter

from consumers.export.ledger.damage import (
    READ_AGAIN,
    RESTORE,
    Damage,
    PartitionDamagedError,
    PartitionFault,
    SourcePosition,
    empty_ledger,
)
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
TOPICS = f"{INTERNAL}topics"
"""Name of the internal record that holds the ids of the ledger topic and its source."""

MAY_NOT = (
    "a source's partition count may not change, since its keys move to partitions whose ledger does not know them. Go "
    "on with a new topic of the former count, and move the ledger to it: docs/operation.md, Partitions."
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
    follows: tuple[str, ...] = ()
    """The ids of the logs that it was restored from: a local store of one of them may be replaced."""


@dataclass(frozen=True, slots=True)
class TopicIds:
    """The content of the record with the ids that the cluster gave. None: it gave none."""

    ledger: str | None
    source: str | None


def encode(mark: TopicGeneration) -> bytes:
    """Encode the mark as the record's value."""
    told = {"id": mark.id, "partitions": mark.partitions}
    return orjson.dumps(told | {"follows": mark.follows} if mark.follows else told)


def decode(value: bytes) -> TopicGeneration:
    """Decode a record's value.

    Raises:
        ValueError: The value is no mark.
    """
    return _STORED.validate_json(value)


_STORED = TypeAdapter(TopicGeneration)
_STORED_IDS = TypeAdapter(TopicIds)


def encode_ids(ids: TopicIds) -> bytes:
    """Encode the ids as the record's value."""
    return orjson.dumps(ids)


def decode_ids(value: bytes) -> TopicIds:
    """Decode a record's value.

    Raises:
        ValueError: The value holds no ids.
    """
    return _STORED_IDS.validate_json(value)


async def stamp_or_check(
    clients: KafkaClients,
    producers: Mapping[TopicPartition, Producer],
    restored: Mapping[TopicPartition, LedgerStore],
    positions: Mapping[TopicPartition, SourcePosition],
) -> None:
    """Check the partition counts and topic ids of ledgers that have a mark, and write a mark to those that begin.

    Args:
        clients: The factory of Kafka clients.
        producers: The fencing producer of each ledger partition.
        restored: The restored ledgers.
        positions: The source partition of each ledger partition.

    Raises:
        PartitionsChangedError: A ledger has another number of partitions than at its start.
        PartitionDamagedError: A ledger is empty although its source was read, or a topic is not the one of its start.
        KafkaError: The broker did not answer.
    """
    counts = {ledger.topic: len(await producers[ledger].partitions_for(ledger.topic)) for ledger in producers}
    damages: dict[TopicPartition, Damage] = {}
    begun: set[TopicPartition] = set()
    for ledger, copy in restored.items():
        if (value := copy.internal(MARK)) is not None:
            _expect(counts, ledger, value)
            begun.add(ledger)
        if (damage := examine(ledger, value, copy.internal(TOPICS), positions[ledger], len(copy))) is not None:
            damages[ledger] = damage
    if damages:
        raise PartitionDamagedError(damages)
    new = restored.keys() - begun
    if new:
        # A new partition has no mark to compare with; the partitions that existed before have one.
        existing = [TopicPartition(topic, n) for topic in {each.topic for each in new} for n in range(counts[topic])]
        for one, value in (await _first_marks(clients, existing)).items():
            _expect(counts, one, value)
    await asyncio.gather(
        *(
            write(producers[ledger], ledger, copy, records)
            for ledger, copy in restored.items()
            if (records := _missing(copy, counts[ledger.topic], positions[ledger]))
        )
    )


async def begin_unread(
    clients: KafkaClients,
    producers: Mapping[TopicPartition, Producer],
    positions: Mapping[TopicPartition, SourcePosition],
) -> None:
    """Write a mark to the ledgers that begin, before the group's offsets are moved: afterwards they would look emptied.

    Args:
        clients: The factory of Kafka clients.
        producers: The fencing producer of each ledger partition.
        positions: The source partition of each ledger partition.

    Raises:
        PartitionDamagedError: A ledger is empty although its source was read.
        KafkaError: The broker did not answer.
    """
    marks = await _first_marks(clients, list(producers))
    new = [ledger for ledger in producers if ledger not in marks]
    damages = {ledger: each for ledger in new if (each := examine(ledger, None, None, positions[ledger], 0))}
    if damages:
        raise PartitionDamagedError(damages)
    for ledger in new:
        partitions = len(await producers[ledger].partitions_for(ledger.topic))
        await write(producers[ledger], ledger, None, [mark_record(partitions), *ids_records(positions[ledger])])


def examine(
    ledger: TopicPartition, mark: bytes | None, ids: bytes | None, position: SourcePosition, documents: int
) -> Damage | None:
    """The damage that a ledger's own records show, if any.

    Args:
        ledger: The ledger partition.
        mark: Its mark. None: it has none.
        ids: The value of its record `TOPICS`. None: it has none.
        position: Its source partition.
        documents: Number of documents that the ledger knows.
    """
    if mark is None:
        # A worker writes the mark before it commits any offset. Where the offset lies proves nothing: it may have been
        # set back for a replay, or what was read may have expired since.
        holds = f"{documents} documents and no mark of its beginning" if documents else "nothing"
        return empty_ledger(position, holds=holds) if position.committed is not None else None
    if ids is None:
        # The ids are written with the mark: a log that ends between them is the beginning of a copy.
        cut = position.committed is not None and position.ledger_id is not None and not documents
        return empty_ledger(position, holds="its mark and nothing else") if cut else None
    began = decode_ids(ids)
    if _differ(began.ledger, position.ledger_id):
        return Damage(
            PartitionFault.LEDGER_COPIED,
            f"its records were written to a topic with id {began.ledger}, and the id of {ledger.topic} is "
            f"{position.ledger_id}: it is a copy, which may lack the newest records",
            RESTORE,
        )
    if _differ(began.source, position.source_id):
        return Damage(
            PartitionFault.SOURCE_REPLACED,
            f"the topic {position.source.topic} had the id {began.source} and has {position.source_id}: it was deleted "
            "and created again, or copied, so that offsets mean other records",
            READ_AGAIN,
        )
    return None


def _differ(was: str | None, now: str | None) -> bool:
    return was is not None and now is not None and was != now


def _missing(copy: LedgerStore, partitions: int, position: SourcePosition) -> list[tuple[str, bytes]]:
    """The mark and the ids, if the ledger lacks them."""
    records: list[tuple[str, bytes]] = []
    if copy.internal(MARK) is None:
        records.append(mark_record(partitions))
    if copy.internal(TOPICS) is None:
        records += ids_records(position)
    return records


def mark_record(partitions: int, follows: tuple[str, ...] = ()) -> tuple[str, bytes]:
    """Make the record, name and value, of the mark of a log that begins now."""
    return MARK, encode(new_mark(partitions, follows))


def ids_records(position: SourcePosition) -> list[tuple[str, bytes]]:
    """Make the record, name and value, of the ids that the topics have now. Empty if the brokers know no ids."""
    if position.ledger_id is None:
        return []
    return [(TOPICS, encode_ids(TopicIds(position.ledger_id, position.source_id)))]


def new_mark(partitions: int, follows: tuple[str, ...] = ()) -> TopicGeneration:
    """Make the mark of a log that begins now."""
    return TopicGeneration(uuid4().hex, partitions, follows)  # real randomness: no two logs may share an id


def _expect(counts: Mapping[str, int], ledger: TopicPartition, value: bytes) -> None:
    was, now = decode(value).partitions, counts[ledger.topic]
    if was != now:
        raise PartitionsChangedError(f"{ledger.topic} began with {was} partitions and has {now}: {MAY_NOT}")


async def write(
    producer: Producer, ledger: TopicPartition, copy: LedgerStore | None, records: Sequence[tuple[str, bytes | None]]
) -> None:
    """Write internal records to a ledger partition, in one transaction, and to its local copy, if there is one.

    Raises:
        KafkaError: The broker refused; nothing was written.
    """
    await producer.begin_transaction()
    sent = [
        await producer.send(ledger.topic, key=name.encode(), value=value, partition=ledger.partition)
        for name, value in records
    ]
    offsets = [(await each).offset for each in sent]
    await producer.commit_transaction()
    changes = [LedgerRecord(name, value, offset=at) for (name, value), at in zip(records, offsets, strict=True)]
    if copy is not None:
        copy.apply(changes, offsets[-1] + 1)


async def _first_marks(clients: KafkaClients, ledgers: list[TopicPartition]) -> dict[TopicPartition, bytes]:
    """The marks of partitions that begin with one. Other partitions are empty, or older than marks are."""
    async with connected_reader(clients) as reader:
        found = await first_records(reader, await reader.begins(ledgers), await reader.ends(ledgers, only=OF_OTHERS))
    return {ledger: value for ledger, (_, key, value) in found.items() if key == MARK.encode() and value is not None}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How local stores compare with their ledger partitions."""

    read_on: Mapping[TopicPartition, int]
    """The offset from which each store lacks records, if it is of this log."""
    outdated: frozenset[TopicPartition]
    """The stores whose log was restored into this one, and those of another log that hold nothing to lose."""
    damages: Mapping[TopicPartition, Damage]


async def compare(
    reader: PartitionReader, ends: Mapping[TopicPartition, int], copies: Mapping[TopicPartition, LedgerStore]
) -> Comparison:
    """Compare local stores with their ledger partitions. Nothing is changed.

    Args:
        reader: A connected reader; its positions are arbitrary afterwards.
        ends: The ends of the ledger partitions.
        copies: The local stores; those that were never filled are in no part of the answer.

    Raises:
        KafkaError: The broker did not answer.
    """
    begins = await reader.begins(ends)
    damages = {ledger: _expired(begins[ledger]) for ledger in copies if begins[ledger]}
    stores = {ledger: copy for ledger, copy in copies.items() if ledger not in damages and _is_filled(copy)}
    same = await _unchanged(reader, ends, stores)
    others = {ledger: begins[ledger] for ledger in stores.keys() - same}
    marks = {ledger: _mark_in(found) for ledger, found in (await first_records(reader, others, ends)).items()}
    outdated: set[TopicPartition] = set()
    for ledger in others:
        held, mark = stores[ledger].internal(MARK), marks.get(ledger)
        restored = held is not None and mark is not None and decode(held).id in mark.follows
        if restored or not _may_be_last_copy(stores[ledger]):
            outdated.add(ledger)
        else:
            damages[ledger] = _replaced(len(stores[ledger]), holds_records=ends[ledger] > begins[ledger])
    read_on: dict[TopicPartition, int] = {}
    for ledger in same:
        at = stores[ledger].checkpoint or 0
        if at <= ends[ledger]:
            read_on[ledger] = at
        elif not _may_be_last_copy(stores[ledger]):
            outdated.add(ledger)
        else:
            damages[ledger] = _truncated(at, ends[ledger])
    return Comparison(read_on, frozenset(outdated), damages)


def _is_filled(copy: LedgerStore) -> bool:
    return copy.checkpoint is not None and (copy.internal(MARK) is not None or len(copy) > 0)


def _may_be_last_copy(copy: LedgerStore) -> bool:
    """Whether a local store holds documents, or records kept beside them. One without is no reason to hold anything."""
    return len(copy) > 0 or any("/" in name for name, _ in copy.all_internal())


def _mark_in(found: tuple[int, bytes | None, bytes | None]) -> TopicGeneration | None:
    _, key, value = found
    return decode(value) if key == MARK.encode() and value is not None else None


def _expired(begin: int) -> Damage:
    return Damage(
        PartitionFault.LEDGER_RECORDS_EXPIRED,
        f"its records before offset {begin} were deleted, by retention or by hand",
        RESTORE,
    )


def _replaced(documents: int, *, holds_records: bool) -> Damage:
    found = "holds the records of another log" if holds_records else "is empty"
    return Damage(
        PartitionFault.LEDGER_REPLACED if holds_records else PartitionFault.LEDGER_EMPTY,
        f"the local store knows {documents} documents of it, and the topic {found}: it was deleted and created again, "
        "or this is another cluster",
        f"{RESTORE} For another cluster, set ALVYS_SAGE_STATE_DIR to another directory.",
    )


def _truncated(checkpoint: int, end: int) -> Damage:
    return Damage(
        PartitionFault.LEDGER_TRUNCATED,
        f"the local store has read it up to offset {checkpoint}, and it ends at {end}: brokers have lost records that "
        "they had acknowledged",
        RESTORE,
    )


async def _unchanged(
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
