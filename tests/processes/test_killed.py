"""Promises 1 and 2 with real processes: a real worker, a real gateway, real signals, and the gateway's own books."""

import asyncio
import random
from collections import Counter
from contextlib import ExitStack

import orjson
import pytest
from aiokafka import TopicPartition

from consumers.export.ledger.restore import restore
from consumers.export.ledger.store_files import open_ledger
from kafka_client.fencing import fence
from tests.support.kafka import read_to_end
from tests.support.processes import environment, send, worker


async def test_a_worker_killed_again_and_again_loses_nothing_and_posts_nothing_twice(world, sage):
    numbers = [f"K{number}" for number in range(300)]
    await send(world, numbers)
    sage.fault(kind="latency", seconds=0.1, function="create_invoice")
    chance = random.Random(11)
    for round_number in range(1, 5):
        with worker(environment(world, sage)) as process:
            await sage.until_booked(round_number * 40)
            await asyncio.sleep(chance.random() * 0.1)  # not an event: the kill is to fall anywhere
            process.kill()
    sage.heal()
    with worker(environment(world, sage)) as process:
        await world.until(len(numbers), "posted")
        assert process.stop() == 0
    assert sage.booked() == dict.fromkeys(numbers, 1)
    assert await world.committed() == await world.ends()
    ended = Counter(each["documentKey"] for each in await world.results() if each["outcome"] == "posted")
    assert set(ended) == {f"invoice/{number}" for number in numbers}


async def test_the_local_store_that_survives_a_kill_is_the_topic_up_to_its_checkpoint(world, sage, tmp_path):
    numbers = [f"L{number}" for number in range(400)]
    await send(world, numbers)
    sage.fault(kind="latency", seconds=0.02, function="create_invoice")
    chance = random.Random(23)
    ledgers = [TopicPartition(world.topics.invoice_created + ".ledger", n) for n in range(world.partitions)]
    for round_number in range(1, 5):
        with worker(environment(world, sage, ALVYS_SAGE_STATE_DIR=str(tmp_path))) as process:
            await sage.until_booked(round_number * 40)
            await asyncio.sleep(chance.random() * 0.2)  # not an event: the kill is to fall anywhere
            process.kill()
        for producer in await fence(world.clients, ledgers):  # ends what the dead left open
            await producer.stop()
        for ledger in ledgers:
            records = await read_to_end(world.bootstrap, [ledger])
            survived = open_ledger(tmp_path, ledger)
            checkpoint = survived.checkpoint
            assert checkpoint
            assert held(survived) == {r.key: r.value for r in records if r.offset < checkpoint}
            survived.close()
        read_on, anew = await restore(world.clients, ledgers, state_dir=tmp_path), await restore(world.clients, ledgers)
        for ledger in ledgers:
            assert held(read_on[ledger]) == held(anew[ledger])
            assert waiting(read_on[ledger]) == waiting(anew[ledger])
            read_on[ledger].close()
            anew[ledger].close()
    sage.heal()
    with worker(environment(world, sage, ALVYS_SAGE_STATE_DIR=str(tmp_path))):
        await world.until(len(numbers), "posted")
    assert sage.booked() == dict.fromkeys(numbers, 1)


def held(ledger):
    """Every record of a copy, as the topic has them."""
    rows = ledger._db.execute("SELECT key, value FROM entry UNION ALL SELECT name, value FROM internal")
    return {key.encode(): value for key, value in rows}


def waiting(ledger):
    return {by: set(ledger.blocked_by(by)) for by in ledger.blockers()}, {entry.key for entry in ledger.in_doubt()}


@pytest.mark.feature("ar.creditMemos")
@pytest.mark.parametrize(("amount", "function"), [("100.00", "create_invoice"), ("-100.00", "create_aradjustment")])
async def test_a_worker_killed_between_call_and_outcome_posts_nothing_twice(world, sage, amount, function):
    await send(world, ["A"], amount)
    sage.fault(kind="slow_answer", seconds=30, function=function, times=1)
    with worker(environment(world, sage)) as process:
        await sage.until_booked(1)
        process.kill()
    with worker(environment(world, sage)):
        results = await world.until(1, "posted")
    assert sage.booked() == {"A": 1}
    assert results[-1]["sage"]["recordNo"] == str(sage.documents()[0]["recordno"])


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("drop_before_commit", {}),
        ("drop_after_commit", {}),
        ("drop_midway", {}),
        ("truncated", {}),
        ("timeout_524", {}),
        ("http_error", {"status": 503}),
        ("http_error_after_commit", {"status": 502}),
        ("throttled", {"retry_after": 1}),
        ("throttled_in_200", {}),
        ("offline", {}),
        ("expire_session", {}),
    ],
)
async def test_every_fault_of_the_gateway_ends_in_one_document_each(world, sage, kind, more):
    numbers = [f"F{number}" for number in range(30)]
    sage.fault(kind=kind, function="create_invoice", times=2, **more)
    await send(world, numbers)
    with worker(environment(world, sage)):
        await world.until(len(numbers), "posted")
    assert sage.booked() == dict.fromkeys(numbers, 1)


async def test_sigterm_ends_what_was_sent_commits_it_and_exits_with_zero(world, sage):
    await send(world, [f"T{number}" for number in range(50)])
    sage.fault(kind="latency", seconds=0.3, function="create_invoice")
    with worker(environment(world, sage)) as process:
        await sage.until_booked(10)
        assert process.stop() == 0
    posted = [each for each in await world.results() if each["outcome"] == "posted"]
    assert Counter(each["document"]["number"] for each in posted) == sage.booked()
    assert not [each for each in await world.results() if each["outcome"] == "uncertain"]


async def test_workers_come_and_go_while_documents_are_in_flight(world, sage):
    numbers = [f"W{number}" for number in range(200)]
    sage.fault(kind="latency", seconds=0.05, function="create_invoice")
    with ExitStack() as stack:
        first = stack.enter_context(worker(environment(world, sage)))
        await send(world, numbers[:100])
        await sage.until_booked(30)
        second = stack.enter_context(worker(environment(world, sage)))
        await send(world, numbers[100:])
        await sage.until_booked(120)
        assert first.stop() == 0
        await world.until(len(numbers), "posted")
        assert second.stop() == 0
    assert sage.booked() == dict.fromkeys(numbers, 1)


async def test_no_secret_is_in_any_record_or_log(world, sage):
    await send(world, ["S"])
    await world.send((b"bad", b"{"))
    with worker(environment(world, sage, ALVYS_SAGE_LOG_LEVEL="debug")) as process:
        await world.until(1, "posted")
        process.stop()
        log = process.log.read_text()
    written = [log]
    for topic in (
        world.topics.sage_export_results,
        world.topics.sage_dead_letters,
        world.topics.invoice_created + ".ledger",
    ):
        written += [repr(record) for record in await world.records(topic)]
    assert not [text for text in written if "sender-secret" in text or "user-secret" in text]
    assert orjson.loads((await world.records(world.topics.sage_export_results))[0].value)["outcome"] == "posted"
