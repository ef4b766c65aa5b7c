"""Whose books a document belongs in, what sends it, and which of its lines go: the rules of the export article."""

from decimal import Decimal
from typing import Any

import pytest

from domain.codes import Code
from domain.documents import Document, ExcludedLines, SageObject, SourceDocument
from domain.events import ContractError
from domain.export import export
from domain.outcomes import Deferred, Rejected, Skipped
from domain.settings.keys import BadKeyError, parse
from tests.support.events import event, read
from tests.support.mappings import BROKER, CARRIER, Settings, connected

D = Decimal


def document(sample: dict[str, Any]) -> SourceDocument:
    found = read(sample).document
    assert isinstance(found, SourceDocument), found
    return found


def answer(sample: dict[str, Any], settings: Settings) -> Document | Skipped | Deferred | Rejected:
    return export(document(sample), settings.state)


def booked(sample: dict[str, Any], settings: Settings) -> Document:
    found = answer(sample, settings)
    assert isinstance(found, Document), found
    return found


def code(sample: dict[str, Any], settings: Settings) -> str:
    found = answer(sample, settings)
    assert not isinstance(found, Document), found
    return found.code


# Routing.


@pytest.mark.feature("routing")
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("invoice-load", ("data", "subsidiary", "id")),
        ("carrier-bill", ("data", "subsidiary", "id")),
        ("driver-statement-w2", ("data", "statement", "driver", "subsidiaryId")),
        ("carrier-statement", ("data", "statement", "subsidiaryId")),
    ],
)
def test_a_document_goes_where_its_own_subsidiary_is_connected_and_nowhere_without(name, own):
    settings = connected(ap={"exportCarrierStatements": name == "carrier-statement"})
    sample = event(name)
    place = sample
    for step in own[:-1]:
        place = place[step]
    assert booked(sample, settings).connection.subsidiary_id == place[own[-1]]
    place[own[-1]] = "not-connected"
    if name == "carrier-bill":
        sample["data"]["trip"]["tenderAs"] = "not-connected"
    assert code(sample, settings) == "NOT_CONNECTED"


def invoice_as(said: str | None) -> dict[str, Any]:
    sample = event("invoice-load")
    sample["data"]["loads"][0]["invoiceAs"] = said
    return sample


def tender_as(said: str | None) -> dict[str, Any]:
    sample = event("carrier-bill")
    sample["data"]["trip"]["tenderAs"] = said
    return sample


@pytest.mark.feature("routing")
@pytest.mark.parametrize("make", [invoice_as, tender_as])
def test_invoice_as_and_tender_as_have_to_agree_with_the_events_subsidiary(make):
    own = make(None)["data"]["subsidiary"]
    for said in (None, "", own["id"], own["name"], f" {own['name'].upper()} "):
        document(make(said))
    for said in ("Another LLC", BROKER if own["id"] == CARRIER else CARRIER):
        refused = read(make(said)).document
        assert isinstance(refused, Rejected)
        assert refused.code == "ROUTING_CONTRADICTS"
    nameless = make("Another LLC")
    del nameless["data"]["subsidiary"]["name"]
    document(nameless)  # a name cannot be held against an id: the id stands


@pytest.mark.feature("routing")
def test_what_agrees_is_no_content():
    assert len({read(invoice_as(said)).revision for said in (None, CARRIER, "Blue Mesa Transport LLC")}) == 1


# What sends a carrier's bill.

IMPLIED, BY_INVOICE, BY_UPLOAD = None, "customerInvoice", "carrierInvoiceUpload"
TRIGGERS = [
    (False, False, IMPLIED, None),
    (False, False, BY_INVOICE, None),
    (False, False, BY_UPLOAD, "TRIGGER_NOT_IN_FORCE"),
    (False, True, IMPLIED, None),
    (False, True, BY_INVOICE, "TRIGGER_NOT_IN_FORCE"),
    (False, True, BY_UPLOAD, None),
    *((True, upload, trigger, "CARRIER_STATEMENTS_ENABLED") for upload in (False, True) for trigger in
      (IMPLIED, BY_INVOICE, BY_UPLOAD)),
]  # fmt: skip


@pytest.mark.requirement(3)
@pytest.mark.feature("triggers", "ap.exportCarrierStatements", "ap.billOnUpload")
@pytest.mark.parametrize(("statements", "upload", "trigger", "expected"), TRIGGERS)
def test_a_carriers_bill_goes_by_the_table_of_triggers(statements, upload, trigger, expected):
    settings = connected(ap={"exportCarrierStatements": statements, "billOnUpload": upload})
    sample = event("carrier-bill")
    if trigger is not None:
        sample["data"]["trigger"] = trigger
    if expected is None:
        booked(sample, settings)
    else:
        assert code(sample, settings) == expected


@pytest.mark.feature("triggers", "ap.exportCarrierStatements")
@pytest.mark.parametrize("upload", [False, True])
@pytest.mark.parametrize("statements", [False, True])
def test_a_carrier_is_never_booked_by_statement_and_by_trip(statements, upload):
    settings = connected(ap={"exportCarrierStatements": statements, "billOnUpload": upload})
    found = [isinstance(answer(event(name), settings), Document) for name in ("carrier-statement", "carrier-bill")]
    assert found == [statements, not statements]


def test_what_sent_a_bill_is_no_content():
    sample = event("carrier-bill")
    before = read(sample).revision
    sample["data"]["trigger"] = BY_UPLOAD
    assert read(sample).revision == before


def test_a_trigger_that_nobody_knows_breaks_the_contract():
    sample = event("carrier-bill")
    sample["data"]["trigger"] = "whenever"
    with pytest.raises(ContractError):
        read(sample)


# Lines that a setting keeps out.


def fees_and_deductions() -> dict[str, Any]:
    """An invoice with one line of every kind that can be switched off."""
    sample = event("invoice-load")
    lines = sample["data"]["invoice"]["lineItems"]
    lines.append({"category": "E-Check", "name": "Fee", "amount": {"amount": "4.50", "currency": 840}})
    lines.append({"category": "Deduction", "name": "Claim", "amount": {"amount": "-100.00", "currency": 840}})
    sample["data"]["invoice"]["total"]["amount"] = "2917.00"
    return sample


ALL_ON = {"deductionsAsCredits": True}
LINES = [
    (fees_and_deductions, {"ar": ALL_ON | {"includeAccessorials": False}}, ("accessorials", 1, D("150.00"))),
    (fees_and_deductions, {"ar": ALL_ON | {"includeEChecks": False}}, ("e-checks", 1, D("4.50"))),
    (fees_and_deductions, {"ar": {"deductionsAsCredits": False}}, ("deductions", 1, D("-100.00"))),
    (lambda: event("driver-statement-1099"), {"ap": {"includeFuelLines": False}}, ("fuel", 4, D("-678.13"))),
    (lambda: event("driver-statement-1099"), {"ap": {"includeTollLines": False}}, ("toll", 1, D("-42.85"))),
    (lambda: event("driver-statement-1099"), {"ap": {"includeAccessorials": False}}, ("accessorials", 1, D("112.50"))),
    (lambda: event("driver-statement-1099"), {"ap": {"includeEChecks": False}}, ("e-checks", 2, D("-229.50"))),
    (lambda: event("carrier-bill"), {"ap": {"includeAccessorials": False}}, ("accessorials", 2, D("330.00"))),
    (lambda: event("carrier-bill"), {"ap": {"includeEChecks": False}}, ("e-checks", 1, D("-180.00"))),
]


@pytest.mark.requirement(2, 3)
@pytest.mark.feature(
    "ap.includeFuelLines", "ap.includeTollLines", "ap.includeAccessorials", "ap.includeEChecks",
    "ar.includeAccessorials", "ar.includeEChecks", "ar.deductionsAsCredits",
)  # fmt: skip
@pytest.mark.parametrize(("make", "change", "left"), LINES)
def test_lines_of_a_kind_that_is_off_are_left_out_and_told(make, change, left):
    source = document(make())
    found = booked(make(), connected(**change))
    assert found.left_out == (ExcludedLines(*left),)
    assert found.total == sum(line.amount for line in found.lines)
    assert found.total + left[2] == source.total
    assert len(found.lines) + left[1] == len(source.lines)


@pytest.mark.feature("ar.deductionsAsCredits")
def test_a_deduction_on_an_invoice_goes_as_the_negative_line_it_is():
    found = booked(fees_and_deductions(), connected())
    assert found.left_out == ()
    assert found.lines[-1].amount == D("-100.00")
    assert found.total == D("2917.00")


def test_the_lines_have_to_add_up_before_any_is_left_out():
    sample = event("carrier-bill")
    sample["data"]["trip"]["carrier"]["totalPayable"]["amount"] = "1545.00"  # as if the accessorials were not there
    refused = read(sample).document
    assert isinstance(refused, Rejected)
    assert refused.code == "LINES_DO_NOT_ADD_UP"


@pytest.mark.feature("ap.includeFuelLines", "ap.includeTollLines")
@pytest.mark.parametrize("name", ["fuel-reefer", "toll"])
def test_bills_of_fuel_and_tolls_have_switches_of_their_own(name):
    booked(event(name), connected(ap={"includeFuelLines": False, "includeTollLines": False}))


def test_a_document_of_which_every_line_is_left_out_is_skipped_with_what_it_was():
    sample = event("carrier-bill")
    carrier = sample["data"]["trip"]["carrier"]
    carrier |= {"linehaul": None, "eChecks": None, "totalPayable": {"amount": "330.00", "currency": 840}}
    found = answer(sample, connected(ap={"includeAccessorials": False}))
    assert found == Skipped(Code.ALL_LINES_DISABLED, "accessorials: 2 lines, 330.00")


def test_what_is_left_may_be_no_credit():
    sample = event("carrier-bill")
    sample["data"]["trip"]["carrier"] |= {"linehaul": None, "totalPayable": {"amount": "150.00", "currency": 840}}
    assert code(sample, connected(ap={"includeAccessorials": False})) == "NEGATIVE_TOTAL"


# Numbers and memos.


@pytest.mark.feature("memo")
def test_the_carriers_invoice_number_is_the_reference_and_stands_in_the_memo():
    found = booked(event("carrier-bill"), connected())
    assert found.reference == "VF-66140"
    assert "VF-66140" in found.description


@pytest.mark.feature("memo", "statement prefix")
def test_a_carriers_statement_is_numbered_with_the_prefix_and_named_in_the_memo():
    found = booked(event("carrier-statement"), connected(ap={"exportCarrierStatements": True}))
    assert (found.number, found.description) == ("s-1042", "Statement 1042")


@pytest.mark.feature("summary invoice")
def test_a_summary_invoice_is_one_invoice_with_each_loads_charges_as_lines_of_their_own():
    found = booked(event("invoice-summary"), connected())
    assert (found.number, found.sage_object) == ("S1000063", SageObject.AR_INVOICE)
    loads = [line.reference for line in document(event("invoice-summary")).lines]
    assert loads == ["1008902", "1008902", "1008903", "1008903", "1008911"]
    assert len(found.lines) == 5
    for line, load in zip(found.lines, loads, strict=True):
        assert f"load {load}" in line.memo


# Cross-subsidiary billing.

SIDES = [("intercompany-invoice", BROKER, CARRIER), ("intercompany-bill", CARRIER, BROKER)]


@pytest.mark.feature("crossSubsidiary")
def test_cross_subsidiary_billing_makes_four_documents_of_four_events():
    settings = connected(crossSubsidiary=True)
    names = ("invoice-load", "intercompany-bill", "intercompany-invoice", "carrier-bill")
    found = [booked(event(name), settings) for name in names]
    assert [(each.connection.subsidiary_id, each.sage_object) for each in found] == [
        (CARRIER, SageObject.AR_INVOICE),
        (CARRIER, SageObject.AP_BILL),
        (BROKER, SageObject.AR_INVOICE),
        (BROKER, SageObject.AP_BILL),
    ]
    assert [found[1].party.external_id, found[2].party.external_id] == ["VEN-BROKER", "CUST-CARRIER"]


@pytest.mark.feature("crossSubsidiary")
@pytest.mark.parametrize(("name", "own", "other"), SIDES)
def test_it_has_to_be_on_in_both_subsidiaries(name, own, other):
    for off in (own, other):
        settings = connected(crossSubsidiary=True)
        settings.connect(off)
        assert code(event(name), settings) == "CROSS_SUBSIDIARY_DISABLED"
    settings = connected(crossSubsidiary=True)
    settings.clear(f"{other}/connection")
    assert code(event(name), settings) == "CROSS_SUBSIDIARY_DISABLED"
    settings.raw(f"{other}/connection", b"{}")
    found = answer(event(name), settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == ("SETTING_INVALID", (f"{other}/connection",))


@pytest.mark.feature("crossSubsidiary")
@pytest.mark.parametrize(("name", "own", "other"), SIDES)
def test_the_other_subsidiary_is_a_party_by_mapping_state_and_waits_for_it(name, own, other):
    settings = connected(crossSubsidiary=True)
    settings.clear(key := f"{own}/intercompany/{other}")
    for value, wanted in ((None, "INTERCOMPANY_UNMAPPED"), ({}, "INTERCOMPANY_UNMAPPED"), (7, "SETTING_INVALID")):
        if value is not None:
            settings.put(key, value)
        found = answer(event(name), settings)
        assert isinstance(found, Deferred)
        assert (found.code, found.blocked_by) == (wanted, (key,))
    assert settings.put(key, {"customerId": "ID-1", "vendorId": "ID-1"}) == key
    assert booked(event(name), settings).party.external_id == "ID-1"


@pytest.mark.feature("crossSubsidiary")
def test_an_id_in_the_event_goes_before_the_mapping():
    settings = connected(crossSubsidiary=True)
    invoice, bill = event("intercompany-invoice"), event("intercompany-bill")
    invoice["data"]["customer"]["externalAccountingId"] = "C-9"
    bill["data"]["vendor"] = {"externalAccountingId": "V-9"}
    assert [booked(each, settings).party.external_id for each in (invoice, bill)] == ["C-9", "V-9"]


@pytest.mark.feature("crossSubsidiary")
def test_an_intercompany_invoice_names_the_subsidiary_it_bills_and_no_other_invoice_does():
    for change in ({"kind": "Intercompany"}, {"kind": None, "other": {"id": BROKER}}):
        sample = event("invoice-load")
        sample["data"]["invoice"]["type"] = change["kind"]
        if "other" in change:
            sample["data"]["intercompany"] = {"subsidiary": change["other"]}
        with pytest.raises(ContractError):
            read(sample)


@pytest.mark.parametrize("key", ["sub/intercompany/a b", "sub/intercompany/a/b", "sub/intercompany/"])
def test_a_key_of_another_subsidiary_follows_the_grammar(key):
    with pytest.raises(BadKeyError):
        parse(key)


@pytest.mark.feature("crossSubsidiary")
@pytest.mark.parametrize(("name", "own", "other"), SIDES)
def test_no_subsidiary_bills_itself(name, own, other):
    sample = event(name)
    sample["data"]["intercompany"]["subsidiary"]["id"] = own
    refused = read(sample).document
    assert isinstance(refused, Rejected)
    assert refused.code == "ROUTING_CONTRADICTS"
