"""Decide what a look-up proves about a document in doubt. Pure, and the only place where this is decided.

Promises 2 and 3: a record is adopted only if it is ours and counts. A call is sent again only if it is proven absent,
under the control id it had, and never gets a new control id here.

======================================================================  ==============================================
records found under the number and party                                decision
======================================================================  ==============================================
one with our marker and amount that is not reversed                     `Adopt`
several such                                                            `NotProvenYet`
lease runs, and Sage refused nothing: anything else                     `NotProvenYet`: the call may still be executed
only reversed ones with our marker and amount                           `GiveUp`: neither adopted nor sent again
one with our marker and another amount                                  `GiveUp`: it is in Sage with other content
others', or nothing although the number is taken                        `GiveUp`: the number is not ours
nothing, and Sage never said that it executed the call                  `SendAgain`: proven absent
nothing, though Sage said so, within the budget                         `SendAgain`: Sage may have meant a call that
                                                                        was running and failed
nothing, though Sage said so, beyond it or of another revision          `NeedsPerson`: it was changed or deleted by hand
the number is taken, and a former record of ours has it                 `Renumber`: it is posted under another
======================================================================  ==============================================

These records count as nothing: a reversed record of ours with another amount, which is of an earlier revision; a former
record, which a correction reversed, whatever its amount; and the transaction that Sage adds to reverse another record
("Reversal"), which is nobody's document (for bills it has a number of its own, for invoices none is published).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consumers.export.protocol.document_state import Claim, FormerRecord
from domain.codes import Code
from sage_client import Found


@dataclass(frozen=True, slots=True)
class Adopt:
    """The document was posted, once: take its record number over."""

    record_no: str


@dataclass(frozen=True, slots=True)
class SendAgain:
    """The call was never executed: it may be sent again under the same control id."""


@dataclass(frozen=True, slots=True)
class NotProvenYet:
    """Nothing is proven yet: look up again later."""

    why: str
    """The reason, for the log and the result; `NeedsPerson.why` likewise."""


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Sage's answers contradict each other: a person has to decide. The look-ups go on, rarely."""

    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The document ends without being posted by this call."""

    code: Code
    detail: str
    existing: str | None = None
    """The record number, if the document is in Sage with other content."""
    refused: bool = False
    """True if Sage definitely refused the call. Only then may a later attempt have another control id."""


@dataclass(frozen=True, slots=True)
class Renumber:
    """Sage definitely refused the number, because a former record of the same document still has it."""


Reconciliation = Adopt | SendAgain | NotProvenYet | NeedsPerson | GiveUp | Renumber


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of a look-up besides the claim and the records found."""

    marker: str
    """Our marker of the document (`domain.idempotency.marker`)."""
    lease_ended: bool
    """Whether the lease had ended before Sage was asked."""
    number_taken: bool
    """Whether Sage definitely refused the call because of its number."""
    same_revision: bool
    """Whether the revision that would be sent again is the claimed one."""
    budget: int
    """How often Sage may say that it executed the call although nothing is found, before a person is asked."""
    retired: tuple[FormerRecord, ...] = ()
    """Former Sage records of the document, reversed or deleted to correct it."""


def reconcile(claim: Claim, found: Sequence[Found], known: Evidence) -> Reconciliation:
    """Decide from one look-up about a call whose outcome is not known.

    Args:
        claim: The claim of the call.
        found: All records that Sage has under the claim's number and party.
        known: The other facts.
    """
    retired = {each.record_no for each in known.retired}
    found = [each for each in found if each.record_no not in retired or not each.reversed]
    marked = [each for each in found if each.bears(known.marker)]
    ours = [each for each in marked if each.record_no not in retired]  # a former record is never adopted
    standing = standing_of(claim, ours, known.marker)
    if len(standing) == 1:
        return Adopt(standing[0].record_no)
    if standing:
        return NotProvenYet(f"sage holds it more than once: record numbers {_numbers(standing)}")
    if not (known.lease_ended or known.number_taken or claim.asked):
        return NotProvenYet("it is not in sage yet")
    return _in_the_way(claim, found, marked, known) or _nothing(claim, known)


def standing_of(claim: Claim, found: Sequence[Found], marker: str) -> list[Found]:
    """The records that may be what the call posted: of our marker and its amount, and not reversed."""
    return [each for each in found if each.bears(marker) and each.total == claim.total and not each.reversed]


def _in_the_way(
    claim: Claim, found: Sequence[Found], marked: Sequence[Found], known: Evidence
) -> GiveUp | Renumber | None:
    """Decide about records that are in Sage instead of the document. None if none of them matters."""
    if other := [each for each in marked if not each.reversed]:
        return GiveUp(
            Code.CHANGED_AFTER_POSTING,
            f"record {other[0].record_no} carries our marker, but a total of {other[0].total} and not {claim.total}: "
            "it was changed in Sage, or is of another revision",
            existing=other[0].record_no,
        )
    if equal := [each for each in marked if each.total == claim.total]:
        return GiveUp(Code.REVERSED_IN_SAGE, f"record {_numbers(equal)} is ours, and its state is {equal[0].state}")
    # If the company lets two documents share a number, another document's record proves nothing about this one.
    others = [
        each
        for each in found
        if each not in marked and not each.reversal and (known.number_taken or not each.anothers(known.marker))
    ]
    definitely = known.number_taken and not claim.repeats
    if definitely and not others and claim.number in {each.number for each in known.retired}:
        return Renumber()
    if others or known.number_taken:
        whose = _whose(others, known.marker)
        detail = f"number {claim.number} of {claim.party_id} is taken in Sage by {whose}"
        return GiveUp(Code.SAGE_DUPLICATE_NUMBER, detail, refused=definitely)
    return None


def _whose(others: Sequence[Found], marker: str) -> str:
    if not others:
        return "a record that a look-up does not show"
    ours = all(each.anothers(marker) for each in others)
    return f"record {_numbers(others)}, which is {'another document of Alvys' if ours else 'not ours'}"


def _nothing(claim: Claim, known: Evidence) -> NeedsPerson | SendAgain:
    if claim.asked or (claim.repeats and (claim.repeats >= known.budget or not known.same_revision)):
        return NeedsPerson(
            f"Sage says that it has executed the call, but holds nothing under number {claim.number} of "
            f"{claim.party_id}: it was deleted or changed there. If it belongs in the books, enter it in Sage by hand "
            f"with that number, customer or vendor, a total of {claim.total}, and {known.marker} in its description: "
            "it is then taken over"
        )
    return SendAgain()


def _numbers(found: Sequence[Found]) -> str:
    return ", ".join(each.record_no for each in found)
