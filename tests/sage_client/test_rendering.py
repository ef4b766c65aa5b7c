"""The XML of a document: Sage's own order of elements, whole numbers of cents, and our marker whole."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from domain.categories import Side
from domain.idempotency import marker
from sage_client import Login, errors
from sage_client._documents import described, render
from sage_client._envelope import Authentication, Sender, function, get_api_session, request
from tests.support.rendered_xml import ANY_TEXT, at, fields, in_order, tags
from tests.support.sage_calls import document
from tests.support.scripted_gateway import SENDER_PASSWORD, login


def invoice(**changes: Any) -> etree._Element:
    return etree.fromstring(render(document(**changes), "C-1001").encode())


def bill(**changes: Any) -> etree._Element:
    return etree.fromstring(render(document(side=Side.AP, **changes), "V-2001").encode())


@pytest.mark.parametrize("currency", [None, "CAD"])
@pytest.mark.parametrize("reference", [None, "PO 77"])
@pytest.mark.parametrize("location", [None, "100"])
@pytest.mark.parametrize("draft", [True, False])
def test_an_invoice_stands_in_the_order_of_sages_schema(currency, reference, location, draft):
    xml = invoice(currency=currency, reference=reference, location=location, draft=draft, amounts=("1.00", "2.50"))
    assert xml.tag == "create_invoice"
    assert in_order(xml)
    for line in xml.iterfind("invoiceitems/lineitem"):
        assert in_order(line)
    assert in_order(at(xml, "datecreated"))


@pytest.mark.parametrize("currency", [None, "CAD"])
def test_a_custom_field_for_the_marker_has_its_place_and_leaves_the_description_alone(currency):
    document_ = document(currency=currency)
    root = etree.fromstring(render(document_, "C-1001", marker_field="ALVYS_MARKER").encode())
    assert in_order(root)
    assert at(root, "customfields/customfield/customfieldname").text == "ALVYS_MARKER"
    assert at(root, "customfields/customfield/customfieldvalue").text == marker(document_.source.key)
    assert at(root, "description").text == document_.description
    root = etree.fromstring(render(document(side=Side.AP), "V-2001", marker_field="ALVYS_MARKER").encode())
    assert at(root, "APBILL/ALVYS_MARKER").text == marker(document_.source.key)


def test_an_invoice_says_what_the_document_says():
    xml = invoice(amounts=("2450.00", "-50.5"))
    assert {child.tag: child.text for child in xml if not len(child)} == {
        "customerid": "C-1001",
        "action": "Submit",
        "invoiceno": "ALV-104233",
        "ponumber": "PO 77",
        "description": f"Load 104233 {marker('acme/invoice/104233')}",
    }
    assert [xml.findtext(f"datedue/{part}") for part in ("year", "month", "day")] == ["2026", "04", "08"]
    assert [line.findtext("amount") for line in xml.iterfind("invoiceitems/lineitem")] == ["2450.00", "-50.50"]


def test_a_foreign_currency_brings_its_rate_type_along():
    assert tags(invoice(currency="CAD"))[-3:] == ["currency", "exchratetype", "invoiceitems"]
    assert invoice(currency="CAD").findtext("exchratetype") == ""


def test_a_bill_is_a_generic_create():
    xml = bill(amounts=("1800.00",), currency="CAD", draft=True)
    assert xml.tag == "create"
    [apbill] = xml
    assert in_order(apbill)
    assert {child.tag: child.text for child in apbill if not len(child)} == {
        "VENDORID": "V-2001",
        "WHENCREATED": "03/09/2026",
        "WHENDUE": "04/08/2026",
        "RECORDID": "ALV-104233",
        "DOCNUMBER": "PO 77",
        "DESCRIPTION": f"Load 104233 {marker('acme/invoice/104233')}",
        "CURRENCY": "CAD",
        "EXCH_RATE_TYPE_ID": None,
        "ACTION": "Draft",
    }
    [line] = apbill.iterfind("APBILLITEMS/APBILLITEM")
    assert in_order(line)
    assert [cell.text for cell in line] == ["40010", "1800.00", "Linehaul", "100"]


@pytest.mark.parametrize("side", list(Side))
def test_what_sage_and_its_sdks_disagree_about_is_never_sent(side):
    xml = render(document(side=side, currency="CAD"), "P-1").lower()
    assert "onhold" not in xml
    assert "batchkey" not in xml


@given(description=ANY_TEXT, memo=ANY_TEXT, reference=ANY_TEXT, side=st.sampled_from(Side))
def test_whatever_the_texts_the_request_is_xml_and_the_marker_is_whole(description, memo, reference, side):
    one = document(description=description, memo=memo, reference=reference, side=side)
    xml = etree.fromstring(render(one, "P-1").encode())
    text = xml.findtext(".//description") or xml.findtext(".//DESCRIPTION")
    assert text == described(one)
    assert len(text) <= 80
    assert text.endswith(marker(one.source.key))
    assert render(one, "P-1") == render(one, "P-1")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("text", [{"reference": "r" * 101}, {"memo": "m" * 501}, {"description": "d" * 62}])
def test_a_text_that_is_too_long_is_refused_and_never_cut(side, text):
    with pytest.raises(errors.RequestInvalidError, match=r"has \d+ characters, Sage takes \d+"):
        render(document(side=side, **text), "P-1")


def test_what_sage_takes_is_sent_whole():
    xml = invoice(number="N" * 45, reference="r" * 100, memo="m" * 500, description="d" * 61)
    assert (xml.findtext("invoiceno"), xml.findtext("ponumber")) == ("N" * 45, "r" * 100)
    assert xml.findtext("invoiceitems/lineitem/memo") == "m" * 500
    assert len(xml.findtext("description") or "") == 80
    xml = bill(number="N" * 45, reference="r" * 100)
    assert (xml.findtext("APBILL/RECORDID"), xml.findtext("APBILL/DOCNUMBER")) == ("N" * 45, "r" * 100)


@pytest.mark.parametrize("side", Side)
def test_a_document_that_is_due_before_its_date_is_refused_here(side):
    one = document(side=side)
    with pytest.raises(errors.RequestInvalidError, match="due before"):
        render(replace(one, due=one.date - timedelta(days=1)), "P-1")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("total", ["10.00", "-10.00"])
@pytest.mark.parametrize(
    ("currency", "base", "told"), [("CAD", "USD", "CAD"), (None, "USD", "USD"), (None, None, None)]
)
def test_the_currency_is_said_of_every_document_where_the_connection_says_so(side, total, currency, base, told):
    one = replace(document(side=side, amounts=(total,), currency=currency), base_currency=base)
    xml = etree.fromstring(render(one, "P-1").encode())
    found = [each.text for each in xml.iter("currency", "CURRENCY")]
    rates = [each.text for each in xml.iter("exchratetype", "EXCH_RATE_TYPE_ID")]
    assert found == ([told] if told else [])
    assert rates == ([None] if told else [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "N" * 46},
        {"number": ""},
        {"number": "A\x00B"},
        {"account": ""},
        {"account": "40\x0110"},
        {"location": "1\ud80000"},
        {"amounts": ("1.001",)},
        {"amounts": ("NaN",)},
        {"amounts": ()},
        {"amounts": ("1.00", "2.00"), "total": "3.01"},
    ],
)
def test_what_cannot_be_sent_as_it_is_is_refused_here(wrong):
    with pytest.raises(errors.RequestInvalidError):
        render(document(**wrong), "C-1001")


@pytest.mark.parametrize("entity", [None, "100"])
def test_the_envelope_stands_in_the_order_of_sages_schema(entity):
    sender = Sender("acme-sender", login(password=SENDER_PASSWORD).password)
    who: Login = login(entity=entity)
    call = function('a"<&>', get_api_session(entity))
    xml = etree.fromstring(request(sender, "r1", Authentication.by_login(who), [call], unique=False))
    assert tags(xml) == ["control", "operation"]
    assert all(in_order(at(xml, path)) for path in ("control", "operation", "operation/authentication/login"))
    assert xml.findtext("control/password") == SENDER_PASSWORD
    assert xml.findtext("control/uniqueid") == "false"
    assert xml.findtext("control/dtdversion") == "3.0"
    assert at(xml, "operation/content/function").get("controlid") == 'a"<&>'
    assert xml.findtext("operation/authentication/login/locationid") == entity
    assert xml.findtext("operation/content/function/getAPISession/locationid") == entity


SDK_PROGRAM = """
const { createRequire } = require("module");
const load = createRequire(process.argv[1] + "/");
const sdk = load("@intacct/intacct-sdk");
const Writer = load("@intacct/intacct-sdk/dist/Xml/IaXmlWriter").default;
const given = JSON.parse(process.argv[2]);
const invoice = new sdk.Functions.AccountsReceivable.InvoiceCreate();
invoice.controlId = "c";
invoice.customerId = given.customer;
invoice.transactionDate = new Date(given.date);
invoice.dueDate = new Date(given.due);
invoice.action = "Submit";
invoice.invoiceNumber = given.number;
invoice.referenceNumber = given.reference;
invoice.description = given.description;
if (given.currency) {
  invoice.transactionCurrency = given.currency;
  invoice.exchangeRateType = "";
}
invoice.lines = given.lines.map((each) => {
  const line = new sdk.Functions.AccountsReceivable.InvoiceLineCreate();
  line.glAccountNumber = each.account;
  line.transactionAmount = each.amount;
  line.memo = each.memo;
  line.locationId = each.location;
  return line;
});
const xml = new Writer(load("xmlbuilder").create("written"));
invoice.writeXml(xml);
console.log(xml.flush());
"""


@pytest.mark.parametrize("currency", [None, "CAD"])
def test_sages_own_sdk_writes_the_same_invoice(sdk, currency):
    one = document(amounts=("2450.00", "199.99"), currency=currency, memo="Línehaul <&>")
    given = {
        "customer": "C-1001",
        "date": "2026-03-09T12:00:00Z",
        "due": "2026-04-08T12:00:00Z",
        "number": one.number,
        "reference": one.reference,
        "description": described(one),
        "currency": currency,
        "lines": [
            {"account": each.account, "amount": str(each.amount), "memo": each.memo, "location": each.location_id}
            for each in one.lines
        ],
    }
    program = ["node", "-e", SDK_PROGRAM, str(sdk), json.dumps(given)]
    ran = subprocess.run(
        program, capture_output=True, text=True, check=True, timeout=60, env={**os.environ, "TZ": "UTC"}
    )
    theirs = at(etree.fromstring(ran.stdout.encode()), "function/create_invoice")
    assert fields(etree.fromstring(render(one, "C-1001").encode())) == fields(theirs)
