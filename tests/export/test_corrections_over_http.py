"""Corrections with the real client before the simulator, over real HTTP: what stands in its books at the end."""

import pytest

from domain.codes import Code
from simulator import Fault
from tests.support.over_http import COMPANY, fuel, highline, send_lines, standing
from tests.support.world import SUBSIDIARY


@pytest.fixture
def world(world_over_http):
    return world_over_http


@pytest.mark.feature("changed when posted")
@pytest.mark.parametrize("unique", [False, True], ids=["numbers may repeat", "numbers are unique"])
async def test_a_posted_invoice_is_reversed_and_posted_anew(world, gateway, unique):
    gateway.store.configure(COMPANY, refuse_duplicate_numbers=unique)
    await send_lines(world, "100.00")
    await send_lines(world, "100.00", "20.00")
    await send_lines(world, "100.00")
    async with world.worker():
        results = await world.until(3, "posted")
    assert [each["outcome"] for each in results] == ["posted", *["reversed", "posted"] * 2]
    assert [each.get("corrects") for each in results] == [None, None, "1", None, "3"]
    assert standing(gateway) == [("a-2" if unique else "a", "Posted", "100.00")]


@pytest.mark.feature("ap.autopost")
async def test_a_bill_is_updated_while_it_is_a_draft_and_reversed_when_it_is_posted(world, gateway):
    await world.set(f"{SUBSIDIARY}/vendor/fuel/default", {"vendorId": highline().vendors[0].id})
    topic = world.topics.fuel_transaction

    await world.connect(company=COMPANY, ap={"autopost": False})
    await world.send(fuel(100.0), fuel(120.0), topic=topic)
    async with world.worker():
        results = await world.until(1, "updated")
        assert [total for _, _, total in standing(gateway)] == ["120.00"]
        await world.connect(company=COMPANY)
        await world.send(fuel(130.0), fuel(140.0), topic=topic)
        results = await world.until(2, "posted")
    assert [each["outcome"] for each in results] == ["posted", "updated", "updated", "reversed", "posted"]
    assert [total for _, _, total in standing(gateway)] == ["140.00"]


@pytest.mark.feature("changed draft")
async def test_a_draft_is_updated_in_place_and_posted_when_autopost_is_on(world, gateway):
    await world.connect(company=COMPANY, ar={"autopost": False})
    await send_lines(world, "100.00")
    await send_lines(world, "90.00", "30.00")
    async with world.worker():
        await world.until(1, "updated")
        assert standing(gateway) == [("a", "Draft", "120.00")]
        [document] = gateway.store.documents(COMPANY)
        assert [line["amount"] for line in document["lines"]] == ["90.00", "30.00"]
        await send_lines(world, "50.00")  # no function takes a line away
        await world.until(2, "posted")
        assert standing(gateway) == [("a", "Draft", "50.00")]
        await world.connect(company=COMPANY)
        await send_lines(world, "60.00")
        await world.until(2, "updated")
    assert standing(gateway) == [("a", "Posted", "60.00")]


@pytest.mark.feature("changed when paid")
@pytest.mark.feature("changed when closed")
@pytest.mark.feature("changed when selected")
async def test_paid_selected_and_closed_are_refused_and_go_when_the_way_is_clear(world, gateway):
    store = gateway.store
    await send_lines(world, "100.00")
    async with world.worker():
        await world.until(1, "posted")
        payment = store.receive_payment(COMPANY, {1: "40.00"})
        await send_lines(world, "120.00")
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == Code.POSTED_DOCUMENT_PAID
        store.void_payment(COMPANY, "AR", payment)
        for number, state in enumerate(("Selected", "Closed"), 2):
            store.set_state(COMPANY, "ARINVOICE", 1, state)
            await world.ask("retry", documents=["invoice/a"])
            results = await world.until(number, "rejected")
            assert results[-1]["code"] == f"POSTED_DOCUMENT_{state.upper()}"
        store.set_state(COMPANY, "ARINVOICE", 1, "Posted")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert standing(gateway) == [("a", "Posted", "120.00")]


async def test_a_reversal_into_a_closed_period_is_refused_and_the_document_stands(world, gateway):
    await send_lines(world, "100.00")
    async with world.worker():
        await world.until(1, "posted")
        gateway.store.configure(COMPANY, books_closed_through="2099-12-31")
        await send_lines(world, "120.00")
        results = await world.until(1, "rejected")
        assert results[-1]["code"] == "SAGE_PERIOD_CLOSED"
        assert standing(gateway) == [("a", "Posted", "100.00")]
        gateway.store.configure(COMPANY, books_closed_through="2026-01-31")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert standing(gateway) == [("a", "Posted", "120.00")]


@pytest.mark.parametrize("function", ["reverse_invoice", "create_invoice", "update_invoice", "delete"])
@pytest.mark.parametrize("kind", ["drop_midway", "drop_after_commit", "timeout_524", "truncated"])
async def test_whatever_answer_is_lost_one_document_stands_at_the_end(world, gateway, function, kind):
    draft = function in ("update_invoice", "delete")
    await world.connect(company=COMPANY, ar={"autopost": not draft})
    await send_lines(world, "60.00", "40.00")
    async with world.worker():
        await world.until(1, "posted")
        gateway.faults.add(Fault(kind=kind, function=function, times=1, seconds=3))
        if function == "delete":
            await send_lines(world, "120.00")
        else:
            await send_lines(world, "60.00", "60.00")
        await world.until(*((1, "updated") if function == "update_invoice" else (2, "posted")))
    assert standing(gateway) == [("a", "Draft" if draft else "Posted", "120.00")]
    done = gateway.traffic.counts(0)["functions"]
    assert done.get("reverse_invoice", 0) <= 2
    assert len(gateway.store.documents(COMPANY)) == (1 if draft else 3)
