"""Batches that no client can read: told in their place, and nothing that can be read is passed over for them."""

import asyncio
import re

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from consumers.mapping_state import MappingStateUnavailable, MappingTable
from kafka_client.reader import TRIES, KafkaReader, TolerantKafkaReader
from kafka_client.unreadable import Unreadable, UnreadableRecordsError, batch_at
from tests.support import spoiling
from tests.support.kafka import COMPACTED, clients_at, create_topic, producing
from tests.support.spoiling import Spoiler, install

NAMED = {
    "checksum": "Invalid CRC",
    "compression": "compression",
    "format": "its format is 3",
    "records": "CorruptRecordException",
    "lz4": "DecompressionError",
    "head": "Invalid CRC",
}


async def one_by_one(bootstrap, topic, *values, partition=0):
    """Each in a batch of its own."""
    async with producing(bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, b"k", partition=partition)


async def read(reader, partitions, until):
    """What comes, by partition, until so many came."""
    found: dict[TopicPartition, list[ConsumerRecord]] = {each: [] for each in partitions}
    await reader.start()
    try:
        reader.assign(list(partitions))
        await reader.seek_to_beginning(*partitions)
        async with asyncio.timeout(30):
            while sum(map(len, found.values())) < until:
                for source, records in (await reader.getmany(timeout_ms=100, max_records=2)).items():
                    found[source] += records
    finally:
        await reader.stop()
    return found


@pytest.fixture
async def partitions(bootstrap, topic_prefix):
    return await create_topic(bootstrap, f"{topic_prefix}topic", partitions=2, config=COMPACTED)


@pytest.mark.parametrize("kind", spoiling.KINDS)
async def test_what_cannot_be_read_is_told_in_its_place_and_all_else_is_read(bootstrap, partitions, monkeypatch, kind):
    topic = partitions[0].topic
    await one_by_one(bootstrap, topic, b"a", b"b", b"a SPOILED one", b"c", b"d")
    await one_by_one(bootstrap, topic, *(b"%d" % n for n in range(9)), partition=1)
    spoiler = install(monkeypatch, Spoiler(b"SPOILED", spoiling.KINDS[kind]))

    found = await read(TolerantKafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False), partitions, 14)

    first, second = (found[each] for each in partitions)
    assert [record.value for record in first] == [b"a", b"b", None, b"c", b"d"]
    assert [record.value for record in second] == [b"%d" % n for n in range(9)]
    bad = first[2]
    assert isinstance(bad, Unreadable)
    assert (bad.first, bad.offset, bad.key, bad.batch) == (2, 2, None, spoiler.spoiled[-1])
    assert NAMED[kind] in bad.reason
    assert len(spoiler.spoiled) >= TRIES


async def test_what_broke_on_its_way_once_is_read_the_next_time(bootstrap, partitions, monkeypatch):
    await one_by_one(bootstrap, partitions[0].topic, b"a", b"a SPOILED one", b"c")
    spoiler = install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip, times=TRIES - 1))
    found = await read(KafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False), partitions, 3)
    assert [record.value for record in found[partitions[0]]] == [b"a", b"a SPOILED one", b"c"]
    assert len(spoiler.spoiled) == TRIES - 1


async def test_a_batch_of_many_stands_for_all_its_records(bootstrap, partitions, monkeypatch):
    topic = partitions[0].topic
    async with producing(bootstrap) as producer:
        batch = producer.create_batch()
        for value in (b"a", b"b", b"SPOILED"):
            batch.append(timestamp=None, key=b"k", value=value)
        await (await producer.send_batch(batch, topic, partition=0))
    await one_by_one(bootstrap, topic, b"c")
    install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip))
    found = await read(TolerantKafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False), partitions, 2)
    bad, good = found[partitions[0]]
    assert (bad.first, bad.offset, good.value) == (0, 2, b"c")
    assert "the records at offsets 0 to 2" in bad.reason


async def test_a_head_that_claims_more_than_there_is_takes_nothing_along_that_comes_later(
    bootstrap, partitions, monkeypatch
):
    await one_by_one(bootstrap, partitions[0].topic, b"a", b"a SPOILED one")
    install(monkeypatch, Spoiler(b"SPOILED", spoiling.lying_head))
    reader = TolerantKafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False)
    found = await read(reader, partitions, 2)
    assert [(each.offset, each.value) for each in found[partitions[0]]] == [(0, b"a"), (1, None)]
    await one_by_one(bootstrap, partitions[0].topic, b"c")
    reader = TolerantKafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="none")
    found = await read(reader, partitions, 3)
    assert [(each.offset, each.value) for each in found[partitions[0]]] == [(0, b"a"), (1, None), (2, b"c")]


async def test_nothing_of_a_topic_of_ours_is_left_out(bootstrap, partitions, monkeypatch):
    await one_by_one(bootstrap, partitions[0].topic, b"a", b"SPOILED", b"c")
    install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip))
    reader = KafkaReader(bootstrap_servers=bootstrap, enable_auto_commit=False)
    with pytest.raises(UnreadableRecordsError, match=re.escape(f"{partitions[0].topic}:0: the record at offset 1")):
        await read(reader, partitions, 3)


async def test_settings_that_cannot_be_read_are_no_settings_that_are_missing(bootstrap, topic_prefix, monkeypatch):
    [partition] = await create_topic(bootstrap, f"{topic_prefix}mapping-state", config=COMPACTED)
    await one_by_one(bootstrap, partition.topic, b'{"account": "SPOILED"}')
    install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip))
    table = MappingTable(partition.topic, clients_at(bootstrap))
    with pytest.raises(MappingStateUnavailable, match="the record at offset 0 cannot be read"):
        await table.start()


def batch(first, *values):
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, timestamp=1_000, key=b"k", value=value, headers=[])
    made = builder.build()
    made[0:8] = first.to_bytes(8, "big")
    return bytes(made)


def test_a_head_is_believed_only_where_nothing_speaks_against_it():
    three, one = batch(5, b"a", b"b", b"c"), batch(8, b"d")
    assert batch_at(three + one, 5).next == 8
    assert batch_at(three + one, 6).content == three
    assert batch_at(three + one, 8).next == 9
    far = bytearray(three)
    far[23:27] = (1_000).to_bytes(4, "big")  # it says that it reaches behind the next
    assert batch_at(bytes(far) + one, 5).next == 6
    none = bytearray(three)
    none[57:61] = (0).to_bytes(4, "big")
    assert batch_at(bytes(none) + one, 5).next == 6
    assert batch_at(b"", 5).next == 6
    assert batch_at(b"\0" * 40, 5).next == 6
    assert batch_at(three[:30], 5).next == 6
