"""Topics, records and transactions in a line each, for tests that are about something else."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import for_code
from confluent_kafka import admin as confluent

from kafka_client.admin import AdminClient
from kafka_client.clients import BrokerClients, Brokers

COMPACTED = {"cleanup.policy": "compact"}
READ_TIMEOUT = 30  # seconds


def clients_at(bootstrap: str) -> BrokerClients:
    """The factory of clients for a broker that asks nobody to sign in."""
    return BrokerClients(Brokers(bootstrap))


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AdminClient]:
    admin = AdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def create_topic(
    bootstrap: str, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
) -> list[TopicPartition]:
    """Create a topic and return its partitions. An existing topic is an error: two tests would share it."""
    async with admin_of(bootstrap) as admin:
        answer = await admin.create_topics(
            [NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=dict(config or {}))]
        )
        for _topic, code, text in answer.topic_errors:
            if code:
                raise for_code(code)(text)
        # The answer comes from the controller. A broker lists the topic only when it has read the controller's log.
        async with asyncio.timeout(READ_TIMEOUT):
            while (await admin.describe_topics([name]))[0]["error_code"]:  # noqa: ASYNC110 - Kafka tells no event
                await asyncio.sleep(0.02)
    return [TopicPartition(name, number) for number in range(partitions)]


@asynccontextmanager
async def producing(bootstrap: str, transactional_id: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer; with a transactional id, one that fenced its forerunners."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def reading(
    bootstrap: str, *partitions: TopicPartition, isolation: str = "read_committed"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer without a group, at the beginning of these partitions."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(list(partitions))
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def read_to_end(
    bootstrap: str, partitions: Sequence[TopicPartition], isolation: str = "read_committed"
) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    """Every record between the beginning and the high watermark of now.

    Not to what `end_offsets` says to a read_committed consumer: a commit returns before its markers are written, and
    until then that end is before the records just committed.

    Raises:
        TimeoutError: A transaction stayed open for `READ_TIMEOUT`; what it holds up cannot be read.
    """
    records: list[ConsumerRecord[bytes | None, bytes | None]] = []
    async with (
        asyncio.timeout(READ_TIMEOUT),
        reading(bootstrap, *partitions, isolation="read_uncommitted") as scout,
        reading(bootstrap, *partitions, isolation=isolation) as consumer,
    ):
        ends = await scout.end_offsets(list(partitions))
        # The position passes transaction markers and compacted holes, so it reaches the end without a record there.
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for batch in (await consumer.getmany(timeout_ms=50)).values():
                records.extend(batch)
    return records


def compress_topics(bootstrap: str, names: Sequence[str], codec: str) -> None:
    """Have the broker itself, so Java's libraries, compress all that these topics are sent."""
    kinds: Any = confluent  # its types leave out half of what it offers
    entry = kinds.ConfigEntry("compression.type", codec, incremental_operation=kinds.AlterConfigOpType.SET)
    resources = [
        kinds.ConfigResource(kinds.ConfigResource.Type.TOPIC, name, incremental_configs=[entry]) for name in names
    ]
    admin = kinds.AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.incremental_alter_configs(resources).values():
        done.result(30)
