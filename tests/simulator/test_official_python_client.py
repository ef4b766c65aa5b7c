"""PyPI `sageintacctsdk`, unmodified but for the address that it has as a constant."""

import asyncio
from functools import partial

import pytest
from sageintacctsdk.exceptions import InternalServerError, InvalidTokenError, NoPrivilegeError, WrongParamsError

from simulator import Fault
from simulator.seed import Company, User

DAY = {"year": "2026", "month": "03", "day": "09"}
INVOICE = {
    "customerid": "CUST-10021",
    "datecreated": DAY,
    "termname": "Net 30",
    "invoiceno": "SDK-1",
    "invoiceitems": {"lineitem": [{"glaccountno": "40010", "amount": "12.34", "memo": "x & y", "locationid": "100"}]},
}
BILL = {
    "VENDORID": "VEN-20417",
    "WHENCREATED": "03/09/2026",
    "WHENDUE": "04/08/2026",
    "RECORDID": "SDK-B",
    "APBILLITEMS": {"APBILLITEM": [{"ACCOUNTNO": "50010", "TRX_AMOUNT": "99.10", "LOCATIONID": "100"}]},
}


async def test_it_creates_and_reads_an_invoice(connect, sim):
    sdk = await connect()
    response = await asyncio.to_thread(sdk.ar_invoices.post, INVOICE)
    assert response["key"] == "1"
    assert (sim.store.documents()[0]["total"], sim.store.documents()[0]["lines"][0]["memo"]) == ("12.34", "x & y")
    (read,) = await asyncio.to_thread(sdk.ar_invoices.get_all)
    assert (read["RECORDID"], read["STATE"], read["TOTALDUE"]) == ("SDK-1", "Posted", "12.34")
    (line,) = await asyncio.to_thread(sdk.ar_invoice_items.get_all)
    assert line["RECORDKEY"] == "1"


async def test_it_creates_updates_and_queries_a_bill(connect):
    sdk = await connect()
    created = await asyncio.to_thread(sdk.bills.post, BILL)
    number = created["data"]["apbill"]["RECORDNO"]
    await asyncio.to_thread(sdk.bills.update_attachment, number, "ATT-1")
    (bill,) = await asyncio.to_thread(
        partial(
            sdk.bills.get_by_query,
            fields=["RECORDNO", "SUPDOCID", "TOTALDUE"],
            and_filter=[("equalto", "RECORDID", "SDK-B"), ("equalto", "VENDORID", "VEN-20417")],
        )
    )
    assert bill == {"RECORDNO": number, "SUPDOCID": "ATT-1", "TOTALDUE": "99.1"}


async def test_it_reads_customers_vendors_and_entities(connect):
    sdk = await connect(entity_id=None)
    customers = await asyncio.to_thread(sdk.customers.get_all)
    assert {customer["NAME"] for customer in customers} >= {"Prairie Gold Foods", "Lone Pine Paper"}
    vendor = await asyncio.to_thread(sdk.vendors.get, "NAME", "T. Okafor")
    assert vendor["VENDOR"][0]["VENDORID"] == "VEN-20433"
    assert len(await asyncio.to_thread(sdk.location_entities.get_all)) == 2
    assert await asyncio.to_thread(sdk.accounts.count, None) == 17
    page = await asyncio.to_thread(sdk.departments.read_by_query, ["DEPARTMENTID"])
    assert page["data"]["@totalcount"] == "2"
    got = await asyncio.to_thread(sdk.customers.get, "CUSTOMERID", "CUST-10021")
    assert got["customer"]["NAME"] == "Prairie Gold Foods"


async def test_it_reads_dimensions_and_their_values(connect):
    sdk = await connect()
    dimensions = await asyncio.to_thread(sdk.dimensions.get_all)
    assert "TRUCK" in [dimension["objectName"] for dimension in dimensions]
    values = await asyncio.to_thread(sdk.dimension_values.get_all, "TRUCK")
    assert {value["name"] for value in values} == {"1042", "1043", "1077"}
    lookup = await asyncio.to_thread(sdk.bills.get_lookup)
    assert lookup["Type"]["@Name"] == "APBILL"


async def test_it_reads_payments(connect, sim):
    sdk = await connect()
    await asyncio.to_thread(sdk.ar_invoices.post, INVOICE)
    await asyncio.to_thread(sdk.bills.post, BILL)
    sim.store.receive_payment("BLUEMESA", {1: "12.34"})
    sim.store.pay_bills("BLUEMESA", {1: "99.10"})
    (received,) = await asyncio.to_thread(sdk.ar_payments.get_all)
    assert received["CUSTOMERID"] == "CUST-10021"
    paid = await asyncio.to_thread(sdk.ap_payments.get_all)
    assert (paid["VENDORID"], paid["TOTALENTERED"], paid["STATE"]) == ("VEN-20417", "99.1", "C")


@pytest.mark.parametrize("wrong", ["user_password", "company_id", "entity_id"])
async def test_a_wrong_sign_in_is_an_invalid_token(connect, wrong):
    with pytest.raises(InvalidTokenError):
        await connect(**{wrong: "wrong"})


async def test_a_wrong_sender_is_an_invalid_token(connect):
    with pytest.raises(InvalidTokenError):
        await connect(sender_password="wrong")


async def test_a_refused_document_carries_its_causes(connect):
    sdk = await connect()
    with pytest.raises(WrongParamsError) as caught:
        await asyncio.to_thread(sdk.ar_invoices.post, {**INVOICE, "customerid": "NOBODY"})
    first, last = caught.value.response["error"]
    assert "Customer 'NOBODY' specified is not valid." in first["description2"]
    assert "~" in first["description2"], "the support id is decoded"
    assert "Could not create Invoice record!" in last["description2"]


async def test_a_missing_permission_has_its_own_exception(connect, sim):
    user = User(id="u", password="p", denied=("VENDOR",))
    sim.store.load_company(Company(company_id="ACME", senders=("AlvysMPP",), users=(user,)))
    sdk = await connect(company_id="ACME", user_id="u", user_password="p", entity_id=None)
    with pytest.raises(NoPrivilegeError):
        await asyncio.to_thread(sdk.vendors.get, "NAME", "x")


@pytest.mark.parametrize("kind", ["offline", "throttled_in_200"])
async def test_trouble_within_a_200_is_a_server_error(connect, sim, kind):
    sdk = await connect()
    sim.faults.add(Fault(kind=kind, times=1))
    with pytest.raises(InternalServerError):
        await asyncio.to_thread(sdk.vendors.get, "NAME", "x")
