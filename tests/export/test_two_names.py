"""A trip has one bill, whether its events name it by its id or by its number alone. Promises 2 and 3."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from domain.idempotency import marker
from sage_client.errors import UnavailableError
from tests.support.events import event, withdrawn
from tests.support.exported_invoices import drafts, stands, told
from tests.support.world import MASTER, QUICK, SUBSIDIARY, emission, emitted

TRIP = "trip-1"


def bill(trip_id: str | None = None, *, number: str = "T34-1", total: str = "1000.00", vendor: str = "V-103") -> Any:
    """Key and value of a carrier's bill; without an id it is known by its number."""
    made = event("carrier-bill")
    which = emission()
    made |= {"id": f"bill-{which}", "timestamp": emitted(which)}
    trip = made["data"]["trip"]
    money = {"amount": total, "currency": 840}
    made["data"]["subsidiary"] = {"id": SUBSIDIARY, "name": "Blue Mesa"}
    made["data"].pop("trigger", None)
    trip |= {"id": trip_id, "tripNumber": number, "tenderAs": SUBSIDIARY}
    trip["carrier"] = {
        "id": "c-23",
        "name": "Kestrel",
        "externalIds": [{"subsidiaryId": SUBSIDIARY, "externalAccountingId": vendor}],
        "linehaul": money,
        "totalPayable": money,
    }
    record_key = f"carrier-bill/{trip_id}" if trip_id else f"carrier-bill/{SUBSIDIARY}/{number}"
    return record_key.encode(), orjson.dumps(made)


async def send(world, *bills):
    await world.send(*bills, topic=world.topics.settlement_finalized)


def codes(results: Any, outcome: str) -> list[str]:
    """The codes of an outcome; the two names have partitions of their own, which are read in any order."""
    return [each["code"] for each in results if each["outcome"] == outcome]


@pytest.mark.parametrize("ids", [(None, TRIP), (TRIP, None)], ids=["number, then id", "id, then number"])
async def test_a_trip_that_is_named_both_ways_is_billed_once_and_the_second_is_told_by_name(world, ids):
    await send(world, bill(ids[0]))
    async with world.worker():
        await world.until(1, "posted")
        await send(world, bill(ids[1]))
        results = await world.until(1, "skipped")
        assert told(results[1:]) == [("skipped", "BILLED_UNDER_OTHER_KEY", "1")]
        await send(world, bill(ids[1], total="1200.00"))
        results = await world.until(1, "rejected")
        assert told(results[2:]) == [("rejected", "BILLED_OTHERWISE", "1")]
        assert "1000.00" in results[-1]["detail"]
        assert "1200.00" in results[-1]["detail"]
        assert stands(world) == [("T34-1", "1000.00")]
        world.sage.booked[0].state = "Reversed"  # a person makes room for it
        await world.ask("retry", documents=[results[-1]["documentKey"]])
        await world.until(2, "posted")
    assert stands(world) == [("T34-1", "1200.00")]


async def test_both_at_once_are_one_bill(world):
    await send(world, bill(None), bill(TRIP))
    async with world.worker():
        results = await world.until(2)
    assert sorted(each["outcome"] for each in results) == ["posted", "skipped"]
    assert stands(world) == [("T34-1", "1000.00")]


async def test_while_the_first_ones_call_is_in_doubt_the_second_waits_and_one_bill_stands(world):
    world.sage.script.append("lost")
    world.sage.hidden = True  # Sage still executes it: no look-up sees it
    async with world.worker(replace(QUICK, max_execution_time=timedelta(seconds=60))):
        await send(world, bill(None))
        await world.until(1, "uncertain")
        await send(world, bill(TRIP))
        results = await world.until(1, "deferred")
        assert codes(results, "deferred") == ["BILL_IN_DOUBT"]
        assert len(world.sage.requests) == 1
        world.sage.hidden = False
        await world.until(1, "posted")
        results = await world.until(1, "skipped")
    assert codes(results, "skipped") == ["BILLED_UNDER_OTHER_KEY"]
    assert stands(world) == [("T34-1", "1000.00")]


async def test_what_takes_the_bill_back_under_its_other_name_leaves_the_persons_item_and_the_bill(world):
    await send(world, bill(None))
    async with world.worker():
        await world.until(1, "posted")
        await send(world, bill(TRIP, total="1200.00"))
        await world.until(1, "rejected")
        record_key, value = bill(TRIP)
        await send(world, (record_key, orjson.dumps(withdrawn(orjson.loads(value)))))
        results = await world.until(2, "rejected")
        assert codes(results, "rejected") == ["BILLED_OTHERWISE"] * 2
        assert all("record 1" in each["detail"] for each in results if each["outcome"] == "rejected")
        await world.ask("retry", documents=[f"carrier-bill/{TRIP}"])
        await world.until(3, "rejected")
    assert stands(world) == [("T34-1", "1000.00")]


async def test_the_first_ones_corrections_do_not_hide_it(world):
    world.sage.unique_numbers = True
    await send(world, bill(None))
    async with world.worker():
        await world.until(1, "posted")
        await send(world, bill(None, total="1100.00"))
        await world.until(2, "posted")
        assert stands(world) == [("T34-1-1", "1100.00")]
        await send(world, bill(TRIP, total="1100.00"))
        results = await world.until(1, "skipped")
        assert results[-1]["code"] == "BILLED_UNDER_OTHER_KEY"
        await send(world, bill(None, total="1150.00"))  # under its own key it is corrected on
        await world.until(3, "posted")
    assert stands(world) == [("T34-1-2", "1150.00")]


async def test_a_draft_is_a_bill_too(world):
    await drafts(world)
    await send(world, bill(None))
    await world.connect(ap={"autopost": False})
    async with world.worker():
        await world.until(1, "posted")
        await send(world, bill(TRIP))
        await world.until(1, "skipped")
    assert [each.state for each in world.sage.booked] == ["Draft"]


@pytest.mark.parametrize(
    "other",
    [
        bill("trip-2"),  # a number that was used again: both trips have an id
        bill(TRIP, number="T34-2"),
        bill(TRIP, vendor="V-104"),
    ],
    ids=["another trip of the number", "another number", "another carrier"],
)
async def test_what_is_not_the_same_trip_carrier_and_number_is_a_bill_of_its_own(world, other):
    first = bill("trip-3") if other[0] == b"carrier-bill/trip-2" else bill(None)
    await send(world, first)
    async with world.worker():
        await world.until(1, "posted")
        await send(world, other)
        await world.until(2, "posted")
    assert len(stands(world)) == 2


async def test_a_bill_of_somebody_else_with_the_number_is_no_twin(world):
    await send(world, bill(None))
    async with world.worker():
        await world.until(1, "posted")
        theirs = world.sage.booked[0]
        theirs.description = "entered by hand"
        await send(world, bill(TRIP))
        await world.until(2, "posted")
    assert marker(f"carrier-bill/{TRIP}") in world.sage.booked[-1].description


async def test_what_cannot_be_looked_up_is_not_posted_until_it_can(world):
    await send(world, bill(None))
    async with world.worker():
        await world.until(1, "posted")
        find, failures = world.sage.find, [UnavailableError("try later") for _ in range(3)]

        async def failing(login, keys):
            if failures:
                raise failures.pop()
            return await find(login, keys)

        world.sage.find = failing
        await send(world, bill(TRIP))
        await world.until(1, "skipped")
    assert not failures
    assert stands(world) == [("T34-1", "1000.00")]


async def test_bills_are_looked_for_in_one_question_a_request_and_other_documents_in_none(world):
    await world.set(MASTER.replace("/ar/", "/ap/"), None)
    await send(world, *[bill(f"trip-{each}", number=f"T-{each}") for each in range(30)])
    await world.send_invoices("a", "b")
    async with world.worker():
        await world.until(30, "deferred")
        await world.until(2, "posted")
        assert world.sage.lookups == 0
        await world.set(MASTER.replace("/ar/", "/ap/"), {"account": "5000"})
        await world.until(32, "posted")
        bills = len(world.sage.requests) - 1
        assert world.sage.lookups <= bills < 30
        await send(world, bill("trip-0", number="T-0"))  # answered from the ledger
        await world.until(1, "already_posted")
        asked = world.sage.lookups
        await send(world, bill("trip-0", number="T-0", total="1.00"))  # a correction asks when it posts anew
        await world.until(33, "posted")
    assert world.sage.lookups == asked + 1
