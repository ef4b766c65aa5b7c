"""Lines that cancel out are money on accounts; only lines that are all zero are nothing to book. Promise 3."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.categories import Side
from domain.documents import Document, SageObject, SourceDocument
from domain.export import export
from domain.outcomes import Rejected, Skipped
from tests.support.events import NAMES, event, read, source
from tests.support.mappings import Settings, connected, stopped

EXPORTED = [name for name in NAMES if "deducted" not in name]
ZERO = Decimal("0.00")


def settings(name: str, **more: object) -> Settings:
    return connected(ap={"exportCarrierStatements": name == "carrier-statement"}, crossSubsidiary=True, **more)


def cancelled(name: str) -> SourceDocument:
    """The sample with each line taken back by another one."""
    found = source(name)
    return replace(found, lines=(*found.lines, *[replace(one, amount=-one.amount) for one in found.lines]), total=ZERO)


@pytest.mark.feature("zeroTotals")
@pytest.mark.parametrize("name", EXPORTED)
def test_every_kind_of_document_whose_lines_cancel_out_is_exported_with_its_lines(name):
    answer = export(cancelled(name), settings(name).state)
    assert isinstance(answer, Document), answer
    assert answer.total == 0
    assert [line.amount for line in answer.lines] == [line.amount for line in cancelled(name).lines]
    of_side = SageObject.AR_INVOICE if answer.source.side is Side.AR else SageObject.AP_BILL
    assert answer.sage_object is of_side  # neither a credit nor a debit


@pytest.mark.feature("zeroTotals")
@pytest.mark.parametrize("name", EXPORTED)
def test_a_connection_that_refuses_them_says_so_before_anything_is_sent(name):
    answer = stopped(cancelled(name), settings(name, zeroTotals="refuse"), Rejected)
    assert answer.code == "LINES_CANCEL_OUT"
    assert isinstance(export(source(name), settings(name, zeroTotals="refuse").state), Document)


@pytest.mark.parametrize("name", EXPORTED)
@pytest.mark.parametrize("zero_totals", ["export", "refuse"])
def test_lines_that_are_all_zero_are_nothing_to_book(name, zero_totals):
    found = source(name)
    nothing = replace(found, lines=tuple([replace(one, amount=ZERO) for one in found.lines]), total=ZERO)
    assert stopped(nothing, settings(name, zeroTotals=zero_totals), Skipped).code == "ZERO_TOTAL"


def test_what_is_left_of_a_document_counts_when_it_cancels_out():
    found = source("driver-statement-1099")
    pay, fuel = found.lines[0], next(one for one in found.lines if one.category == "fuel")
    lines = (pay, replace(pay, amount=-pay.amount), fuel)
    some = replace(found, lines=lines, total=fuel.amount)
    answer = export(some, connected(ap={"includeFuelLines": False}).state)
    assert isinstance(answer, Document), answer
    assert [line.amount for line in answer.lines] == [pay.amount, -pay.amount]


def bill(linehaul: float | None, total: float, *, lists: object = None) -> dict[str, Any]:
    sample = event("carrier-bill")
    carrier = sample["data"]["trip"]["carrier"]
    carrier["linehaul"] = None if linehaul is None else {"amount": linehaul, "currency": 840}
    carrier["accessorialsDetails"] = carrier["eChecks"] = lists
    carrier["totalPayable"] = {"amount": total, "currency": 840}
    return sample


@pytest.mark.parametrize(("linehaul", "lists"), [(0.0, None), (None, None), (0.0, []), (None, [])])
def test_a_carriers_bill_without_any_cost_is_nothing_to_book(linehaul, lists):
    found = read(bill(linehaul, 0.0, lists=lists)).document
    assert isinstance(found, SourceDocument), found
    assert stopped(found, connected(), Skipped).code == "ZERO_TOTAL"


def test_a_carriers_bill_of_nothing_that_says_an_amount_is_refused():
    found = read(bill(None, 10.0)).document
    assert isinstance(found, Rejected)
    assert found.code == "NO_LINES"


@pytest.mark.parametrize("name", ["invoice-load", "driver-statement-1099"])
def test_a_document_of_no_lines_at_all_is_no_fact(name):
    sample = event(name)
    data = sample["data"]
    document = data.get("invoice") or data["statement"]
    document["lineItems"] = []
    money = document["total"] if "total" in document else document["totals"]["netIncome"]
    money["amount"] = 0.0
    found = read(sample).document
    assert isinstance(found, Rejected)
    assert found.code == "NO_LINES"
