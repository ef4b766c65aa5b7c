"""Guarantees 2 to 4, 6 and 7: followed for ever, read-your-writes, never a stale answer, changes are told."""

import asyncio
from typing import Any, cast
from unittest.mock import patch

import pytest
from aiokafka.admin import NewPartitions, NewTopic
from structlog.testing import capture_logs

from consumers.mapping_state import MappingStateUnavailable, MappingTable, Patience
from domain.settings.mapping_state import MappingState
from kafka_client.high_watermarks import HighWatermarks
from tests.support.kafka import COMPACTED, admin_of, clients_at, create_topic, producing
from tests.support.mapping_topic import DIESEL, MASTER, account, account_of, put, table_on


@pytest.fixture
async def topic(bootstrap: str, topic_prefix: str) -> str:
    name = f"{topic_prefix}mapping-state"
    await create_topic(bootstrap, name, config=COMPACTED)
    return name


async def test_a_barrier_shows_each_of_many_writers_what_he_wrote(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table, producing(bootstrap) as producer:

        async def write_and_read(writer: int) -> None:
            key = f"S{writer}/account/ap/default/default"
            for number in range(30):
                await put(producer, topic, key, account(str(number)))
                await table.barrier()
                assert account_of(table, key) == str(number)

        async with asyncio.TaskGroup() as writers:
            for writer in range(8):
                writers.create_task(write_and_read(writer))


async def test_a_barrier_shows_what_a_transaction_committed_before_its_marker_is_written(bootstrap: str, topic: str):
    transactional = f"{topic}-upstream"
    async with table_on(bootstrap, topic) as table, producing(bootstrap, transactional) as producer:
        for number in range(40):
            async with producer.transaction():
                await put(producer, topic, MASTER, account(str(number)))
            await table.barrier()
            assert account_of(table, MASTER) == str(number)


async def test_a_barrier_passes_an_aborted_transaction(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table, producing(bootstrap, f"{topic}-upstream") as producer:
        await producer.begin_transaction()
        await put(producer, topic, MASTER, account("never"))
        await producer.abort_transaction()
        await table.barrier()
        assert account_of(table, MASTER) is None


async def test_barriers_that_come_together_share_a_request_and_never_one_under_way(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table:
        client = table._follower._watermarks._client
        ask, asked, under_way, go_on = client.end_offsets, 0, asyncio.Event(), asyncio.Event()

        async def counted(partitions):
            nonlocal asked
            asked += 1
            under_way.set()
            await go_on.wait()
            return await ask(partitions)

        with patch.object(client, "end_offsets", counted):
            first = asyncio.create_task(table.barrier())
            await under_way.wait()
            late = [asyncio.create_task(table.barrier()) for _ in range(50)]
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(first, *late)
        assert asked == 2


async def test_a_caller_that_gives_up_does_not_take_the_others_with_it(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table:
        impatient, patient = asyncio.create_task(table.barrier()), asyncio.create_task(table.barrier())
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient


async def test_subscribers_are_told_each_change_after_the_catch_up_in_order(bootstrap: str, topic: str):
    async with producing(bootstrap) as producer:
        await put(producer, topic, MASTER, account("before"))
        table = MappingTable(topic, clients_at(bootstrap))
        told: list[str] = []
        seen: list[str | None] = []

        def broken(key: str) -> None:
            raise ZeroDivisionError(key)

        table.subscribe(broken)
        table.subscribe(told.append)
        table.subscribe(lambda key: seen.append(account_of(table, key)))
        async with table:
            assert told == []
            await put(producer, topic, DIESEL, account("1"))
            await put(producer, topic, MASTER, account("2"))
            await put(producer, topic, DIESEL, None)
            await put(producer, topic, DIESEL, None)  # clears nothing, changes nothing
            await put(producer, topic, DIESEL, b"{")  # unreadable is a change: it blocks
            await table.barrier()
    diesel = "S1/account/ap/fuel/truck diesel"
    assert told == [diesel, MASTER, diesel, diesel]
    assert seen == ["1", "2", None, "unreadable"]  # the state already holds the change


async def test_a_table_that_was_not_started_or_was_stopped_refuses(bootstrap: str, topic: str):
    table = MappingTable(topic, clients_at(bootstrap))
    with pytest.raises(MappingStateUnavailable, match="unstarted"):
        _ = table.state
    async with table:
        assert table.state.offset == -1
    with pytest.raises(MappingStateUnavailable, match="stopped"):
        await table.barrier()
    with pytest.raises(RuntimeError, match="once"):
        await table.start()


async def test_a_dead_reader_refuses_to_serve_with_its_cause(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table, producing(bootstrap) as producer:
        with patch.object(MappingState, "apply", side_effect=MemoryError("full")):
            await put(producer, topic, MASTER, account("5000"))
            waiting = asyncio.create_task(table.barrier())
            error = await table.failure()
        assert "MemoryError: full" in str(error)
        with pytest.raises(MappingStateUnavailable, match="MemoryError"):
            await waiting
        with pytest.raises(MappingStateUnavailable) as refused:
            _ = table.state
        assert isinstance(refused.value.__cause__, MemoryError)
        assert table.status().state == "failed"
        assert "MemoryError" in str(table.status().reader_error)


async def test_a_topic_that_is_deleted_and_made_again_ends_the_reader(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table, producing(bootstrap) as producer:
        await put(producer, topic, MASTER, account("5000"))
        await table.barrier()
        async with admin_of(bootstrap) as admin:
            await admin.delete_topics([topic])
            async with asyncio.timeout(60):
                while any(code for _, code, _ in (await _create(admin, topic)).topic_errors):  # noqa: ASYNC110 - as it may
                    await asyncio.sleep(0.1)
        async with asyncio.timeout(60):
            error = await table.failure()
        assert "deleted and made again" in str(error)


async def _create(admin, topic: str):
    return await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=COMPACTED)])


async def test_a_topic_that_gets_more_partitions_ends_the_reader(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic, Patience(20, 20, check_every=0.1)) as table:
        async with admin_of(bootstrap) as admin:
            await admin.create_partitions({topic: NewPartitions(2)})
        reader = cast(Any, table._follower._consumer)
        async with asyncio.timeout(60):
            while len(reader.partitions_for_topic(topic)) != 2:
                await reader._client.force_metadata_update()  # it does so by itself every five minutes
            assert "2 partitions and had 1" in str(await table.failure())
        with pytest.raises(MappingStateUnavailable):
            await table.barrier()


async def test_a_broker_that_does_not_answer_degrades_the_table_until_it_does(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic, Patience(20, 0.2, 60)) as table:
        silent = asyncio.Event()

        async def no_answer(self, partitions):
            await silent.wait()

        with patch.object(HighWatermarks, "ask", no_answer), pytest.raises(MappingStateUnavailable, match="in time"):
            await table.barrier()
        assert table.status().state == "degraded"
        await table.barrier()
        assert table.status().state == "caught_up"


async def test_another_writers_tombstone_on_a_master_default_is_reported_once(bootstrap: str, topic: str):
    async with table_on(bootstrap, topic) as table, producing(bootstrap) as producer:
        await put(producer, topic, MASTER, account("5000"))
        with capture_logs() as logs:
            await put(producer, topic, MASTER, None)
            await put(producer, topic, DIESEL, account("5100"))
            await table.barrier()
        assert [line["key"] for line in logs if line.get("code") == "MASTER_DEFAULT_CLEARED"] == [MASTER]
        assert table.status().cleared_masters == (MASTER,)
        await put(producer, topic, MASTER, account("5001"))
        await table.barrier()
        assert table.status().cleared_masters == ()


async def test_records_that_cannot_be_read_are_counted_and_stop_nothing(bootstrap: str, topic: str):
    async with producing(bootstrap) as producer:
        await producer.send_and_wait(topic, b"{}", key=b"\xff\xfe")
        await put(producer, topic, MASTER, b"not json")
    async with table_on(bootstrap, topic) as table:
        assert table.status().invalid == 2
