"""What aiokafka really does, where its documentation is silent and our export depends on the answer.

A fact that changes with a release fails here first, beside a sentence that says what was built on it. Each holds before
a real broker and before the one in memory (tests/support/memory_kafka).
"""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from tests.support.kafka import COMPACTED, create_topic, producing, read_to_end, reading

LONG = 10_000
"""Milliseconds of a `getmany` that is expected to return before them."""


@pytest.fixture(params=["broker", "memory"])
def bootstrap(request) -> str:
    address: str = request.getfixturevalue(request.param).bootstrap
    return address


async def test_the_position_passes_the_commit_marker_in_the_getmany_that_empties_the_fetch(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with producing(bootstrap, f"{topic_prefix}p") as producer, reading(bootstrap, partition) as consumer:
        async with producer.transaction():
            await producer.send(partition.topic, b"one")

        records = await consumer.getmany(timeout_ms=LONG)  # nothing to return before the marker is there

        assert [record.offset for record in records[partition]] == [0]
        assert await consumer.position(partition) == 2  # the record and its marker
        assert await consumer.end_offsets([partition]) == {partition: 2}


async def test_a_getmany_cut_by_max_records_leaves_the_position_before_the_marker_until_the_next(
    bootstrap, topic_prefix
):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with producing(bootstrap, f"{topic_prefix}p") as producer, reading(bootstrap, partition) as consumer:
        async with producer.transaction():
            await producer.send(partition.topic, b"one")

        assert await consumer.getmany(timeout_ms=LONG, max_records=1)
        assert await consumer.position(partition) == 1
        assert await consumer.getmany(timeout_ms=0) == {}  # no waiting: the marker was in the fetch already
        assert await consumer.position(partition) == 2


async def test_a_paused_partition_never_passes_the_marker(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with producing(bootstrap, f"{topic_prefix}p") as producer, reading(bootstrap, partition) as consumer:
        async with producer.transaction():
            await producer.send(partition.topic, b"one")

        assert await consumer.getmany(timeout_ms=LONG, max_records=1)
        consumer.pause(partition)
        await consumer.getmany(timeout_ms=500)
        assert await consumer.position(partition) == 1

        consumer.resume(partition)
        await consumer.getmany(timeout_ms=500)
        assert await consumer.position(partition) == 2


async def test_an_aborted_transaction_at_the_tail_is_passed_by_a_getmany_that_returns_nothing(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with producing(bootstrap, f"{topic_prefix}p") as producer, reading(bootstrap, partition) as consumer:
        await producer.begin_transaction()
        await producer.send_and_wait(partition.topic, b"aborted")
        await producer.abort_transaction()

        # The records are skipped inside the call, which goes on waiting for others: the position moves, the call stays.
        waiting = asyncio.create_task(consumer.getmany(timeout_ms=LONG))
        async with asyncio.timeout(LONG / 2000):
            while await consumer.position(partition) < 2:  # noqa: ASYNC110 - a position has no event to wait for
                await asyncio.sleep(0.005)
        assert not waiting.done()
        waiting.cancel()
        assert await consumer.end_offsets([partition]) == {partition: 2}


async def test_end_offsets_stop_at_an_open_transaction_for_read_committed_only(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with (
        producing(bootstrap, f"{topic_prefix}p") as producer,
        reading(bootstrap, partition) as committed,
        reading(bootstrap, partition, isolation="read_uncommitted") as uncommitted,
    ):
        async with producer.transaction():
            await producer.send(partition.topic, b"one")
        await producer.begin_transaction()
        # The broker takes this only after the markers of the transaction before.
        await producer.send_and_wait(partition.topic, b"open")

        assert await uncommitted.end_offsets([partition]) == {partition: 3}  # the high watermark
        assert await committed.end_offsets([partition]) == {partition: 2}  # the last stable offset


async def test_the_end_is_past_what_was_committed_once_the_next_owner_of_the_id_has_begun(bootstrap, topic_prefix):
    # A commit returns when the coordinator has written its decision; the markers follow, mostly within a millisecond. A
    # read_committed end taken in between lies before them, so a table that catches up to it would miss what its own
    # process has just committed. The next owner of the id gets in only when the markers are written.
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with reading(bootstrap, partition) as consumer:
        for number in range(1, 26):
            async with producing(bootstrap, f"{topic_prefix}p") as producer, producer.transaction():
                await producer.send(partition.topic, b"one")
            async with producing(bootstrap, f"{topic_prefix}p"):
                assert await consumer.end_offsets([partition]) == {partition: 2 * number}


async def test_a_compacted_topic_reads_to_its_end_across_the_holes(broker, topic_prefix):
    bootstrap = broker.bootstrap  # the one in memory compacts nothing
    settings = COMPACTED | {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200"}
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}ledger", config=settings)
    async with producing(bootstrap, f"{topic_prefix}p") as producer:
        for value in range(20):
            async with producer.transaction():
                await producer.send(partition.topic, str(value).encode(), key=b"invoice-1")

        # The cleaner works in its own time, and only on segments that a later record has closed.
        async with asyncio.timeout(60):
            while len(await read_to_end(bootstrap, [partition])) > 10:
                async with producer.transaction():
                    await producer.send(partition.topic, b"more", key=b"invoice-1")
        # The tail, which no cleaning reaches until a later record closes its segment: an aborted record, its marker.
        await producer.begin_transaction()
        await producer.send_and_wait(partition.topic, b"aborted", key=b"invoice-1")
        await producer.abort_transaction()

    records = await read_to_end(bootstrap, [partition])
    assert records[-1].value != b"aborted"
    assert records[0].offset > 0  # seek_to_beginning asks for 0, and gets the first record that is left
    async with reading(bootstrap, partition) as consumer:
        assert await consumer.beginning_offsets([partition]) == {partition: 0}


@pytest.mark.parametrize("call", ["send", "offsets", "commit"])
async def test_a_fenced_producer_says_so_and_from_then_on_only_asserts(bootstrap, topic_prefix, call):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with producing(bootstrap, f"{topic_prefix}p") as zombie:
        calls = {
            "send": lambda: zombie.send_and_wait(partition.topic, b"more"),
            "offsets": lambda: zombie.send_offsets_to_transaction({partition: 1}, f"{topic_prefix}group"),
            "commit": zombie.commit_transaction,
        }
        await zombie.begin_transaction()
        await zombie.send_and_wait(partition.topic, b"open")
        async with producing(bootstrap, f"{topic_prefix}p"):
            with pytest.raises(ProducerFenced):
                await calls[call]()
            if call == "send":  # that failed the batch alone; the producer learns it from the coordinator
                with pytest.raises(ProducerFenced):
                    await zombie.commit_transaction()
            # Not a KafkaError, and gone under python -O: whoever meets ProducerFenced must drop the producer.
            with pytest.raises(AssertionError, match="FATAL_ERROR"):
                await zombie.begin_transaction()
            with pytest.raises(AssertionError, match="FATAL_ERROR"):
                await zombie.abort_transaction()


async def test_a_fenced_producer_notices_nothing_at_begin_nor_at_an_empty_commit(bootstrap, topic_prefix):
    (partition,) = await create_topic(bootstrap, f"{topic_prefix}events")
    async with (
        producing(bootstrap, f"{topic_prefix}p") as zombie,
        producing(bootstrap, f"{topic_prefix}p"),
    ):
        async with zombie.transaction():
            pass  # nothing to write, so nobody is asked
        await zombie.begin_transaction()
        with pytest.raises(ProducerFenced):
            await zombie.send_and_wait(partition.topic, b"late")


async def test_sixteen_transactional_producers_start_side_by_side_and_abort_what_was_open(bootstrap, topic_prefix):
    partitions = await create_topic(bootstrap, f"{topic_prefix}ledger", partitions=16)

    def producers() -> list[AIOKafkaProducer]:
        ids = [f"{topic_prefix}{partition.partition}" for partition in partitions]
        return [AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name) for name in ids]

    former, present = producers(), producers()
    try:
        async with asyncio.timeout(90):
            await asyncio.gather(*(producer.start() for producer in former))
            for producer, partition in zip(former, partitions, strict=True):
                await producer.begin_transaction()
                await producer.send_and_wait(partition.topic, b"open", partition=partition.partition)
            # Measured 0.07 s for idle ids, 0.22 s for ids with an open transaction; the bound is for loaded machines.
            await asyncio.gather(*(producer.start() for producer in present))
        assert await read_to_end(bootstrap, partitions) == []
        ends = await _ends(bootstrap, partitions)
        assert set(ends) == {2}  # the open record and the abort marker: nothing is left open
    finally:
        await asyncio.gather(*(producer.stop() for producer in former + present), return_exceptions=True)


async def _ends(bootstrap, partitions) -> list[int]:
    async with reading(bootstrap, *partitions) as consumer:
        return list((await consumer.end_offsets(partitions)).values())
