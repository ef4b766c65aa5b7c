"""Step 0: fence the former owner of source partitions and restore their ledgers."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from consumers.engine.ledger import Ledger, decode
from consumers.high_watermarks import HighWatermarks

READ_AT_ONCE = 5_000


def transactional_id(group_id: str, source: TopicPartition) -> str:
    """One id per source partition: whoever is assigned it fences the former owner by initialising it."""
    return f"{group_id}-{source.topic}-{source.partition}"


async def fence(
    kafka: Mapping[str, object], group_id: str, sources: Sequence[TopicPartition]
) -> list[AIOKafkaProducer]:
    """A producer per source partition, side by side. What a former owner left open is aborted by this."""
    producers = [
        AIOKafkaProducer(
            **kafka, transactional_id=transactional_id(group_id, source), acks="all", linger_ms=0, compression_type=None
        )
        for source in sources
    ]
    try:
        await asyncio.gather(*(producer.start() for producer in producers))
    except BaseException:  # cancelled, or one could not start: none may be left half open
        await asyncio.gather(*(producer.stop() for producer in producers), return_exceptions=True)
        raise
    return producers


async def restore(
    kafka: Mapping[str, object], ledgers: Sequence[TopicPartition], *, check_crcs: bool = True
) -> dict[TopicPartition, Ledger]:
    """Read ledger partitions to their ends, committed records only. To be called after `fence`, never before.

    Raises:
        ValueError: a record cannot be read; posting without it could post twice.
        KafkaError: the broker did not answer.
    """
    restored = {ledger: Ledger() for ledger in ledgers}
    consumer = AIOKafkaConsumer(
        **kafka, group_id=None, enable_auto_commit=False, isolation_level="read_committed", check_crcs=check_crcs
    )
    watermarks = HighWatermarks(kafka)
    try:
        await watermarks.start()
        await consumer.start()
        consumer.assign(list(ledgers))
        await consumer.seek_to_beginning(*ledgers)
        # Not the last stable offset: a commit returns before its markers are written. Fencing waited for them, so that
        # nothing is open here any more and the position does reach the high watermark.
        ends = await watermarks.ask(list(ledgers))
        missing = {ledger for ledger, end in ends.items() if await consumer.position(ledger) < end}
        while missing:
            for ledger, records in (await consumer.getmany(timeout_ms=100, max_records=READ_AT_ONCE)).items():
                for record in records:
                    key = record.key.decode()
                    if record.value is None:
                        restored[ledger].drop(key)
                    else:
                        restored[ledger].put(decode(key, record.value))
            # The position, not the last record: the end may be a transaction's marker or a compacted hole.
            missing = {ledger for ledger in missing if await consumer.position(ledger) < ends[ledger]}
    finally:
        await consumer.stop()
        await watermarks.stop()
    return restored
