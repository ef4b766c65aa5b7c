"""What could slip through: late knowledge, clocks, pages that move, rows that vanish, pauses, a replay."""

import asyncio
from decimal import Decimal

import pytest

from consumers.export.protocol.document_state import DocumentState, FormerRecord
from consumers.payments.balances import Reconciliation
from consumers.payments.cursor import PaymentReplay
from consumers.payments.partition import PartitionClosedError
from consumers.payments.poll import CompanyPoll
from domain.documents import SageObject
from simulator.payments import Edit

pytestmark = pytest.mark.requirement(4)


async def test_a_payment_from_before_its_document_was_known_is_told_when_it_is(books):
    late = await books.invoice("L", known=False)
    other = await books.invoice("A")
    await books.poll()
    books.pay("AR", {late: "10.00"})
    await books.poll()
    books.clock.advance(days=3)  # far behind the overlap
    books.pay("AR", {other: "1.00"})
    await books.poll()
    await books.know(SageObject.AR_INVOICE, str(late), "L")
    await books.poll()
    assert await books.folded() == books.truth()
    assert len(await books.records()) == 2


async def test_a_document_in_doubt_while_its_payment_was_read_is_asked_for_when_it_is_adopted(books):
    number = await books.invoice("D", known=False)
    other = await books.invoice("A")
    entry = books.entry(SageObject.AR_INVOICE, str(number), "D")
    await books.ledger(books.claimed(entry))
    async with books.poller(payments_interval_seconds=1) as poller:
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop))
        await books.until_published(0, poller)
        books.pay("AR", {number: "10.00"})
        await asyncio.sleep(2.5)  # polls meet the stranger's row; nothing tells that they did
        books.clock.advance(days=3)
        books.pay("AR", {other: "1.00"})
        await books.until_published(1)
        await books.ledger(entry)
        await books.until_published(2)
        stop.set()
        await running
    assert await books.folded() == books.truth()


@pytest.mark.parametrize(
    "config",
    [{"clock_seconds": 7_200}, {"clock_seconds": -86_400}, {"utc_offset_minutes": -420}, {"clock_seconds": 10**8}],
)
async def test_sages_clock_and_zone_do_not_matter(books, config):
    books.sim.store.configure("BLUEMESA", **config)
    number = await books.invoice("A")
    await books.poll()
    for amount in ("1.00", "2.00"):
        books.pay("AR", {number: amount})
        await books.poll()
        books.clock.advance(minutes=20)
    assert await books.folded() == books.truth()
    assert len(await books.records()) == 2


async def test_rows_that_move_while_pages_are_read_are_not_skipped(books, monkeypatch):
    monkeypatch.setattr("sage_client.payments.PAGE", 3)
    numbers = [await books.invoice(f"I{number}") for number in range(12)]
    await books.poll()
    for number in numbers:
        books.clock.advance(seconds=1)
        books.pay("AR", {number: "1.00"})
    async with books.poller() as poller:
        page = poller._around.page
        seen = 0

        async def moving(*arguments):
            nonlocal seen
            answer = await page(*arguments)
            seen += 1
            if 2 < seen < 6:
                books.clock.advance(seconds=1)
                books.payments.shift("BLUEMESA")
                books.payments.edit("BLUEMESA", "AR", 12 - seen, Edit({"payment": f"0.{seen}"}))
            return answer

        object.__setattr__(poller._around, "page", moving)
        await poller.once()
    await books.poll()
    assert await books.folded() == books.truth()


async def test_what_no_stamp_shows_is_found_by_the_slow_reconciliation(books):
    first, second, third = [await books.invoice(name) for name in "ABC"]
    await books.poll()
    deleted = books.pay("AR", {first: "10.00"})
    voided = books.pay("AR", {second: "20.00"})
    books.pay("AR", {third: "30.00"})
    await books.poll()
    books.payments.delete("BLUEMESA", "AR", deleted)
    books.payments.void("BLUEMESA", "AR", voided, hidden=True)
    books.payments.edit("BLUEMESA", "AR", 3, Edit({"payment": "25.00"}), hidden=True)
    await books.poll()
    assert await books.folded() != books.truth()
    await books.poll(reconcile=True)
    assert await books.folded() == books.truth()
    before = len(await books.records())
    await books.poll(reconcile=True)
    assert len(await books.records()) == before == 6


async def test_a_balance_that_no_row_explains_is_told_as_a_difference_until_it_closes(books):
    number = await books.invoice("A")
    books.pay("AR", {number: "10.00"})
    await books.poll()
    books.sim.store.database.update("ARINVOICE", "BLUEMESA", number, {"TOTALPAID": 4_000, "TOTALDUE": 6_000})
    await books.poll(reconcile=True)
    await books.poll(reconcile=True)
    assert (await books.folded())["BLUEMESA/ar/difference/1"] == Decimal("30.00")
    books.sim.store.database.update("ARINVOICE", "BLUEMESA", number, {"TOTALPAID": 1_000, "TOTALDUE": 9_000})
    await books.poll(reconcile=True)
    await books.poll(reconcile=True)
    assert await books.folded() == books.truth()
    assert [each["kind"] for each in await books.records()] == ["payment", "difference", "difference"]


async def test_the_reconciliation_goes_on_in_slices_over_many_polls(books, monkeypatch):
    from consumers.payments.config import PollConfig  # noqa: PLC0415

    numbers = [await books.invoice(f"I{number}") for number in range(7)]
    await books.poll()
    for number in numbers:
        books.payments.delete("BLUEMESA", "AR", books.pay("AR", {number: "1.00"}))
    kept = [books.pay("AR", {number: "1.00"}) for number in numbers]
    await books.poll()
    for payment in kept:
        books.payments.delete("BLUEMESA", "AR", payment)
    monkeypatch.setattr(
        "app.payments_poller.rules_of",
        lambda _: PollConfig(reconcile_every=0 * PollConfig().interval, reconcile_slice=2),
    )
    for left in (5, 3, 1, 0):
        await books.poll()  # each a new poller, as after a restart
        assert len(await books.folded()) == left


async def test_a_paused_subsidiary_imports_nothing_and_catches_up_when_it_goes_on(books):
    number, other = await books.invoice("A"), await books.invoice("O", sub="sub-2")
    await books.connect("sub-2", "200")
    await books.poll()
    await books.connect(state="paused")
    books.pay("AR", {number: "10.00"})
    await books.poll()
    books.clock.advance(days=5)
    books.pay("AR", {other: "20.00"})
    await books.poll()
    assert [each["documentKey"] for each in await books.records()] == ["invoice/O"]
    await books.connect(ar={"active": False})
    await books.poll()
    assert len(await books.records()) == 1
    await books.connect()
    await books.poll()
    assert await books.folded() == books.truth()


async def test_a_replay_tells_each_fact_once_more_under_the_same_id(books, monkeypatch):
    monkeypatch.setattr("sage_client.payments.PAGE", 2)
    numbers = [await books.invoice(f"I{number}") for number in range(6)]
    await books.poll()
    for number in numbers:
        books.clock.advance(hours=1)
        books.pay("AR", {number: f"{number}.00"})
    await books.poll()
    books.payments.void("BLUEMESA", "AR", 4)
    books.payments.delete("BLUEMESA", "AR", 6)
    await books.poll(reconcile=True)
    before = await books.records()
    await books.poll(PaymentReplay("again", "03/10/2026 14:30:00"))  # 12:00 and an hour a payment: from the third on
    again = await books.records()
    new = sorted(each["paymentId"] for each in again)
    for each in before:
        new.remove(each["paymentId"])
    assert new == [f"BLUEMESA/ar/{number}/payment" for number in (3, 4, 5, 6)]
    assert await books.folded() == books.truth()
    await books.poll()
    assert len(await books.records()) == len(again)


async def test_a_posted_document_that_sage_does_not_show_any_more_is_named_and_one_that_we_reversed_is_not(books):
    deleted, reversed_by_us, kept = [await books.invoice(name) for name in "ABC"]
    [polled] = await books.poll(reconcile=True)
    assert polled.missing == ()
    stood = books.entry(SageObject.AR_INVOICE, str(reversed_by_us), "B").posted
    await books.ledger(
        DocumentState(
            "invoice/B",
            former_records=(FormerRecord(stood.record_no, "", stood.connection, stood.sage_object, stood.party_id),),
        )
    )
    for number in (deleted, reversed_by_us):
        books.sim.store.database.delete("ARINVOICE", "BLUEMESA", number)
    [polled] = await books.poll(reconcile=True)
    assert polled.missing == ("invoice/A",)
    assert kept


@pytest.mark.kafka("both")
async def test_a_whole_reconciliation_goes_on_where_a_running_poller_interrupted_it(books, monkeypatch):
    from consumers.payments.config import PollConfig  # noqa: PLC0415

    monkeypatch.setattr("app.payments_poller.rules_of", lambda _: PollConfig(reconcile_slice=1))
    monkeypatch.setattr("consumers.payments.poller.TURN_AFTER", 0.01)
    numbers = [await books.invoice(f"I{number}") for number in range(6)]
    await books.poll()
    for number in numbers:
        books.payments.delete("BLUEMESA", "AR", books.pay("AR", {number: "1.00"}))
    looked_at: list[str] = []
    look = Reconciliation._look_at

    async def interrupted(self: Reconciliation, company, part) -> None:
        await look(self, company, part)
        looked_at.extend(each.record_no for each in part)
        if len(looked_at) in {2, 5}:  # a poller that runs takes its partitions back
            async with books.poller() as other:
                opened = await other._cursors.open([self._publisher._partition.place.partition], lambda *_: None)
                await opened[0].close()

    monkeypatch.setattr(Reconciliation, "_look_at", interrupted)
    [polled] = await books.poll(reconcile=True)
    assert polled.error is None
    again = len(looked_at) - len(set(looked_at))
    assert set(looked_at) == {str(number) for number in numbers}
    assert again == 2, "only the slice that was interrupted is looked at again"


@pytest.mark.kafka("both")
async def test_a_replay_beside_a_running_poller_is_told_once(books, monkeypatch):
    monkeypatch.setattr("consumers.payments.poller.TURN_AFTER", 0.01)
    number = await books.invoice("A")
    await books.poll()
    books.clock.advance(hours=1)
    books.pay("AR", {number: "10.00"})
    await books.poll()
    taken = 0
    poll = CompanyPoll.poll

    async def interrupted(self: CompanyPoll, company, passing) -> None:
        nonlocal taken
        if not taken:
            taken += 1
            async with books.poller() as other:
                place = self.publisher._partition.place
                opened = await other._cursors.open([place.partition], lambda *_: None)
                await opened[0].close()
        await poll(self, company, passing)

    monkeypatch.setattr(CompanyPoll, "poll", interrupted)
    await books.poll(PaymentReplay("again", "03/10/2026 00:00:00"))
    assert taken == 1
    assert [each["paymentId"] for each in await books.records()] == [f"BLUEMESA/ar/{number}/payment"] * 2


async def test_who_is_interrupted_for_ever_says_so(books, monkeypatch):
    monkeypatch.setattr("consumers.payments.poller.TURN_AFTER", 0.0)
    monkeypatch.setattr("consumers.payments.poller.TURNS", 3)
    await books.invoice("A")

    async def taken_away(*_: object) -> None:
        raise PartitionClosedError("payment-cursor:0: ProducerFenced()")

    monkeypatch.setattr(CompanyPoll, "poll", taken_away)
    with pytest.raises(PartitionClosedError, match=r"another poller took partition \d+ of .* back 3 times: stop it"):
        await books.poll(reconcile=True)
