"""What is done to what stands, and what a look-up proves of a correction, over the whole space. Promises 2 and 3."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.protocol.correct import (
    Applied,
    CorrectionRefused,
    NotShownYet,
    Replacement,
    plan_correction,
    reconcile_correction,
)
from consumers.export.protocol.document_numbers import next_number
from consumers.export.protocol.document_state import DELETE, REVERSE, UPDATE, Claim, DocumentState, FormerRecord, Posted
from consumers.export.protocol.reconcile import (
    Evidence,
    GiveUp,
    NeedsPerson,
    NotProvenYet,
    Renumber,
    SendAgain,
    reconcile,
)
from consumers.export.protocol.steps import NoLongerPosted, ReverseOrDelete, Update
from domain.codes import Code
from domain.documents import Connection, SageObject
from sage_client import Found, SageRecord
from tests.support.sage_calls import document

HERE = Connection("sub", "ACME", None, "acme")
TODAY = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
DOCUMENT = replace(document(), connection=HERE)
POSTED = Posted("r", "7", "c", HERE, SageObject.AR_INVOICE, DOCUMENT.number, "C-1")
GONE = FormerRecord("7", "N1", HERE, SageObject.AR_INVOICE, "C-1")
STATES = ["Draft", "Posted", "Reversed", "Voided", "Paid", "Partially Paid", "Selected", "Closed", "Submitted", "New"]

states = st.sampled_from(STATES + [state.lower() for state in STATES] + ["Posted ", "PAID", "Partially Approved"])
money = st.sampled_from([Decimal(0), Decimal("10.00")])
records = st.builds(
    SageRecord,
    record_no=st.just("7"),
    number=st.just(DOCUMENT.number),
    party_id=st.sampled_from(["C-1", "C-2"]),
    state=states,
    total=st.sampled_from([Decimal("100.00"), Decimal("120.00")]),
    paid=money,
    selected=money,
    reference=st.sampled_from(["", "PO 1"]),
    currency=st.sampled_from(["", "USD", "CAD"]),
    gl_date=st.none() | st.just(date(2026, 7, 15)) | st.just(date(2026, 6, 1)),
    lines=st.none() | st.lists(st.sampled_from([frozenset(), frozenset({"memo"}), frozenset({"classid"})])).map(tuple),
)
wanted = st.builds(
    Replacement,
    document=st.none() | st.just(DOCUMENT),
    party_id=st.sampled_from(["C-1", "C-2"]),
    now=st.just(NOW),
    confirmed_missing=st.booleans(),
    update_maybe_applied=st.booleans(),
    by_deletion=st.booleans(),
    not_before=st.none() | st.just(date(2026, 7, 20)),
)


def test_a_record_number_that_names_another_document_is_not_touched():
    another = SageRecord("7", "SOMEBODY-ELSES", "C-1", "Posted", Decimal(100), Decimal(0), Decimal(0))
    found = plan_correction(POSTED, another, Replacement(DOCUMENT, "C-1", NOW))
    assert isinstance(found, CorrectionRefused)
    assert found.code is Code.POSTED_DOCUMENT_NOT_FOUND
    assert "SOMEBODY-ELSES" in found.detail


@pytest.mark.parametrize(
    ("total", "paid", "selected", "what"),
    [
        ("0.00", "0", "0", ReverseOrDelete),
        ("0.00", "5", "0", Code.POSTED_DOCUMENT_PAID),
        ("0.00", "0", "5", Code.POSTED_DOCUMENT_PAID),
    ],
)
def test_what_is_called_paid_because_it_comes_to_zero_may_be_reversed_while_nothing_is_paid_on_it(
    total, paid, selected, what
):
    money = Decimal(total), Decimal(paid), Decimal(selected)
    found = SageRecord("7", DOCUMENT.number, "C-1", "Paid", *money)
    decision = plan_correction(POSTED, found, Replacement(DOCUMENT, "C-1", NOW))
    assert (decision.code if isinstance(decision, CorrectionRefused) else type(decision)) == what


@given(st.none() | records, wanted)
def test_nothing_that_money_moved_on_or_that_is_not_known_is_touched(found, want):
    decision = plan_correction(POSTED, found, want)
    state = found.state.strip().lower() if found is not None else ""
    match decision:
        case Update():
            assert state == "draft" or (state == "posted" and want.update_maybe_applied)
            assert want.document is not None
            assert not found.paid
            assert not found.selected
            assert found.lines is not None
            assert len(found.lines) <= len(want.document.lines)
            assert all("classid" not in line for line in found.lines)
            assert found.party_id == want.party_id == "C-1"
        case ReverseOrDelete():
            assert state in ("draft", "posted")
            assert not found.paid
            assert not found.selected
            assert decision.operation == (DELETE if state == "draft" or want.by_deletion else REVERSE)
            assert decision.on >= TODAY
            if decision.operation == REVERSE:
                assert decision.on == max(day for day in (TODAY, found.gl_date, want.not_before) if day is not None)
        case NoLongerPosted():
            assert want.confirmed_missing if found is None else state in ("reversed", "voided")
        case CorrectionRefused():
            assert found is None or state not in ("draft", "reversed", "voided") or found.paid or found.selected


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("Draft", Update),
        ("Posted", ReverseOrDelete),
        ("Reversed", NoLongerPosted),
        ("Paid", Code.POSTED_DOCUMENT_PAID),
        ("Partially Paid", Code.POSTED_DOCUMENT_PAID),
        ("Selected", Code.POSTED_DOCUMENT_SELECTED),
        ("Closed", Code.POSTED_DOCUMENT_CLOSED),
        ("Submitted", Code.POSTED_DOCUMENT_IN_APPROVAL),
        ("Partially Approved", Code.POSTED_DOCUMENT_IN_APPROVAL),
        ("Whatever", Code.POSTED_DOCUMENT_STATE_UNKNOWN),
    ],
)
def test_each_row_of_the_table(state, what):
    found = SageRecord("7", DOCUMENT.number, "C-1", state, Decimal(100), lines=(frozenset(),))
    decision = plan_correction(POSTED, found, Replacement(DOCUMENT, "C-1", NOW))
    assert (decision.code if isinstance(decision, CorrectionRefused) else type(decision)) == what


@pytest.mark.parametrize(
    ("shown_by", "asked", "what"),
    [
        (None, False, CorrectionRefused),  # of a version before
        (NOW, False, CorrectionRefused),
        (NOW + timedelta(seconds=1), False, NotShownYet),
        (NOW + timedelta(seconds=1), True, NoLongerPosted),  # a person says so
    ],
)
def test_a_record_posted_a_moment_ago_that_is_not_shown_is_asked_for_again(shown_by, asked, what):
    want = Replacement(DOCUMENT, "C-1", NOW, confirmed_missing=asked)
    assert type(plan_correction(replace(POSTED, shown_by=shown_by), None, want)) is what


def claim(operation, repeats=0, *, asked=False):
    until = datetime(2026, 6, 1, tzinfo=UTC)
    return Claim(
        "r", "id", 0, HERE, SageObject.AR_INVOICE, "N1", "C-1", Decimal("120.00"), until, repeats=repeats, asked=asked,
        operation=operation, record_no="7",
    )  # fmt: skip


@given(
    st.sampled_from([UPDATE, REVERSE, DELETE]),
    st.none() | records,
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
)
def test_a_correction_counts_as_executed_only_by_its_effect_and_is_sent_again_only_after_its_lease(
    operation, found, over, repeats, asked
):
    proof = reconcile_correction(claim(operation, repeats, asked=asked), found, lease_ended=over, budget=2)
    match proof:
        case Applied():
            if operation == DELETE:
                assert found is None
                assert over or asked
            elif operation == REVERSE:
                assert found.reversed
            else:
                assert repeats
                assert found.total == Decimal("120.00")
                assert not found.reversed
        case NoLongerPosted():
            assert found.reversed
            assert operation != REVERSE
        case SendAgain():
            assert over
            assert not asked
            assert repeats < 2
            assert found is not None
            assert not found.reversed
        case NotProvenYet():
            assert not over
            assert not asked
        case NeedsPerson():
            assert asked or (over and repeats >= 2)
        case GiveUp():
            assert found is None
            assert operation != DELETE
            assert over or asked


def test_a_retired_record_is_never_adopted_nor_taken_for_one_that_a_person_reversed():
    mark = "alvys:0123456789ab"
    create = replace(claim("create"), total=Decimal("100.00"))

    once = (replace(GONE, record_no="7", number="N1"),)

    def what(*found, retired=once, taken=False):
        known = Evidence(mark, lease_ended=True, number_taken=taken, same_revision=True, budget=2, retired=retired)
        proof = reconcile(create, found, known)
        return proof.code if isinstance(proof, GiveUp) else type(proof)

    def record(number, state="Posted"):
        return Found(number, "N1", "C-1", state, Decimal("100.00"), mark, "", "", "")

    assert what(record("7", "Reversed")) is SendAgain
    assert what(record("7", "Reversed"), taken=True) is Renumber
    assert what(taken=True) is Renumber  # by another customer's, as the retired one was
    assert what(record("7", "Reversed"), retired=()) is Code.REVERSED_IN_SAGE
    assert what(record("7")) is Code.CHANGED_AFTER_POSTING  # somebody took the reversal back
    # What Sage adds to reverse one, should it have the same number: with our marker or without, it is nobody's.
    for words in (mark, "Wrong load", ""):
        added = replace(record("8", "Reversal"), total=Decimal("-100.00"), description=words)
        assert what(record("7", "Reversed"), added) is SendAgain
        assert what(record("7", "Reversed"), added, taken=True) is Renumber
        assert what(added, retired=()) is SendAgain
    assert what(replace(record("8"), description="theirs"), taken=True) is Code.SAGE_DUPLICATE_NUMBER


@given(st.lists(st.integers(0, 5), max_size=6), st.sampled_from(["INV", "N" * 43, "N" * 45]))
def test_a_number_is_never_one_that_is_held_and_never_cut(suffixes, own):
    held = [f"{own}-{each}" if each else own for each in suffixes]
    number = next_number(
        own,
        DocumentState(
            "k", former_records=tuple(replace(GONE, record_no=str(i), number=each) for i, each in enumerate(held))
        ),
    )
    assert number is None or (number not in held and number.startswith(own) and len(number) <= 45)
    assert (number == own) == (own not in held)
