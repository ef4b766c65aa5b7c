"""What was exported and then changed: updated, or reversed and posted anew, or refused by name. Promises 2, 3, 4, 7."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from consumers.export.protocol.document_state import REVISION_AMBIGUOUS
from kafka_client.clock import utc_now
from sage_client import ExchangeLevel, ReverseCall
from sage_client.errors import (
    PeriodClosedError,
    PermissionDeniedError,
    RefusedError,
    ReversalDateError,
    ReversalDisabledError,
    ReversalElsewhereError,
    SignInError,
)
from tests.support.eventually import until
from tests.support.exported_invoices import delivered, drafts, posted, stands, told
from tests.support.world import MASTER, SUBSIDIARY, invoice, key


@pytest.mark.feature("changed when posted")
@pytest.mark.feature("corrections survive a crash")
async def test_a_posted_document_that_changed_is_reversed_and_posted_anew_and_the_two_are_linked(world):
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(2, "posted")
    assert told(results[1:]) == [("reversed", None, "1"), ("posted", None, "2")]
    assert results[2]["corrects"] == "1"
    assert stands(world) == [("a", "120.00")]
    assert world.sage.booked[0].reversed_on == datetime.now(UTC).date()
    assert await world.committed() == await world.ends()


@pytest.mark.feature("changed draft")
async def test_a_draft_that_changed_is_updated_in_place(world):
    await posted(world, draft=True)
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "updated")
    assert told(results[1:]) == [("updated", None, "1")]
    assert [(each.state, str(each.total)) for each in world.sage.booked] == [("Draft", "120.00")]
    assert world.sage.corrected == [("update", "1")]


async def test_revisions_that_go_back_and_forth_are_each_applied_under_a_call_of_their_own(world):
    await drafts(world)
    for amount in ("100.00", "120.00", "100.00", "120.00", "100.00"):
        await world.send_invoices("a", amount=amount)
    async with world.worker():
        await world.until(4, "updated")
        await world.connect()
        for amount in ("120.00", "100.00", "120.00", "100.00"):
            await world.send_invoices("a", amount=amount)
        results = await world.until(4, "posted")
    assert [each["outcome"] for each in results][5:] == ["updated", *["reversed", "posted"] * 3]
    assert stands(world) == [("a", "100.00")]
    assert len({each["sage"]["controlId"] for each in results}) == len(results)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param("Paid", "POSTED_DOCUMENT_PAID", marks=pytest.mark.feature("changed when paid")),
        pytest.param("Partially Paid", "POSTED_DOCUMENT_PAID", marks=pytest.mark.feature("changed when paid")),
        pytest.param("Selected", "POSTED_DOCUMENT_SELECTED", marks=pytest.mark.feature("changed when selected")),
        pytest.param("Closed", "POSTED_DOCUMENT_CLOSED", marks=pytest.mark.feature("changed when closed")),
        ("Submitted", "POSTED_DOCUMENT_IN_APPROVAL"),
        ("Partially Approved", "POSTED_DOCUMENT_IN_APPROVAL"),
        ("Something new", "POSTED_DOCUMENT_STATE_UNKNOWN"),
    ],
)
async def test_what_may_not_be_touched_is_refused_by_a_code_of_its_own_until_a_person_cleared_the_way(
    world, state, code
):
    await posted(world)
    world.sage.booked[0].state = state
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "rejected")
        assert told(results[1:]) == [("rejected", code, "1")]
        assert state in results[1]["detail"]
        assert world.sage.corrected == []
        world.sage.booked[0].state = "Posted"
        await world.ask("retry", documents=["invoice/a"])
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]


async def test_a_reversal_that_is_refused_for_its_date_goes_once_more_a_day_later_and_no_further(world):
    await posted(world)
    world.sage.refuse["1"] = ReversalDateError("too early", level=ExchangeLevel.RESULT)
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "rejected")
        assert told(results[1:]) == [("rejected", "REVERSAL_DATE", None)]
        tried = [each.on for each in world.sage.asked_for if isinstance(each, ReverseCall)]
        assert [day - tried[0] for day in tried] == [timedelta(0), timedelta(days=1)]
        assert len({each.control_id for each in world.sage.asked_for}) == len(world.sage.asked_for)
        assert stands(world) == [("a", "100.00")]
        world.sage.refuse.clear()
        await world.ask("retry", documents=["invoice/a"])
        results = await world.until(2, "posted")
    assert results[-2]["detail"] == "record 1 was reversed", "on the day itself, which is nothing to tell"
    assert stands(world) == [("a", "120.00")]


@pytest.mark.parametrize("error", [ReversalDisabledError, ReversalElsewhereError])
async def test_a_create_is_never_refused_by_the_code_of_a_reversal(world, error):
    world.sage.refuse["a"] = error("words that were misread", level=ExchangeLevel.RESULT)
    await world.send_invoices("a")
    async with world.worker():
        results = await world.until(1, "rejected")
    assert told(results) == [("rejected", "SAGE_REFUSED", None)]


@pytest.mark.feature("changed when selected")
async def test_what_was_reversed_by_hand_is_posted_anew(world):
    await posted(world)
    world.sage.booked[0].state = "Reversed"
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(2, "posted")
    assert told(results[1:]) == [("reversed", None, "1"), ("posted", None, "2")]
    assert "by hand" in results[1]["detail"]
    assert world.sage.corrected == []


async def test_what_is_not_found_is_never_posted_beside_itself_but_when_a_person_says_so(world):
    await posted(world)
    hidden, world.sage.booked[:] = world.sage.booked[:], []
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "rejected")
        # Until the lease of its posting has ended, Sage's reads may only lag.
        assert told(results[1:]) == [
            ("deferred", "POSTED_DOCUMENT_NOT_SHOWN", None),
            ("rejected", "POSTED_DOCUMENT_NOT_FOUND", "1"),
        ]
        await world.send_invoices("a", amount="120.00")  # the same in a record of its own: it is asked anew
        await world.until(2, "rejected")
        assert world.sage.booked == []
        world.sage.booked[:] = hidden  # a permission had hidden it: it is found, and corrected
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
        assert stands(world) == [("a", "120.00")]
        world.sage.booked.clear()
        await world.send_invoices("a", amount="130.00")
        await world.until(3, "rejected")
        await world.ask("retry", documents=["invoice/a"])
        results = await world.until(3, "posted")
    assert "a person asked to go on" in results[-2]["detail"]
    assert stands(world) == [("a", "130.00")]


async def test_a_revision_right_behind_its_document_waits_until_sage_shows_it(world):
    """Reads that lag: neither is a person asked, nor is the revision posted beside what stands."""
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "posted")
        world.sage.hidden = True
        await world.send_invoices("a", amount="120.00")
        await until(lambda: world.sage.inspections > 2)
        assert stands(world) == [("a", "100.00")]
        world.sage.hidden = False
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]
    assert "rejected" not in {each["outcome"] for each in results}


async def test_a_draft_whose_deletion_is_in_doubt_is_not_taken_for_deleted_because_reads_lag(world):
    await posted(world, draft=True)
    world.sage.script.append("vanished")  # the deletion is not executed, and the connection breaks
    await world.send_invoices("a", amount="0")
    async with world.worker():
        await until(lambda: not world.sage.script)
        world.sage.hidden = True
        seen = world.sage.inspections
        await until(lambda: world.sage.inspections > seen + 1)
        assert [each["outcome"] for each in await world.results() if each["outcome"] != "uncertain"] == ["posted"]
        world.sage.hidden = False
        await world.until(1, "skipped")
    assert stands(world) == []
    assert world.sage.corrected == [("delete", "1")]


@pytest.mark.parametrize("draft", [False, True])
async def test_a_revision_with_nothing_to_book_only_takes_away_what_stands(world, draft):
    await posted(world, draft=draft)
    await world.send_invoices("a", amount="0")
    async with world.worker():
        results = await world.until(1, "skipped")
        assert told(results[1:]) == [("reversed", None, "1"), ("skipped", "ZERO_TOTAL", None)]
        assert stands(world) == []
        assert world.sage.corrected == [("delete" if draft else "reverse", "1")]
        await world.send_invoices("a", amount="100.00")  # the same content as at first: another call all the same
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "100.00")]


async def test_nothing_is_touched_while_the_connection_is_paused(world):
    await posted(world)
    await world.connect(SUBSIDIARY, state="paused")
    await world.send_invoices("a", amount="0")
    async with world.worker():
        results = await world.until(1, "deferred")
        assert results[-1]["code"] == "CONNECTION_PAUSED"
        assert stands(world) == [("a", "100.00")]
        await world.connect(SUBSIDIARY)
        await world.until(1, "reversed")


async def test_a_revision_that_is_not_exported_any_more_touches_nothing_and_says_why(world):
    await posted(world)
    await world.connect(ar={"active": False})
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "rejected")
        assert told(results[1:]) == [("rejected", "CHANGED_AFTER_POSTING", "1")]
        assert "record 1" in results[1]["detail"]
        assert "SIDE_DISABLED" in results[1]["detail"]
        assert world.sage.inspections == 0
        await world.connect()
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]


async def test_a_revision_that_cannot_be_mapped_leaves_what_stands_alone_until_it_can(world):
    await posted(world)
    await world.set(MASTER, None)
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "deferred")
        assert stands(world) == [("a", "100.00")]
        await world.set(MASTER, {"account": "4010"})
        results = await world.until(2, "posted")
    assert told(results[2:]) == [("reversed", None, "1"), ("posted", None, "2")]


async def test_what_waits_or_was_refused_is_overtaken_by_a_record_that_says_again_what_stands(world):
    await posted(world)
    await world.set(MASTER, None)
    await world.send_invoices("a", amount="120.00")
    await world.send_invoices("a", amount="100.00")
    async with world.worker():
        results = await world.until(1, "already_posted")
        await world.set(MASTER, {"account": "4010"})
        await world.send_invoices("b")
        results = await world.until(2, "posted")
    assert [each["outcome"] for each in results] == ["posted", "deferred", "already_posted", "posted"]
    assert stands(world) == [("a", "100.00"), ("b", "100.00")]
    await world.rewind()
    async with world.worker():
        results = await world.until(8)
    assert sorted(each.get("code", each["outcome"]) for each in results[4:]) == [
        "SUPERSEDED",
        "already_posted",
        "already_posted",
        "already_posted",
    ]


@pytest.mark.feature("changed entity")
@pytest.mark.parametrize("moved", [{"entityId": "E2"}, {"companyId": "OTHER"}], ids=["entity", "company"])
async def test_a_document_that_moves_is_reversed_under_the_old_connection_then_posted_under_the_new_one(world, moved):
    await world.connect(entityId="E1")
    await posted(world)
    await world.connect("sub-2", credentials="other", **{"entityId": "E1"} | moved)
    await world.set("sub-2/account/ar/default/default", {"account": "4100"})
    await world.send((key("a"), invoice("a", subsidiary="sub-2")))
    async with world.worker():
        results = await world.until(2, "posted")
    assert told(results[1:]) == [("reversed", None, "1"), ("posted", None, "2")]
    assert [each["connection"]["subsidiaryId"] for each in results] == [SUBSIDIARY, SUBSIDIARY, "sub-2"]
    old, new = world.sage.booked
    assert (old.place, old.state) == (("ACME", "E1"), "Reversed")
    assert new.place == (moved.get("companyId", "ACME"), moved.get("entityId", "E1"))


async def test_nothing_is_reversed_before_all_is_known_that_the_new_posting_needs(world):
    await posted(world)
    event = orjson.loads(invoice("a", "120.00"))
    event["data"]["customer"].pop("externalAccountingId")
    await world.send((key("a"), orjson.dumps(event)))
    async with world.worker():
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "PARTY_NOT_FOUND"
    assert stands(world) == [("a", "100.00")]
    assert world.sage.inspections == 0


async def test_a_draft_of_another_customer_is_deleted_and_made_anew(world):
    await posted(world, draft=True)
    await world.send((key("a"), invoice("a", customer="C-2")))
    async with world.worker():
        results = await world.until(2, "posted")
    assert world.sage.corrected == [("delete", "1")]
    assert "record 1 was deleted" in results[1]["detail"]
    assert [each.party_id for each in world.sage.booked] == ["C-2"]


async def test_a_draft_with_more_lines_than_the_new_revision_is_deleted_and_made_anew(world):
    await drafts(world)

    def of_two_lines():
        event = orjson.loads(invoice("a", "60.00"))
        line = event["data"]["invoice"]["lineItems"][0]
        event["data"]["invoice"]["lineItems"] = [line, line | {"id": "2"}]
        event["data"]["invoice"]["total"] = {"amount": "120.00", "currency": 840}
        return orjson.dumps(event)

    await world.send((key("a"), of_two_lines()))
    await world.send_invoices("a", amount="60.00")
    await world.send((key("a"), of_two_lines()))
    async with world.worker():
        results = await world.until(1, "updated")
    assert [each["outcome"] for each in results] == ["posted", "reversed", "posted", "updated"]
    assert world.sage.corrected == [("delete", "1"), ("update", "2")]
    assert stands(world) == [("a", "120.00")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RefusedError("It cannot be reversed"), "CORRECTION_REFUSED"),
        (PeriodClosedError("The period is closed"), "SAGE_PERIOD_CLOSED"),
    ],
)
async def test_a_reversal_that_sage_refuses_leaves_one_document_and_a_person_told(world, error, code):
    await posted(world)
    world.sage.refuse = {"1": error}
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == code
        assert stands(world) == [("a", "100.00")]
        world.sage.refuse.clear()
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]


async def test_a_user_who_may_post_but_not_reverse_posts_on(world):
    await posted(world)
    world.sage.refuse = {"1": PermissionDeniedError("no permission to reverse")}
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "deferred")
        await world.send_invoices("b")
        await world.until(2, "posted")
        world.sage.refuse.clear()
        await world.until(3, "posted")
    assert stands(world) == [("a", "120.00"), ("b", "100.00")]


async def test_a_number_that_its_own_reversed_record_holds_gets_a_suffix(world):
    world.sage.unique_numbers = True
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    await world.send_invoices("a", amount="100.00")
    async with world.worker():
        results = await world.until(3, "posted")
        assert [each["document"]["number"] for each in results if each["outcome"] == "posted"] == ["a", "a-1", "a-2"]
        assert stands(world) == [("a-2", "100.00")]
        assert world.sage.requests == [1] * 6  # the number was tried once, and refused once
    entries, _ = await world.ledger()
    assert [each.record_no for each in entries["invoice/a"].former_records] == ["1", "2"]


async def test_a_number_that_someone_else_holds_after_the_reversal_is_refused_and_nothing_guessed(world):
    await posted(world)
    async with world.worker():
        event = orjson.loads(invoice("a", "120.00"))
        event["data"]["invoice"]["number"] = "b"
        await world.send_invoices("b")
        await world.until(2, "posted")
        world.sage.unique_numbers = True
        await world.send((key("a"), orjson.dumps(event)))
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "SAGE_DUPLICATE_NUMBER"
    assert stands(world) == [("b", "100.00")]


# An answer that was lost, a worker that dies.


@pytest.mark.parametrize("fault", ["lost", "vanished"])
@pytest.mark.parametrize("number", [0, 1], ids=["of the reversal", "of the new posting"])
async def test_a_lost_answer_leaves_one_document_and_reverses_once(world, fault, number):
    await posted(world)
    world.sage.script.extend(["ok"] * number + [fault])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]
    assert world.sage.corrected == [("reverse", "1")]
    assert [each["outcome"] for each in results if each["outcome"] != "uncertain"] == ["posted", "reversed", "posted"]


@pytest.mark.parametrize("fault", ["lost", "vanished"])
async def test_a_lost_answer_to_an_update_is_asked_for_again_under_the_same_control_id(world, fault):
    await posted(world, draft=True)
    world.sage.script.extend([fault])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        results = await world.until(1, "updated")
        assert results[-2]["code"] == "OUTCOME_UNKNOWN"
        assert world.sage.corrected == [("update", "1")]
        await world.send_invoices("a", amount="100.00")
        await world.until(2, "updated")
    assert stands(world) == [("a", "100.00")]


async def test_an_update_that_sage_says_it_executed_and_does_not_show_asks_a_person(world):
    await posted(world, draft=True)
    world.sage.script.extend(["lost"])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.booked[0].total += 1
        results = await world.until(2 + world.config.max_duplicate_answers, "uncertain")
        assert results[-1]["code"] == "CORRECTION_NOT_CONFIRMED"
        assert "121.00" in results[-1]["detail"]
        world.sage.booked[0].state = "Reversed"  # as it says there
        await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]


async def test_the_first_revision_again_after_an_update_in_doubt_is_not_taken_for_what_stands(world):
    await posted(world, draft=True)
    world.sage.script.extend(["lost"])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.set(MASTER, None)  # so it cannot be sent again when its lease has ended
        await world.until(1, "deferred")
        entries, _ = await world.ledger()
        assert entries["invoice/a"].posted.revision == REVISION_AMBIGUOUS
        await world.set(MASTER, {"account": "4000"})
        await world.send_invoices("a", amount="100.00")
        await until(lambda: world.sage.corrected[-1:] == [("update", "1")] and stands(world) == [("a", "100.00")])


async def killed(world, requests):
    """A worker that dies while its request of this number is on its way; what is executed is up to the test."""
    held = asyncio.Event()
    world.sage.script.extend(["ok"] * (requests - 1) + [held])
    before = len(world.sage.requests)
    async with world.worker() as running:
        await until(lambda: len(world.sage.requests) == before + requests)
        await running.kill()
    return held


@pytest.mark.parametrize("requests", [1, 2], ids=["with the reversal on its way", "with the new posting on its way"])
async def test_a_worker_that_dies_in_a_correction_is_followed_by_one_that_ends_it(world, requests):
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    await killed(world, requests)
    async with world.worker():
        results = await world.until(2, "posted")
        assert stands(world) == [("a", "120.00")]
        assert world.sage.corrected == [("reverse", "1")]
        assert results[-1]["corrects"] == "1"
        assert await world.committed() == await world.ends()


async def test_a_correction_that_waits_between_its_calls_goes_on_by_itself_in_the_next_worker(world):
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    world.sage.script.extend(["ok", SignInError("no"), *[SignInError("no")] * 50])
    async with world.worker():
        await world.until(1, "deferred")
        entries, _ = await world.ledger()
        assert entries["invoice/a"].posted is None
        assert stands(world) == []
    world.sage.script.clear()
    async with world.worker():
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]
    assert results[-1]["corrects"] == "1"


async def test_a_newer_revision_waits_for_the_correction_under_way_and_corrects_it(world):
    await posted(world)
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices("a", amount="120.00")
    async with world.worker() as running:
        await until(lambda: len(world.sage.requests) == 2)
        await world.send_invoices("a", amount="130.00")
        await running.until_waiting("invoice/a", 1)
        held.set()
        results = await world.until(3, "posted")
    assert [each["outcome"] for each in results] == ["posted", *["reversed", "posted"] * 2]
    assert stands(world) == [("a", "130.00")]


async def test_a_newer_revision_of_a_correction_whose_worker_died_takes_up_what_it_left(world):
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    await killed(world, 1)
    await world.send_invoices("a", amount="130.00")
    async with world.worker():
        await until(lambda: stands(world) == [("a", "130.00")])
    assert [operation for operation, _ in world.sage.corrected] in (["reverse"], ["reverse"] * 2)


@pytest.mark.feature("replay of every kind")
async def test_a_replay_after_corrections_makes_no_call(world):
    await drafts(world)
    for amount in ("100.00", "120.00"):
        await world.send_invoices("a", amount=amount)
    async with world.worker():
        await world.until(1, "updated")
        await world.connect()
        for amount in ("130.00", "140.00"):
            await world.send_invoices("a", amount=amount)
        await world.until(2, "posted")
        await world.send_invoices("b")
        await world.until(3, "posted")
        world.sage.booked[-1].state = "Paid"
        await world.send_invoices("b", amount="120.00")
        before = await world.until(1, "rejected")
    calls, looks = list(world.sage.requests), world.sage.inspections
    await world.rewind()
    async with world.worker():
        results = await world.until(len(before) + 6)
    assert all(each["fromLedger"] for each in results[len(before) :])
    assert (calls, looks) == (world.sage.requests, world.sage.inspections)


async def test_a_retry_while_a_correction_is_in_doubt_reverses_and_posts_once(world):
    await posted(world)
    world.sage.script.extend(["vanished"])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert stands(world) == [("a", "120.00")]
    assert world.sage.corrected == [("reverse", "1")]


async def test_a_mark_while_a_correction_is_in_doubt_stops_it_and_a_retry_takes_it_up(world):
    await posted(world)
    world.sage.script.extend(["vanished"])
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.ask("mark-synced", documents=["invoice/a"], why="done by hand")
        await world.until(1, "skipped")
        await world.send_invoices("a", amount="130.00")
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == "CHANGED_AFTER_POSTING"
        assert world.sage.corrected == []
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert stands(world) == [("a", "130.00")]


async def test_the_reversal_is_dated_by_the_injected_clock(world):
    await posted(world)
    await world.send_invoices("a", amount="120.00")
    async with world.worker(now=lambda: utc_now() + timedelta(days=40)):
        await until(lambda: world.sage.corrected)
    assert world.sage.booked[0].reversed_on == (utc_now() + timedelta(days=40)).date()


@pytest.mark.feature("changed when posted")
async def test_a_revision_that_books_what_stands_corrects_nothing_and_is_remembered(world):
    await world.send((key("a"), delivered("a", "2026-06-01")))
    async with world.worker():
        await world.until(1, "posted")
        for day in ("2026-06-02", "2026-06-02"):
            await world.send((key("a"), delivered("a", day)))
        results = await world.until(2, "already_posted")
    assert [each.get("fromLedger", False) for each in results] == [False, False, True]
    assert len({each["revision"] for each in results}) == 2
    assert stands(world) == [("a", "100.00")]
    assert world.sage.corrected == []
    # A dimension that takes its value from it would make it content: then the next revision is corrected.
    source = {"source": "shipper.name", "type": "text"}
    await world.set(f"{SUBSIDIARY}/custom-field/arinvoice/SHIPPER", source)
    named = orjson.loads(delivered("a", "2026-06-02"))
    named["data"]["loads"][0]["shipper"] = {"name": "Prairie Gold"}
    await world.send((key("a"), orjson.dumps(named)))
    async with world.worker():
        results = await world.until(2, "posted")
    assert told(results[-2:]) == [("reversed", None, "1"), ("posted", None, "2")]
