"""What Sage Intacct asks of a reversal, and what is left where it lets none: real client, simulator, over HTTP."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from domain.codes import Code
from simulator import Fault
from tests.support.over_http import COMPANY, books, customer, fuel, highline, send_lines, standing
from tests.support.world import SUBSIDIARY, invoice, key

pytestmark = pytest.mark.feature("changed when posted")
OFF = {"reversal_of_unpaid": ()}


@pytest.fixture
def world(world_over_http):
    return world_over_http


async def corrected(world):
    """One invoice in Sage that changed."""
    await send_lines(world, "100.00")
    await send_lines(world, "120.00")


NOT_LET = [
    (OFF, Code.REVERSAL_DISABLED),
    ({"location_restricted": ("user",)}, Code.REVERSAL_ELSEWHERE),
]


@pytest.mark.parametrize(("config", "code"), NOT_LET, ids=[code for _, code in NOT_LET])
async def test_where_sage_lets_none_reverse_the_document_stands_is_refused_by_name_and_goes_when_it_does(
    world, gateway, config, code
):
    gateway.store.configure(COMPANY, **config)
    await corrected(world)
    async with world.worker():
        results = await world.until(1, "rejected")
        assert (results[-1]["code"], standing(gateway)) == (code, [("a", "Posted", "100.00")])
        gateway.store.configure(COMPANY, reversal_of_unpaid=("AR",), location_restricted=())
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert standing(gateway) == [("a", "Posted", "120.00")]


async def test_a_user_without_the_reverse_permission_keeps_only_the_correction_waiting(world, gateway):
    await send_lines(world, "100.00")
    async with world.worker():
        await world.until(1, "posted")
        company = gateway.store.setup(COMPANY)
        assert company.config.reversal_of_unpaid
        gateway.store.database.execute("UPDATE user_account SET denied = 'reverse_invoice'")
        await send_lines(world, "120.00")
        results = await world.until(1, "deferred")
        assert results[-1]["code"] == Code.CORRECTION_NOT_PERMITTED
        await send_lines(world, "70.00", number="b")
        await world.until(2, "posted")
        assert standing(gateway) == [("a", "Posted", "100.00"), ("b", "Posted", "70.00")]
        gateway.store.database.execute("UPDATE user_account SET denied = ''")
        await world.until(3, "posted")
    assert standing(gateway) == [("b", "Posted", "70.00"), ("a", "Posted", "120.00")]


@pytest.mark.feature("ar.correctPostedBy")
@pytest.mark.parametrize("unique", [False, True], ids=["numbers may repeat", "numbers are unique"])
async def test_by_setting_what_is_posted_is_deleted_instead_of_reversed_and_told_so(world, gateway, unique):
    gateway.store.configure(COMPANY, **OFF, refuse_duplicate_numbers=unique)
    await world.connect(company=COMPANY, ar={"correctPostedBy": "deletion"})
    await corrected(world)
    async with world.worker():
        results = await world.until(2, "posted")
    assert [each["outcome"] for each in results] == ["posted", "reversed", "posted"]
    assert (results[1]["detail"], results[2]["corrects"]) == ("record 1 was deleted", "1")
    assert books(gateway) == [("a", "Posted", "120.00")]


async def test_nothing_is_deleted_in_a_closed_period_and_nothing_that_is_paid(world, gateway):
    gateway.store.configure(COMPANY, **OFF)
    await world.connect(company=COMPANY, ar={"correctPostedBy": "deletion"})
    await send_lines(world, "100.00")
    async with world.worker():
        await world.until(1, "posted")
        gateway.store.configure(COMPANY, books_closed_through="2026-06-30")
        await send_lines(world, "120.00")
        results = await world.until(1, "rejected")
        assert (results[-1]["code"], books(gateway)) == (Code.SAGE_PERIOD_CLOSED, [("a", "Posted", "100.00")])
        gateway.store.configure(COMPANY, books_closed_through=None)
        gateway.store.receive_payment(COMPANY, {1: "40.00"})
        await world.ask("retry", documents=["invoice/a"])
        results = await world.until(2, "rejected")
    assert results[-1]["code"] == Code.POSTED_DOCUMENT_PAID
    assert [total for _, _, total in books(gateway)] == ["100.00"]


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "timeout_524", "truncated"])
async def test_a_lost_answer_to_a_deletion_of_what_was_posted_leaves_one_document(world, gateway, kind):
    gateway.store.configure(COMPANY, **OFF)
    await world.connect(company=COMPANY, ar={"correctPostedBy": "deletion"})
    await send_lines(world, "100.00")
    async with world.worker():
        await world.until(1, "posted")
        gateway.faults.add(Fault(kind=kind, function="delete", times=1, seconds=3))
        await send_lines(world, "120.00")
        await world.until(2, "posted")
    assert books(gateway) == [("a", "Posted", "120.00")]


def of_today(amount):
    """An invoice dated today, whose reversal would be dated on its posting date."""
    made = orjson.loads(invoice("a", amount, customer=customer()))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    made["data"]["invoice"] |= {
        "createdDate": today.isoformat(),
        "invoicedDate": today.isoformat(),
        "dueDate": (today + timedelta(days=30)).isoformat(),
    }
    return key("a"), orjson.dumps(made)


async def test_where_a_reversal_has_to_be_dated_later_the_next_day_is_tried_and_told(world, gateway):
    gateway.store.configure(COMPANY, reversal_after_posting=True)
    await world.send(of_today("100.00"))
    async with world.worker():
        await world.until(1, "posted")
        await world.send(of_today("120.00"))
        results = await world.until(2, "posted")
    [taken_back] = [each for each in results if each["outcome"] == "reversed"]
    tomorrow = {(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (0, 1)}
    assert any(f"record 1 was reversed as of {day}" in taken_back["detail"] for day in tomorrow)
    [reversal] = [each for each in gateway.store.documents(COMPANY) if each["state"] == "Reversal"]
    assert (reversal["date"] in tomorrow, reversal["total"]) == (True, "-100.00")
    assert standing(gateway) == [("a", "Posted", "120.00")]
    assert "rejected" not in [each["outcome"] for each in results]


@pytest.mark.feature("ap.correctPostedBy")
async def test_a_posted_bill_is_deleted_by_the_setting_of_its_own_side(world, gateway):
    gateway.store.configure(COMPANY, reversal_of_unpaid=("AR",))
    await world.set(f"{SUBSIDIARY}/vendor/fuel/default", {"vendorId": highline().vendors[0].id})
    await world.connect(company=COMPANY, ap={"correctPostedBy": "deletion"})
    await world.send(fuel(100.0), fuel(120.0), topic=world.topics.fuel_transaction)
    await corrected(world)  # an invoice is reversed all the same
    async with world.worker():
        await world.until(4, "posted")
    bills = [each for each in gateway.store.documents(COMPANY) if each["kind"] == "APBILL"]
    assert [(each["state"], each["total"]) for each in bills] == [("Posted", "120.00")]
    assert ("Reversed - a", "Reversal", "-100.00") in books(gateway)


@pytest.mark.parametrize("marked", [False, True], ids=["without our marker", "with our marker"])
@pytest.mark.parametrize("unique", [False, True], ids=["numbers may repeat", "numbers are unique"])
async def test_the_record_that_a_reversal_leaves_is_nobodys_document(world, gateway, unique, marked):
    """Sage publishes its number for bills only: here it has the original's, as may be for invoices."""
    gateway.store.configure(COMPANY, refuse_duplicate_numbers=unique)
    await corrected(world)
    async with world.worker():
        await world.until(2, "posted")
        gateway.store.database.execute(
            "UPDATE ARINVOICE SET RECORDID = 'a', DESCRIPTION = CASE ? WHEN 1 THEN (SELECT MAX(DESCRIPTION) FROM"
            " ARINVOICE) ELSE 'Wrong load' END WHERE STATE = 'Reversal'",
            (int(marked),),
        )
        gateway.faults.add(Fault(kind="drop_after_commit", function="create_invoice", times=1))
        await send_lines(world, "130.00")  # its answer is lost: it is looked up by number, party, marker and amount
        results = await world.until(3, "posted")
    assert [total for _, _, total in standing(gateway)] == ["130.00"]
    assert {each.get("code") for each in results} <= {None, Code.OUTCOME_UNKNOWN}


async def test_a_posted_credit_is_deleted_and_posted_anew_by_the_same_setting(world, gateway):
    credits_deleted = {"creditMemos": True, "correctPostedBy": "deletion"}
    await world.connect(SUBSIDIARY, company=COMPANY, ar=credits_deleted)
    await send_lines(world, "-100.00")
    await send_lines(world, "-90.00")
    async with world.worker():
        await world.until(2, "posted")
    assert books(gateway) == [("a", "Posted", "-90.00")]


async def test_a_credit_that_was_reversed_by_hand_is_posted_anew_when_it_is_asked_for(world, gateway):
    await world.connect(SUBSIDIARY, company=COMPANY, ar={"creditMemos": True})
    await send_lines(world, "-100.00")
    async with world.worker():
        await world.until(1, "posted")
        await send_lines(world, "-90.00")
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == Code.CREDIT_CHANGED
        gateway.store.set_state(COMPANY, "ARADJUSTMENT", 1, "Reversed")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert standing(gateway) == [("a", "Posted", "-90.00")]
    assert ("Reversed - a", "Reversal", "100.00") in books(gateway)


@pytest.mark.parametrize("kind", ["too_many_operations", "session_ended", "deadlock", "offline", "throttled_in_200"])
async def test_what_passes_by_itself_rejects_no_document_and_books_none_twice(world, gateway, kind):
    gateway.faults.add(Fault(kind=kind, function="create_invoice", times=2))
    await send_lines(world, "100.00")
    async with world.worker():
        results = await world.until(1, "posted")
    assert books(gateway) == [("a", "Posted", "100.00")]
    assert {each["outcome"] for each in results} <= {"posted", "uncertain"}


async def test_a_call_that_still_runs_when_it_is_sent_again_is_looked_up_and_posted_once(world, gateway):
    gateway.faults.add(Fault(kind="latency", function="create_invoice", times=1, seconds=6))
    await send_lines(world, "100.00")
    async with world.worker():
        results = await world.until(1, "posted")
    assert books(gateway) == [("a", "Posted", "100.00")]
    assert gateway.traffic.counts(0)["functions"]["create_invoice"] >= 2, "it was to meet itself"
    assert "rejected" not in [each["outcome"] for each in results]
