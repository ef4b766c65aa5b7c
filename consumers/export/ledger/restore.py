"""Step 0: restore the entries of ledger partitions, after their former owner was fenced."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from aiokafka import ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.export import metrics
from consumers.export.ledger import generation
from consumers.export.ledger.codec import key_of
from consumers.export.ledger.damage import Damage, PartitionDamagedError
from consumers.export.ledger.store import MEMORY, LedgerRecord, LedgerStore
from consumers.export.ledger.store_files import open_ledger
from kafka_client.interface import KafkaClients
from kafka_client.read_to_end import LastStableOffset, PartitionReader, connected_reader

log = structlog.get_logger(__name__)

READ_AT_ONCE = 5_000
"""Ledger records per poll."""
PATIENCE = 120.0
"""Seconds without progress after which reading the ledgers is given up: a broker is away. A large ledger may take
longer than that as a whole."""

OF_THE_KILLED = LastStableOffset(
    "a worker or a restore that was killed leaves a transaction open for minutes, and a person waits. What it holds is "
    "not committed, and is seen by the next look"
)


async def restore(
    clients: KafkaClients,
    ledgers: Sequence[TopicPartition],
    *,
    state_dir: Path | None = None,
    only: LastStableOffset | None = None,
) -> dict[TopicPartition, LedgerStore]:
    """Read ledger partitions to their ends, committed records only. Call it after `fence`, never before.

    Records that a store in `state_dir` holds of the very same log are not read again. The caller closes the ledgers.

    Args:
        clients: The factory of Kafka clients.
        ledgers: The ledger partitions.
        state_dir: Directory of the local stores. None: the stores are temporary.
        only: Read only to the last stable offsets, for a reader that fences nobody and posts nothing.

    Raises:
        TimeoutError: There was no progress for `PATIENCE`. A store in a directory keeps what was read.
        ValueError: A record cannot be read; posting without it could post twice.
        PartitionDamagedError: A ledger no longer holds what its local store has read, or records of it were deleted.
        KafkaError: The broker did not answer.
    """
    async with asyncio.timeout(PATIENCE) as limit, connected_reader(clients) as reader:
        ends = await reader.ends(ledgers, only=only)  # reached for certain: the fence has ended every open transaction
        try:
            return await _opened(reader, ends, {each: open_ledger(state_dir, each) for each in ledgers}, limit)
        except sqlite3.Error as error:
            # The disk is full or fails, and the stores are deleted. Go on in memory: the topic is authoritative.
            log.warning("ledger kept in memory", partitions=len(ledgers), reason=str(error))
            return await _opened(reader, ends, {each: LedgerStore(MEMORY) for each in ledgers}, limit)


async def restore_undamaged(
    clients: KafkaClients, ledgers: Sequence[TopicPartition], *, state_dir: Path | None = None
) -> tuple[dict[TopicPartition, LedgerStore], Mapping[TopicPartition, Damage]]:
    """Restore the ledgers that are whole, beside running workers, for commands that only look.

    Arguments and errors as of `restore`, but for `PartitionDamagedError`.

    Returns:
        The restored ledgers, which the caller closes, and the damage of the others.
    """
    try:
        return await restore(clients, ledgers, state_dir=state_dir, only=OF_THE_KILLED), {}
    except PartitionDamagedError as error:
        whole = [each for each in ledgers if each not in error.damages]
        return await restore(clients, whole, state_dir=state_dir, only=OF_THE_KILLED), error.damages


async def _opened(
    reader: PartitionReader,
    ends: Mapping[TopicPartition, int],
    copies: dict[TopicPartition, LedgerStore],
    limit: asyncio.Timeout,
) -> dict[TopicPartition, LedgerStore]:
    try:
        await _read_on(reader, ends, copies, limit)
    except BaseException as error:  # cancelled too: a file left open would be locked for the next attempt
        for copy in copies.values():
            if isinstance(error, sqlite3.Error):
                copy.discard()
            else:
                copy.close()
        raise
    return copies


async def _read_on(
    reader: PartitionReader,
    ends: Mapping[TopicPartition, int],
    copies: Mapping[TopicPartition, LedgerStore],
    limit: asyncio.Timeout,
) -> None:
    compared = await generation.compare(reader, ends, copies)
    if compared.damages:
        raise PartitionDamagedError(compared.damages)
    for ledger in ends.keys() - compared.read_on.keys():
        if ledger in compared.outdated:
            log.info("the local store of a ledger is built anew", ledger=f"{ledger.topic}-{ledger.partition}")
        copies[ledger].clear()
    await reader.assign(ends, compared.read_on)
    async for batch in reader.read_to(ends, max_records=READ_AT_ONCE):
        metrics.RESTORED.labels(batch.partition.topic).inc(len(batch.records))
        copies[batch.partition].apply(map(_change, batch.records), batch.position)
        limit.reschedule(asyncio.get_running_loop().time() + PATIENCE)
    for ledger, end in ends.items():
        copies[ledger].apply([], end)


def _change(record: ConsumerRecord) -> LedgerRecord:
    return LedgerRecord(key_of(record.key), record.value, offset=record.offset)
