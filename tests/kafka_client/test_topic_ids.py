"""The ids that tell a topic from another of the same name, asked of a real broker and of the one in memory."""

import asyncio

import pytest

from kafka_client.clients import connected_admin
from kafka_client.topic_ids import TopicIdentity, TopicIdRequest
from tests.support.kafka import admin_of, clients_at, create_topic

VISIBLE_WITHIN = 60
"""Seconds that a slow machine's broker may take to show a change that it has acknowledged."""


@pytest.fixture(params=["broker", "memory"])
def bootstrap(request) -> str:
    address: str = request.getfixturevalue(request.param).bootstrap
    return address


async def identify(bootstrap: str, *topics: str) -> dict[str, TopicIdentity]:
    async with connected_admin(clients_at(bootstrap)) as admin:
        return await admin.identify_topics(topics)


async def test_topics_have_ids_of_their_own_and_their_partitions_are_counted(bootstrap, topic_prefix):
    await create_topic(bootstrap, f"{topic_prefix}a", partitions=3)
    await create_topic(bootstrap, f"{topic_prefix}b")
    found = await identify(bootstrap, f"{topic_prefix}a", f"{topic_prefix}b")
    assert {name: each.partitions for name, each in found.items()} == {f"{topic_prefix}a": 3, f"{topic_prefix}b": 1}
    assert len({each.id for each in found.values()}) == 2
    assert found == await identify(bootstrap, f"{topic_prefix}a", f"{topic_prefix}b")  # and they stay


async def test_a_topic_that_was_made_anew_has_another_id(bootstrap, topic_prefix):
    name = f"{topic_prefix}a"
    await create_topic(bootstrap, name)
    before = await identify(bootstrap, name)
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics([name])
    async with asyncio.timeout(VISIBLE_WITHIN):
        while await identify(bootstrap, name):  # noqa: ASYNC110 - Kafka tells no event
            await asyncio.sleep(0.02)
    await create_topic(bootstrap, name)
    after = await identify(bootstrap, name)
    assert after[name].id != before[name].id


async def test_a_topic_that_does_not_exist_is_left_out_and_not_created(bootstrap, topic_prefix):
    name = f"{topic_prefix}missing"
    assert await identify(bootstrap, name) == {}
    assert await identify(bootstrap, name) == {}
    async with admin_of(bootstrap) as admin:
        assert name not in await admin.list_topics()


async def test_brokers_that_know_no_ids_still_tell_the_partitions(bootstrap, topic_prefix, monkeypatch):
    await create_topic(bootstrap, f"{topic_prefix}a", partitions=3)
    monkeypatch.setattr(TopicIdRequest, "prepare", _refused)
    assert await identify(bootstrap, f"{topic_prefix}a", f"{topic_prefix}b") == {
        f"{topic_prefix}a": TopicIdentity(None, 3)
    }


def _refused(request: TopicIdRequest, versions: object) -> None:
    raise NotImplementedError("as aiokafka says of a version that the broker does not offer")
