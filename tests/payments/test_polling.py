"""Requirement 4: payments recorded in Sage come back, each fact once, whatever changes and whenever it is looked.

From a company that lacks whatever it may, as from one that has it all.
"""

import asyncio
from decimal import Decimal

import pytest

from app.topic_checks import topic_specs
from consumers.payments.companies import PolledCompany
from consumers.payments.schedule import PollLoop, PollReport
from simulator.payments import Edit, Parts
from tests.support.kafka import compress_topics

pytestmark = pytest.mark.requirement(4)


@pytest.fixture(params=["barest", "fullest"])
def preset(request):
    return request.param


async def kinds(books):
    return [(each["documentKey"], each["kind"], each["amount"]) for each in await books.records()]


@pytest.mark.kafka("both")
async def test_a_payment_is_told_once_with_all_that_sage_says_of_it(books):
    number = await books.invoice("A", "250.00")
    await books.poll()
    books.clock.advance(minutes=1)
    books.pay("AR", {number: "100.00"}, number="4711", method="Printed Check", memo="thanks")
    await books.poll()
    await books.poll()
    [record] = await books.records()
    assert record.pop("polledAt")
    assert record == {
        "schema": 1,
        "paymentId": "BLUEMESA/ar/1/payment",
        "kind": "payment",
        "documentKey": "invoice/A",
        "subsidiaryId": "sub-1",
        "connection": {"companyId": "BLUEMESA", "entityId": "100"},
        "document": {"object": "ARINVOICE", "recordNo": str(number), "number": "A", "party": "CUST-10021"},
        "amount": "100.00",
        "currency": "USD",
        "date": "2026-03-10",
        "method": "Printed Check",
        "checkNumber": "4711",
        "reference": None,
        "memo": "thanks",
        "documentState": "Partially Paid",
        "balance": {"total": "250.00", "paid": "100.00", "due": "150.00"},
        "source": {
            "object": "ARPYMTDETAIL",
            "recordNo": "1",
            "paymentRecordNo": "1",
            "state": "Complete",
            "modified": "03/10/2026 12:01:00",
        },
    }


@pytest.mark.kafka("real")  # its broker compresses
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
async def test_payments_are_told_once_where_the_broker_compresses_the_topics(books, codec):
    topics = [each.topic for each in topic_specs(books.settings)]
    await asyncio.to_thread(compress_topics, books.settings.kafka_bootstrap_servers, topics, codec)
    number = await books.invoice("A", "250.00")
    await books.poll()
    books.clock.advance(minutes=1)
    books.pay("AR", {number: "100.00"}, memo="x" * 200)
    await books.poll()
    await books.poll()
    assert await kinds(books) == [("invoice/A", "payment", "100.00")]


async def test_every_way_to_settle_is_a_fact_of_its_own_and_negative_invoices_are_used_up(books):
    number, credit = await books.invoice("A", "500.00"), await books.invoice("N", "-70.00")
    await books.poll()
    advance = books.pay("AR", {}, unapplied="30.00")
    parts = Parts(
        payment="100.00", negative_invoice="60.00", negative_invoice_key=credit, advance="20.00", advance_key=advance,
    )  # fmt: skip
    books.pay("AR", {number: parts})
    await books.poll()
    assert sorted(await kinds(books)) == [
        ("invoice/A", "advance", "20.00"),
        ("invoice/A", "credit", "60.00"),
        ("invoice/A", "payment", "100.00"),
        ("invoice/N", "credit", "-60.00"),
    ]
    assert await books.folded() == books.truth()


async def test_a_bill_is_settled_by_discounts_and_negative_bills_too(books):
    number, credit = await books.bill("B", "500.00"), await books.bill("N", "-70.00")
    await books.poll()
    parts = Parts(payment="100.00", discount="5.00", negative_invoice="60.00", negative_invoice_key=credit)
    books.pay("AP", {number: parts})
    await books.poll()
    assert sorted(await kinds(books)) == [
        ("bill/B", "credit", "60.00"),
        ("bill/B", "discount", "5.00"),
        ("bill/B", "payment", "100.00"),
        ("bill/N", "credit", "-60.00"),
    ]
    assert await books.folded() == books.truth()


async def test_a_discount_on_a_receipt_comes_as_a_difference_for_its_rows_have_no_column_that_can_be_read(books):
    number = await books.invoice("A", "100.00")
    await books.poll()
    books.pay("AR", {number: Parts(payment="95.00", discount="5.00")})
    await books.poll(reconcile=True)
    assert sorted(await kinds(books)) == [("invoice/A", "difference", "5.00"), ("invoice/A", "payment", "95.00")]
    [balance] = {each["balance"]["paid"] for each in await books.records()}
    assert balance == "100.00"


def reword(books, number, row_state, payment_state):
    """Give a detail row and its payment states in other words, as Sage has them by its codes or its language."""
    database = books.sim.store.database
    for table, state, key in (("ARPYMTDETAIL", row_state, "RECORDNO"), ("ARPYMT", payment_state, "RECORDNO")):
        database.execute(f'UPDATE "{table}" SET STATE = ? WHERE {key} = ?', (state, number))


async def test_a_state_in_words_that_nobody_knows_makes_no_payment_vanish_and_no_void_count(books):
    number = await books.invoice("A", "250.00")
    await books.poll()
    told = books.pay("AR", {number: "100.00"})
    await books.poll()
    reword(books, told, "Verbucht", "Abgestimmt")
    async with books.poller() as poller:
        for _ in range(2):
            await poller.once()
    # Told again, for its state is content; and once.
    assert await kinds(books) == [("invoice/A", "payment", "100.00")] * 2
    # New, and in the balance: money. New, and not in the balance: none.
    books.pay("AR", {number: "30.00"})
    reword(books, 2, "Verbucht", "Abgestimmt")
    await books.poll()
    void = books.pay("AR", {number: "40.00"})
    books.payments.void("BLUEMESA", "AR", void)
    reword(books, void, "Storniert", "Storniert")
    await books.poll(reconcile=True)
    assert (await kinds(books))[2:] == [("invoice/A", "payment", "30.00")]
    assert await books.folded() == {"BLUEMESA/ar/1/payment": Decimal(100), "BLUEMESA/ar/2/payment": Decimal(30)}
    assert [each["source"]["state"] for each in await books.records()] == ["Complete", "Verbucht", "Verbucht"]


async def test_a_row_that_was_judged_to_be_no_money_is_not_looked_into_at_every_poll(books, monkeypatch):
    number = await books.invoice("A", "250.00")
    await books.poll()
    void = books.pay("AR", {number: "40.00"})
    books.payments.void("BLUEMESA", "AR", void)
    reword(books, void, "Storniert", "Storniert")
    calls: list[int] = []
    once = PollLoop.once

    async def noting(self: PollLoop, company: PolledCompany) -> tuple[PollReport, float]:
        polled, wait = await once(self, company)
        calls.append(polled.calls)
        return polled, wait

    monkeypatch.setattr(PollLoop, "once", noting)
    async with books.poller() as poller, asyncio.timeout(60):
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        while len(calls) < 4:
            poller.poll_now()
            await asyncio.sleep(0.05)
        stop.set()
        await running
    assert calls[1:4] == [2, 2, 2], calls
    assert await books.records() == []


async def test_one_payment_over_many_documents_and_many_over_one(books):
    first, second, bill = await books.invoice("A"), await books.invoice("B"), await books.bill("C")
    await books.invoice("stranger", known=False)
    await books.poll()
    books.pay("AR", {first: "10.00", second: "20.00"})
    books.pay("AR", {first: "30.00"})
    books.pay("AP", {bill: "40.00"})
    await books.poll()
    assert sorted(await kinds(books)) == [
        ("bill/C", "payment", "40.00"),
        ("invoice/A", "payment", "10.00"),
        ("invoice/A", "payment", "30.00"),
        ("invoice/B", "payment", "20.00"),
    ]


async def test_a_payment_on_a_document_that_is_not_ours_is_not_told(books):
    await books.invoice("A")
    stranger = await books.invoice("S", known=False)
    books.pay("AR", {stranger: "10.00"})
    await books.poll()
    books.pay("AR", {stranger: "10.00"})
    await books.poll()
    assert await books.records() == []


async def test_an_ap_payment_is_told_when_it_is_posted_and_not_before(books):
    bill = await books.bill("B")
    await books.poll()
    payment = books.pay("AP", {bill: "10.00"}, state="submitted")
    await books.poll()
    books.payments.move("BLUEMESA", "AP", payment, "approved")
    await books.poll()
    assert await books.records() == []
    books.payments.move("BLUEMESA", "AP", payment, "posted")
    await books.poll()
    assert await kinds(books) == [("bill/B", "payment", "10.00")]


async def test_a_change_is_a_correction_and_a_void_is_nothing_left_under_the_same_id(books):
    number = await books.invoice("A")
    await books.poll()
    payment = books.pay("AR", {number: "60.00"})
    await books.poll()
    # Twice within the overlap and within one second.
    books.payments.edit("BLUEMESA", "AR", 1, Edit({"payment": "50.00"}))
    await books.poll()
    books.payments.edit("BLUEMESA", "AR", 1, Edit({"payment": "40.00"}))
    await books.poll()
    books.payments.edit("BLUEMESA", "AR", 1, Edit({}))  # touched, and nothing said
    books.clock.advance(seconds=1)
    await books.poll()
    books.payments.void("BLUEMESA", "AR", payment)
    await books.poll()
    assert [(each[1], each[2]) for each in await kinds(books)] == [
        ("payment", "60.00"),
        ("correction", "50.00"),
        ("correction", "40.00"),
        ("void", "0.00"),
    ]
    assert len({each["paymentId"] for each in await books.records()}) == 1


async def test_many_payments_of_one_second_over_many_pages_are_all_told(books, monkeypatch):
    monkeypatch.setattr("sage_client.payments.PAGE", 7)
    numbers = [await books.invoice(f"I{number}") for number in range(20)]
    await books.poll()
    for number in numbers:
        books.pay("AR", {number: "1.00"})
        books.pay("AR", {number: "2.00"})
    await books.poll()
    assert len(await books.records()) == 40
    assert await books.folded() == books.truth()


async def test_two_requests_a_poll_with_ten_thousand_open_documents_and_nothing_changed(books):
    from domain.documents import SageObject  # noqa: PLC0415

    number = await books.invoice("A")
    books.pay("AR", {number: "1.00"})
    await books.ledger(*(books.entry(SageObject.AR_INVOICE, str(n), f"M{n}") for n in range(100, 10_100)))
    await books.poll()
    async with books.poller() as poller:
        counts = []
        for _ in range(3):
            before = books.requests()
            [polled] = await poller.once()
            counts.append((books.requests() - before, polled.calls))
    # A poller that has just started asks once what fields the rows of each side have.
    assert counts == [(4, 4), (2, 2), (2, 2)]
    assert len(await books.records()) == 1
