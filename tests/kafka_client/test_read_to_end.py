"""A partition is read to its high watermark: past markers, aborted records and holes, and after open transactions.

Each test runs against a real broker, for these are facts about brokers.
"""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from kafka_client.follower import FollowerEndedError, PartitionFollower
from kafka_client.high_watermarks import HighWatermarks
from kafka_client.read_to_end import LastStableOffset, StalledError, connected_reader
from tests.support.kafka import COMPACTED, clients_at, create_topic, producing

NOT_WAITING = LastStableOffset("this test leaves a transaction open")


@pytest.fixture
async def partition(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}records")
    return partition


async def read(bootstrap, *partitions, **options):
    """The values between the beginnings and the ends, and the last position of each partition."""
    values, positions = [], {}
    async with asyncio.timeout(30), connected_reader(clients_at(bootstrap)) as reader:
        async for batch in reader.read_to_end(partitions, **options):
            values += [record.value for record in batch.records]
            positions[batch.partition] = batch.position
    return values, positions


async def write(producer, partition, *values):
    for value in values:
        await producer.send_and_wait(partition.topic, value, partition=partition.partition)


async def markers_are_written(bootstrap, transactional_id):
    """Wait until they are: the broker lets the next owner of the id in only then."""
    async with producing(bootstrap, transactional_id):
        pass


async def test_nothing_is_read_of_an_empty_partition(bootstrap, partition):
    assert await read(bootstrap, partition) == ([], {})


async def test_the_end_may_be_the_marker_of_a_commit(bootstrap, topic_prefix, partition):
    async with producing(bootstrap, f"{topic_prefix}p") as producer, producer.transaction():
        await write(producer, partition, b"a", b"b")
    await markers_are_written(bootstrap, f"{topic_prefix}p")
    assert await read(bootstrap, partition) == ([b"a", b"b"], {partition: 3})


async def test_the_end_may_be_an_aborted_transaction_of_which_nothing_is_delivered(bootstrap, topic_prefix, partition):
    async with producing(bootstrap, f"{topic_prefix}p") as producer:
        async with producer.transaction():
            await write(producer, partition, b"a")
        await producer.begin_transaction()
        await write(producer, partition, b"never", b"never")
        await producer.abort_transaction()
    await markers_are_written(bootstrap, f"{topic_prefix}p")
    assert await read(bootstrap, partition) == ([b"a"], {partition: 5})


async def test_a_partition_that_holds_nothing_but_an_aborted_transaction_is_read_to_its_end(
    bootstrap, topic_prefix, partition
):
    async with producing(bootstrap, f"{topic_prefix}p") as producer:
        await producer.begin_transaction()
        await write(producer, partition, b"never")
        await producer.abort_transaction()
    await markers_are_written(bootstrap, f"{topic_prefix}p")
    assert await read(bootstrap, partition) == ([], {partition: 2})


async def test_what_compaction_removed_is_passed(bootstrap, topic_prefix):
    settings = COMPACTED | {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200"}
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}ledger", config=settings)
    written = 0
    async with producing(bootstrap) as producer, asyncio.timeout(90):
        values: list[bytes] = []
        while written < 20 or len(values) > written // 2:  # the cleaner works in its own time
            await producer.send_and_wait(partition.topic, str(written).encode(), key=b"k")
            written += 1
            values, positions = await read(bootstrap, partition)
            assert values[-1] == str(written - 1).encode()
            assert positions == {partition: written}


async def test_an_open_transaction_is_waited_for(bootstrap, topic_prefix, partition):
    async with producing(bootstrap, f"{topic_prefix}p") as producer:
        await write_committed(producer, partition, b"a")
        await producer.begin_transaction()
        await write(producer, partition, b"b")
        reading = asyncio.create_task(read(bootstrap, partition))
        # To the last stable offset everything is read, while the other reading waits.
        assert await read(bootstrap, partition, only=NOT_WAITING) == ([b"a"], {partition: 2})
        assert not reading.done()
        await producer.commit_transaction()
        assert await reading == ([b"a", b"b"], {partition: 4})


async def test_a_reader_without_patience_says_where_an_open_transaction_stopped_it(bootstrap, topic_prefix, partition):
    found: list[bytes] = []

    async def read_impatiently(reader):
        async for batch in reader.read_to(await reader.ends([partition]), patience=0.5):
            found.extend(record.value for record in batch.records)

    async with (
        asyncio.timeout(30),
        producing(bootstrap, f"{topic_prefix}p") as producer,
        connected_reader(clients_at(bootstrap)) as reader,
    ):
        await write_committed(producer, partition, b"a")
        await producer.begin_transaction()
        await write(producer, partition, b"b")
        await reader.assign([partition])
        with pytest.raises(StalledError) as stalled:
            await read_impatiently(reader)
        await producer.abort_transaction()
    assert found == [b"a"]
    assert (stalled.value.partition, stalled.value.position) == (partition, 2)


async def test_each_partition_starts_where_it_is_told_and_the_others_at_their_beginnings(bootstrap, topic_prefix):
    one, two = await create_topic(bootstrap, f"{topic_prefix}records", 2)
    async with producing(bootstrap) as producer:
        await write(producer, one, b"a", b"b", b"c")
        await write(producer, two, b"x", b"y")
    found: dict[TopicPartition, list[bytes]] = {one: [], two: []}
    async with connected_reader(clients_at(bootstrap)) as reader:
        await reader.assign([one, two], {one: 2})
        async for batch in reader.read_to(await reader.ends([one, two]), max_records=1):
            found[batch.partition] += [record.value for record in batch.records]
    assert found == {one: [b"c"], two: [b"x", b"y"]}


async def test_a_partition_of_which_the_caller_has_enough_is_read_no_further(bootstrap, topic_prefix):
    one, two = await create_topic(bootstrap, f"{topic_prefix}records", 2)
    async with producing(bootstrap) as producer:
        for partition in (one, two):
            await write(producer, partition, b"1", b"2", b"3")
    found: dict[TopicPartition, list[bytes]] = {one: [], two: []}

    def enough(partition):
        return partition == one and bool(found[one])

    async with connected_reader(clients_at(bootstrap)) as reader:
        async for batch in reader.read_to_end([one, two], enough=enough, max_records=1):
            found[batch.partition] += [record.value for record in batch.records]
    assert found == {one: [b"1"], two: [b"1", b"2", b"3"]}


async def test_a_reader_that_takes_too_long_is_disconnected(bootstrap, topic_prefix, partition):
    async with producing(bootstrap, f"{topic_prefix}p") as producer:
        await producer.begin_transaction()
        await write(producer, partition, b"a")
        readers = []

        async def read_for_a_second():
            async with connected_reader(clients_at(bootstrap), within=1.0) as reader:
                readers.append(reader)
                async for _ in reader.read_to_end([partition]):
                    pass

        with pytest.raises(TimeoutError):
            await read_for_a_second()
        await producer.abort_transaction()
    [reader] = readers
    assert cast(Any, reader)._consumer._closed
    assert cast(Any, reader)._watermarks._client._closed


async def test_a_follower_has_handed_over_at_its_barrier_what_was_committed_before(bootstrap, topic_prefix, partition):
    found, clients = [], clients_at(bootstrap)
    follower = PartitionFollower(
        clients.reader(), HighWatermarks(clients), lambda each: found.append(each.value), name="test"
    )
    async with asyncio.timeout(60), producing(bootstrap, f"{topic_prefix}p") as producer:
        await follower.start([partition])
        for number in range(10):
            await write_committed(producer, partition, str(number).encode())
            await follower.barrier()
            assert found == [str(each).encode() for each in range(number + 1)]
        await markers_are_written(bootstrap, f"{topic_prefix}p")
        await follower.barrier()
        assert follower.positions == follower.ends == {partition: 20}
        await follower.stop()


async def test_a_follower_that_cannot_go_on_tells_every_caller_why(bootstrap, partition):
    told: list[Exception] = []
    clients = clients_at(bootstrap)

    def refuse(_record):
        raise ValueError("no record of ours")

    follower = PartitionFollower(clients.reader(), HighWatermarks(clients), refuse, name="test", on_end=told.append)
    async with asyncio.timeout(60), producing(bootstrap) as producer:
        await follower.start([partition])
        follower.check()
        await write(producer, partition, b"a")
        with pytest.raises(FollowerEndedError) as ended:
            await follower.barrier()
        with pytest.raises(ValueError, match="no record of ours"):
            follower.check()
        assert told == [ended.value.__cause__]
        await follower.stop()


async def test_who_waits_at_a_barrier_is_told_when_the_follower_is_stopped(bootstrap, topic_prefix, partition):
    clients = clients_at(bootstrap)
    follower = PartitionFollower(clients.reader(), HighWatermarks(clients), lambda _: None, name="test")
    async with asyncio.timeout(60), producing(bootstrap, f"{topic_prefix}p") as producer:
        await producer.begin_transaction()
        await write(producer, partition, b"open")
        await follower.start([partition])
        waiting = asyncio.create_task(follower.barrier())
        while not follower.ends:  # noqa: ASYNC110 - no event tells that the caller waits
            await asyncio.sleep(0.01)
        await follower.stop()
        with pytest.raises(FollowerEndedError):
            await waiting
        await producer.abort_transaction()


async def write_committed(producer, partition, value):
    """Write one record in a transaction of its own, which takes two offsets."""
    async with producer.transaction():
        await write(producer, partition, value)
