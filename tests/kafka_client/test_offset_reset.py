"""A member that goes on nowhere else: it begins where nothing was read, and says so where records are gone."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import OffsetOutOfRangeError

from kafka_client.stopping import stop_client
from tests.support.kafka import admin_of, clients_at, create_topic, producing

WITHIN = 60
"""Seconds that a slow machine may take."""


@pytest.fixture(params=["broker", "memory"])
def bootstrap(request) -> str:
    address: str = request.getfixturevalue(request.param).bootstrap
    return address


async def write(bootstrap: str, source: TopicPartition, *values: bytes) -> None:
    async with producing(bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(source.topic, value)


async def read(consumer, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(WITHIN):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [record.value for record in records]
    return found


@pytest.fixture
async def member(bootstrap, topic_prefix):
    member = clients_at(bootstrap).member(
        f"{topic_prefix}group", session_timeout_ms=10_000, offset_reset="none", tolerant=True
    )
    yield member
    await stop_client(member)


async def test_a_group_that_has_read_nothing_begins_at_the_beginning(bootstrap, topic_prefix, member):
    [source] = await create_topic(bootstrap, f"{topic_prefix}events")
    await write(bootstrap, source, b"1", b"2")
    member.subscribe([source.topic])
    await member.start()
    assert await read(member, 2) == [b"1", b"2"]


async def test_records_that_are_gone_are_an_error_which_names_the_place(bootstrap, topic_prefix, member):
    [source] = await create_topic(bootstrap, f"{topic_prefix}events")
    await write(bootstrap, source, b"1")
    member.subscribe([source.topic])
    await member.start()
    assert await read(member, 1) == [b"1"]
    await member.commit({source: 1})
    member.pause(source)
    await write(bootstrap, source, b"2", b"3", b"4")
    async with admin_of(bootstrap) as admin:
        await admin.delete_records({source: RecordsToDelete(before_offset=3)})
    member.seek(source, 1)  # what was fetched before is forgotten
    member.resume(source)
    with pytest.raises(OffsetOutOfRangeError) as gone:
        await read(member, 1)
    assert gone.value.args == ({source: 1},)
    member.seek(source, 3)
    assert await read(member, 1) == [b"4"]
