"""Promises 3 to 6: order per document, companies apart, waiting for a named thing, and what is never posted."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from domain.documents import PartyKind
from domain.parties.matching import PartyRecord
from sage_client.errors import SignInError
from tests.support.kafka import producing
from tests.support.world import MASTER, SUBSIDIARY, invoice, key


async def test_a_changed_revision_of_a_posted_document_takes_its_place_and_never_stands_beside_it(world):
    await world.send_invoices("a", amount="100.00")
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(2, "posted")
    assert [each["outcome"] for each in results] == ["posted", "reversed", "posted"]
    assert [str(each.total) for each in world.sage.standing_now] == ["120.00"]


async def test_a_zero_revision_is_skipped_and_a_later_one_exports(world):
    await world.send_invoices("a", amount="0")
    await world.send_invoices("a", amount="80.00")
    async with world.worker():
        results = await world.until(2)
    assert [each["outcome"] for each in results] == ["skipped", "posted"]
    assert results[0]["code"] == "ZERO_TOTAL"


@pytest.mark.kafka("both")
async def test_revisions_of_one_document_end_in_their_order_while_others_pass(world):
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices("a", amount="100.00")
    async with world.worker():
        await world.sage.arrived.wait()
        world.sage.arrived.clear()
        await world.send_invoices("a", amount="120.00")
        await world.send_invoices("a", amount="100.00")
        held.set()
        results = await world.until(3, "posted")
    assert [each["outcome"] for each in results] == ["posted", *["reversed", "posted"] * 2]
    assert [str(each.total) for each in world.sage.standing_now] == ["100.00"]


@pytest.mark.kafka("both")
async def test_a_slow_company_does_not_hold_up_another(world):
    await world.connect("sub-2", company="OTHER")
    await world.set("sub-2/account/ar/default/default", {"account": "4100"})
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices(*(f"a{number}" for number in range(4)))
    async with world.worker():
        await world.sage.arrived.wait()
        await world.send(*((key(f"b{number}"), invoice(f"b{number}", subsidiary="sub-2")) for number in range(10)))
        results = await world.until(10, "posted")
        assert {each["connection"]["companyId"] for each in results} == {"OTHER"}
        held.set()
        await world.until(14, "posted")


@pytest.mark.kafka("both")
async def test_without_a_master_default_a_document_waits_and_exports_by_itself_when_it_arrives(world):
    await world.set(MASTER, None)
    await world.send_invoices("a", "b")
    async with world.worker():
        results = await world.until(2, "deferred")
        assert {each["code"] for each in results} == {"ACCOUNT_UNMAPPED"}
        assert all(MASTER in each["blockedBy"] for each in results)
        assert world.sage.requests == []
        await world.set(MASTER, {"account": "4010"})
        await world.until(2, "posted")
    assert {each.accounts for each in world.sage.booked} == {("4010",)}
    assert await world.committed() == await world.ends()


@pytest.mark.kafka("both")
async def test_a_waiting_document_survives_the_worker_and_goes_on_when_its_key_arrives_later(world):
    await world.set(MASTER, None)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
    async with world.worker():
        await world.set(MASTER, {"account": "4010"})
        await world.until(1, "posted")
    assert len(world.sage.booked) == 1


async def test_a_key_that_arrived_while_no_worker_ran_releases_its_documents(world):
    await world.set(MASTER, None)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
    await world.set(MASTER, {"account": "4010"})
    async with world.worker():
        await world.until(1, "posted")
    assert len(world.sage.booked) == 1


async def test_a_paused_connection_defers_and_resuming_it_releases(world):
    await world.connect(SUBSIDIARY, state="paused")
    await world.send_invoices("a")
    async with world.worker():
        results = await world.until(1, "deferred")
        assert results[0]["blockedBy"] == [f"{SUBSIDIARY}/connection"]
        await world.connect(SUBSIDIARY)
        await world.until(1, "posted")


async def test_a_refused_sign_in_opens_the_circuit_and_a_probe_closes_it(world):
    world.sage.down = SignInError("Sign-in information is incorrect")
    await world.send_invoices(*(f"n{number}" for number in range(30)))
    async with world.worker():
        results = await world.until(30, "deferred")
        assert {each["code"] for each in results} == {"SAGE_SIGN_IN"}
        assert len(world.sage.requests) <= 4  # the circuit opens after the first, not tried thirty times
        world.sage.down = None
        await world.until(30, "posted")
    assert set(world.sage.keys.values()) == {1}


async def test_a_mapping_written_before_an_event_counts_for_it(world):
    async with world.worker() as running:
        await running.until_open(10)
        for number in range(5):
            await world.set(f"{SUBSIDIARY}/account/ar/load/Customer Linehaul", {"account": f"41{number}0"})
            await world.send_invoices(f"n{number}")
        results = await world.until(5, "posted")
    used = {each["documentKey"]: each["document"]["lines"][0] for each in results}
    assert {name: line["account"] for name, line in used.items()} == {f"invoice/n{n}": f"41{n}0" for n in range(5)}
    assert all(line["mapping"]["level"] == "specific" for line in used.values())


@pytest.mark.kafka("both")
async def test_bytes_that_break_the_contract_become_dead_letters_untouched_and_the_topic_moves_on(world):
    bad = [(b"k1", b"not json"), (b"k2", b"\xff\xfe"), (None, None), (b"k4", b'{"id": 1}'), (b"", b""), (b"k6", None)]
    await world.send(*(each for each in bad if each != (None, None)))
    await world.send_emptiness()
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "posted")
    letters = await world.records(world.topics.sage_dead_letters)
    assert len(letters) == len(bad)
    assert {(each.key, each.value) for each in letters} == set(bad)
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["kafka_dlt-original-topic"].decode() == world.topics.invoice_created
        assert headers["__connect.errors.exception.message"]
        assert headers["alvys-sage-code"].decode() in {"MALFORMED_JSON", "SCHEMA_VIOLATION"}
    assert await world.committed() == await world.ends()


async def test_a_record_under_another_key_than_its_documents_is_a_dead_letter(world):
    await world.send((b"invoice/other", invoice("a")), (None, invoice("b")))
    await world.send_invoices("c")
    async with world.worker():
        await world.until(1, "posted")
    letters = await world.records(world.topics.sage_dead_letters)
    assert {dict(letter.headers)["alvys-sage-code"] for letter in letters} == {b"WRONG_KEY"}
    assert set(world.sage.keys) == {"invoice/c"}


async def test_one_document_in_two_partitions_is_never_in_one_request_twice(world):
    world.settings = world.settings.model_copy(update={"partitioner": "any"})  # or one of them is set aside
    await world.connect(SUBSIDIARY, state="paused")
    async with producing(world.bootstrap) as producer:
        for partition in range(world.partitions):
            await producer.send_and_wait(world.topics.invoice_created, invoice("a"), key("a"), partition=partition)
    async with world.worker():
        await world.until(2, "deferred")
        await world.connect(SUBSIDIARY)
        await world.until(2, "posted")
    assert world.sage.keys == {"invoice/a": 1}


async def test_naming_other_credentials_releases_what_waits_for_the_old_ones(world):
    world.sage.down = SignInError("Sign-in information is incorrect")
    await world.send_invoices("a")
    async with world.worker(config=replace(world.config, half_open_after=timedelta(minutes=5))):
        await world.until(1, "deferred")
        world.sage.down = None
        await world.connect(SUBSIDIARY, credentials="renewed")
        await world.until(1, "posted")
    assert world.sage.probes == 0


async def test_what_could_not_begin_in_time_is_claimed_anew_not_sent_late(world):
    world.sage.too_late = True
    await world.send_invoices("a")
    async with world.worker() as running:
        await running.until_open(10)
        async with asyncio.timeout(10):
            while not world.sage.late:  # noqa: ASYNC110 - the fake has no event for it
                await asyncio.sleep(0.01)
        assert world.sage.booked == []
        world.sage.too_late = False
        await world.until(1, "posted")
    assert world.sage.keys == {"invoice/a": 1}


@pytest.mark.kafka("both")
async def test_an_event_as_large_as_its_topic_takes_is_still_a_dead_letter_or_waits(world):
    await world.set(MASTER, None)
    padded = orjson.loads(invoice("a")) | {"padding": "x" * 900_000}
    await world.send((b"k", b"{" + b" " * 1_040_000), (key("a"), orjson.dumps(padded)))
    async with world.worker():
        await world.until(1, "deferred")
        await world.set(MASTER, {"account": "4010"})
        await world.until(1, "posted")
    [letter] = await world.records(world.topics.sage_dead_letters)
    assert len(letter.value) == 1_040_001
    assert await world.committed() == await world.ends()


@pytest.mark.kafka("both")
async def test_a_full_window_pauses_reading_and_loses_nothing(world):
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices(*(f"n{number}" for number in range(400)))
    small = replace(world.config, max_in_flight=20, max_documents_per_request=10)
    async with world.worker(config=small, max_poll_records=20) as running:
        await world.sage.arrived.wait()
        sessions = running.worker._sessions.values()
        assert max(len(session._tracker) for session in sessions) <= 40
        held.set()
        await world.until(400, "posted")
    assert set(world.sage.keys.values()) == {1}


async def test_one_request_at_a_time_for_a_company_unless_it_is_told_otherwise(world):
    await world.send_invoices(*(f"n{number}" for number in range(100)))
    async with world.worker(config=replace(world.config, max_documents_per_request=5)):
        await world.until(100, "posted")
    assert world.sage.most_running == 1


async def test_a_name_is_found_in_a_list_that_is_read_once(world):
    world.sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "prairie gold", active=True)]
    events = [orjson.loads(invoice(f"n{number}")) for number in range(10)]
    for event in events:
        event["data"]["customer"]["externalAccountingId"] = None
    await world.send(*((key(f"n{number}"), orjson.dumps(event)) for number, event in enumerate(events)))
    async with world.worker():
        results = await world.until(10, "posted")
    assert {each["document"]["party"] for each in results} == {"C-7"}


async def test_a_name_that_sage_does_not_know_or_knows_twice_is_refused(world):
    world.sage.parties_known[PartyKind.CUSTOMER] = [
        PartyRecord("C-7", "Prairie Gold", active=True),
        PartyRecord("C-8", "Prairie Gold ", active=True),
    ]
    event = orjson.loads(invoice("a"))
    event["data"]["customer"]["externalAccountingId"] = None
    other = orjson.loads(invoice("b"))
    other["data"]["customer"] |= {"externalAccountingId": None, "name": "Nobody"}
    await world.send((key("a"), orjson.dumps(event)), (key("b"), orjson.dumps(other)))
    async with world.worker():
        results = await world.until(2, "rejected")
    assert {each["code"] for each in results} == {"PARTY_AMBIGUOUS", "PARTY_NOT_FOUND"}
    assert world.sage.requests == []
