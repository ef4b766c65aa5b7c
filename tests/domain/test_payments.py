"""What a payment row means, and what of it is news: every order of states folds to the present truth."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.categories import Side
from domain.documents import SageObject
from domain.payments import (
    DocumentBalance,
    ExportedDocument,
    PaymentDetail,
    PaymentFact,
    PaymentHeader,
    PaymentKind,
    PaymentStatus,
    applications,
    as_void,
    changes_since,
    counts,
    difference,
    explained,
    latest,
    payment_fact,
    payment_status,
    since,
)
from tests.support.sage_reference import reference

pytestmark = pytest.mark.requirement(4)

DOCUMENT = ExportedDocument("invoice/A", "sub-1", "ACME", None, SageObject.AR_INVOICE, "7", "A", "C-1")
ROW = PaymentDetail("12", "7", "", "9", "2026-11-20", {PaymentKind.PAYMENT: Decimal(100)}, (), "USD", "Complete", "s1")
HEADER = PaymentHeader("9", "Complete", "EFT", "4711", "", "memo")


def facts(row, header=HEADER, document=DOCUMENT):
    return [payment_fact(document, row, each, header) for each in applications(document.side, row)]


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        *(
            (state, PaymentStatus.FINAL)
            for state in ("Posted", "Confirmed", "Complete", "Reconciled", "Delivered", "c")
        ),
        *((state, PaymentStatus.FINAL) for state in ("Quick Delivery", "quick-delivery")),
        *((state, PaymentStatus.NOT_YET) for state in ("Draft", "Submitted", "Partially Approved", "Approved", "d")),
        *((state, PaymentStatus.VOID) for state in ("Voided", "Print Voided", "Declined", "Reversed", "Reversal", "V")),
        ("On the moon", PaymentStatus.UNKNOWN),
        ("", PaymentStatus.UNKNOWN),
    ],
)
def test_only_what_is_final_is_money(state, meaning):
    assert {payment_status(state, side) for side in Side} == {meaning}
    [now] = facts(replace(ROW, state=state))
    # The payment is Complete: that is known, where the row's own state is not.
    assert now.amount == (Decimal(100) if meaning in {PaymentStatus.FINAL, PaymentStatus.UNKNOWN} else 0)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("name", ["ARPYMT", "APPYMT"])
def test_every_state_that_lookup_lists_of_payments_is_known(side, name):
    states = reference().objects[name].fields["DISPLAYSTATE"].values
    assert len(states) >= 5
    assert [state for state in states if payment_status(state, side) is PaymentStatus.UNKNOWN] == []


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        *((code, PaymentStatus.NOT_YET) for code in ("D", "S", "PA", "A", "U")),
        *((code, PaymentStatus.FINAL) for code in ("C", "P", "Q")),
        *((code, PaymentStatus.VOID) for code in ("V", "VP", "X")),
    ],
)
def test_a_code_is_known_where_it_is_published(code, meaning):
    assert payment_status(code, Side.AP) is meaning
    assert payment_status(code, Side.AR) is (meaning if code in {"D", "C", "V"} else PaymentStatus.UNKNOWN)
    header = replace(HEADER, state="In words that nobody knows", code=code)
    assert header.standing(Side.AP) is meaning


UNKNOWN = replace(ROW, state="Zugestellt")


@pytest.mark.parametrize("header", [None, replace(HEADER, state="Unterwegs")])
def test_where_no_state_is_known_the_caller_says_whether_it_is_money(header):
    assert counts(Side.AR, UNKNOWN, header) is None
    [each] = applications(Side.AR, UNKNOWN)
    assert payment_fact(DOCUMENT, UNKNOWN, each, header).amount == 0
    assert payment_fact(DOCUMENT, UNKNOWN, each, header, unknown_counts=True).amount == 100
    void = replace(HEADER, state="Print Voided")
    assert payment_fact(DOCUMENT, UNKNOWN, each, void, unknown_counts=True).amount == 0


@given(st.decimals(-100, 100, places=2), st.decimals(-100, 100, places=2))
def test_a_balance_holds_an_amount_only_if_it_is_on_its_side_and_large_enough(amount, rest):
    held = explained(amount, rest)
    assert held == ((0 < amount <= rest) or (rest <= amount < 0))
    assert not held or explained(-amount, -rest)


@pytest.mark.parametrize("state", ["Voided", "Submitted"])
def test_a_row_counts_no_more_than_its_payment(state):
    [now] = facts(ROW, replace(HEADER, state=state))
    assert now.amount == 0


def test_what_is_told_first_then_of_each_change_and_never_twice():
    [first] = facts(ROW)
    assert changes_since(first, None) == first
    assert changes_since(first, first) is None
    [touched] = facts(replace(ROW, modified="s2"))
    assert changes_since(touched, first) is None
    [more] = facts(replace(ROW, amounts={PaymentKind.PAYMENT: Decimal(120)}))
    told = changes_since(more, first)
    assert told is not None
    assert (told.kind, told.amount) == (PaymentKind.CORRECTION, Decimal(120))
    [moved] = facts(replace(ROW, amounts={PaymentKind.PAYMENT: Decimal(120)}, date="2026-11-21"))
    again = changes_since(moved, told)
    assert again is not None
    assert (again.kind, again.amount) == (PaymentKind.PAYMENT, Decimal(120))
    gone = changes_since(facts(replace(ROW, state="Voided"))[0], again)
    assert gone is not None
    assert (gone.kind, gone.amount) == (PaymentKind.VOID, Decimal(0))
    assert changes_since(facts(replace(ROW, state="Voided", modified="s9"))[0], gone) is None
    assert changes_since(facts(replace(ROW, state="Submitted"))[0], None) is None


ROWS = st.builds(
    lambda amount, discount, state, modified, date: replace(
        ROW,
        amounts={
            kind: Decimal(cents) / 100
            for kind, cents in ((PaymentKind.PAYMENT, amount), (PaymentKind.DISCOUNT, discount))
        },
        state=state,
        modified=modified,
        date=date,
    ),
    st.integers(-500, 500),
    st.integers(0, 3),
    st.sampled_from(["Complete", "Voided", "Submitted", "Approved", "?"]),
    st.sampled_from(["s1", "s2", "s3"]),
    st.sampled_from(["2026-11-20", "2026-11-21"]),
)


@given(st.lists(ROWS), st.data())
def test_whatever_is_read_in_whatever_order_folding_gives_what_was_read_last(rows, data):
    told: dict[str, PaymentFact] = {}
    for row in rows:
        for _ in range(data.draw(st.integers(1, 3))):  # an overlap reads it again
            fresh = [new for each in facts(row) if (new := changes_since(each, told.get(each.payment_id)))]
            told |= {each.payment_id: each for each in fresh}
        assert not [each for each in facts(row) if changes_since(each, told.get(each.payment_id))]
    present = {each.payment_id: each.amount for each in facts(rows[-1]) if each.amount} if rows else {}
    assert {name: each.amount for name, each in told.items() if each.amount} == present


def test_a_credit_tells_what_it_settled_and_what_it_used_up():
    row = replace(ROW, amounts={PaymentKind.CREDIT: Decimal(60)}, uses=((SageObject.AR_INVOICE, "8", Decimal(60)),))
    found = [(each.slug, each.object, each.record_no, each.amount) for each in applications(Side.AR, row)]
    assert found == [
        ("credit", SageObject.AR_INVOICE, "7", Decimal(60)),
        ("used", SageObject.AR_INVOICE, "8", Decimal(-60)),
    ]


def test_a_difference_is_what_rows_do_not_explain_and_closes_with_nothing():
    [told] = facts(ROW)
    balance = DocumentBalance("7", "Partially Paid", Decimal(500), Decimal(130), Decimal(370))
    found = difference(DOCUMENT, balance, [told])
    assert found is not None
    assert (found.payment_id, found.amount) == ("ACME/ar/difference/7", Decimal(30))
    assert difference(DOCUMENT, balance, [told, found]) is None
    closed = difference(DOCUMENT, replace(balance, paid=Decimal(100)), [told, found])
    assert closed is not None
    assert closed.amount == 0
    assert as_void(told).amount == 0


def test_the_watermark_is_the_greatest_stamp_whatever_its_text_sorts_like():
    assert latest("12/31/2025 23:59:59", "01/01/2026 00:00:00", "") == "01/01/2026 00:00:00"
    assert since("01/01/2026 00:05:00", timedelta(minutes=15)) == "12/31/2025 23:50:00"
    assert latest("") == ""
