from datetime import date

import pytest

from simulator.faults import Fault
from simulator.payments import Edit, Parts, Payment, PaymentError
from tests.support.gateway_client import LINE, GatewayClient, bill, invoice, query, rows

BY_NUMBER = "<orderby><order><field>RECORDNO</field><ascending/></order></orderby>"


async def test_a_partial_payment_is_spread_over_the_lines_in_order(client: GatewayClient, sim, clock):
    await client.ok(invoice(lines=LINE.replace("2450.00", "100.00") + LINE.replace("2450.00", "50.00")))
    clock.advance(minutes=5)
    payment = sim.store.receive_payment("BLUEMESA", {1: "120.00"}, number="CHK 7")
    root = await client.ok(
        query("ARPYMTDETAIL", "RECORDKEY ENTRYKEY PAYMENTKEY TRX_PAYMENTAMOUNT PAYMENTDATE", "", BY_NUMBER)
    )
    assert rows(root, "ARPYMTDETAIL", "ENTRYKEY") == ["1", "2"]
    assert rows(root, "ARPYMTDETAIL", "TRX_PAYMENTAMOUNT") == ["100", "20"]
    assert set(rows(root, "ARPYMTDETAIL", "PAYMENTKEY")) == {str(payment)}
    root = await client.ok(query("ARINVOICE", "STATE TOTALPAID TOTALDUE WHENMODIFIED"))
    (balance,) = root.findall(".//data/ARINVOICE")
    assert [element.text for element in balance] == ["Partially Paid", "120", "30", "03/10/2026 12:05:00"]
    root = await client.ok(query("ARPYMT", "DOCNUMBER CUSTOMERID TOTALENTERED RECEIPTDATE"))
    assert rows(root, "ARPYMT", "DOCNUMBER") == ["CHK 7"]
    assert rows(root, "ARPYMT", "RECEIPTDATE") == ["03/10/2026"]


async def test_a_voided_payment_is_due_again(client: GatewayClient, sim):
    await client.ok(bill("A", amount="10.00"), bill("B", amount="20.00"))
    payment = sim.store.pay_bills("BLUEMESA", {1: "10.00", 2: "5.00"})
    assert [d["state"] for d in sim.store.documents()] == ["Paid", "Partially Paid"]
    sim.store.void_payment("BLUEMESA", "AP", payment)
    assert [(d["state"], d["due"]) for d in sim.store.documents()] == [("Posted", "10.00"), ("Posted", "20.00")]
    root = await client.ok(query("APPYMTDETAIL", "STATE"))
    assert rows(root, "APPYMTDETAIL", "STATE") == ["Voided", "Voided"]


@pytest.mark.parametrize("applied", [{1: "2450.01"}, {99: "1.00"}, {1: "0"}, {}])
async def test_a_payment_that_cannot_be_applied_leaves_nothing(client: GatewayClient, sim, applied):
    await client.ok(invoice())
    with pytest.raises(PaymentError):
        sim.store.receive_payment("BLUEMESA", applied)
    assert sim.store.state()["BLUEMESA"]["payments"] == 0
    assert sim.store.documents()[0]["due"] == "2450.00"


def record(sim, side, applied, **given):
    return sim.store.payments.record("BLUEMESA", side, Payment(applied, **given))


def balances(sim, side="AR"):
    documents = sim.store.payments.facts(["BLUEMESA"])["documents"]
    return [(d["paid"], d["due"], d["selected"], d["state"]) for d in documents if d["side"] == side]


async def test_one_detail_holds_cash_and_discount_and_all_of_it_pays_the_document(client: GatewayClient, sim):
    await client.ok(invoice())
    record(sim, "AR", {1: Parts(payment="2000.00", discount="50.00")}, memo="two for ten")
    root = await client.ok(query("ARPYMTDETAIL", "PAYMENTAMOUNT DISCOUNTAMOUNT TRX_DISCOUNTAMOUNT"))
    assert [e.text for e in root.find(".//data/ARPYMTDETAIL")] == ["2000", "50", "50"]
    assert balances(sim) == [("2050.00", "400.00", "0.00", "Partially Paid")]
    root = await client.ok(query("ARPYMT", "DESCRIPTION TOTALENTERED"))
    assert [e.text for e in root.find(".//data/ARPYMT")] == ["two for ten", "2000"]


async def test_an_ap_payment_counts_only_when_it_is_posted(client: GatewayClient, sim):
    await client.ok(bill("A", amount="10.00"))
    payment = record(sim, "AP", {1: "10.00"}, state="draft")
    assert balances(sim, "AP") == [("0.00", "10.00", "0.00", "Posted")]
    for state in ("submitted", "approved"):
        sim.store.payments.move("BLUEMESA", "AP", payment, state)
        assert balances(sim, "AP") == [("0.00", "10.00", "10.00", "Posted")]
        with pytest.raises(PaymentError):  # what is selected cannot be paid twice
            record(sim, "AP", {1: "1.00"})
    sim.store.payments.move("BLUEMESA", "AP", payment, "posted")
    assert balances(sim, "AP") == [("10.00", "0.00", "0.00", "Paid")]
    with pytest.raises(PaymentError):
        sim.store.payments.move("BLUEMESA", "AP", payment, "approved")


async def test_a_negative_invoice_pays_another_and_is_used_up(client: GatewayClient, sim):
    await client.ok(invoice("A"), invoice("B", LINE.replace("2450.00", "-100.00")))
    payment = record(sim, "AR", {1: Parts(payment="50", negative_invoice="100", negative_invoice_key=2)})
    assert balances(sim) == [
        ("150.00", "2300.00", "0.00", "Partially Paid"),
        ("-100.00", "0.00", "0.00", "Paid"),
    ]
    with pytest.raises(PaymentError):
        record(sim, "AR", {1: Parts(negative_invoice="0.01", negative_invoice_key=2)})
    sim.store.payments.void("BLUEMESA", "AR", payment)
    assert balances(sim) == [("0.00", "2450.00", "0.00", "Posted"), ("0.00", "-100.00", "0.00", "Posted")]


async def test_a_negative_bill_pays_another_in_the_inline_columns(client: GatewayClient, sim):
    await client.ok(bill("A", amount="100.00"), bill("B", amount="-40.00"))
    record(sim, "AP", {1: Parts(payment="50", negative_invoice="30", negative_invoice_key=2)})
    root = await client.ok(query("APPYMTDETAIL", "PAYMENTAMOUNT INLINEKEY INLINEAMOUNT TRX_INLINEAMOUNT"))
    assert [e.text for e in root.find(".//data/APPYMTDETAIL")] == ["50", "2", "30", "30"]
    assert balances(sim, "AP") == [
        ("80.00", "20.00", "0.00", "Partially Paid"),
        ("-30.00", "-10.00", "0.00", "Partially Paid"),
    ]
    (detail,) = sim.store.payments.facts(["BLUEMESA"])["details"]
    assert (detail["amounts"], detail["sources"]) == (
        {"payment": "50.00", "negative_invoice": "30.00"},
        {"negative_invoice": 2},
    )
    with pytest.raises(PaymentError, match="not both"):
        record(sim, "AP", {1: Parts(inline="1", negative_invoice="1", negative_invoice_key=2)})
    record(sim, "AP", {1: Parts(inline="5")})
    assert sim.store.payments.facts(["BLUEMESA"])["details"][1]["amounts"] == {"inline": "5.00"}


async def test_a_bill_has_no_overpayment_and_an_advance_stands_in_its_own_column(client: GatewayClient, sim):
    await client.ok(bill("A", amount="100.00"))
    advance = record(sim, "AP", {}, unapplied="30.00")
    record(sim, "AP", {1: Parts(advance="20", advance_key=advance)})
    root = await client.ok(query("APPYMTDETAIL", "ADVANCEKEY POSTEDADVANCEAMOUNT TRX_POSTEDADVANCEAMOUNT"))
    assert [e.text for e in root.find(".//data/APPYMTDETAIL")] == [str(advance), "20", "20"]
    with pytest.raises(PaymentError, match="no overpayment"):
        record(sim, "AP", {1: Parts(overpayment="1", overpayment_key=advance)})
    with pytest.raises(PaymentError, match="no overpayment"):
        sim.store.payments.edit("BLUEMESA", "AP", 1, Edit({"overpayment": "1"}))


async def test_payments_stand_in_the_states_that_lookup_lists(client: GatewayClient, sim):
    seen: dict[str, list[str]] = {"ARPYMT": [], "APPYMT": []}
    await client.ok(invoice(), bill("A", amount="10.00"))
    for side, name, states in (
        ("AR", "ARPYMT", ("posted", "cleared")),
        ("AP", "APPYMT", ("submitted", "approved", "posted", "cleared")),
    ):
        payment = record(sim, side, {1: "10.00"}, state="draft")
        root = await client.ok(f"<lookup><object>{name}</object></lookup>")
        described = next(e for e in root.iterfind(".//Field") if e.findtext("ID") == "DISPLAYSTATE")
        listed = [value.text for value in described.iterfind(".//VALIDVALUE")]
        for step in (*states, "void"):
            if step == "void":
                sim.store.payments.void("BLUEMESA", side, payment)
            else:
                sim.store.payments.move("BLUEMESA", side, payment, step)
            seen[name] += rows(await client.ok(query(name, "DISPLAYSTATE")), name, "DISPLAYSTATE")
            paid = "10.00" if step in {"posted", "cleared"} else "0.00"
            assert balances(sim, side)[0][0] == paid
        assert set(seen[name]) <= set(listed)
    assert seen == {
        "ARPYMT": ["Complete", "Reconciled", "Reversed"],
        "APPYMT": ["Submitted", "Approved", "Confirmed", "Delivered", "Voided"],
    }


@pytest.mark.parametrize("part", ["advance", "overpayment"])
async def test_money_without_a_document_is_applied_later_once(client: GatewayClient, sim, part):
    await client.ok(invoice())
    advance = record(sim, "AR", {} if part == "advance" else {1: "1.00"}, unapplied="30.00")
    record(sim, "AR", {1: Parts.model_validate({part: "20.00", f"{part}_key": advance})})
    with pytest.raises(PaymentError, match="has not that much left"):
        record(sim, "AR", {1: Parts.model_validate({part: "10.01", f"{part}_key": advance})})
    root = await client.ok(query("ARPYMT", "RECORDTYPE TOTALDUE", "", BY_NUMBER))
    assert rows(root, "ARPYMT", "TOTALDUE") == ["10", "0"]
    with pytest.raises(PaymentError):
        sim.store.payments.void("BLUEMESA", "AR", advance)


async def test_a_receipt_of_several_customers_names_none(client: GatewayClient, sim):
    await client.ok(invoice("A"), invoice("B", party="CUST-10035"))
    record(sim, "AR", {1: "1.00", 2: "2.00"})
    root = await client.ok(query("ARPYMT", "CUSTOMERID TOTALENTERED"))
    assert [e.text for e in root.find(".//data/ARPYMT")] == [None, "3"]


async def test_a_changed_detail_changes_the_balance_and_its_stamp_unless_it_is_hidden(
    client: GatewayClient, sim, clock
):
    await client.ok(invoice())
    payment = record(sim, "AR", {1: "100.00"})
    clock.advance(seconds=5)
    sim.store.payments.edit("BLUEMESA", "AR", 1, Edit({"payment": "60.00"}, on=date(2026, 3, 1)))
    (detail,) = sim.store.payments.facts(["BLUEMESA"])["details"]
    assert (detail["amounts"], detail["date"]) == ({"payment": "60.00"}, "2026-03-01")
    assert detail["modified"] == "03/10/2026 12:00:05"
    clock.advance(seconds=5)
    sim.store.payments.edit("BLUEMESA", "AR", 1, Edit({"payment": "40.00"}), hidden=True)
    assert balances(sim) == [("40.00", "2410.00", "0.00", "Partially Paid")]
    sim.store.payments.void("BLUEMESA", "AR", payment, hidden=True)
    (detail,) = sim.store.payments.facts(["BLUEMESA"])["details"]
    assert (detail["final"], detail["modified"]) == (False, "03/10/2026 12:00:05")
    with pytest.raises(PaymentError):
        sim.store.payments.edit("BLUEMESA", "AR", 1, Edit({"payment": "1.00"}))


async def test_a_deleted_payment_vanishes_and_leaves_an_audit_record(client: GatewayClient, sim):
    await client.ok(invoice())
    payment = record(sim, "AR", {1: "100.00"})
    sim.store.payments.delete("BLUEMESA", "AR", payment)
    facts = sim.store.payments.facts(["BLUEMESA"])
    assert facts["details"] == []
    assert balances(sim) == [("0.00", "2450.00", "0.00", "Posted")]
    deleted = "<equalto><field>OBJECTTYPE</field><value>arpymt</value></equalto>"
    root = await client.ok(query("AUDITHISTORY", "OBJECTKEY ACCESSMODE", deleted))
    assert [e.text for e in root.find(".//data/AUDITHISTORY")] == [str(payment), "D"]


async def test_a_companys_stamps_follow_its_own_clock_and_zone(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", clock_seconds=-90, utc_offset_minutes=-360)
    await client.ok(invoice())
    record(sim, "AR", {1: "1.00"})
    for name in ("ARINVOICE", "ARPYMTDETAIL"):
        root = await client.ok(query(name, "WHENMODIFIED"))
        assert rows(root, name, "WHENMODIFIED") == ["03/10/2026 05:58:30"]


async def test_pages_by_offset_lose_a_row_where_one_moved_between_them(client: GatewayClient, sim, clock):
    await client.ok(invoice())
    for _ in range(3):
        record(sim, "AR", {1: "1.00"})
        clock.advance(seconds=1)
    sim.faults.add(Fault(kind="shift_pages", times=1))
    by_stamp = BY_NUMBER.replace("RECORDNO", "WHENMODIFIED")
    read = []
    for offset in range(2):
        page = f"{by_stamp}<pagesize>1</pagesize><offset>{offset}</offset>"
        read += rows(await client.ok(query("ARPYMTDETAIL", "RECORDNO", "", page)), "ARPYMTDETAIL", "RECORDNO")
    assert read == ["1", "3"]


async def test_a_page_that_shifts_while_the_clock_is_set_back_makes_no_change_older(client: GatewayClient, sim, clock):
    """The stamp is what a poller goes by: a change would be lost that no real company loses."""
    await client.ok(invoice("A"), invoice("B"))
    for number in (1, 2):
        clock.advance(minutes=5)
        record(sim, "AR", {number: "10.00"})
    before = rows(await client.ok(query("ARPYMTDETAIL", "WHENMODIFIED", "", BY_NUMBER)), "ARPYMTDETAIL", "WHENMODIFIED")
    clock.advance(hours=-2)
    sim.store.payments.shift("BLUEMESA")
    after = rows(await client.ok(query("ARPYMTDETAIL", "WHENMODIFIED", "", BY_NUMBER)), "ARPYMTDETAIL", "WHENMODIFIED")
    assert after == [before[1], before[1]]
