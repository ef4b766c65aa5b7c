"""Promise 5: what a company does not take opens a circuit with one alarm; one document is tried, then all go."""

import asyncio
import math
import time
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from consumers.export.ledger.transactions import TransactionWriter
from consumers.export.protocol.document_state import Claim
from consumers.export.protocol.lifecycle import Claimed, Life
from domain.documents import SageObject
from sage_client import ExchangeLevel
from sage_client.errors import SignInError, ThrottledError, UnavailableError
from tests.support.events import event, read, to_bytes
from tests.support.eventually import until
from tests.support.world import SUBSIDIARY, invoice, key

GIVING_UP = {
    "open_circuit_after": timedelta(0),
    "half_open_after": timedelta(seconds=0.1),
    "max_half_open_delay": timedelta(seconds=0.4),
}


async def send_bill(world):
    """A carrier's bill, which is a document of the other kind."""
    sample = event("carrier-bill")
    sample["data"]["subsidiary"]["id"] = SUBSIDIARY
    sample["data"]["trip"]["carrier"]["externalIds"][0]["subsidiaryId"] = SUBSIDIARY
    data = to_bytes(sample)
    await world.send((read(sample).key.encode(), data), topic=world.topics.settlement_finalized)


async def test_a_permission_for_one_kind_of_document_stops_that_kind_alone(world):
    world.sage.denied.add(SageObject.AR_INVOICE)
    await world.send_invoices("a", "b", "c")
    async with world.worker():
        results = await world.until(3, "deferred")
        assert {each["code"] for each in results} == {"SAGE_CONFIGURATION"}
        assert all("sage/ACME/acme/ARINVOICE" in each["blockedBy"] for each in results)
        await send_bill(world)
        await world.until(1, "posted")
        await until(lambda: world.sage.probes >= 3)
        world.sage.denied.clear()
        await world.until(4, "posted")
    assert set(world.sage.keys.values()) == {1}


@pytest.mark.kafka("both")
async def test_a_probe_that_succeeds_lets_one_document_through_and_the_others_are_told_nothing(world):
    world.sage.denied.add(SageObject.AR_INVOICE)
    await world.send_invoices(*(f"n{number}" for number in range(30)))
    async with world.worker():
        await world.until(30, "deferred")
        before = len(world.sage.requests)
        await until(lambda: len(world.sage.requests) >= before + 3)
        assert world.sage.requests[before:][:3] == [1, 1, 1]  # a trial is one document
        told = [each["documentKey"] for each in await world.results()]
        # At most the documents that were tried are told again, and another one each time.
        assert len(told) - len(set(told)) <= world.sage.requests.count(1)
        assert max(map(told.count, told)) <= 2
        world.sage.denied.clear()
        await world.until(30, "posted")
    assert set(world.sage.keys.values()) == {1}


@pytest.mark.parametrize("error", [UnavailableError("try later"), ThrottledError("slow down")])
async def test_a_company_that_takes_nothing_for_long_gets_one_request_not_its_backlog(world, error):
    await world.send_invoices("first")
    async with world.worker(config=replace(world.config, **GIVING_UP)):
        await world.until(1, "posted")  # a broker's first transactions take longer than the probes of this test
        world.sage.requests.clear()
        world.sage.script.extend([error] * 6)  # requests fail while probes succeed
        await world.send_invoices(*(f"n{number}" for number in range(60)))
        await world.until(61, "posted")
    failed = world.sage.requests[:6]
    first_trial = failed.index(1)  # before it, what was read in one poll or in two
    assert first_trial <= 4
    assert set(failed[first_trial:]) == {1}
    assert set(world.sage.keys.values()) == {1}
    deferred = [each for each in await world.results() if each["outcome"] == "deferred"]
    assert len(deferred) <= 60 + 12  # each once, and those on trial once more


async def test_a_backlog_that_kafka_is_slow_to_park_is_not_sent_on_a_sign_in_alone(world, monkeypatch):
    commit = TransactionWriter._commit

    async def slow(journal, notes):
        if any(note.entry is not None and note.entry.last is not None for note in notes):
            await asyncio.sleep(0.5)  # longer than the probes of this test
        await commit(journal, notes)

    await world.send_invoices("first")
    async with world.worker(config=replace(world.config, **GIVING_UP)):
        await world.until(1, "posted")
        monkeypatch.setattr(TransactionWriter, "_commit", slow)
        world.sage.requests.clear()
        world.sage.script.extend([UnavailableError("try later")] * 6)
        await world.send_invoices(*(f"n{number}" for number in range(60)))
        await world.until(61, "posted")
    failed = world.sage.requests[:6]
    first_trial = failed.index(1)  # before it, what was read in one poll or in two
    assert first_trial <= 4
    assert set(failed[first_trial:]) == {1}
    told = [each["documentKey"] for each in await world.results() if each["outcome"] == "deferred"]
    assert len(told) <= 60 + 12  # each once, and those on trial once more


async def test_a_trial_whose_answer_is_lost_does_not_open_the_flood(world):
    down = SignInError("Sign-in information is incorrect")
    world.sage.script.extend([down, "lost", "vanished"])
    await world.send_invoices(*(f"n{number}" for number in range(20)))
    async with world.worker():
        await world.until(20, "posted")
    assert world.sage.requests[1:3] == [1, 1]
    assert set(world.sage.keys.values()) == {1}


async def test_documents_for_another_entity_of_a_connection_with_an_open_circuit_are_not_tried_once_each(world):
    held = asyncio.Event()
    for number in range(4):
        subsidiary = f"sub-e{number}"
        connection = {"companyId": "ACME", "credentials": "acme", "state": "active", "entityId": f"E{number}"}
        await world.set(f"{subsidiary}/connection", connection | {"activatedAt": "2026-01-01T00:00:00Z"})
        await world.set(f"{subsidiary}/account/ar/default/default", {"account": "4000"})
    world.sage.script.extend([held, SignInError("Sign-in information is incorrect")])
    await world.send_invoices("first")
    async with world.worker(config=replace(world.config, half_open_after=timedelta(minutes=5))):
        await world.sage.arrived.wait()
        others = [(key(f"e{n}"), invoice(f"e{n}", subsidiary=f"sub-e{n}")) for n in range(4)]
        await world.send(*others)
        await asyncio.sleep(1)  # so that they are queued; if they are not, they are refused at the door
        held.set()
        results = await world.until(4, "deferred")
    assert len(world.sage.requests) == 2
    assert {each["code"] for each in results if each["outcome"] == "deferred"} == {"SAGE_SIGN_IN"}


async def test_a_document_that_is_never_taken_while_others_are_is_parked_and_tried_later(world):
    world.sage.refuse["bad"] = UnavailableError("not now", level=ExchangeLevel.RESULT)
    config = replace(world.config, max_attempts=3, half_open_after=timedelta(seconds=0.5))
    await world.send_invoices("bad")
    async with world.worker(config=config):
        results = await world.until(1, "deferred")
        assert results[0]["blockedBy"][0] == "sage/ACME/acme/later"
        assert world.sage.requests == [1] * 4
        await world.send_invoices("good")
        await world.until(1, "posted")  # the circuit of its company is closed
        world.sage.refuse.clear()
        await world.until(2, "posted")


async def test_retry_after_is_obeyed_and_capped(world):
    world.sage.script.extend([ThrottledError("slow down", retry_after=1.0), ThrottledError("slow", retry_after=900.0)])
    await world.send_invoices("a")
    began = asyncio.get_running_loop().time()
    async with world.worker(config=replace(world.config, retry_after_cap=timedelta(seconds=1.5))):
        await world.until(1, "posted")
    assert 2.5 <= asyncio.get_running_loop().time() - began < 20


async def test_what_waits_for_its_turn_is_not_sent_for_an_owner_that_is_gone(world):
    await world.send_invoices("a")
    async with world.worker() as running:
        await world.until(1, "posted")
        lane = next(iter(running.worker._lanes._lanes.values()))
        session = next(iter(running.worker._sessions.values()))
        work = type("W", (), {"owner": session, "life": Life(0, Claimed(cast(Claim, None), math.inf))})()
        assert lane._still_needed([work])
        await session.close_now()
        assert not lane._still_needed([work])
        await running.kill()


async def test_the_circuit_of_a_company_that_gives_no_answer_opens_before_its_whole_backlog_is_in_doubt(world):
    world.sage.script.extend(["vanished"] * 3)
    numbers = [f"n{number}" for number in range(400)]
    await world.send_invoices(*numbers)
    async with world.worker():
        results = await world.until(len(numbers), "posted")
    doubted = {each["documentKey"] for each in results if each["outcome"] == "uncertain"}
    parked = {each["documentKey"] for each in results if each.get("code") == "SAGE_UNAVAILABLE"}
    assert 0 < len(doubted) <= 3 * world.config.max_documents_per_request
    assert len(parked) >= len(numbers) - 3 * world.config.max_documents_per_request
    assert world.sage.keys == {f"invoice/{number}": 1 for number in numbers}


async def test_a_company_that_hangs_is_set_aside_although_claims_grow_too_old_between_its_silent_requests(world):
    # As shipped: the client waits three minutes for an answer, and a call may begin a minute after its claim.
    world.config = replace(
        world.config,
        send_deadline=timedelta(minutes=1),
        request_timeout=timedelta(minutes=5),
        max_execution_time=timedelta(minutes=15),
        open_circuit_after=timedelta(minutes=5),
        half_open_after=timedelta(minutes=1),
    )
    hangs = 180.0
    size = world.config.max_documents_per_request
    await world.send_invoices("quick")  # so the claims of the next are written while a request is on its way
    async with world.worker() as running:
        await until(lambda: world.sage.booked)
        world.sage.seconds = {"ACME": hangs}
        world.sage.script.extend(["vanished"] * 1_000)
        began = time.monotonic()
        await world.send_invoices(*(f"n{number}" for number in range(10 * size)))
        lane = await running.lane("ACME")
        await until(lambda: lane.is_blocked("sage/ACME/acme"), within=3_600, every=1)
        assert time.monotonic() - began < 2 * hangs + 60
        assert world.sage.late > 0  # a claim waited behind a request that hung
        assert sum(world.sage.requests) <= 3 * size + 1
        world.sage.script.clear()
        world.sage.seconds.clear()
        await until(lambda: len(world.sage.booked) > 10 * size, within=2 * 3_600, every=10)
    assert set(world.sage.keys.values()) == {1}


async def test_a_slow_company_claims_nothing_before_its_turn(world):
    """What is claimed when a worker dies has to be looked up by the next one: so claims wait for their request."""
    size = world.config.max_documents_per_request
    held = asyncio.Event()
    world.sage.script.append(held)
    await world.send_invoices(*(f"n{number}" for number in range(5 * size)))
    async with world.worker():
        await world.sage.arrived.wait()
        await asyncio.sleep(60)
        entries, _ = await world.ledger()
        assert sum(entry.claim is not None for entry in entries.values()) == sum(world.sage.requests) <= size
        held.set()
        await until(lambda: len(world.sage.booked) == 5 * size)


async def test_documents_that_a_slow_company_did_not_take_are_claimed_anew_with_those_that_came_since(world):
    world.config = replace(world.config, max_documents_per_request=3)
    world.sage.seconds = {"ACME": 2.0}  # so nothing is claimed ahead
    world.sage.script.append(UnavailableError("busy"))
    await world.send_invoices("a")
    async with world.worker():
        await world.sage.arrived.wait()
        # Three are ready then, three more prepared, and two wait: with these the first shares its next request.
        await world.send_invoices(*"bcdefghi")
        await until(lambda: len(world.sage.booked) == 9)
        await world.until(9, "posted")
    assert sum(world.sage.requests) == 10
    assert set(world.sage.keys.values()) == {1}
