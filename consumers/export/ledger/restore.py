"""Step 0: fence the former owner of ledger partitions, and restore their entries."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.export import metrics
from consumers.export.ledger import generation
from consumers.export.ledger.document_state import key_of
from consumers.export.ledger.store import MEMORY, LedgerRecord, LedgerStore
from consumers.export.ledger.store_files import open_ledger
from kafka_client.high_watermarks import HighWatermarks
from kafka_client.reader import KafkaReader
from kafka_client.size_limits import LARGEST_RECORD
from kafka_client.stopping import stop_client

log = structlog.get_logger(__name__)

READ_AT_ONCE = 5_000
"""Ledger records per poll."""
PATIENCE = 300.0
"""Seconds that reading the ledgers may take."""


class LedgerPartitionMissingError(Exception):
    """A source topic has more partitions than its ledger: keys have moved, and the ledger does not know where to."""


def transactional_id(ledger: TopicPartition) -> str:
    """The transactional id of a ledger partition. A new owner fences the former one by initialising it.

    It does not depend on the group: two groups on one ledger would not fence each other, and each would answer from a
    stale copy.
    """
    return f"{ledger.topic}-{ledger.partition}"


async def fence(kafka: Mapping[str, object], ledgers: Sequence[TopicPartition]) -> list[AIOKafkaProducer]:
    """Start one producer per ledger partition, in parallel. This aborts the transactions a former owner left open.

    Raises:
        LedgerPartitionMissingError: A source has more partitions than its ledger, which is refused.
        KafkaError: The broker did not answer.
    """
    producers = [
        AIOKafkaProducer(
            **kafka,
            transactional_id=transactional_id(ledger),
            acks="all",
            linger_ms=0,
            max_request_size=LARGEST_RECORD,
        )
        for ledger in ledgers
    ]
    try:
        await asyncio.gather(*(producer.start() for producer in producers))
        await asyncio.gather(*map(_expect, producers, ledgers))
    except BaseException:  # cancelled, or a producer could not start: none may be left half open
        await asyncio.gather(*(stop_client(producer) for producer in producers), return_exceptions=True)
        raise
    return producers


async def restore(
    kafka: Mapping[str, object],
    ledgers: Sequence[TopicPartition],
    *,
    check_crcs: bool = True,
    state_dir: Path | None = None,
) -> dict[TopicPartition, LedgerStore]:
    """Read ledger partitions to their ends, committed records only. Call it after `fence`, never before.

    Records that a store in `state_dir` holds of the very same log are not read again. The caller closes the ledgers.

    Args:
        kafka: Keywords for every aiokafka client.
        ledgers: The ledger partitions.
        check_crcs: False only for librdkafka's mock cluster.
        state_dir: Directory of the local stores. None: the stores are temporary.

    Raises:
        TimeoutError: The end was not reached within `PATIENCE`.
        ValueError: A record cannot be read; posting without it could post twice.
        KafkaError: The broker did not answer.
    """
    consumer = KafkaReader(
        **kafka, group_id=None, enable_auto_commit=False, isolation_level="read_committed", check_crcs=check_crcs
    )
    # A new client first asks for the topic's leaders, and then waits this long before it asks again.
    watermarks = HighWatermarks({**kafka, "retry_backoff_ms": 10})
    try:
        async with asyncio.timeout(PATIENCE):
            await watermarks.start()
            await consumer.start()
            # The end is the high watermark, not the last stable offset: a commit returns before its markers are
            # written. The fence has waited for them, so no transaction is open, and the position reaches the watermark.
            ends = await watermarks.ask(list(ledgers))
            try:
                return await _opened(consumer, ends, {each: open_ledger(state_dir, each) for each in ledgers})
            except sqlite3.Error as error:
                # The disk is full or fails, and the stores are deleted. Go on in memory: the topic is authoritative.
                log.warning("ledger kept in memory", partitions=len(ledgers), reason=str(error))
                return await _opened(consumer, ends, {each: LedgerStore(MEMORY) for each in ledgers})
    finally:
        await stop_client(consumer)
        await stop_client(watermarks)


async def _expect(producer: AIOKafkaProducer, ledger: TopicPartition) -> None:
    if ledger.partition not in await producer.partitions_for(ledger.topic):
        raise LedgerPartitionMissingError(
            f"{ledger.topic} has no partition {ledger.partition}: a source's partition count may not change"
        )


async def _opened(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], copies: dict[TopicPartition, LedgerStore]
) -> dict[TopicPartition, LedgerStore]:
    try:
        await _read_on(consumer, ends, copies)
    except BaseException as error:  # cancelled too: a file left open would be locked for the next attempt
        for copy in copies.values():
            if isinstance(error, sqlite3.Error):
                copy.discard()
            else:
                copy.close()
        raise
    return copies


async def _read_on(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], copies: Mapping[TopicPartition, LedgerStore]
) -> None:
    believed = await _believed(consumer, ends, copies)
    consumer.assign(list(ends))
    for ledger, checkpoint in believed.items():
        consumer.seek(ledger, checkpoint)
    if fresh := ends.keys() - believed.keys():  # without arguments, `seek_to_beginning` would move every partition
        await consumer.seek_to_beginning(*fresh)
    missing = {ledger for ledger, end in ends.items() if await consumer.position(ledger) < end}
    while missing:
        for ledger, records in (await consumer.getmany(timeout_ms=100, max_records=READ_AT_ONCE)).items():
            metrics.RESTORED.labels(ledger.topic).inc(len(records))
            copies[ledger].apply(map(_change, records), records[-1].offset + 1)
        # Compare the position, not the last record: the end may be a transaction's marker or a compacted hole.
        missing = {ledger for ledger in missing if await consumer.position(ledger) < ends[ledger]}
    for ledger, end in ends.items():
        copies[ledger].apply([], end)


async def _believed(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], copies: Mapping[TopicPartition, LedgerStore]
) -> dict[TopicPartition, int]:
    """The offset to read on from, for each store that is of this log and not ahead of it. Other stores are emptied."""
    held = {ledger: at for ledger, copy in copies.items() if (at := copy.checkpoint) is not None}
    behind = {ledger: copies[ledger] for ledger, checkpoint in held.items() if checkpoint <= ends[ledger]}
    same = await generation.unchanged(consumer, ends, behind)
    for ledger in held.keys() - same:
        log.info("ledger store is not of this topic; it is built anew", ledger=f"{ledger.topic}-{ledger.partition}")
        copies[ledger].clear()
    return {ledger: held[ledger] for ledger in same}


def _change(record: ConsumerRecord) -> LedgerRecord:
    return LedgerRecord(key_of(record.key), record.value, offset=record.offset)
