"""Credits on the wire: Sage's order of elements and sign, and found again by number, party, marker and amount."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from domain.categories import Side
from domain.documents import Document, SageObject
from domain.idempotency import marker
from sage_client import Call, DocumentKey, Done, Refused, Unknown, errors
from sage_client._documents import described, render
from simulator import Fault
from tests.support.blue_mesa import ACCOUNTS, CUSTOMER, VENDOR, WHO, connected
from tests.support.rendered_xml import at, fields, in_order, tags
from tests.support.sage_calls import document, why

ORDER = """
    {party} datecreated dateposted batchkey adjustmentno action {document} description externalid basecurr currency
    exchratedate exchratetype exchrate nogl {items}"""
"""v3.0/api.xsd; custom fields, which only an AP adjustment may have, are never sent."""
SIDES = {
    Side.AR: ("create_aradjustment", "customerid", "invoiceno", "aradjustmentitems"),
    Side.AP: ("create_apadjustment", "vendorid", "billno", "apadjustmentitems"),
}


def credit(number: str = "ALV-1", *, side: Side = Side.AR, **changes: object) -> Document:
    amounts = ("-2450.00", "-199.99")
    one = document(number=number, side=side, amounts=amounts, key=f"acme/{number}", account=ACCOUNTS[side])
    return replace(one, **changes)  # type: ignore[arg-type]  # a test's own changes


def call(number: str = "ALV-1", *, side: Side = Side.AR) -> Call:
    return Call(f"id-{number}", credit(number, side=side), CUSTOMER if side is Side.AR else VENDOR)


def key(number: str = "ALV-1", *, side: Side = Side.AR) -> DocumentKey:
    if side is Side.AR:
        return DocumentKey(SageObject.AR_ADJUSTMENT, number, CUSTOMER)
    return DocumentKey(SageObject.AP_ADJUSTMENT, number, VENDOR)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("currency", [None, "CAD"])
@pytest.mark.parametrize("posted", [None, date(2026, 4, 1)])
def test_a_credit_stands_in_the_order_of_sages_schema_with_amounts_below_zero(side, currency, posted):
    xml = etree.fromstring(render(credit(side=side, currency=currency, posting_date=posted), "P-1").encode())
    function, party, about, items = SIDES[side]
    assert xml.tag == function
    order = ORDER.format(party=party, document=about, items=items).split()
    places = [order.index(tag) for tag in tags(xml)]
    assert places == sorted(set(places))
    assert [line.findtext("amount") for line in at(xml, items)] == ["-2450.00", "-199.99"]
    assert all(in_order(line) for line in at(xml, items))
    assert (xml.find("dateposted") is None) == (posted is None)
    assert xml.findtext(about) == (None if side is Side.AR else "PO 77")


@pytest.mark.parametrize("side", list(Side))
def test_the_marker_stands_in_the_description_even_where_invoices_have_a_field_for_it(side):
    one = credit(side=side)
    xml = etree.fromstring(render(one, "P-1", marker_field="ALVYS_MARKER").encode())
    assert xml.findtext("description") == f"Load 104233 {marker(one.source.key)}"
    assert xml.find("customfields") is None


def test_lines_of_both_signs_are_never_sent():
    with pytest.raises(errors.RequestInvalidError):
        render(document(amounts=("-2.00", "1.00")), "C-1")


SDK_PROGRAM = """
const { createRequire } = require("module");
const load = createRequire(process.argv[1] + "/");
const sdk = load("@intacct/intacct-sdk");
const Writer = load("@intacct/intacct-sdk/dist/Xml/IaXmlWriter").default;
const given = JSON.parse(process.argv[2]);
const receivable = given.side === "ar";
const space = sdk.Functions[receivable ? "AccountsReceivable" : "AccountsPayable"];
const name = receivable ? "ArAdjustment" : "ApAdjustment";
const create = new space[name + "Create"]();
create.controlId = "c";
create[receivable ? "customerId" : "vendorId"] = given.party;
create.transactionDate = new Date("2026-03-09T12:00:00Z");
create.glPostingDate = new Date("2026-04-01T12:00:00Z");
create.action = "Submit";
create.adjustmentNumber = given.number;
if (!receivable) create.billNumber = given.reference;
create.description = given.description;
create.lines = given.lines.map((each) => {
  const line = new space[name + "LineCreate"]();
  line.glAccountNumber = each.account;
  line.transactionAmount = each.amount;
  line.memo = each.memo;
  line.locationId = each.location;
  return line;
});
const xml = new Writer(load("xmlbuilder").create("written"));
create.writeXml(xml);
console.log(xml.flush());
"""


@pytest.mark.parametrize("side", list(Side))
def test_sages_own_sdk_writes_the_same_credit(sdk, side):
    one = credit(side=side, posting_date=date(2026, 4, 1))
    lines = [
        {"account": each.account, "amount": str(each.amount), "memo": each.memo, "location": each.location_id}
        for each in one.lines
    ]
    given = {"side": side, "party": "P-1", "number": one.number, "reference": one.reference, "lines": lines}
    program = ["node", "-e", SDK_PROGRAM, str(sdk), json.dumps(given | {"description": described(one)})]
    environment = {**os.environ, "TZ": "UTC"}
    ran = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60, env=environment)
    theirs = at(etree.fromstring(ran.stdout.encode()), f"function/{SIDES[side][0]}")
    assert fields(etree.fromstring(render(one, "P-1").encode())) == fields(theirs)


@pytest.mark.feature("ar.creditMemos", "ap.vendorCredits")
@pytest.mark.parametrize("side", list(Side))
async def test_a_credit_that_was_posted_is_found_again_below_zero(client, side):
    [posted] = await client.post(WHO, [call(side=side)])
    assert isinstance(posted, Done)
    [[found]] = await client.find(WHO, [key(side=side)])
    assert (found.record_no, found.total) == (posted.record_no, Decimal("-2649.99"))
    assert found.bears(marker("acme/ALV-1"))
    other = SageObject.AR_INVOICE if side is Side.AR else SageObject.AP_BILL
    assert await client.find(WHO, [replace(key(side=side), object=other)]) == [[]]


async def test_a_credit_is_found_by_its_description_where_a_field_holds_the_marker_of_others(marked):
    async with connected(marked, marker_field="ALVYS_MARKER") as client:
        await client.post(WHO, [call()])
        [[found]] = await client.find(WHO, [key()])
    assert found.bears(marker("acme/ALV-1"))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("fault", ["drop_before_commit", "drop_after_commit", "truncated", "timeout_524"])
async def test_a_broken_answer_to_a_credit_is_unknown_and_the_look_up_tells(simulator, client, fault, side):
    simulator.faults.add(Fault(kind=fault, function=SIDES[side][0], times=1))
    [answer] = await client.post(WHO, [call(side=side)])
    assert isinstance(answer, Unknown)
    [found] = await client.find(WHO, [key(side=side)])
    assert bool(found) == (fault != "drop_before_commit")
    [again] = await client.post(WHO, [call(side=side)])
    assert isinstance(again, Unknown if found else Done)
    [now] = await client.find(WHO, [key(side=side)])
    assert len(now) == 1


async def test_a_credit_in_a_closed_period_is_refused_and_taken_with_a_posting_date_in_an_open_one(client):
    old = credit(date=date(2025, 1, 31))
    [answer] = await client.post(WHO, [replace(call(), document=old)])
    assert isinstance(answer, Refused)
    assert isinstance(why(answer), errors.PeriodClosedError)
    redated = replace(old, posting_date=date(2026, 1, 1))
    [answer] = await client.post(WHO, [replace(call(), document=redated)])
    assert isinstance(answer, Done)
    [[found]] = await client.find(WHO, [key()])
    assert found.date == "01/31/2025"
