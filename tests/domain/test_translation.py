"""Documents that contradict themselves are refused with a code; numbers and keys are fit for Sage and never collide."""

import hashlib
import re
from datetime import date
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.documents import SourceDocument
from domain.events import Event, Withdrawn
from domain.money import CURRENCIES, exact
from domain.outcomes import Rejected
from domain.translation.parse_record import DOCUMENT_KINDS
from domain.translation.refusal import Refusal
from domain.translation.texts import (
    cut,
    different,
    document_number,
    flat,
    former_number,
    formerly,
    hashed_number,
    key_part,
    several,
)
from tests.support.events import event, read


def refused(sample: dict[str, Any]) -> Rejected:
    found = read(sample).document
    assert isinstance(found, Rejected)
    return found


def accepted(sample: dict[str, Any]) -> SourceDocument:
    found = read(sample).document
    assert isinstance(found, SourceDocument)
    return found


def with_amounts(
    total: object, *lines: object, currency: int | None = 840, line_currency: int | None = 840
) -> dict[str, Any]:
    sample = event("invoice-load")
    invoice = sample["data"]["invoice"]
    invoice["total"] = {"amount": total, "currency": currency}
    invoice["lineItems"] = [
        {"category": "Load", "name": "Linehaul", "amount": {"amount": line, "currency": line_currency}}
        for line in lines
    ]
    return sample


def test_lines_that_do_not_add_up_are_refused_with_both_figures():
    found = refused(with_amounts(100, 60, 39.99))
    assert found.code == "LINES_DO_NOT_ADD_UP"
    assert found.detail == "the lines add up to 99.99, the total is 100.00"


@pytest.mark.parametrize("total", [100, 0])
def test_a_document_without_lines_is_refused_whatever_its_total(total):
    assert refused(with_amounts(total)).code == "NO_LINES"


def test_currencies_are_known_and_one():
    assert refused(with_amounts(1, 1, currency=124)).code == "CURRENCIES_MIXED"
    assert refused(with_amounts(1, 1, currency=None)).code == "CURRENCIES_MIXED"
    assert refused(with_amounts(1, 1, currency=999, line_currency=999)).code == "CURRENCY_UNKNOWN"
    assert accepted(with_amounts(1, 1, currency=None, line_currency=None)).currency is None
    assert accepted(with_amounts(1, 1, currency=124, line_currency=124)).currency == "CAD"


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        (840, 0.001),
        (None, 0.001),
        (392, 0.5),
        (392, "100.5"),
        (414, 0.0001),
        (414, "1.234"),
        (48, "1e-3"),
        (512, "-0.005"),
    ],
)
def test_an_amount_finer_than_its_currency_is_refused(currency, amount):
    assert refused(with_amounts(amount, amount, currency=currency, line_currency=currency)).code == "AMOUNT_TOO_FINE"


def test_a_currencys_own_decimals_are_kept():
    assert str(accepted(with_amounts(0.12, 0.120, currency=414, line_currency=414)).total) == "0.120"
    assert str(accepted(with_amounts(5.0, 5, currency=392, line_currency=392)).total) == "5"


def test_the_currency_table_holds_each_letters_once_north_america_first():
    letters = [currency.letters for currency in CURRENCIES.values()]
    assert letters[:3] == ["USD", "CAD", "MXN"]
    assert len(letters) == len(set(letters)) >= 40


def test_a_third_decimal_of_a_dinar_is_refused_by_line_too():
    found = refused(with_amounts("1.000", "0.995", "0.005", currency=414, line_currency=414))
    assert found.code == "AMOUNT_TOO_FINE"
    assert "two decimals" in found.detail


@pytest.mark.parametrize("amount", ["99999999999.99", "-9999999999.99", "1e10", "-0", "-0.00", "0e5"])
def test_what_sage_can_hold_is_taken_however_it_is_written(amount):
    assert accepted(with_amounts(amount, amount)).total == Decimal(amount)
    assert str(accepted(with_amounts(amount, amount)).total)[:2] != "-0"


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        ("100000000000", ["100000000000"]),
        ("-10000000000", ["-10000000000"]),
        ("1e15", ["1e15"]),
        ("0", ["99999999999.99", "0.01", "-100000000000.00"]),
    ],
)
def test_an_amount_of_more_digits_than_sage_takes_is_refused_by_name(total, lines):
    assert refused(with_amounts(total, *lines)).code == "AMOUNT_TOO_LARGE"


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=8))
def test_any_lines_that_add_up_are_accepted_and_a_cent_off_is_refused(amounts):
    texts = [str(amount) for amount in amounts]
    total = sum(amounts)
    assert accepted(with_amounts(str(total), *texts)).total == total
    assert refused(with_amounts(str(total + Decimal("0.01")), *texts)).code == "LINES_DO_NOT_ADD_UP"


@given(st.decimals(-(10**15), 10**15, places=6))
def test_exact_never_changes_an_amount(amount):
    found = exact(amount, 2)
    assert found is None or found == amount
    assert (found is None) == (amount != round(amount, 2))


def test_minus_zero_is_zero():
    assert str(exact(Decimal("-0.0"), 2)) == "0.00"


@pytest.mark.parametrize("number", ["", "  ", "#?&", "\t"])
def test_a_number_without_letter_or_digit_is_unusable(number):
    sample = event("invoice-load")
    sample["data"]["invoice"]["number"] = number
    assert refused(sample).code == "NUMBER_UNUSABLE"


@pytest.mark.parametrize("name", ["driver-statement-1099", "carrier-statement"])
def test_a_statement_without_number_is_refused(name):
    sample = event(name)
    sample["data"]["statement"]["number"] = ""
    assert refused(sample).code == "NUMBER_UNUSABLE"


def test_characters_that_sage_refuses_become_dashes_and_the_number_stays_its_own():
    assert re.fullmatch(r"A-B-C-D-E-F-G-H-x[0-9a-f]{8}", document_number("A\"B'C&D<E>F#G?H"))


@pytest.mark.parametrize(
    "number", ["1008841", "S-1042", "A/1", "INV-20260610", "10_4.2", "N" * 45, "A" * 30, "\u00e9-1"]
)
def test_a_number_that_sage_takes_stays_as_it_is(number):
    assert document_number(number) == number


SIGNS = st.sampled_from("Aa1-/#&\"'<> ?\u200b\u00ad\u0301e\u00e9x0.")
NUMBERS = st.text(SIGNS | st.characters(codec="utf-8"), min_size=1, max_size=80).map(str.strip).filter(bool)


@given(NUMBERS, NUMBERS)
@example("A#1", "A-1")
@example("A#1", "A&1")
@example("A 1", "A-1")
@example("A\u200b1", "A-1")
@example("e\u0301-1", "\u00e9-1")
@example("N" * 44 + "1" * 10, "N" * 44 + "2" * 10)
@example("A#1", document_number("A#1"))
@example("A#1", document_number("A#1").upper())
@example("a#1", "A#1")
def test_two_numbers_of_alvys_never_become_one_of_sage(one, other):
    try:
        first, second = document_number(one), document_number(other)
    except Refusal:
        return
    assert len(first) <= 45
    assert (first == second) == (one == other)
    if one.casefold() != other.casefold():
        assert first.casefold() != second.casefold() or first == one, "nor where case makes no difference"


@given(NUMBERS)
def test_a_changed_number_leaves_room_for_the_suffix_of_a_reposting(number):
    try:
        found = document_number(number)
    except Refusal:
        return
    assert found == number or len(found) <= 41
    assert found.isprintable()


@pytest.mark.parametrize(
    ("number", "before"),
    [
        ("A-1", "A-1"),
        ("A#1", "A-1"),
        ("N" * 30, "N" * 30),
        ("N" * 31, "N" * 21 + "-" + hashlib.sha256(b"N" * 31).hexdigest()[:8]),
    ],
)
def test_what_earlier_versions_made_of_a_number_is_known(number, before):
    assert former_number(number) == before


def test_rows_of_one_swipe_have_numbers_of_their_own():
    assert hashed_number("EFS-1", "fuel-1") != hashed_number("EFS-1", "fuel-2")
    assert hashed_number("X" * 60, "fuel-1").startswith("X" * 21 + "-")
    assert len(hashed_number("X" * 60, "fuel-1")) == 30


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
@example(("a/1", "2"), ("a", "1/2"))
@example(("a/1", "2"), ("a%2F1", "2"))
def test_two_documents_never_share_a_key(one, other):
    keys = ["/".join(map(key_part, parts)) for parts in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_the_kind_stands_in_the_key_so_that_equal_ids_stay_apart():
    fuel, toll = event("fuel-reefer"), event("toll")
    fuel["data"]["fuel"]["id"] = toll["data"]["toll"]["id"] = "same"
    assert read(fuel).key != read(toll).key


def test_as_many_whole_numbers_are_joined_as_fit():
    assert different(["A", None, "A", "", "B"]) == ("A", "B")
    assert several(("A", "B"), 20) == "A, B"
    assert several(("A" * 12, "B" * 12), 20) == "A" * 12
    assert several(("A" * 9, "B" * 9, "C"), 20) == "A" * 9 + ", " + "B" * 9
    assert several((), 20) is None
    assert formerly(("A" * 9, "B" * 9, "C")) == "A" * 9


def test_a_text_is_cut_on_one_line():
    assert flat("a\nb\tc  d") == "a b c d"
    assert cut("x" * 60, 60) == "x" * 60
    assert cut("x" * 61, 60) == "x" * 57 + "..."


def test_without_a_due_date_terms_count_and_without_terms_30_days():
    sample = event("invoice-load")
    sample["data"]["invoice"]["dueDate"] = None
    assert accepted(sample).due == date(2026, 7, 10)
    sample["data"]["customer"]["paymentTermsInDays"] = 0
    assert accepted(sample).due == date(2026, 6, 10)
    sample["data"]["customer"]["paymentTermsInDays"] = None
    assert accepted(sample).due == date(2026, 7, 10)


def test_a_carrier_statement_is_due_at_remittance_else_the_latest_trip_else_by_factoring_terms():
    sample = event("carrier-statement")
    statement, carrier = sample["data"]["statement"], sample["data"]["carrier"]
    statement["remittanceDate"] = None
    statement["trips"][0]["invoiceDueDate"] = "2026-08-01"
    assert accepted(sample).due == date(2026, 8, 1)
    for trip in statement["trips"]:
        trip["invoiceDueDate"] = None
    carrier["factoringTermsInDays"] = 2
    assert accepted(sample).due == date(2026, 6, 17)
    carrier["factoringCompany"] = None
    assert accepted(sample).due == date(2026, 7, 15)


def test_a_fuel_row_without_provider_is_refused_rather_than_sent_to_the_default_vendor():
    sample = event("fuel-reefer")
    sample["data"]["fuel"]["source"] = None
    assert refused(sample).code == "PARTY_UNNAMED"


def types_of_data() -> set[type]:
    """The types of `data` in all events: what pydantic may make of it."""
    fields = [model.model_fields["data"].annotation for model in get_args(Event)]
    return {each for field in fields for each in (get_args(field) or (field,))}


def test_every_type_of_event_data_has_a_translation():
    assert DOCUMENT_KINDS.keys() == types_of_data()
    withdrawn = {each for each in types_of_data() if issubclass(each, Withdrawn)}
    assert len(withdrawn) == 7  # all but a day of fuel and one of tolls, whose rows are withdrawn
