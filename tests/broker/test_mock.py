"""The mock cluster does what the demo needs, and its printed limits are true."""

from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.broker import MockKafka
from tests.support.kafka import producing


@pytest.fixture(scope="module")
def mock() -> Iterator[MockKafka]:
    said: list[str] = []
    with MockKafka(said.append) as started:
        assert "fence" in " ".join(said)
        yield started


async def values(mock: MockKafka, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=mock.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        check_crcs=False,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_transactions_and_offsets_go_through(mock, topic_prefix):
    topic = f"{topic_prefix}results"
    async with producing(mock.bootstrap, f"{topic_prefix}w") as producer, producer.transaction():
        await producer.send(topic, b"posted", partition=0)
        await producer.send_offsets_to_transaction({TopicPartition(topic, 0): 1}, f"{topic_prefix}group")
    assert await values(mock, topic, 1) == [b"posted"]


async def test_it_shows_aborted_records_and_fences_no_zombie_as_it_says(mock, topic_prefix):
    topic = f"{topic_prefix}results"
    async with producing(mock.bootstrap, f"{topic_prefix}w") as zombie:
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic, b"aborted", partition=0)
        await zombie.abort_transaction()
        async with producing(mock.bootstrap, f"{topic_prefix}w"), zombie.transaction():
            await zombie.send(topic, b"from the zombie", partition=0)
    assert await values(mock, topic, 2) == [b"aborted", b"from the zombie"]
