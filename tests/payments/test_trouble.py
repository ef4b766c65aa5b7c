"""One company's trouble stays his, calls are never more than allowed, and nothing here can write to Sage."""

import asyncio
import inspect
from pathlib import Path

import pytest

from consumers.payments.budget import Budget, BudgetSpentError
from domain.documents import SageObject
from sage_client import SageClient
from sage_client.payments import PaymentsReader
from simulator import Fault
from tests.support.gateway_client import LINE, invoice

pytestmark = pytest.mark.requirement(4)
INVOICE_OF_200 = invoice("T", LINE.replace("<locationid>100", "<locationid>200"))


async def test_a_company_that_cannot_be_read_holds_up_no_other(books):
    await books.world.connect("sub-9", "HIGHLINE", credentials="nobody")
    number = await books.invoice("A")
    books.pay("AR", {number: "1.00"})
    polled = {each.company: each for each in await books.poll(well=False)}
    assert polled["BLUEMESA"].error is None
    assert "nobody" in polled["HIGHLINE"].error
    assert await books.folded() == books.truth()


async def test_a_throttled_company_is_read_later_and_nothing_is_lost(books):
    number = await books.invoice("A")
    await books.poll()
    books.pay("AR", {number: "1.00"})
    books.sim.faults.add(Fault(kind="throttled", function="query", times=1, retry_after=1))
    async with books.poller(payments_interval_seconds=1) as poller:
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        await books.until_published(0, poller)
        poller.poll_now()
        while (await books.records()) == []:
            poller.poll_now()
            await asyncio.sleep(0.3)
        stop.set()
        await running
    assert await books.folded() == books.truth()


async def test_a_side_that_the_user_may_not_read_says_so_and_the_other_is_told(books):
    number, bill = await books.invoice("A"), await books.bill("B")
    books.pay("AR", {number: "1.00"})
    books.pay("AP", {bill: "1.00"})
    database = books.sim.store.database
    database.execute("UPDATE user_account SET denied = 'ARPYMTDETAIL' WHERE company = 'BLUEMESA'")
    for _ in range(2):
        [polled] = await books.poll(well=False)
        assert "ARPYMTDETAIL" in polled.error
    assert [each["documentKey"] for each in await books.records()] == ["bill/B"]
    database.execute("UPDATE user_account SET denied = '' WHERE company = 'BLUEMESA'")
    await books.poll()
    assert await books.folded() == books.truth()
    assert len(await books.records()) == 2


async def test_requests_that_fail_now_and_then_lose_nothing_and_repeat_nothing(books):
    number, bill = await books.invoice("A"), await books.bill("B")
    await books.poll()
    books.pay("AR", {number: "1.00"})
    books.pay("AP", {bill: "1.00"})
    books.sim.faults.add(Fault(kind="offline", function="query", probability=0.3))
    for _ in range(12):
        await books.poll(well=False)
    books.sim.faults.clear()
    await books.poll()
    assert await books.folded() == books.truth()
    assert len(await books.records()) == 2


async def test_never_more_calls_than_allowed_and_what_is_left_is_told_later(books):
    numbers = [await books.invoice(f"I{number}") for number in range(4)]
    await books.poll()
    for number in numbers:
        books.pay("AR", {number: "1.00"})
    before = books.requests()
    [polled] = await books.poll(well=False, payments_calls_per_hour=2)
    assert (polled.calls, books.requests() - before) == (2, 2)
    assert "used up" in polled.error
    assert await books.records() == []
    await books.poll()
    assert await books.folded() == books.truth()


def test_the_budget_is_of_any_hour_and_not_of_the_clocks():
    now = 0.0
    budget = Budget(2, lambda: now)
    budget.take()
    now = 3_000.0
    budget.take()
    now = 3_599.0
    with pytest.raises(BudgetSpentError) as spent:
        budget.take()
    assert spent.value.wait == 1.0
    now = 3_600.0
    budget.take()
    with pytest.raises(BudgetSpentError) as spent:
        budget.take()
    assert spent.value.wait == 3_000.0


async def test_one_company_is_read_once_for_all_its_subsidiaries_and_a_session_at_the_top_sees_every_entity(books):
    await books.connect("sub-2", "200")
    await books.connect("sub-3", None)
    number = await books.invoice("A")
    books.client.entity = "200"
    other = int((await books.client.ok(INVOICE_OF_200)).findtext(".//result/key"))
    books.client.entity = "100"
    await books.know(SageObject.AR_INVOICE, str(other), "T", "sub-2")
    await books.poll()
    books.pay("AR", {number: "1.00"})
    books.pay("AR", {other: "2.00"})
    await books.poll()
    assert await books.folded() == books.truth()
    async with books.poller() as poller:
        calls = [(await poller.once())[0].calls for _ in range(2)]
    assert calls[1] == 2


async def test_sessions_of_the_entities_together_see_what_theirs_is(books):
    await books.connect("sub-2", "200")
    number = await books.invoice("A")
    books.client.entity = "200"
    other = int((await books.client.ok(INVOICE_OF_200)).findtext(".//result/key"))
    books.client.entity = "100"
    await books.know(SageObject.AR_INVOICE, str(other), "T", "sub-2")
    await books.poll(payments_sessions="entity")
    books.pay("AR", {number: "1.00"})
    deleted = books.pay("AR", {other: "2.00"})
    await books.poll(payments_sessions="entity")
    assert await books.folded() == books.truth()
    books.payments.delete("BLUEMESA", "AR", deleted)
    await books.poll(payments_sessions="entity", reconcile=True)
    assert await books.folded() == books.truth()


async def test_the_poller_sends_nothing_that_writes(books):
    number, bill = await books.invoice("A"), await books.bill("B")
    books.sim.traffic.functions.clear()
    books.pay("AR", {number: "1.00"})
    payment = books.pay("AP", {bill: "1.00"})
    await books.poll()
    books.payments.void("BLUEMESA", "AP", payment)
    await books.poll(reconcile=True)
    assert set(books.sim.traffic.counts(0)["functions"]) == {"getAPISession", "lookup", "query"}


def test_no_function_that_writes_is_within_the_pollers_reach():
    reader = PaymentsReader(SageClient.page, lambda: None)  # type: ignore[arg-type]  # never called
    public = {name for name, _ in inspect.getmembers(reader) if not name.startswith("_")}
    assert public == {"newest", "changed", "details", "headers", "balances"}
    for path in Path("consumers/payments").glob("*.py"):
        text = path.read_text()
        assert "SageClient" not in text, path
        assert ".post(" not in text, path
