"""Fencing: how the new owner of a partition shuts out the former one, by a transactional id per partition.

A worker that lost its partition may not know it yet, and may still write. The broker refuses its transactions as soon
as another producer was started with the same transactional id.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import TopicPartition

from kafka_client.interface import KafkaClients, Producer
from kafka_client.stopping import stop_client


class PartitionMissingError(Exception):
    """A source topic has more partitions than the topic that is fenced for it: keys have moved to other partitions."""


def transactional_id(partition: TopicPartition) -> str:
    """The transactional id of a partition. A new owner fences the former one by initialising it.

    It does not depend on the group: two groups on one ledger would not fence each other, and each would answer from a
    stale copy.
    """
    return f"{partition.topic}-{partition.partition}"


async def fence(
    clients: KafkaClients, partitions: Sequence[TopicPartition], *, timeout_ms: int | None = None
) -> list[Producer]:
    """Start one producer per partition, in parallel. This aborts the transactions a former owner left open.

    Args:
        clients: The factory of the producers.
        partitions: The partitions to own.
        timeout_ms: Milliseconds that a transaction may take. None: aiokafka's default, a minute.

    Returns:
        The started producers, in the order of `partitions`. The caller stops them.

    Raises:
        PartitionMissingError: A partition does not exist.
        KafkaError: The broker did not answer.
    """
    producers = [clients.transactional_producer(transactional_id(each), timeout_ms=timeout_ms) for each in partitions]
    try:
        await asyncio.gather(*(producer.start() for producer in producers))
        await asyncio.gather(*map(_expect, producers, partitions))
    except BaseException:  # cancelled, or a producer could not start: none may be left half open
        await asyncio.gather(*(stop_client(producer) for producer in producers), return_exceptions=True)
        raise
    return producers


async def _expect(producer: Producer, partition: TopicPartition) -> None:
    if partition.partition not in await producer.partitions_for(partition.topic):
        raise PartitionMissingError(
            f"{partition.topic} has no partition {partition.partition}: a source's partition count may not change"
        )
