import pytest

from simulator.payments import PaymentError
from tests.simulator.gateway_client import LINE, Client, bill, invoice, query, rows

BY_NUMBER = "<orderby><order><field>RECORDNO</field><ascending/></order></orderby>"


async def test_a_partial_payment_is_spread_over_the_lines_in_order(client: Client, sim, clock):
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


async def test_a_voided_payment_is_due_again(client: Client, sim):
    await client.ok(bill("A", amount="10.00"), bill("B", amount="20.00"))
    payment = sim.store.pay_bills("BLUEMESA", {1: "10.00", 2: "5.00"})
    assert [d["state"] for d in sim.store.documents()] == ["Paid", "Partially Paid"]
    sim.store.void_payment("BLUEMESA", "AP", payment)
    assert [(d["state"], d["due"]) for d in sim.store.documents()] == [("Posted", "10.00"), ("Posted", "20.00")]
    root = await client.ok(query("APPYMTDETAIL", "STATE"))
    assert rows(root, "APPYMTDETAIL", "STATE") == ["Voided", "Voided"]


@pytest.mark.parametrize("applied", [{1: "2450.01"}, {99: "1.00"}, {1: "0"}, {}])
async def test_a_payment_that_cannot_be_applied_leaves_nothing(client: Client, sim, applied):
    await client.ok(invoice())
    with pytest.raises(PaymentError):
        sim.store.receive_payment("BLUEMESA", applied)
    assert sim.store.state()["BLUEMESA"]["payments"] == 0
    assert sim.store.documents()[0]["due"] == "2450.00"
