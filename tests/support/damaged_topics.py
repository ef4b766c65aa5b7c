"""Damage to the topics of a world: made anew, or with records that are gone; and what the workers make of it."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from consumers.export import metrics
from kafka_client.partitioners import Partitioner, Placement
from tests.support.kafka import admin_of, create_topic
from tests.support.world import Running, World, invoice, key


async def delete(bootstrap: str, *topics: str) -> None:
    """Delete topics, and wait until they are gone."""
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics(list(topics))
        async with asyncio.timeout(60):
            while await admin.identify_topics(topics):  # noqa: ASYNC110 - Kafka tells no event
                await asyncio.sleep(0.02)


async def make_anew(world: World, topic: str) -> None:
    await delete(world.bootstrap, topic)
    compacted = {"cleanup.policy": "compact"} if topic.endswith(".ledger") else {}
    await create_topic(world.bootstrap, topic, world.partitions, compacted)


def held(world: World) -> dict[tuple[str, int], str]:
    """The code of each partition of the world that is held."""
    samples = [sample for metric in metrics.HELD.collect() for sample in metric.samples if sample.value]
    return {
        (sample.labels["topic"].removeprefix(world.prefix), int(sample.labels["partition"])): sample.labels["code"]
        for sample in samples
        if sample.labels["topic"].startswith(world.prefix)
    }


async def expire_unread(world: World, running: Running | None) -> set[tuple[str, int]]:
    """Have an unread record deleted, one of partition 0. Returns the partitions concerned."""
    source = TopicPartition(world.topics.invoice_created, 0)
    of_two = Placement(Partitioner.MURMUR2, 2)
    number = next(each for each in map(str, range(100)) if of_two.partition_of(key(each)) == 0)
    if running is not None:
        running.worker._pause(source)
    await world.send((key(number), invoice(number, "100.00")))
    end = (await world.ends())[0]
    async with admin_of(world.bootstrap) as admin:
        await admin.delete_records({source: RecordsToDelete(before_offset=end)})
    if running is not None:
        # One offset back: what a fetch under way brings, or has brought, is not of this position, and is forgotten.
        committed = (await world.committed())[0]
        assert committed
        running.worker._consumer.seek(source, committed - 1)
        running.worker._resume(source)
    return {("invoice-created", 0)}
