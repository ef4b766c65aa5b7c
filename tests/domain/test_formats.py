"""Lengths, amounts, dates and currencies as Sage takes them: refused by name, or changed and told, never in silence."""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from domain.codes import Code
from domain.documents import Document, PartyKind, SourceDocument
from domain.export import export
from domain.idempotency import booked_content_hash, contents_of
from domain.outcomes import Rejected
from domain.parties.party_fields import fields_given, not_sent
from domain.parties.profiles import Address, Profile
from domain.translation.revision import earlier_revisions, former_revisions, revision_of
from producers import attributes
from tests.support.events import event, read
from tests.support.mappings import Settings, connected

CREDITS = {"ar": {"creditMemos": True}, "ap": {"vendorCredits": True}}


def source(sample: dict[str, Any]) -> SourceDocument:
    found = read(sample).document
    assert isinstance(found, SourceDocument), found
    return found


def document(sample: dict[str, Any], settings: Settings | None = None) -> Document:
    found = export(source(sample), (settings or connected()).state)
    assert isinstance(found, Document), found
    return found


def refused(sample: dict[str, Any], settings: Settings | None = None) -> Code:
    found = export(source(sample), (settings or connected()).state)
    assert isinstance(found, Rejected), found
    return found.code


def invoice(*loads: dict[str, Any], **changes: Any) -> dict[str, Any]:
    sample = event("invoice-load")
    if loads:
        sample["data"]["loads"] = list(loads)
        sample["data"].pop("trips", None)
    sample["data"]["invoice"] |= changes
    return sample


# PO numbers and references.


def test_a_po_number_of_100_characters_is_sent_whole():
    found = document(invoice({"orderNumber": "P" * 100}))
    assert found.reference == "P" * 100
    assert found.shortened == ()


@pytest.mark.feature("longValues")
def test_a_longer_one_is_refused_or_cut_and_told_as_the_connection_says():
    sample = invoice({"orderNumber": "P" * 101})
    assert refused(sample) is Code.REFERENCE_TOO_LONG
    found = document(sample, connected(longValues="truncate"))
    assert found.reference == "P" * 100
    assert attributes.document(found) == {"shortened": [{"field": "reference", "cutFrom": 101}]}
    bill = event("carrier-bill")
    bill["data"]["trip"]["carrier"]["carrierInvoiceNumber"] = "V" * 101
    assert refused(bill) is Code.REFERENCE_TOO_LONG
    assert document(bill, connected(longValues="truncate")).reference == "V" * 100


def test_of_many_po_numbers_as_many_as_fit_are_sent_whole_and_that_is_told():
    found = document(invoice(*({"orderNumber": f"PO-{number:07}"} for number in range(20))))
    assert found.reference == ", ".join(f"PO-{number:07}" for number in range(8))
    assert attributes.document(found) == {"shortened": [{"field": "reference", "cutFrom": 238}]}


@pytest.mark.parametrize("values", [("A" * 12, "B" * 12), ("A" * 30, "B"), ("PO-1", "PO-2"), ("P" * 25,)])
def test_what_an_earlier_version_posted_under_other_numbers_is_the_same_document(values):
    sample = invoice(*({"orderNumber": value} for value in values))
    found = document(sample)
    joined = ", ".join(values)
    then = replace(found, reference=joined if len(joined) <= 20 else values[0])
    assert booked_content_hash(then) in contents_of(found)


# Numbers.


@pytest.mark.parametrize("number", ["A#1", "A 1", "N" * 46, "INV-x0123abcd"])
def test_a_number_that_had_to_change_is_told_beside_what_it_was(number):
    found = document(invoice(number=number))
    assert found.number != number
    assert attributes.document(found)["alvysNumber"] == number


@pytest.mark.parametrize("number", ["A-1", "N" * 45, "1008841"])
def test_a_number_that_stays_is_not_told_twice(number):
    found = document(invoice(number=number))
    assert found.number == number
    assert attributes.document(found) == {}


@pytest.mark.parametrize("number", ["A#1", "N" * 31, "N" * 60, "A-1"])
def test_a_document_that_an_earlier_version_posted_is_known_by_its_former_number_and_revision(number):
    found = document(invoice(number=number))
    then = replace(found, number=found.former.number if found.former else found.number, former=None)
    assert booked_content_hash(then) in contents_of(found)
    assert earlier_revisions(found.source)[1] in former_revisions(found.source)
    assert (found.former is None) is (number == "A-1")


def test_a_number_that_changes_in_nothing_but_a_replaced_sign_is_another_content():
    one, other = document(invoice(number="A#1")), document(invoice(number="A&1"))
    assert booked_content_hash(one) != booked_content_hash(other)
    assert revision_of(one.source) != revision_of(other.source)


# Texts.


def test_what_is_shortened_of_our_own_texts_is_told_by_line_and_document():
    sample = invoice()
    sample["data"]["invoice"]["lineItems"][1]["name"] = "Detention " * 30
    for number, line in enumerate(sample["data"]["invoice"]["lineItems"]):
        line["loadNumber"] = f"{number}" * 30
    found = document(sample)
    assert len(found.description) <= 60
    assert [len(line.memo) <= 200 for line in found.lines] == [True] * len(found.lines)
    [told] = found.shortened
    assert (told.field, told.cut_from > 60) == ("description", True)
    assert attributes.line(found.lines[0]) == {}
    assert attributes.line(found.lines[1]) == {"shortened": [{"field": "memo", "cutFrom": 299 + len(" load ") + 30}]}


# Dates.


@pytest.mark.parametrize(
    ("name", "place", "field"),
    [
        ("invoice-load", "invoice", "dueDate"),
        ("carrier-statement", "statement", "remittanceDate"),
        ("carrier-bill", "trip", "dueDate"),
        ("intercompany-invoice", "invoice", "dueDate"),
        ("intercompany-bill", "bill", "dueDate"),
    ],
)
def test_a_document_that_is_due_before_its_date_is_refused_before_the_call(name, place, field):
    settings = connected(ap={"exportCarrierStatements": name == "carrier-statement"}, crossSubsidiary=True)
    sample = event(name)
    sample["data"][place][field] = "2020-01-01"
    assert refused(sample, settings) is Code.DUE_BEFORE_DATE
    sample["data"][place][field] = source(sample).date.isoformat()
    assert document(sample, settings).due == source(sample).date


@pytest.mark.parametrize("name", ["driver-statement-1099", "fuel-reefer", "toll"])
def test_a_document_whose_due_date_is_computed_is_never_due_before_its_date(name):
    found = document(event(name))
    assert found.due >= found.date


def test_a_credit_has_no_due_date_and_is_not_refused_for_one():
    sample = invoice(dueDate="2020-01-01", total={"amount": -5, "currency": 840})
    sample["data"]["invoice"]["lineItems"] = [
        {"category": "Load", "name": "Linehaul", "amount": {"amount": -5, "currency": 840}}
    ]
    found = document(sample, connected(**CREDITS))
    assert found.due == date(2020, 1, 1)
    assert found.sage_object.adjusts


# Currencies.


@pytest.mark.feature("sendCurrency")
def test_the_currency_is_said_of_every_document_unless_the_connection_says_otherwise():
    assert document(event("invoice-load")).stated_currency == "USD"
    quiet = connected(sendCurrency="foreign")
    assert document(event("invoice-load"), quiet).stated_currency is None
    foreign = connected(baseCurrency="CAD", sendCurrency="foreign")
    assert document(event("invoice-load"), foreign).stated_currency == "USD"


def test_what_is_said_of_the_currency_is_no_content():
    loud, quiet = document(event("invoice-load")), document(event("invoice-load"), connected(sendCurrency="foreign"))
    assert booked_content_hash(loud) == booked_content_hash(quiet)


@pytest.mark.parametrize(("base", "amount", "taken"), [("JPY", 100, True), ("JPY", 100.5, False), ("KWD", 1.23, True)])
def test_an_amount_that_leaves_its_currency_to_the_company_has_its_decimals(base, amount, taken):
    money = {"amount": amount}
    line = {"category": "Load", "name": "Linehaul", "amount": money}
    found = export(source(invoice(total=money, lineItems=[line])), connected(baseCurrency=base).state)
    assert isinstance(found, Document) is taken
    if isinstance(found, Rejected):
        assert found.code is Code.AMOUNT_TOO_FINE


# Profiles.

LONG = Profile(
    alvys_id="a",
    name="Alder",
    address=Address(
        street="s" * 255, address2="t" * 256, city="Omaha", state="NE", zip_code="1" * 31, country="Utopia"
    ),
    email="no address",
    phone="5" * 31,
    tax_id="9" * 21,
)


def test_what_of_a_profile_does_not_fit_is_left_out_and_told():
    given = fields_given(PartyKind.VENDOR, LONG)
    assert given == {
        "DISPLAYCONTACT.MAILADDRESS.ADDRESS1": "s" * 255,
        "DISPLAYCONTACT.MAILADDRESS.CITY": "Omaha",
        "DISPLAYCONTACT.MAILADDRESS.STATE": "NE",
    }
    told = {each.field: each.why for each in not_sent(PartyKind.VENDOR, LONG)}
    assert told == {
        "TAXID": "21 characters, Sage takes 20",
        "DISPLAYCONTACT.EMAIL1": "no e-mail address",
        "DISPLAYCONTACT.PHONE1": "31 characters, Sage takes 30",
        "DISPLAYCONTACT.MAILADDRESS.ADDRESS2": "256 characters, Sage takes 255",
        "DISPLAYCONTACT.MAILADDRESS.ZIP": "31 characters, Sage takes 30",
        "DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE": "no country that is known for certain",
    }
    body = orjson.loads(orjson.dumps(attributes.party_made("ALVV-1", not_sent(PartyKind.VENDOR, LONG))))
    assert len(body["partyMade"]["notSent"]) == len(told)


def test_a_profile_that_fits_is_sent_whole_and_nothing_is_told():
    short = replace(LONG, address=Address(street="1 Main", country="USA"), email="a@b.example", phone="5", tax_id="9")
    assert not_sent(PartyKind.VENDOR, short) == ()
    assert attributes.party_made("ALVV-1", ()) == {"partyMade": {"id": "ALVV-1"}}
    assert attributes.party_made("V-1", None) == {}
