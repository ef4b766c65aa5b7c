"""Step 0: fence the former owner of ledger partitions and restore what they hold."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from consumers.engine.ledger import INTERNAL, Ledger, decode, key_of
from consumers.engine.sizes import LARGEST_RECORD
from consumers.high_watermarks import HighWatermarks

READ_AT_ONCE = 5_000
PATIENCE = 300.0
"""Seconds that reading the ledgers may take."""


class LedgerPartitionMissingError(Exception):
    """A source topic has more partitions than its ledger: keys have moved, and the ledger does not know where to."""


def transactional_id(ledger: TopicPartition) -> str:
    """One id per ledger partition: whoever is to write it fences the former owner by initialising it.

    Not per group: two groups on one ledger would not fence each other, and each would answer from a stale copy.
    """
    return f"{ledger.topic}-{ledger.partition}"


async def fence(kafka: Mapping[str, object], ledgers: Sequence[TopicPartition]) -> list[AIOKafkaProducer]:
    """A producer per ledger partition, side by side. What a former owner left open is aborted by this.

    Raises:
        LedgerPartitionMissingError: the partition count of a source has changed, which is refused.
        KafkaError: the broker did not answer.
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
    except BaseException:  # cancelled, or one could not start: none may be left half open
        await asyncio.gather(*(producer.stop() for producer in producers), return_exceptions=True)
        raise
    return producers


async def restore(
    kafka: Mapping[str, object], ledgers: Sequence[TopicPartition], *, check_crcs: bool = True
) -> dict[TopicPartition, Ledger]:
    """Read ledger partitions to their ends, committed records only. To be called after `fence`, never before.

    Raises:
        TimeoutError: the end was not reached within `PATIENCE`.
        ValueError: a record cannot be read; posting without it could post twice.
        KafkaError: the broker did not answer.
    """
    consumer = AIOKafkaConsumer(
        **kafka, group_id=None, enable_auto_commit=False, isolation_level="read_committed", check_crcs=check_crcs
    )
    watermarks = HighWatermarks(kafka)
    try:
        async with asyncio.timeout(PATIENCE):
            await watermarks.start()
            await consumer.start()
            # Not the last stable offset: a commit returns before its markers are written. Fencing waited for them, so
            # that nothing is open here any more and the position does reach the high watermark.
            return await _read(consumer, await watermarks.ask(list(ledgers)))
    finally:
        await consumer.stop()
        await watermarks.stop()


async def _expect(producer: AIOKafkaProducer, ledger: TopicPartition) -> None:
    if ledger.partition not in await producer.partitions_for(ledger.topic):
        raise LedgerPartitionMissingError(
            f"{ledger.topic} has no partition {ledger.partition}: a source's partition count may not change"
        )


async def _read(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, Ledger]:
    restored = {ledger: Ledger() for ledger in ends}
    consumer.assign(list(ends))
    await consumer.seek_to_beginning(*ends)
    missing = {ledger for ledger, end in ends.items() if await consumer.position(ledger) < end}
    while missing:
        for ledger, records in (await consumer.getmany(timeout_ms=100, max_records=READ_AT_ONCE)).items():
            for record in records:
                key = key_of(record.key)
                if record.value is None:
                    restored[ledger].drop(key)
                elif key.startswith(INTERNAL):
                    restored[ledger].put_internal(key, record.value)
                else:
                    restored[ledger].put(decode(key, record.value))
        # The position, not the last record: the end may be a transaction's marker or a compacted hole.
        missing = {ledger for ledger in missing if await consumer.position(ledger) < ends[ledger]}
    return restored
