"""Documents below zero: credits where the setting says so, refused by a code that names it where not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.categories import Side
from domain.documents import SageObject, SourceDocument
from domain.outcomes import Deferred, Rejected
from domain.translation.revision import revision_of
from tests.support.events import NAMES, source
from tests.support.mappings import Settings, connected, mapped, stopped

KINDS = [name for name in NAMES if "deducted" not in name]
ON = {"ar": {"creditMemos": True}, "ap": {"vendorCredits": True}}


def exporting(name: str, **sides: dict[str, bool]) -> Settings:
    """Settings under which the sample is exported, whatever speaks against others."""
    ap = {"exportCarrierStatements": name == "carrier-statement"} | sides.get("ap", {})
    return connected(ar=sides.get("ar", {}), ap=ap, crossSubsidiary=True)


def below_zero(name: str) -> SourceDocument:
    """A sample with all its amounts on the other side."""
    found = source(name)
    lines = tuple(replace(line, amount=-abs(line.amount)) for line in found.lines)
    return replace(found, lines=lines, total=sum((line.amount for line in lines), Decimal(0)))


@pytest.mark.feature("ar.creditMemos", "ap.vendorCredits", "negative documents")
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_document_below_zero_becomes_an_adjustment_by_its_sides_setting(name):
    found = below_zero(name)
    document = mapped(found, exporting(name, **ON))
    receivable = found.side is Side.AR
    assert document.sage_object is (SageObject.AR_ADJUSTMENT if receivable else SageObject.AP_ADJUSTMENT)
    assert document.total == found.total < 0
    assert [line.amount for line in document.lines] == [line.amount for line in found.lines]
    assert document.reference == (None if receivable else found.reference)


@pytest.mark.feature("ar.creditMemos", "ap.vendorCredits")
@pytest.mark.parametrize("name", KINDS)
def test_without_the_setting_it_is_refused_and_the_refusal_names_the_setting(name):
    other_side_on = {"ap": ON["ap"]} if source(name).side is Side.AR else {"ar": ON["ar"]}
    for settings in (exporting(name), exporting(name, **other_side_on)):
        answer = stopped(below_zero(name), settings, Rejected)
        setting = "ar.creditMemos" if source(name).side is Side.AR else "ap.vendorCredits"
        assert answer.code == "NEGATIVE_TOTAL"
        assert setting in answer.detail
        assert setting in answer.code.explanation.fix


@pytest.mark.feature("negative lines")
def test_lines_of_both_signs_below_zero_are_refused_never_netted():
    found = below_zero("driver-statement-1099")
    up = replace(found.lines[0], amount=Decimal("0.01"))
    mixed = replace(found, lines=(up, *found.lines[1:]), total=found.total - found.lines[0].amount + up.amount)
    assert mixed.total < 0
    assert stopped(mixed, connected(**ON), Rejected).code == "CREDIT_LINES_MIXED"


@pytest.mark.feature("negative lines")
def test_lines_below_zero_in_a_document_above_zero_stay_as_they_are():
    found = source("invoice-load")
    written_off = replace(found.lines[0], amount=Decimal("-0.50"))
    short = replace(found, lines=(*found.lines, written_off), total=found.total - Decimal("0.50"))
    for settings in (connected(), connected(**ON)):
        document = mapped(short, settings)
        assert document.sage_object is SageObject.AR_INVOICE
        assert document.lines[-1].amount == Decimal("-0.50")


def test_a_credit_waits_like_any_other_document_and_its_revision_knows_no_setting():
    found = below_zero("toll")
    assert stopped(found, connected(state="paused", **ON), Deferred).code == "CONNECTION_PAUSED"
    assert revision_of(found) != revision_of(source("toll"))
