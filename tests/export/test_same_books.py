"""What books the same is the same, however the event puts it: no correction, no person, paid or not. Promises 3, 4."""

from typing import Any

import orjson
import pytest

from domain.documents import PartyKind
from domain.parties.matching import PartyRecord, derived_id
from tests.support.exported_invoices import stands, told
from tests.support.world import MASTER, invoice, key

ELM = PartyRecord("C-108", "Elm Street Retail")


def of(customer: dict[str, Any], number: str = "a", **more: Any) -> bytes:
    """An invoice to this customer."""
    made = orjson.loads(invoice(number))
    made["data"]["customer"] = customer
    made["data"]["invoice"] |= more
    return orjson.dumps(made)


def over_two_loads(order: int, delivered: str = "2026-06-01") -> bytes:
    """An invoice of two loads with its lists in order, or the other way round."""
    made = orjson.loads(invoice("a"))
    lines = [
        {"category": "Load", "name": "Linehaul", "loadNumber": load, "amount": {"amount": amount, "currency": 840}}
        for load, amount in (("L9", "60.00"), ("L10", "40.00"))
    ]
    made["data"]["invoice"]["lineItems"] = lines[::order]
    loads = [{"loadNumber": load, "orderNumber": f"O-{load}", "deliveredAt": delivered} for load in ("L9", "L10")]
    made["data"]["loads"] = loads[::order]
    return orjson.dumps(made)


async def test_a_paid_invoice_whose_lists_come_in_another_order_is_answered_without_a_look(world):
    await world.send((key("a"), over_two_loads(1)))
    async with world.worker():
        await world.until(1, "posted")
        world.sage.booked[0].state = "Paid"
        await world.send((key("a"), over_two_loads(-1)))
        results = await world.until(1, "already_posted")
        assert results[-1]["fromLedger"] is True
        await world.connect(ar={"active": False})  # nor does a setting matter
        await world.send((key("a"), over_two_loads(1)))
        await world.until(2, "already_posted")
        await world.connect()
        # With a fact that is not booked beside it, it is another revision of the same books.
        await world.send((key("a"), over_two_loads(-1, delivered="2026-06-02")))
        results = await world.until(3, "already_posted")
    assert told(results) == [("posted", None, "1"), *[("already_posted", None, "1")] * 3]
    assert [each["amount"] for each in results[0]["document"]["lines"]] == ["60.00", "40.00"]
    assert (world.sage.inspections, world.sage.corrected) == (0, [])


@pytest.mark.parametrize("state", ["Posted", "Paid"])
async def test_a_party_whose_id_became_known_after_posting_corrects_nothing(world, state):
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM]
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail"})))
    async with world.worker():
        await world.until(1, "posted")
        world.sage.booked[0].state = state
        known = {"id": "c", "name": "Elm Street Retail", "externalAccountingId": "C-108"}
        await world.send((key("a"), of(known)))
        await world.until(1, "already_posted")
        await world.send((key("a"), of(known)))
        await world.until(2, "already_posted")
        await world.send((key("a"), of({"id": "c", "name": "elm street  RETAIL"})))  # and lost again
        results = await world.until(3, "already_posted")
    assert told(results) == [("posted", None, "1"), *[("already_posted", None, "1")] * 3]
    assert results[2]["fromLedger"] is True  # it was remembered
    assert (world.sage.inspections, world.sage.corrected) == (0, [])


async def test_the_id_that_alvys_was_told_comes_back_and_corrects_nothing(world):
    made = derived_id(PartyKind.CUSTOMER, None, "cu-7")
    world.sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord(made, "Maple Street Market")]
    await world.connect(ar={"createCustomers": True})
    await world.send((key("a"), of({"id": "cu-7", "name": "Maple Street Market"})))
    async with world.worker():
        [posted] = await world.until(1, "posted")
        assert posted["document"]["party"] == made
        await world.send((key("a"), of({"id": "cu-7", "name": "Maple Market", "externalAccountingId": made})))
        await world.until(1, "already_posted")
    assert world.sage.corrected == []


@pytest.mark.parametrize("creates", [False, True])
async def test_a_party_that_was_renamed_in_alvys_alone_is_not_another_one(world, creates):
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM]
    await world.connect(ar={"createCustomers": creates})
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail"})))
    async with world.worker():
        await world.until(1, "posted")
        world.sage.booked[0].state = "Paid"
        await world.send((key("a"), of({"id": "c", "name": "Elm Street Holdings"})))
        await world.until(1, "already_posted")
        # Somebody else of that name, whom nobody knows, is another one.
        await world.connect()
        await world.send((key("a"), of({"id": "d", "name": "Ash Street"})))
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "PARTY_NOT_FOUND"
    assert [each.id for each in world.sage.parties_known[PartyKind.CUSTOMER]] == ["C-108"]  # nobody was made
    assert world.sage.corrected == []


async def test_a_name_that_is_another_record_now_is_a_correction(world):
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM, PartyRecord("C-109", "Oak Street Retail")]
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail"})))
    async with world.worker():
        await world.until(1, "posted")
        await world.send((key("a"), of({"id": "c", "name": "Oak Street Retail"})))
        await world.until(2, "posted")
    assert [one.party_id for one in world.sage.standing_now] == ["C-109"]


async def test_terms_that_give_the_same_due_date_correct_nothing(world):
    due = {"id": "c", "name": "Prairie Gold", "externalAccountingId": "C-1"}
    await world.send((key("a"), of(due | {"paymentTermsInDays": 30}, dueDate=None)))
    async with world.worker():
        await world.until(1, "posted")
        await world.send((key("a"), of(due | {"paymentTermsInDays": 45}, dueDate="2026-07-10")))
        await world.until(1, "already_posted")
        await world.send((key("a"), of(due | {"paymentTermsInDays": 45}, dueDate=None)))
        results = await world.until(2, "posted")
    assert results[-1]["document"]["due"] == "2026-07-25"


async def test_nothing_that_speaks_against_a_posting_is_asked_of_what_stands(world):
    """Neither an inactive party, nor a term that is gone, nor a customer that may not be seen any more."""
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM]
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail", "paymentTermsInDays": 30})))
    async with world.worker():
        await world.until(1, "posted")
        world.sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-108", "Elm Street Retail", active=False)]
        known = {"id": "c", "name": "Elm Street Retail", "externalAccountingId": "C-108", "paymentTermsInDays": 60}
        await world.send((key("a"), of(known)))
        await world.until(1, "already_posted")
    assert (world.sage.inspections, world.sage.corrected) == (0, [])


async def test_what_could_not_be_reversed_and_is_as_it_stands_again_needs_nobody(world):
    """The change was refused; the next revision says what stands, under another name of the party."""
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM]
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail"})))
    async with world.worker():
        await world.until(1, "posted")
        world.sage.booked[0].state = "Paid"
        money = {"amount": "120.00", "currency": 840}
        line = {"category": "Load", "name": "Linehaul", "loadNumber": "a", "amount": money}
        changed = of({"id": "c", "name": "Elm Street Retail"}, total=money, lineItems=[line])
        await world.send((key("a"), changed))
        await world.until(1, "rejected")
        await world.send((key("a"), of({"id": "c", "name": "Elm", "externalAccountingId": "C-108"})))
        await world.until(1, "already_posted")
        await world.ask("retry", documents=["invoice/a"])  # nothing waits for it any more
        await world.send_invoices("b")
        results = await world.until(2, "posted")
    assert stands(world) == [("a", "100.00"), ("b", "100.00")]
    assert [each["outcome"] for each in results] == ["posted", "rejected", "already_posted", "posted"]


@pytest.mark.requirement(62)
async def test_a_setting_that_changed_since_corrects_nothing_when_only_the_party_is_named_otherwise(world):
    world.sage.parties_known[PartyKind.CUSTOMER] = [ELM]
    await world.send((key("a"), of({"id": "c", "name": "Elm Street Retail"})))
    async with world.worker():
        await world.until(1, "posted")
        await world.set(MASTER, {"account": "4100"})
        await world.send((key("a"), of({"id": "c", "name": "Elm Street", "externalAccountingId": "C-108"})))
        await world.until(1, "already_posted")
        await world.send_invoices("b")
        results = await world.until(2, "posted")
    assert results[-1]["document"]["lines"][0]["account"] == "4100"
    assert world.sage.corrected == []
