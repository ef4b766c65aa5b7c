"""What is done to the topics themselves: deleted and made anew, cut, given partitions, copied to another cluster."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.structs import RecordMetadata
from confluent_kafka import admin as confluent

from demo.processes import DemoError
from kafka_client.admin import AdminClient

LEDGER_LAGS = 5
"""Records of each ledger partition that the copy lacks, as a mirror that lags does."""
LEDGER_HOLDS = 3
"""Records of each ledger partition that the copy has in any case: the marks of its beginning are among them."""
SOURCE_BEGAN = 3
"""Records of each source partition that had expired, after they were read, when the copy began: offsets differ."""
POLL_MS = 50
ANSWER_WITHIN = 30


class TopicFaults:
    """Does damage to the topics of a cluster."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def delete(self, *topics: str) -> None:
        """Delete topics, and wait until they are gone."""
        async with self._admin() as admin:
            await admin.delete_topics(list(topics))
            while await admin.identify_topics(topics):
                pass  # each question takes the broker some milliseconds

    async def cut(self, ledger: str, partitions: int) -> None:
        """Delete the first half of each partition of a ledger: what retention does where a policy allows it."""
        ends = await self.ends(ledger, partitions)
        await asyncio.to_thread(self._set_policy, ledger, "compact,delete")
        async with self._admin() as admin:
            wanted = {where: RecordsToDelete(before_offset=(end + 1) // 2) for where, end in ends.items() if end}
            await admin.delete_records(wanted)
        await asyncio.to_thread(self._set_policy, ledger, "compact")

    def _set_policy(self, topic: str, policy: str) -> None:
        """Only this setting; aiokafka's client would set all others back to their defaults."""
        kinds: Any = confluent  # its types leave out half of what it offers
        entry = kinds.ConfigEntry("cleanup.policy", policy, incremental_operation=kinds.AlterConfigOpType.SET)
        wanted = kinds.ConfigResource(kinds.ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        admin = kinds.AdminClient({"bootstrap.servers": self._bootstrap})
        for done in admin.incremental_alter_configs([wanted]).values():
            done.result(ANSWER_WITHIN)

    async def expire(self, source: str, partitions: int) -> None:
        """Delete every record of a source topic that is there now."""
        ends = await self.ends(source, partitions)
        async with self._admin() as admin:
            await admin.delete_records({where: RecordsToDelete(before_offset=end) for where, end in ends.items()})

    async def add_partition(self, topic: str, partitions: int) -> None:
        """One partition more than `partitions`."""
        async with self._admin() as admin:
            await admin.create_partitions({topic: NewPartitions(partitions + 1)})

    async def named(self, prefix: str) -> list[str]:
        """The topics whose names begin so."""
        async with self._admin() as admin:
            return sorted(name for name in await admin.list_topics() if name.startswith(prefix))

    async def ends(self, topic: str, partitions: int) -> dict[TopicPartition, int]:
        """The end of each partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            return dict(await consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)]))
        finally:
            await consumer.stop()

    def _admin(self) -> "_Admin":
        return _Admin(self._bootstrap)


class _Admin:
    def __init__(self, bootstrap: str) -> None:
        self._client = AdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> AdminClient:
        await self._client.start()
        return self._client

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()


async def copy_topics(old: str, new: str, topics: Sequence[str], sources: Sequence[str], mapping: str) -> int:
    """Copy committed records to topics of the same names in another cluster, as a mirror does; group offsets are not.

    Args:
        old: The address of the cluster that is copied.
        new: The address of the other, in which the topics are there and empty.
        topics: All topics that are copied.
        sources: Those of them that are source topics.
        mapping: The topic of settings, whose offsets have to be the same: results name them, and the audit knows them
            by these.

    Returns:
        The number of records that were copied.

    Raises:
        DemoError: The offsets of the settings are not the same.
    """
    reader = AIOKafkaConsumer(bootstrap_servers=old, enable_auto_commit=False, isolation_level="read_committed")
    writer = AIOKafkaProducer(bootstrap_servers=new, acks="all", enable_idempotence=True, linger_ms=5)
    copied = 0
    await reader.start()
    await writer.start()
    try:
        for topic in topics:
            for partition in sorted(await writer.partitions_for(topic)):
                where = TopicPartition(topic, partition)
                records = await _read(reader, where)
                if topic in sources:
                    records = records[SOURCE_BEGAN:]
                elif topic.endswith(".ledger"):
                    records = records[: max(LEDGER_HOLDS, len(records) - LEDGER_LAGS)]
                copied += len(records)
                sent = [await _send(writer, where, each) for each in records]
                offsets = [(await each).offset for each in sent]
                if topic == mapping and offsets != [each.offset for each in records]:
                    raise DemoError("the offsets of the copied settings are not those of the original")
    finally:
        await reader.stop()
        await writer.stop()
    return copied


async def _read(reader: AIOKafkaConsumer, where: TopicPartition) -> list[ConsumerRecord]:
    reader.assign([where])
    await reader.seek_to_beginning(where)
    end = (await reader.end_offsets([where]))[where]
    records: list[ConsumerRecord] = []
    while await reader.position(where) < end:
        for some in (await reader.getmany(where, timeout_ms=POLL_MS)).values():
            records += some
    return records


async def _send(
    writer: AIOKafkaProducer, where: TopicPartition, record: ConsumerRecord
) -> "asyncio.Future[RecordMetadata]":
    headers = list(record.headers)
    if record.key is None and record.value is None:
        batch = writer.create_batch()
        batch.append(timestamp=record.timestamp, key=None, value=None, headers=headers)
        sent: asyncio.Future[RecordMetadata]
        sent = await writer.send_batch(batch, where.topic, partition=where.partition)
        return sent
    sent = await writer.send(
        where.topic,
        record.value,
        key=record.key,
        partition=where.partition,
        timestamp_ms=record.timestamp,
        headers=headers,
    )
    return sent
