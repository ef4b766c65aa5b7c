"""A document that is withdrawn in Alvys is taken back in Sage, once, and told as that. Promises 1 to 4."""

from typing import Any

import orjson
import pytest

from tests.support.consolidated import GROUP, by_day, group, send, toll
from tests.support.events import withdrawn
from tests.support.eventually import until
from tests.support.exported_invoices import drafts, posted, stands, told
from tests.support.world import MASTER, SUBSIDIARY, invoice, key, sample

REASON = {"reason": "wrong customer"}


def taken_back(number: str = "a", said: object = REASON) -> tuple[bytes, bytes]:
    return key(number), orjson.dumps(withdrawn(orjson.loads(invoice(number)), said))


async def test_what_stands_is_reversed_told_with_the_reason_and_made_again_as_often_as_alvys_does(world):
    await posted(world)
    async with world.worker():
        await world.send(taken_back())
        results = await world.until(1, "skipped")
        assert told(results[1:]) == [("reversed", "WITHDRAWN", "1"), ("skipped", "WITHDRAWN", None)]
        assert all("wrong customer" in each["detail"] for each in results[1:])
        assert stands(world) == []
        await world.send(taken_back(), taken_back(said=True))  # delivered again: nothing is left to be done
        await world.until(3, "skipped")
        assert world.sage.corrected == [("reverse", "1")]
        await world.send_invoices("a")  # the same content as at first
        results = await world.until(2, "posted")
        assert results[-1]["corrects"] == "1"
        await world.send(taken_back())
        results = await world.until(4, "skipped")
    assert told(results[-2:]) == [("reversed", "WITHDRAWN", "2"), ("skipped", "WITHDRAWN", None)]
    assert stands(world) == []
    assert await world.committed() == await world.ends()


async def test_a_draft_is_deleted(world):
    await posted(world, draft=True)
    await world.send(taken_back())
    async with world.worker():
        results = await world.until(1, "skipped")
    assert told(results[1:]) == [("reversed", "WITHDRAWN", "1"), ("skipped", "WITHDRAWN", None)]
    assert world.sage.corrected == [("delete", "1")]


async def test_what_never_stood_is_skipped_and_what_waited_or_was_refused_of_it_ends(world):
    await world.set(MASTER, None)
    await world.send_invoices("a")  # waits for its account
    await world.send((key("b"), orjson.dumps(lineless("b"))))  # refused
    async with world.worker():
        await world.until(1, "deferred")
        await world.until(1, "rejected")
        await world.send(taken_back("a"), taken_back("b"), taken_back("c"))
        results = await world.until(3, "skipped")
        assert {each["code"] for each in results[2:]} == {"WITHDRAWN"}
        await world.set(MASTER, {"account": "4000"})
        await world.ask("retry", documents=["invoice/a", "invoice/b"])
        await world.send_invoices("d")
        await world.until(1, "posted")
    assert stands(world) == [("d", "100.00")]
    assert world.sage.corrected == []


def lineless(number: str) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(invoice(number, "0"))
    made["data"]["invoice"]["lineItems"] = []
    return made


async def test_what_is_paid_is_left_and_a_person_told_who_clears_the_way(world):
    await posted(world)
    world.sage.booked[0].state = "Paid"
    await world.send(taken_back())
    async with world.worker():
        results = await world.until(1, "rejected")
        assert told(results[1:]) == [("rejected", "POSTED_DOCUMENT_PAID", "1")]
        assert "withdrawn in Alvys: wrong customer" in results[-1]["detail"]
        world.sage.booked[0].state = "Posted"
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "skipped")
    assert stands(world) == []


@pytest.mark.parametrize("fault", ["lost", "vanished"])
async def test_a_call_in_doubt_is_cleared_up_before_its_document_is_taken_back(world, fault):
    world.sage.script.append(fault)
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await until(lambda: world.sage.lookups > 0)
        await world.send(taken_back())
        world.sage.hidden = False
        results = await world.until(1, "skipped")
    # What was proven absent is sent again first: the revisions of a document take effect in their order.
    assert [each["code"] for each in results[-2:]] == ["WITHDRAWN", "WITHDRAWN"]
    assert stands(world) == []


@pytest.mark.parametrize("code", ["NOT_CONNECTED", "SIDE_DISABLED"])
async def test_nothing_is_touched_where_the_settings_say_that_nothing_is(world, code):
    await posted(world)
    if code == "NOT_CONNECTED":
        await world.set(f"{SUBSIDIARY}/connection", None)
    else:
        await world.connect(ar={"active": False})
    await world.send(taken_back())
    async with world.worker():
        results = await world.until(1, "rejected")
        assert told(results[1:]) == [("rejected", "CHANGED_AFTER_POSTING", "1")]
        assert code in results[-1]["detail"]
        assert stands(world) == [("a", "100.00")]
        await world.connect()
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "reversed")


async def test_it_waits_for_a_paused_connection(world):
    await posted(world)
    await world.connect(SUBSIDIARY, state="paused")
    await world.send(taken_back())
    async with world.worker():
        results = await world.until(1, "deferred")
        assert results[-1]["code"] == "CONNECTION_PAUSED"
        await world.connect(SUBSIDIARY)
        await world.until(1, "skipped")
    assert stands(world) == []


async def test_what_a_person_entered_is_a_persons_to_take_back(world):
    await world.set(MASTER, None)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand")
        await world.until(1, "skipped")
        await world.send(taken_back())
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "CHANGED_AFTER_POSTING"


@pytest.mark.parametrize("topic", ["settlement", "fuel", "toll"])
async def test_bills_of_every_topic_are_taken_back(world, topic):
    await world.set(f"{SUBSIDIARY}/vendor/{topic}/default", {"vendorId": "V-1"})
    name = {"settlement": world.topics.settlement_finalized, "fuel": world.topics.fuel_transaction}
    where = name.get(topic, world.topics.toll_transaction)
    made = sample(topic, "77")
    record_key = (
        f"driver-statement/{made['data']['statement']['driver']['id']}/77" if topic == "settlement" else f"{topic}/77"
    )
    await world.send((record_key.encode(), orjson.dumps(made)), topic=where)
    async with world.worker():
        await world.until(1, "posted")
        await world.send((record_key.encode(), orjson.dumps(withdrawn(made))), topic=where)
        results = await world.until(1, "skipped")
    assert told(results[1:]) == [("reversed", "WITHDRAWN", "1"), ("skipped", "WITHDRAWN", None)]
    assert stands(world) == []


async def test_a_row_of_a_days_bill_is_taken_out_of_it_and_comes_back(world):
    await by_day(world)
    rows = toll("a", "1.10"), toll("b", "2.20")
    await send(world, *rows)
    gone = rows[0][0], orjson.dumps(withdrawn(orjson.loads(rows[0][1])))
    async with world.worker():
        await world.until(2, "skipped")
        await group(world)
        await world.until(1, "posted")
        await send(world, gone)
        results = await world.until(3, "skipped")
        assert results[-1]["code"] == "WITHDRAWN"
        await group(world)
        results = await world.until(2, "posted")
        assert (results[-1]["documentKey"], results[-1]["document"]["total"]) == (GROUP, "2.20")
        await send(world, toll("a", "1.10"))
        await world.until(4, "skipped")
        await group(world)
        results = await world.until(3, "posted")
    assert results[-1]["document"]["total"] == "3.30"
    assert [str(each.total) for each in world.sage.standing_now] == ["3.30"]


async def test_drafts_that_were_withdrawn_are_made_again_as_drafts(world):
    await drafts(world)
    await world.send((key("a"), invoice("a")), taken_back(), (key("a"), invoice("a")))
    async with world.worker():
        await world.until(2, "posted")
    assert [(each.state, each.number) for each in world.sage.booked] == [("Draft", "a")]
