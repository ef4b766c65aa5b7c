"""`transactions`: one Kafka transaction a document against one a batch, on a real broker.

A transaction holds what the service's does for each document: a result, a ledger entry, and the source's offset.
"""

import asyncio
from time import perf_counter
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from bench.measure import BenchResult, Figure, Size, middle, real_broker
from kafka_client.admin import AdminClient

BATCH = 100
IN_BATCHES = 2_000
ONE_BY_ONE = 60
RECORD = b"x" * 1_500
"""About the size of a result of five lines."""
TOPICS = ("source", "ledger", "results")


def run(size: Size) -> BenchResult:
    """Both ways, one partition."""
    with real_broker() as broker:
        single, batched = asyncio.run(_measure(broker.bootstrap, size))
    return BenchResult(
        "transactions",
        "Kafka transactions of one partition",
        [
            Figure("one document a transaction", single, "documents/s", 1.0),
            Figure(f"{BATCH} documents a transaction", batched, "documents/s", batched / single),
            Figure("one transaction of one document", 1000 / single, "ms"),
            Figure(f"one transaction of {BATCH} documents", 1000 * BATCH / batched, "ms"),
        ],
    )


async def _measure(bootstrap: str, size: Size) -> tuple[float, float]:
    prefix = f"bench-{uuid4().hex[:8]}-"
    topics = [prefix + name for name in TOPICS]
    await create(bootstrap, topics)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{prefix}id", acks="all")
    await producer.start()
    try:
        # A broker acknowledges a topic before its metadata shows it.
        await asyncio.gather(*map(producer.partitions_for, topics))
        await _transactions(producer, prefix, BATCH, BATCH)  # the first one starts what all others use
        single = [await _transactions(producer, prefix, size.of(ONE_BY_ONE), 1) for _ in range(size.runs)]
        batched = [await _transactions(producer, prefix, size.of(IN_BATCHES), BATCH) for _ in range(size.runs)]
    finally:
        await producer.stop()
    return middle(size, iter(single).__next__), middle(size, iter(batched).__next__)


async def _transactions(producer: AIOKafkaProducer, prefix: str, documents: int, batch: int) -> float:
    """Documents per second."""
    source = TopicPartition(f"{prefix}source", 0)
    began = perf_counter()
    for start in range(0, documents, batch):
        async with producer.transaction():
            sent = []
            for number in range(start, min(start + batch, documents)):
                key = b"invoice/%d" % number
                sent.append(await producer.send(f"{prefix}ledger", RECORD, key, partition=0))
                sent.append(await producer.send(f"{prefix}results", RECORD, key))
            await producer.send_offsets_to_transaction({source: OffsetAndMetadata(start + batch, "")}, f"{prefix}group")
            await asyncio.gather(*sent)
    return documents / (perf_counter() - began)


async def create(bootstrap: str, topics: list[str]) -> None:
    """Topics of one partition."""
    admin = AdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1) for topic in topics])
    finally:
        await admin.close()
