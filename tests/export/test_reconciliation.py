"""Promises 2 and 3 where an answer was lost and somebody's hands, clocks or offsets were in between."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from kafka_client.clock import utc_now
from sage_client import Login
from sage_client.errors import SignInError
from tests.support.eventually import until
from tests.support.exported_invoices import once

HERE = Login("ACME", "user", SecretStr("p"), None)


async def killed_with_a_call_in_flight(world, number="a"):
    """A worker whose call has left and that ends as SIGKILL ends it: its claim is all that is left."""
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices(number)
    async with world.worker() as running:
        await world.sage.arrived.wait()
        await running.kill()
    world.sage.arrived.clear()
    return held


async def skip_forward(world):
    """What an operator does to be rid of a record: the group's offsets go to the end."""
    consumer = AIOKafkaConsumer(**world.kafka, group_id=world.settings.group_id, enable_auto_commit=False)
    await consumer.start()
    ends = await world.ends()
    topic = world.topics.invoice_created
    consumer.assign([TopicPartition(topic, number) for number in ends])
    await consumer.commit({TopicPartition(topic, number): end for number, end in ends.items()})
    await consumer.stop()


async def test_a_document_deleted_in_sage_while_in_doubt_is_not_sent_for_ever(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        deleted = world.sage.booked.pop()
        world.sage.hidden = False
        results = await world.until(2 + world.config.max_duplicate_answers, "uncertain")
        assert results[-1]["code"] == "EXECUTED_BUT_NOT_FOUND"
        sent = len(world.sage.requests)
        assert sent == 1 + world.config.max_duplicate_answers
        assert results[-1]["outcome"] == "uncertain"
        assert deleted.description.split()[-1] in results[-1]["detail"]
        looked = world.sage.lookups
        await until(lambda: world.sage.lookups >= looked + 2)  # it is looked for, and not sent
        assert len(world.sage.requests) == sent
    async with world.worker():  # nor by a new owner, who tells nothing anew
        looked = world.sage.lookups
        await until(lambda: world.sage.lookups >= looked + 2)
        assert len(world.sage.requests) == sent
        assert len(await world.results()) == len(results)
        world.sage.booked.append(deleted)  # entered again by hand
        await world.until(1, "posted")
    assert len(world.sage.requests) == sent


async def test_a_document_reversed_in_sage_while_in_doubt_is_neither_adopted_nor_sent_again(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.booked[0].state = "Reversed"
        world.sage.hidden = False
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "REVERSED_IN_SAGE"
    await world.rewind()
    async with world.worker():
        results = await world.until(2, "rejected")
    assert results[-1]["fromLedger"]
    assert world.sage.requests == [1]


@pytest.mark.kafka("both")
async def test_our_document_with_another_total_is_never_posted_a_second_time(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.booked[0].total += 1
        world.sage.hidden = False
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == "CHANGED_AFTER_POSTING"
        assert "101.00 and not 100.00" in results[-1]["detail"]
        await world.send_invoices("a")
        await world.send_invoices("a", amount="120.00")
        results = await world.until(3, "rejected")
    assert {each["code"] for each in results if each["outcome"] == "rejected"} == {"CHANGED_AFTER_POSTING"}
    assert world.sage.requests == [1]


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(hours=-3)], ids=["fast clock", "slow clock"])
async def test_a_new_owner_whose_clock_is_wrong_waits_a_whole_lease_all_the_same(world, ahead):
    held = await killed_with_a_call_in_flight(world)
    slow = replace(world.config, max_execution_time=timedelta(seconds=3))
    began = asyncio.get_running_loop().time()
    async with world.worker(config=slow, now=lambda: utc_now() + ahead) as running:
        await world.until(1, "uncertain")
        if ahead < timedelta(0):
            await running.kill()  # by its clock the lease ends in three hours
            assert world.sage.requests == [1]
            return
        await world.sage.arrived.wait()
        assert asyncio.get_running_loop().time() - began > slow.lease.total_seconds()
        await world.until(1, "posted")
    held.set()
    assert once(world, ["a"])


@pytest.mark.kafka("both")
async def test_a_claim_whose_record_was_skipped_is_looked_up_and_adopted(world):
    world.sage.hidden = True
    held = await killed_with_a_call_in_flight(world)
    await skip_forward(world)
    held.set()
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.script.clear()
        world.sage.hidden = False
        [call] = world.sage.lost
        world.sage._book(HERE, call)
        results = await world.until(1, "posted")
    assert results[-1]["sage"]["recordNo"] == "1"
    assert world.sage.requests == [1]


async def test_a_claim_whose_record_was_skipped_and_that_is_proven_absent_is_told_and_never_sent(world):
    await killed_with_a_call_in_flight(world)
    await skip_forward(world)
    async with world.worker():
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == "SOURCE_RECORD_PASSED"
        assert world.sage.requests == [1]
    await world.rewind()  # the fix that the code names
    async with world.worker():
        await world.until(1, "posted")
    assert once(world, ["a"])


async def test_doubts_pause_while_the_circuit_of_their_connection_is_open(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker(config=replace(world.config, half_open_after=timedelta(seconds=1))):
        await world.until(1, "uncertain")
        world.sage.down = SignInError("Sign-in information is incorrect")
        await world.send_invoices("b")
        await world.until(1, "deferred")
        world.sage.hidden = False
        looked = world.sage.lookups
        await until(lambda: world.sage.probes >= 2)
        assert world.sage.lookups <= looked + 1  # each would have been one more refused sign-in
        world.sage.down = None
        await world.until(2, "posted")
    assert once(world, ["a", "b"])
