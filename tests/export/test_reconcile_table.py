"""What a look-up proves, over the whole space of what can be found: promises 2 and 3."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from consumers.export.protocol.document_state import Claim
from consumers.export.protocol.reconcile import Adopt, Evidence, GiveUp, NeedsPerson, NotProvenYet, SendAgain, reconcile
from domain.codes import Code
from domain.documents import Connection, SageObject
from sage_client import Found

OURS, OTHERS = "alvys:0123456789ab", "alvys:ba9876543210"
TOTAL = Decimal("100.00")
NOT_REVERSED = ["Draft", "Submitted", "Posted", "Partially Paid", "Paid", ""]
REVERSED = ["Reversed", "reversed ", "Reversal", "Voided"]


def claim(repeats=0, *, asked=False):
    connection = Connection("sub", "ACME", None, "acme")
    until = datetime(2026, 6, 1, tzinfo=UTC)
    return Claim(
        "r", "id", 0, connection, SageObject.AR_INVOICE, "N1", "C-1", TOTAL, until, repeats=repeats, asked=asked
    )


@st.composite
def records(draw):
    """A document under our number and party: whose it is, by which sign, what it is worth, and its state."""
    sign = draw(st.sampled_from([OURS, OTHERS, ""]))
    in_field = draw(st.booleans())
    return Found(
        str(draw(st.integers(1, 999))),
        "N1",
        "C-1",
        draw(st.sampled_from(NOT_REVERSED + REVERSED)),
        draw(st.sampled_from([TOTAL, Decimal(100), Decimal("120.00"), Decimal("-100.00")])),
        "Load 1" if in_field else f"Load 1 {sign}",
        "",
        "",
        "",
        sign if in_field else "",
    )


circumstances = st.builds(
    Evidence,
    marker=st.just(OURS),
    lease_ended=st.booleans(),
    number_taken=st.booleans(),
    same_revision=st.booleans(),
    budget=st.integers(1, 3),
)


@given(
    st.lists(records(), max_size=4, unique_by=lambda each: each.record_no),
    circumstances,
    st.integers(0, 4),
    st.booleans(),
)
def test_whatever_is_found_nothing_is_adopted_sent_or_given_up_without_proof(found, known, repeats, asked):
    proof = reconcile(claim(repeats, asked=asked), found, known)
    ours = [each for each in found if OURS in each.description + each.mark]
    worth = [each for each in ours if each.state not in REVERSED]
    equal = [each for each in worth if each.total == TOTAL]
    settled = known.lease_ended or known.number_taken or asked
    assert isinstance(proof, Adopt) == (len(equal) == 1)  # ours, with its amount, standing, and one
    match proof:
        case Adopt():
            assert proof.record_no == equal[0].record_no
        case SendAgain():
            assert known.lease_ended
            assert not known.number_taken
            assert not worth
            assert not asked
            # Another document's mark says whose the number is there, not that this one is missing by mistake.
            # The record that Sage adds to reverse another one is nobody's document.
            assert all(each in ours or each.reversal or OTHERS in each.description + each.mark for each in found)
            assert repeats == 0 or (known.same_revision and repeats < known.budget)
        case NeedsPerson():
            assert repeats or asked
            assert settled
            assert not worth
        case GiveUp():
            assert settled
            assert found or known.number_taken
            assert not equal
            assert (proof.existing is not None) == bool(worth)
            assert not proof.refused or (known.number_taken and not repeats and not worth)
        case NotProvenYet():
            assert len(equal) > 1 or not settled


def test_each_row_of_the_table():
    def what(*found, repeats=0, lease_ended=True, taken=False, same=True):
        proof = reconcile(claim(repeats), found, Evidence(OURS, lease_ended, taken, same, budget=2))
        return proof.code if isinstance(proof, GiveUp) else type(proof)

    def record(number="1", sign=OURS, state="Posted", total="100"):
        return Found(number, "N1", "C-1", state, Decimal(total), sign, "", "", "")

    assert what(record(), lease_ended=False) is Adopt
    assert what(record(), record("2", state="Reversed")) is Adopt
    assert what(record(), record("2")) is NotProvenYet
    assert what(lease_ended=False) is NotProvenYet
    assert what(record(state="Reversed"), lease_ended=False) is NotProvenYet
    assert what(record(state="Reversed")) is Code.REVERSED_IN_SAGE
    assert what(record(total="120")) is Code.CHANGED_AFTER_POSTING
    assert what(record(sign="")) is Code.SAGE_DUPLICATE_NUMBER
    assert what(record(sign=OTHERS)) is SendAgain
    assert what(record(sign=OTHERS), lease_ended=False) is NotProvenYet
    assert what(record(sign=OTHERS), record("2", sign="")) is Code.SAGE_DUPLICATE_NUMBER
    assert what(record(sign=OTHERS), record("2")) is Adopt
    assert what(record(sign=OTHERS), taken=True) is Code.SAGE_DUPLICATE_NUMBER
    assert what(record(sign=OTHERS), repeats=2) is NeedsPerson
    assert what(taken=True) is Code.SAGE_DUPLICATE_NUMBER
    assert what() is SendAgain
    assert what(record(state="Reversed", total="120")) is SendAgain
    assert what(repeats=1) is SendAgain
    assert what(repeats=2) is NeedsPerson
    assert what(repeats=1, same=False) is NeedsPerson
