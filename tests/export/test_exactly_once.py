"""Promises 1, 2 and 7: nothing is lost, nothing is posted twice, replay is safe and boring."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions

from kafka_client.fencing import PartitionMissingError, transactional_id
from sage_client.errors import RefusedError, UnavailableError
from tests.support.exported_invoices import once
from tests.support.kafka import admin_of, producing
from tests.support.world import invoice, key

NUMBERS = [f"n{number}" for number in range(20)]


@pytest.mark.kafka("both")
async def test_every_event_is_posted_once_and_its_offset_committed(world):
    await world.send_invoices(*NUMBERS)
    async with world.worker():
        results = await world.until(20, "posted")
    assert once(world, NUMBERS)
    assert len(results) == 20
    assert await world.committed() == await world.ends()


async def test_documents_go_out_in_batches_not_one_by_one(world):
    await world.send_invoices(*(f"m{number}" for number in range(200)))
    async with world.worker():
        await world.until(200, "posted")
    assert max(world.sage.requests) == world.config.max_documents_per_request
    assert len(world.sage.requests) <= 12


@pytest.mark.kafka("both")
async def test_a_replay_from_the_beginning_posts_nothing_and_makes_no_call(world):
    await world.send_invoices(*NUMBERS)
    async with world.worker():
        await world.until(20, "posted")
    calls, lookups = len(world.sage.requests), world.sage.lookups
    await world.rewind()
    async with world.worker():
        replayed = await world.until(20, "already_posted")
    assert once(world, NUMBERS)
    assert (len(world.sage.requests), world.sage.lookups) == (calls, lookups)
    assert all(each["fromLedger"] and each["sage"]["recordNo"] for each in replayed[-20:])


async def test_the_same_event_again_is_answered_from_the_ledger(world):
    await world.send_invoices("a", "a", "a")
    async with world.worker():
        results = await world.until(3)
    assert sorted(each["outcome"] for each in results) == ["already_posted", "already_posted", "posted"]
    assert once(world, ["a"])


@pytest.mark.kafka("both")
async def test_a_lost_answer_is_looked_up_and_adopted(world):
    world.sage.script.extend(["lost"])
    await world.send_invoices(*NUMBERS)
    async with world.worker():
        results = await world.until(20, "posted")
    assert once(world, NUMBERS)
    assert len(results) == 20
    assert sum(world.sage.requests) == 20  # nothing was sent a second time


@pytest.mark.kafka("both")
async def test_a_call_that_vanished_is_uncertain_until_its_lease_ends_then_sent_once_more(world):
    world.sage.script.extend(["vanished"])
    await world.send_invoices("a")
    async with world.worker():
        results = await world.until(1, "posted")
    assert [each["outcome"] for each in results] == ["uncertain", "posted"]
    assert results[0]["code"] == "OUTCOME_UNKNOWN"
    assert once(world, ["a"])
    assert results[0]["sage"]["controlId"] == results[1]["sage"]["controlId"]


async def test_what_a_look_up_does_not_see_yet_is_not_sent_again_while_the_lease_runs(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.hidden = False
        await world.until(1, "posted")
    assert world.sage.requests == [1]
    assert once(world, ["a"])


async def test_a_document_in_doubt_does_not_hold_its_partition(world):
    world.sage.script.extend(["vanished"])
    await world.send_invoices("a")
    async with world.worker(config=_long_lease(world)):
        await world.until(1, "uncertain")
        await world.send_invoices("b")
        await world.until(1, "posted")
    assert once(world, ["b"])
    assert await world.committed() == await world.ends()


async def test_a_doubt_survives_the_worker(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker(config=_long_lease(world)):
        await world.until(1, "uncertain")
    world.sage.hidden = False
    async with world.worker(config=_long_lease(world)):
        await world.until(1, "posted")
    assert world.sage.requests == [1]


@pytest.mark.kafka("both")
async def test_a_document_in_doubt_that_is_let_go_before_it_was_sent_again_is_found_by_the_next_owner(world):
    world.sage.script.extend(["vanished", UnavailableError("try later")])
    slow = replace(world.config, backoff=timedelta(seconds=60), max_backoff=timedelta(seconds=60))
    await world.send_invoices("a")
    async with asyncio.timeout(25), world.worker(config=slow):
        while len(world.sage.requests) < 2:  # noqa: ASYNC110 - the second is the one after the doubt
            await asyncio.sleep(0.02)
    async with world.worker():
        await world.until(1, "posted")
    assert once(world, ["a"])


async def test_a_transient_failure_is_sent_again_under_the_same_control_id(world):
    world.sage.script.extend([UnavailableError("try later"), UnavailableError("try later")])
    await world.send_invoices("a")
    async with world.worker():
        results = await world.until(1)
    assert [each["outcome"] for each in results] == ["posted"]
    assert world.sage.requests == [1, 1, 1]
    assert once(world, ["a"])


async def test_a_refusal_stands_when_the_record_is_read_again_and_is_asked_anew_when_it_is_sent_again(world):
    world.sage.refuse["a"] = RefusedError("Invalid customer")
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "rejected")
    await world.rewind()
    async with world.worker():
        results = await world.until(2, "rejected")
        assert results[1]["fromLedger"]
        assert world.sage.requests == [1]
        world.sage.refuse.clear()
        await world.send_invoices("a")
        results = await world.until(1, "posted")
    assert results[2]["sage"]["controlId"] != results[0]["sage"]["controlId"]
    assert results[2]["attempt"] == 1


@pytest.mark.kafka("both")
async def test_a_new_owner_fences_the_old_one_and_nothing_is_posted_twice(world):
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices("a")
    topic = world.topics.invoice_created
    async with world.worker(session_timeout_ms=6_000) as running:
        await running.until_open(10)
        await world.sage.arrived.wait()
        for number in range(world.partitions):
            name = transactional_id(TopicPartition(f"{topic}.ledger", number))
            async with producing(world.bootstrap, name):
                pass
        held.set()  # the call ends, but its outcome cannot be written any more
        results = await world.until(1)
    assert [each["outcome"] for each in results] == ["posted"]
    assert world.sage.requests == [1]
    assert once(world, ["a"])


@pytest.mark.kafka("both")
async def test_offsets_pass_transaction_markers_so_that_no_lag_is_left(world):
    producer = AIOKafkaProducer(**world.kafka, transactional_id=f"{world.prefix}upstream")
    await producer.start()
    for number in NUMBERS:
        async with producer.transaction():
            await producer.send(world.topics.invoice_created, invoice(number), key(number))
    await producer.begin_transaction()
    await producer.send(world.topics.invoice_created, invoice("aborted"), key("aborted"))
    await producer.abort_transaction()
    await producer.stop()
    async with world.worker():
        await world.until(20, "posted")
        await world.until_all_committed(within=10)
    assert once(world, NUMBERS)


@pytest.mark.kafka("both")
async def test_two_workers_share_the_partitions_and_post_everything_once(world):
    await world.send_invoices(*(f"x{number}" for number in range(100)))
    async with world.worker() as first:
        await first.until_open(10)
        async with world.worker() as second:
            await second.until_open(5)
            await world.send_invoices(*(f"y{number}" for number in range(100)))
            await world.until(200, "posted")
            assert first.worker.assigned.isdisjoint(second.worker.assigned)
        await first.until_open(10)
        await world.send_invoices(*(f"z{number}" for number in range(50)))
        await world.until(250, "posted")
    assert set(world.sage.keys.values()) == {1}
    assert len(world.sage.keys) == 250


@pytest.mark.kafka("both")
async def test_a_graceful_stop_waits_for_the_call_and_commits_its_outcome(world):
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices("a")
    async with world.worker() as running:
        await world.sage.arrived.wait()
        running.stop.set()
        held.set()
    assert [each["outcome"] for each in await world.results()] == ["posted"]
    assert await world.committed() == await world.ends()


def _long_lease(world):
    return replace(world.config, max_execution_time=timedelta(minutes=5))


async def test_a_stop_does_not_wait_for_a_company_that_takes_nothing(world):
    world.sage.down = UnavailableError("maintenance")
    slow = replace(world.config, backoff=timedelta(seconds=60), max_backoff=timedelta(seconds=60))
    await world.send_invoices(*NUMBERS)
    async with asyncio.timeout(25), world.worker(config=slow):
        await world.sage.arrived.wait()
    world.sage.down = None
    async with world.worker(config=_long_lease(world)):
        results = await world.until(20, "posted")
    assert once(world, NUMBERS)
    assert not [each for each in results if each["outcome"] == "uncertain"]  # what was let go was never in doubt


async def test_an_older_revision_that_is_read_again_is_superseded_not_a_change(world):
    await world.send_invoices("a", amount="0")
    await world.send_invoices("a", amount="80.00")
    async with world.worker():
        await world.until(2)
    await world.rewind()
    async with world.worker():
        results = await world.until(4)
    assert [(each["outcome"], each.get("code")) for each in results] == [
        ("skipped", "ZERO_TOTAL"),
        ("posted", None),
        ("skipped", "SUPERSEDED"),
        ("already_posted", None),
    ]
    assert once(world, ["a"])


@pytest.mark.kafka("both")
async def test_a_source_that_grew_partitions_beyond_its_ledger_is_refused(world):
    async with admin_of(world.bootstrap) as admin:
        await admin.create_partitions({world.topics.invoice_created: NewPartitions(world.partitions + 1)})
    async with world.worker() as running:
        running.killed = True  # it ends by itself, and how is the point
        with pytest.raises(PartitionMissingError, match="partition count may not change"):
            async with asyncio.timeout(60):
                await running.task


async def test_a_record_before_one_whose_call_has_no_outcome_is_superseded_and_does_not_answer_for_it(world):
    """Offsets are set back while a later revision is in flight: each record is answered for itself."""
    await world.send_invoices("a", amount="0.00")
    async with world.worker():
        await world.until(1, "skipped")
    held = asyncio.Event()
    world.sage.script.append(held)
    await world.send_invoices("a")
    async with world.worker(replace(world.config, drain_timeout=timedelta(0))):
        await world.sage.arrived.wait()
    await world.rewind()
    async with world.worker():
        results = await world.until(1, "posted")
    assert [(each["outcome"], each.get("code")) for each in results[1:]] == [
        ("skipped", "SUPERSEDED"),
        ("uncertain", "OUTCOME_UNKNOWN"),
        ("posted", None),
    ]
    assert once(world, ["a"])
