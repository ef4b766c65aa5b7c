"""Keys in partitions: our rules are those of the clients that they are named after."""

import asyncio
from collections import defaultdict

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as murmur2_of_aiokafka
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from kafka_client.partitioners import Partitioner, Placement, murmur2
from tests.support.kafka import create_topic, producing

KEYS = [f"{kind}/{n}".encode() for kind in ("invoice", "carrier-statement/Gr\u00fc\u00dfe & Co") for n in range(25)]


@given(st.binary(max_size=90))
def test_murmur2_is_kafkas(key):
    assert murmur2(key) == murmur2_of_aiokafka(key)
    assert Placement(Partitioner.MURMUR2, 7).partition_of(key) == DefaultPartitioner()(key, list(range(7)), [])


@pytest.mark.parametrize(
    ("partitioner", "rule"),
    [
        ("murmur2", Partitioner.MURMUR2),
        ("murmur2_random", Partitioner.MURMUR2),
        ("consistent", Partitioner.CRC32),
        ("consistent_random", Partitioner.CRC32),
    ],
)
async def test_librdkafka_places_keys_as_the_rule_says(bootstrap, topic_prefix, partitioner, rule):
    topic = f"{topic_prefix}source"
    await create_topic(bootstrap, topic, partitions=5)
    found = defaultdict(set)

    def produce():
        producer = Producer({"bootstrap.servers": bootstrap, "partitioner": partitioner})
        for key in KEYS:
            producer.produce(topic, b"v", key, on_delivery=lambda _, done: found[done.key()].add(done.partition()))
        assert producer.flush(30) == 0

    await asyncio.to_thread(produce)
    assert found == {key: {Placement(rule, 5).partition_of(key)} for key in KEYS}


async def test_aiokafka_which_writes_our_own_topics_places_keys_by_murmur2(bootstrap, topic_prefix):
    topic = f"{topic_prefix}source"
    await create_topic(bootstrap, topic, partitions=5)
    async with producing(bootstrap) as producer:
        found = {key: (await producer.send_and_wait(topic, b"v", key)).partition for key in KEYS}
    assert found == {key: Placement(Partitioner.MURMUR2, 5).partition_of(key) for key in KEYS}


def test_where_nothing_is_known_or_all_is_one_any_partition_is_right():
    assert Placement(Partitioner.ANY, 5).partition_of(b"k") is None
    assert Placement(Partitioner.CRC32, 1).partition_of(b"k") is None
