"""Where corrections meet doubts, marks, settings and periods: what stands in Sage is what is told. Promises 1 to 4."""

import asyncio

import orjson
import pytest

from domain.documents import PartyKind
from domain.parties.matching import PartyRecord, derived_id
from sage_client import ExchangeLevel
from sage_client.errors import PermissionDeniedError, RefusedError
from tests.support.consolidated import DAY, by_day, group, send, toll
from tests.support.eventually import until
from tests.support.exported_invoices import delivered, drafts, posted, stands, told
from tests.support.world import MASTER, invoice, key


async def test_a_refused_reversal_of_what_is_to_book_nothing_ends_no_worker(world):
    await posted(world)
    world.sage.refuse["1"] = RefusedError("no", level=ExchangeLevel.RESULT)
    await world.send_invoices("a", amount="0.00")
    async with world.worker():
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "CORRECTION_REFUSED"
    assert stands(world) == [("a", "100.00")]


async def test_an_update_that_may_have_been_executed_is_not_unchanged(world):
    await posted(world, draft=True)
    await world.set(MASTER, {"account": "4001"})
    world.sage.script.append("lost")  # executed, and nobody knows
    await world.send((key("a"), delivered("a", "2026-06-02")))
    async with world.worker():
        await world.until(1, "uncertain")
        await world.set(MASTER, {"account": "4000"})
        results = await world.until(1, "updated")
    assert results[-1]["outcome"] == "updated"
    assert world.sage.booked[0].accounts == ("4000",)


async def test_what_was_taken_back_is_not_skipped_for_a_setting_that_came_in_between(world):
    await posted(world)
    world.sage.refuse["a"] = PermissionDeniedError("no permission", level=ExchangeLevel.RESULT)
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "deferred")
        await world.connect(activatedAt="2026-06-12T00:00:00Z")
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == "CHANGED_AFTER_POSTING"
        del world.sage.refuse["a"]
        await world.connect()
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]


async def test_what_was_not_found_is_not_unchanged(world):
    await posted(world)
    world.sage.booked.clear()
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "rejected")
        await world.send((key("a"), delivered("a", "2026-06-02")))
        results = await world.until(3)
    assert results[-1]["code"] == "POSTED_DOCUMENT_NOT_FOUND"


async def test_a_number_that_ends_like_a_suffix_can_be_corrected(world):
    def event(number: str) -> bytes:
        made = orjson.loads(invoice("a"))
        made["data"]["invoice"]["number"] = number
        return orjson.dumps(made)

    await drafts(world)
    await world.send((key("a"), event("1000-1")))
    async with world.worker():
        await world.until(1, "posted")
        await world.send((key("a"), event("1000")))
        await world.until(1, "updated")
    assert stands(world) == [("1000", "100.00")]


async def test_another_customer_of_the_same_name_is_a_correction(world):
    def to(customer: str, day: str) -> bytes:
        made = orjson.loads(delivered("a", day))
        made["data"]["customer"] = {"id": customer, "name": "Prairie Gold"}
        return orjson.dumps(made)

    ids = [derived_id(PartyKind.CUSTOMER, None, one) for one in ("c1", "c2")]
    world.sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord(one, "Prairie Gold") for one in ids]
    await world.connect(ar={"createCustomers": True})
    await world.send((key("a"), to("c1", "2026-06-01")))
    async with world.worker():
        await world.until(1, "posted")
        await world.send((key("a"), to("c2", "2026-06-02")))
        await world.until(2, "posted")
    assert [one.party_id for one in world.sage.standing_now] == ids[1:]


async def test_a_mark_is_newer_than_what_was_posted_before_it(world):
    await posted(world)
    world.sage.booked[0].state = "Paid"
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "rejected")
        await world.ask("mark-synced", documents=["invoice/a"], why="done by hand")
        await world.until(1, "skipped")
        await world.send_invoices("a", amount="100.00")
        results = await world.until(2, "rejected")
    assert results[-1]["code"] == "CHANGED_AFTER_POSTING"


@pytest.mark.feature("ar.includeAccessorials")
async def test_a_line_that_is_switched_off_takes_back_nothing(world):
    event = orjson.loads(delivered("a", "2026-06-01"))
    zero, money = {"amount": "0.00", "currency": 840}, {"amount": "100.00", "currency": 840}
    event["data"]["invoice"]["lineItems"] = [
        {"id": "1", "category": "Load", "name": "Linehaul", "loadNumber": "a", "amount": zero},
        {"id": "2", "category": "Accessorial", "name": "Lumper", "loadNumber": "a", "amount": money},
    ]
    await world.send((key("a"), orjson.dumps(event)))
    async with world.worker():
        await world.until(1, "posted")
        await world.connect(ar={"includeAccessorials": False})
        event["data"]["loads"][0]["deliveredAt"] = "2026-06-02T00:00:00Z"
        newer = orjson.loads(invoice("a"))
        event |= {name: newer[name] for name in ("id", "timestamp")}
        await world.send((key("a"), orjson.dumps(event)))
        results = await world.until(1, "rejected")
    assert told(results[1:]) == [("rejected", "CHANGED_AFTER_POSTING", "1")]
    assert stands(world) == [("a", "100.00")]


async def test_a_call_that_sage_says_it_executed_is_dropped_for_no_setting(world):
    world.sage.script.append("lost")
    world.sage.hidden = True  # changed there by hand, say: no look-up finds it
    await world.send_invoices("a", amount="100.00")
    async with world.worker():
        await until(lambda: len(world.sage.requests) == 2)  # proven absent, sent again: "executed before"
        await world.set(MASTER, None)
        await world.send_invoices("a", amount="120.00")
        await asyncio.sleep(world.config.lease.total_seconds() * 2)  # nothing may happen: there is no event for it
        await world.set(MASTER, {"account": "4000"})
        await world.until(1, "uncertain")
    assert stands(world) == [("a", "100.00")]
    told = {(each["outcome"], each["code"]) for each in await world.results()}
    assert told == {("uncertain", "OUTCOME_UNKNOWN"), ("deferred", "EARLIER_REVISION_IN_DOUBT")}


async def test_a_later_connection_loses_no_row_that_was_grouped_before_it(world):
    await by_day(world)
    async with world.worker():
        await send(world, toll("a", "1.10", timestamp=f"{DAY}T20:00:00Z"))
        await world.until(1, "skipped")
        await world.connect(ap={"tollBills": "day"}, activatedAt=f"{DAY}T20:30:00Z")
        await send(world, toll("b", "2.20", timestamp=f"{DAY}T21:00:00Z"))
        await world.until(2, "skipped")
        await group(world)
        results = await world.until(1, "posted")
    assert results[-1]["document"]["total"] == "3.30"
