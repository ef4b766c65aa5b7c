"""Guarantees 1 and 5: complete at the start, never a table with holes."""

import asyncio
import socket

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from consumers.mapping_state import MappingStateUnavailable, MappingTable, Patience
from kafka_client.follower import PartitionFollower
from kafka_client.topics import describe
from tests.support.kafka import COMPACTED, admin_of, clients_at, create_topic, producing, read_to_end
from tests.support.mapping_topic import DIESEL, MASTER, account, account_of, put, table_on


async def test_an_empty_topic_is_complete_at_once(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config=COMPACTED)
    async with table_on(bootstrap, topic) as table:
        assert table.state.offset == -1
        assert table.status().state == "caught_up"


async def test_everything_written_before_the_start_is_applied(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config=COMPACTED)
    async with producing(bootstrap) as producer:
        for number in range(2500):  # more than one poll takes
            await producer.send(topic, account(str(number)), key=b"S1/account/ap/fuel/item %d" % number)
        await put(producer, topic, DIESEL, account("5100"))
        await put(producer, topic, DIESEL, None)
        last = await put(producer, topic, MASTER, account("5000"))
    async with table_on(bootstrap, topic) as table:
        assert account_of(table, "S1/account/ap/fuel/item 2499") == "2499"
        assert account_of(table, "S1/account/ap/fuel/truck diesel") is None
        assert account_of(table, MASTER) == "5000"
        assert table.status().records == 2501
        assert table.state.offset == last
        assert table.status().lag == 0


async def test_the_gate_passes_an_aborted_transaction_and_its_marker_at_the_end(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config=COMPACTED)
    async with producing(bootstrap, f"{topic_prefix}upstream") as producer:
        async with producer.transaction():
            await put(producer, topic, MASTER, account("5000"))
        await producer.begin_transaction()
        await put(producer, topic, MASTER, account("never"))
        await producer.abort_transaction()
    async with table_on(bootstrap, topic) as table:
        assert account_of(table, MASTER) == "5000"
        # record, commit marker, aborted record, abort marker
        assert table.status().positions == {0: 4}


async def test_the_gate_passes_the_holes_that_compaction_leaves(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    eager = COMPACTED | {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "100"}
    (partition,) = await create_topic(bootstrap, topic, config=eager)
    async with producing(bootstrap, f"{topic_prefix}upstream") as producer:
        for number in range(60):
            async with producer.transaction():
                await put(producer, topic, MASTER, account(str(number)))
            if number % 20 == 19:
                await asyncio.sleep(0.15)  # a segment closes by its age, which only the broker's clock makes
        await producer.begin_transaction()
        await put(producer, topic, MASTER, account("never"))
        await producer.abort_transaction()
    await _compacted(bootstrap, partition)
    async with table_on(bootstrap, topic) as table:
        assert account_of(table, MASTER) == "59"
        assert table.status().positions == {0: 122}


async def _compacted(bootstrap: str, partition: TopicPartition) -> None:
    """Wait until the cleaner has removed most of the 60 records."""
    async with asyncio.timeout(60):
        while len(await read_to_end(bootstrap, [partition])) > 25:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.3)


async def test_an_open_transaction_at_the_end_is_waited_for(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config=COMPACTED)
    async with producing(bootstrap, f"{topic_prefix}upstream") as producer:
        await producer.begin_transaction()
        await put(producer, topic, MASTER, account("5000"))
        with pytest.raises(MappingStateUnavailable, match="not caught up"):
            async with table_on(bootstrap, topic, Patience(catch_up=2)):
                pass
        await producer.commit_transaction()
    async with table_on(bootstrap, topic) as table:
        assert account_of(table, MASTER) == "5000"


async def test_several_partitions_are_one_table_with_each_records_own_offset(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, partitions=3, config=COMPACTED)
    async with producing(bootstrap) as producer:
        offsets = {
            n: await put(producer, topic, f"S{n}/account/ap/default/default", account(str(n))) for n in range(20)
        }
    async with table_on(bootstrap, topic) as table:
        records = {record.key: record.offset for record in table.state.records()}
        assert records == {f"S{n}/account/ap/default/default": offset for n, offset in offsets.items()}
        assert len(table.status().positions) == 3


async def test_a_missing_topic_is_refused_and_not_created(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    with pytest.raises(MappingStateUnavailable, match="no such topic"):
        async with table_on(bootstrap, topic):
            pass
    async with admin_of(bootstrap) as admin:
        assert await describe(admin, [topic]) == {}


async def test_a_topic_that_expires_is_refused(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config={"cleanup.policy": "delete"})
    table = MappingTable(topic, clients_at(bootstrap))
    with pytest.raises(MappingStateUnavailable, match=r"cleanup\.policy is delete, not compact"):
        await table.start()
    assert table.status().state == "unstarted"


async def test_reconcile_sets_the_policy_and_keeps_the_topics_other_settings(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config={"cleanup.policy": "delete", "segment.ms": "777000"})
    async with MappingTable(topic, clients_at(bootstrap), on_policy_mismatch="reconcile"):
        pass
    async with admin_of(bootstrap) as admin:
        facts = (await describe(admin, [topic]))[topic]
    assert facts.overrides == {"cleanup.policy": "compact", "segment.ms": "777000"}


async def test_warn_goes_on_with_a_topic_that_expires(bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config={"cleanup.policy": "delete"})
    async with MappingTable(topic, clients_at(bootstrap), on_policy_mismatch="warn") as table:
        assert table.status().state == "caught_up"


async def test_a_broker_that_is_not_there_is_named_as_the_cause():
    with socket.socket() as taken:  # bound and not listening: nobody answers, and nobody else can take it
        taken.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        table = MappingTable("mapping-state", clients_at(at), patience=Patience(5, 5, 5))
        with pytest.raises(MappingStateUnavailable, match="KafkaConnectionError"):
            await table.start()


async def test_a_reader_that_dies_while_it_loads_is_the_cause(bootstrap: str, topic_prefix: str, monkeypatch):
    topic = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, topic, config=COMPACTED)
    async with producing(bootstrap) as producer:
        await put(producer, topic, MASTER, account("5000"))

    async def refused(self):
        raise TopicAuthorizationFailedError(topic)

    monkeypatch.setattr(PartitionFollower, "_follow", refused)
    with pytest.raises(MappingStateUnavailable, match="TopicAuthorizationFailedError"):
        async with table_on(bootstrap, topic):
            pass
