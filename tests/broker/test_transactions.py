"""What the service relies on a broker for, shown on every kind of real broker that this project starts."""

import asyncio

import pytest
from aiokafka.errors import ProducerFenced

from ops.broker import RealBroker
from tests.support.kafka import admin_of, create_topic, producing, read_to_end


async def test_a_committed_transaction_shows_its_records_in_every_topic(real_broker: RealBroker, topic_prefix: str):
    at = real_broker.bootstrap
    results = await create_topic(at, f"{topic_prefix}results")
    ledger = await create_topic(at, f"{topic_prefix}ledger")

    async with producing(at, f"{topic_prefix}worker") as producer, producer.transaction():
        await producer.send(results[0].topic, b"posted", key=b"invoice-1")
        await producer.send(ledger[0].topic, b"ended", key=b"invoice-1")

    assert [record.value for record in await read_to_end(at, results)] == [b"posted"]
    assert [record.value for record in await read_to_end(at, ledger)] == [b"ended"]


async def test_read_committed_hides_the_records_of_an_aborted_transaction(real_broker: RealBroker, topic_prefix: str):
    at = real_broker.bootstrap
    topic = await create_topic(at, f"{topic_prefix}results")

    async with producing(at, f"{topic_prefix}worker") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic[0].topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(topic[0].topic, b"committed")

    assert [record.value for record in await read_to_end(at, topic)] == [b"committed"]
    uncommitted = await read_to_end(at, topic, isolation="read_uncommitted")
    assert [record.value for record in uncommitted] == [b"aborted", b"committed"]


async def test_a_second_producer_with_the_same_transactional_id_fences_the_first(
    real_broker: RealBroker, topic_prefix: str
):
    at, worker = real_broker.bootstrap, f"{topic_prefix}worker"
    topic = await create_topic(at, f"{topic_prefix}results")

    async with producing(at, worker) as zombie:
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic[0].topic, b"from the zombie")
        async with producing(at, worker) as successor:
            with pytest.raises(ProducerFenced):
                await zombie.commit_transaction()
            async with successor.transaction():
                await successor.send(topic[0].topic, b"from its successor")

    assert [record.value for record in await read_to_end(at, topic)] == [b"from its successor"]


async def test_offsets_move_with_the_transaction_that_carries_them_and_only_with_it(
    real_broker: RealBroker, topic_prefix: str
):
    at, group, worker = real_broker.bootstrap, f"{topic_prefix}group", f"{topic_prefix}worker"
    (source,) = await create_topic(at, f"{topic_prefix}invoice-created")

    async def committed() -> int:
        # A commit returns before its markers are written; the next owner of the id is let in when they are.
        async with producing(at, worker), admin_of(at) as admin:
            offset: int = (await admin.list_consumer_group_offsets(group))[source].offset
            return offset

    async with producing(at, worker) as producer, producer.transaction():
        await producer.send_offsets_to_transaction({source: 7}, group)
    assert await committed() == 7

    async with producing(at, worker) as producer:
        await producer.begin_transaction()
        await producer.send_offsets_to_transaction({source: 9}, group)
        await producer.abort_transaction()
    assert await committed() == 7


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_broker_comes_back_at_the_same_address_with_its_records(
    real_broker: RealBroker, topic_prefix: str, end: str
):
    at = real_broker.bootstrap
    topic = await create_topic(at, f"{topic_prefix}results")
    async with producing(at, f"{topic_prefix}worker") as producer, producer.transaction():
        await producer.send(topic[0].topic, b"before")

    getattr(real_broker, end)()
    try:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*at.split(":"))
    finally:
        real_broker.start()

    assert real_broker.bootstrap == at
    async with producing(at, f"{topic_prefix}worker") as producer, producer.transaction():
        await producer.send(topic[0].topic, b"after")
    assert [record.value for record in await read_to_end(at, topic)] == [b"before", b"after"]
