"""The broker in memory (tests/support/memory_kafka) does what a real one does, where tests rely on it.

Transactions, fencing and ends are held against both brokers in test_aiokafka_facts.py.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.errors import (
    CommitFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    ProducerFenced,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from kafka_client.partitioners import Partitioner, Placement
from kafka_client.topics import describe, set_cleanup
from tests.support.kafka import COMPACTED, admin_of, create_topic, producing, read_to_end, reading

LONG = 10_000
"""Milliseconds of a `getmany` that is expected to return before them."""
SESSION = 6_000
"""Milliseconds: the shortest session that a broker allows."""


@pytest.fixture(params=["broker", "memory"])
def at(request) -> str:
    """The address of either broker."""
    address: str = request.getfixturevalue(request.param).bootstrap
    return address


class Told(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Remembers the partitions that a member was given and those that were taken from it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, frozenset[int]]] = []
        self.mine: frozenset[int] = frozenset()
        self.changed = asyncio.Event()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._remember("revoked", revoked)
        self.mine = frozenset()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._remember("assigned", assigned)
        self.mine = self.events[-1][1]

    def _remember(self, what: str, partitions: Iterable[TopicPartition]) -> None:
        self.events.append((what, frozenset(each.partition for each in partitions)))
        self.changed.set()

    async def until(self, count: int) -> None:
        """Wait until the member has so many partitions."""
        async with asyncio.timeout(30):
            while len(self.mine) != count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def member(at: str, group: str, topic: str, told: Told | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """A started member of a group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=at,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=SESSION,
        heartbeat_interval_ms=200,
    )
    consumer.subscribe([topic], listener=told)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def kill(consumer: AIOKafkaConsumer) -> None:
    """Let a member fall silent without a word to its group, as SIGKILL does."""
    consumer._coordinator._group_id = None

    async def nothing() -> None:
        pass

    consumer._coordinator._maybe_leave_group = nothing
    await consumer.stop()


async def test_a_topic_is_created_once_and_described_with_its_settings(at, topic_prefix):
    name = f"{topic_prefix}a"
    await create_topic(at, name, 3, COMPACTED | {"max.message.bytes": "2000000"})
    with pytest.raises(TopicAlreadyExistsError):
        await create_topic(at, name)
    async with admin_of(at) as admin:
        found = await describe(admin, [name, f"{topic_prefix}missing"])
        assert list(found) == [name]
        facts = found[name]
        assert (facts.partitions, facts.replicas, facts.cleanup) == (3, 1, frozenset({"compact"}))
        assert facts.overrides == COMPACTED | {"max.message.bytes": "2000000"}
        read = ("retention.ms", "min.insync.replicas", "delete.retention.ms", "segment.bytes", "compression.type")
        expected = {"-1", "1", "86400000", "1073741824", "producer"}
        assert {facts.settings[each] for each in read} == expected

        await set_cleanup(admin, name, facts, "delete")
        assert (await describe(admin, [name]))[name].overrides == {**facts.overrides, "cleanup.policy": "delete"}
        assert len((await admin.describe_cluster())["brokers"]) == 1
        for topic, want in ((NewTopic(f"{topic_prefix}b", 1, 3), 38), (NewTopic("a b", 1, 1), 17)):
            [(_, code, _)] = (await admin.create_topics([topic])).topic_errors
            assert code == want


async def test_partitions_can_be_added_and_topics_deleted(at, topic_prefix):
    name = f"{topic_prefix}a"
    await create_topic(at, name)
    async with admin_of(at) as admin:
        await admin.create_partitions({name: NewPartitions(4)})
        async with asyncio.timeout(30):
            while (await describe(admin, [name]))[name].partitions != 4:  # noqa: ASYNC110 - Kafka tells no event
                await asyncio.sleep(0.02)
        with pytest.raises(KafkaError):
            await admin.create_partitions({name: NewPartitions(2)})
        await admin.delete_topics([name])
        async with asyncio.timeout(30):
            while await describe(admin, [name]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        [(_, code)] = (await admin.delete_topics([name])).topic_error_codes
        assert for_code(code) is UnknownTopicOrPartitionError


async def test_a_record_comes_back_as_it_was_sent_in_the_partition_of_its_key(at, topic_prefix):
    partitions = await create_topic(at, f"{topic_prefix}a", 4)
    place, headers = Placement(Partitioner.MURMUR2, 4), [("one", b"1"), ("none", None), ("one", b"2")]
    async with producing(at) as producer:
        for number in range(8):
            sent = await producer.send_and_wait(partitions[0].topic, b"v", b"k%d" % number, headers=headers)
            assert sent.partition == place.partition_of(b"k%d" % number)
        await producer.send_and_wait(partitions[0].topic, None, b"tombstone", timestamp_ms=1_700_000_000_000)
        batch = producer.create_batch()
        batch.append(timestamp=None, key=None, value=None)
        await (await producer.send_batch(batch, partitions[0].topic, partition=2))
    records = await read_to_end(at, partitions)
    assert {(each.key, each.value) for each in records} == {
        *((b"k%d" % number, b"v") for number in range(8)),
        (b"tombstone", None),
        (None, None),
    }
    assert {each.headers for each in records} == {tuple(headers), ()}
    [old] = [each for each in records if each.key == b"tombstone"]
    assert old.timestamp == 1_700_000_000_000
    for partition in partitions:
        offsets = [each.offset for each in records if each.partition == partition.partition]
        assert offsets == list(range(len(offsets)))


async def test_a_poll_returns_as_soon_as_something_comes_and_not_before(at, topic_prefix):
    (partition,) = await create_topic(at, f"{topic_prefix}a")
    async with producing(at) as producer, reading(at, partition) as consumer:
        assert await consumer.getmany(timeout_ms=50) == {}
        poll = asyncio.create_task(consumer.getmany(timeout_ms=LONG))
        await asyncio.sleep(0.1)
        assert not poll.done()
        for number in range(3):
            await producer.send(partition.topic, b"%d" % number)
        await producer.flush()
        async with asyncio.timeout(LONG / 2000):
            found = [each.value for each in (await poll)[partition]]
            while len(found) < 3:
                found += [each.value for each in (await consumer.getmany(timeout_ms=LONG))[partition]]
        assert found == [b"0", b"1", b"2"]

        consumer.seek(partition, 1)
        assert await consumer.position(partition) == 1
        batches = await consumer.getmany(timeout_ms=LONG, max_records=1)
        assert [each.value for each in batches[partition]] == [b"1"]
        consumer.pause(partition)
        assert await consumer.getmany(timeout_ms=100) == {}
        consumer.resume(partition)
        assert [each.value for each in (await consumer.getmany(timeout_ms=LONG))[partition]] == [b"2"]


async def test_offsets_are_found_by_time_and_by_both_ends(at, topic_prefix):
    partition, empty = await create_topic(at, f"{topic_prefix}a", 2)
    async with producing(at) as producer, admin_of(at) as admin, reading(at, partition, empty) as consumer:
        for timestamp in (1000, 2000, 3000):
            await producer.send_and_wait(partition.topic, b"v", partition=0, timestamp_ms=timestamp)
        found = await consumer.offsets_for_times({partition: 1500, empty: 1})
        assert (found[partition].offset, found[partition].timestamp, found[empty]) == (1, 2000, None)
        assert (await consumer.offsets_for_times({partition: 3001}))[partition] is None
        await admin.delete_records({partition: RecordsToDelete(2)})
        assert await consumer.beginning_offsets([partition, empty]) == {partition: 2, empty: 0}
        assert await consumer.end_offsets([partition, empty]) == {partition: 3, empty: 0}
        await consumer.seek_to_beginning(partition)
        assert [each.offset for each in (await consumer.getmany(timeout_ms=LONG))[partition]] == [2]


async def test_a_position_that_is_gone_is_an_error_where_no_other_is_allowed(at, topic_prefix):
    (partition,) = await create_topic(at, f"{topic_prefix}a")
    async with producing(at) as producer:
        for _ in range(2):
            await producer.send_and_wait(partition.topic, b"v")
    strict = AIOKafkaConsumer(bootstrap_servers=at, enable_auto_commit=False, auto_offset_reset="none")
    await strict.start()
    try:
        strict.assign([partition])
        strict.seek(partition, 9)
        with pytest.raises(OffsetOutOfRangeError):
            await strict.getmany(timeout_ms=LONG)
    finally:
        await strict.stop()
    async with reading(at, partition) as lenient:
        lenient.seek(partition, 9)
        assert [each.offset for each in (await lenient.getmany(timeout_ms=LONG))[partition]] == [0, 1]


async def test_a_record_too_large_and_one_without_a_key_in_a_compacted_topic_are_refused(at, topic_prefix):
    (small,) = await create_topic(at, f"{topic_prefix}a", config={"max.message.bytes": "500"})
    (compacted,) = await create_topic(at, f"{topic_prefix}b", config=COMPACTED)
    async with producing(at) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(small.topic, b"x" * 600)
        await producer.send_and_wait(small.topic, b"x" * 300)
        with pytest.raises(KafkaError):
            await producer.send_and_wait(compacted.topic, b"no key")
        await producer.send_and_wait(compacted.topic, b"x", key=b"k")
    impatient = AIOKafkaProducer(bootstrap_servers=at, request_timeout_ms=1_000)
    await impatient.start()
    try:
        with pytest.raises(KafkaError):
            await impatient.send_and_wait(f"{topic_prefix}missing", b"x")
    finally:
        await impatient.stop()


@pytest.mark.parametrize("call", ["add", "commit"])
async def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(at, topic_prefix, call):
    (partition,) = await create_topic(at, f"{topic_prefix}a")
    slow = AIOKafkaProducer(
        bootstrap_servers=at, transactional_id=f"{topic_prefix}p", acks="all", transaction_timeout_ms=1_000
    )
    await slow.start()
    try:
        await slow.begin_transaction()
        await slow.send_and_wait(partition.topic, b"slow")
        async with reading(at, partition) as consumer, asyncio.timeout(60):
            while (await consumer.end_offsets([partition]))[partition] < 2:  # noqa: ASYNC110 - the marker is no event
                await asyncio.sleep(0.05)
        calls = {
            "add": lambda: slow.send_offsets_to_transaction({partition: 1}, f"{topic_prefix}g"),
            "commit": slow.commit_transaction,
        }
        with pytest.raises(ProducerFenced):
            await calls[call]()
    finally:
        await slow.stop()
    assert await read_to_end(at, [partition]) == []


async def test_the_members_of_a_group_share_its_partitions_and_take_over_from_one_another(at, topic_prefix):
    partitions = await create_topic(at, f"{topic_prefix}a", 4)
    group, first, second = f"{topic_prefix}g", Told(), Told()
    async with member(at, group, partitions[0].topic, first):
        await first.until(4)
        async with member(at, group, partitions[0].topic, second):
            await first.until(2)
            await second.until(2)
            assert first.mine | second.mine == {0, 1, 2, 3}
        await first.until(4)
    everything = frozenset(range(4))
    assert first.events[:3] == [("revoked", frozenset()), ("assigned", everything), ("revoked", everything)]
    assert [what for what, _ in first.events] == ["revoked", "assigned"] * (len(first.events) // 2) + ["revoked"] * (
        len(first.events) % 2
    )


async def test_a_member_that_falls_silent_loses_its_partitions_after_its_session(at, topic_prefix):
    partitions = await create_topic(at, f"{topic_prefix}a", 2)
    group, dead, heir = f"{topic_prefix}g", Told(), Told()
    async with member(at, group, partitions[0].topic, dead) as silent:
        await dead.until(2)
        await kill(silent)
        began = asyncio.get_running_loop().time()
        async with member(at, group, partitions[0].topic, heir):
            await heir.until(2)
        assert asyncio.get_running_loop().time() - began > SESSION / 1000 - 2


async def test_a_group_keeps_its_offsets_and_refuses_those_of_strangers_while_it_works(at, topic_prefix):
    partitions = await create_topic(at, f"{topic_prefix}a", 2)
    group, told = f"{topic_prefix}g", Told()

    async def states() -> tuple[str, int]:
        async with admin_of(at) as admin:
            [answer] = await admin.describe_consumer_groups([group])
            [(_, _, state, _, _, members, *_)] = answer.groups
            return state, len(members)

    async def committed_by_a_stranger(offset: int) -> None:
        stranger = AIOKafkaConsumer(bootstrap_servers=at, group_id=group, enable_auto_commit=False)
        await stranger.start()
        try:
            stranger.assign(partitions)
            await stranger.commit({partitions[0]: offset})
        finally:
            await stranger.stop()

    assert await states() == ("Dead", 0)
    async with member(at, group, partitions[0].topic, told) as working:
        await told.until(2)
        assert await states() == ("Stable", 1)
        await working.commit({partitions[0]: 5})
        assert (await working.committed(partitions[0]), await working.committed(partitions[1])) == (5, None)
        with pytest.raises(KafkaError):
            await committed_by_a_stranger(7)
        working._coordinator.generation -= 1
        with pytest.raises(CommitFailedError):
            await working.commit({partitions[0]: 6})
        working._coordinator.generation += 1
    assert await states() == ("Empty", 0)
    await committed_by_a_stranger(7)
    async with admin_of(at) as admin:
        offsets = await admin.list_consumer_group_offsets(group)
    assert {each: found.offset for each, found in offsets.items()} == {partitions[0]: 7}
    async with member(at, group, partitions[0].topic, told) as working:
        await told.until(2)
        assert await working.seek_to_committed(*partitions) == {partitions[0]: 7, partitions[1]: None}


@pytest.mark.parametrize("end", ["commit", "abort", "fence"])
async def test_offsets_in_a_transaction_count_when_it_is_committed_and_only_then(at, topic_prefix, end):
    (partition,) = await create_topic(at, f"{topic_prefix}a")
    group, name = f"{topic_prefix}g", f"{topic_prefix}p"
    ends: dict[str, Callable[[AIOKafkaProducer], Awaitable[None]]] = {
        "commit": lambda producer: producer.commit_transaction(),
        "abort": lambda producer: producer.abort_transaction(),
        "fence": lambda _: asyncio.sleep(0),
    }

    async def committed() -> int | None:
        async with admin_of(at) as admin:
            found = await admin.list_consumer_group_offsets(group)
        return found[partition].offset if partition in found else None

    async with producing(at, name) as producer:
        await producer.begin_transaction()
        await producer.send(partition.topic, b"result")
        await producer.send_offsets_to_transaction({partition: 3}, group)
        await producer.flush()
        assert await committed() is None
        await ends[end](producer)
        async with producing(at, name) as successor:  # let in when the markers are written
            assert await committed() == (3 if end == "commit" else None)
            async with successor.transaction():
                await successor.send_offsets_to_transaction({partition: 4}, group)
        async with producing(at, name):
            assert await committed() == 4
    values = [each.value for each in await read_to_end(at, [partition])]
    assert values == ([b"result"] if end == "commit" else [])
