"""Correct an existing Sage record whose document changed. Pure, and the only place where this is decided.

==========================================  ===============================  ==========================================
existing record under the record number     something is to be booked        nothing is (zero total, deducted now)
==========================================  ===============================  ==========================================
Draft that can hold the document            `Update`, in place               `ReverseOrDelete`: deleted
Draft of another party, place or kind, or   `ReverseOrDelete`: deleted, then posted   `ReverseOrDelete`: deleted
with old parts an update cannot remove
Posted, or Paid with a total of zero;       `ReverseOrDelete`: reversed, then posted  `ReverseOrDelete`: reversed
nothing paid or selected
the same, `correctPostedBy` deletion        `ReverseOrDelete`: deleted, then posted   `ReverseOrDelete`: deleted
Reversed, Voided                            `NoLongerPosted`: posted anew              `NoLongerPosted`
Paid, in part; Selected; Closed; in         `CorrectionRefused`, with a code for  the same
approval; a state that is not known         each
no record, while reads may lag              `NotShownYet`: asked again         the same
no record after that                        `CorrectionRefused`; `NoLongerPosted` once a    the same
                                            person, told so, asked again
==========================================  ===============================  ==========================================

And after a call whose answer was lost (step 6): what a look-up by record number proves of it, `reconcile_correction`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from consumers.export.protocol.document_state import DELETE, REVERSE, UPDATE, Claim, Posted
from consumers.export.protocol.lifecycle import DatedAnew, History
from consumers.export.protocol.reconcile import GiveUp, NeedsPerson, NotProvenYet, SendAgain
from consumers.export.protocol.steps import NoLongerPosted, ReverseOrDelete, Step, Update
from domain.codes import Code
from domain.documents import Document, SageObject
from sage_client import REVERSALS, UPDATABLE, ExchangeLevel, SageError, SageRecord, line_elements
from sage_client.errors import ReversalDateError

_IN_THE_WAY = (
    (Code.POSTED_DOCUMENT_PAID, ("paid", "partially paid", "partial payment")),
    (Code.POSTED_DOCUMENT_SELECTED, ("selected", "partially selected")),
    (Code.POSTED_DOCUMENT_CLOSED, ("closed",)),
    (
        Code.POSTED_DOCUMENT_IN_APPROVAL,
        ("submitted", "partially approved", "approved", "declined", "pending approval", "analyzing"),
    ),
)


@dataclass(frozen=True, slots=True)
class Replacement:
    """The document that should replace the existing Sage record, and what limits the correction."""

    document: Document | None
    """The document to book. None: nothing is to be booked."""
    party_id: str | None
    """The party's id in Sage. None if nothing is to be booked."""
    now: datetime
    """The present time."""
    confirmed_missing: bool = False
    """True if a person was told that the record cannot be found, and asked to go on."""
    update_maybe_applied: bool = False
    """True if an update of the record may have been executed already."""
    by_deletion: bool = False
    """True if the settings say that a posted record is deleted instead of reversed."""
    not_before: date | None = None
    """Earliest day for a reversal, because Sage refused an earlier one. None: no limit."""


@dataclass(frozen=True, slots=True)
class NotShownYet:
    """The existing record was posted a while ago, and Sage does not show it: its reads may lag. Ask again."""

    detail: str


@dataclass(frozen=True, slots=True)
class CorrectionRefused:
    """The existing record is left untouched; a person has to act."""

    code: Code
    detail: str


FinalDecision = Update | ReverseOrDelete | NoLongerPosted | CorrectionRefused
Decision = FinalDecision | NotShownYet


def plan_correction(posted: Posted, found: SageRecord | None, wanted: Replacement) -> Decision:
    """Choose the change of an existing record.

    Args:
        posted: The record as the ledger knows it.
        found: The record as Sage shows it under its record number. None if Sage shows none.
        wanted: The document that should replace it.
    """
    if found is None:
        return _absent(posted, wanted)
    if found.reversed:
        return NoLongerPosted(
            f"record {posted.record_no} had been reversed in Sage Intacct by hand: it is {found.state}"
        )
    return _not_ours(posted, found) or _blocking_state(found) or _change(posted, found, wanted)


def _absent(posted: Posted, wanted: Replacement) -> NoLongerPosted | NotShownYet | CorrectionRefused:
    record = f"record {posted.record_no} (number {posted.number})"
    if wanted.confirmed_missing:
        return NoLongerPosted(f"{record} was not found in Sage Intacct, and a person asked to go on", deleted=True)
    if posted.shown_by is not None and wanted.now < posted.shown_by:
        return NotShownYet(f"{record} is not shown by Sage Intacct yet")
    return CorrectionRefused(Code.POSTED_DOCUMENT_NOT_FOUND, f"{record} is not found in Sage Intacct")


def _not_ours(posted: Posted, found: SageRecord) -> CorrectionRefused | None:
    """Refuse the correction if Sage shows a number other than ours: perhaps the record is another document's.

    A record number is unique within one company only.
    """
    if found.number == posted.number:
        return None
    detail = f"record {posted.record_no} has the number {found.number} in Sage Intacct, not {posted.number}"
    return CorrectionRefused(Code.POSTED_DOCUMENT_NOT_FOUND, detail)


def _blocking_state(found: SageRecord) -> CorrectionRefused | None:
    """Refuse the correction of a record that is paid, selected, closed or in approval. None: nothing forbids it."""
    state = _state(found)
    code = next((code for code, states in _IN_THE_WAY if state in states), None)
    if code is None and found.paid:
        code = Code.POSTED_DOCUMENT_PAID
    elif code is None and found.selected:
        code = Code.POSTED_DOCUMENT_SELECTED
    if code is None:
        return None
    detail = f"record {found.record_no} is {found.state}: {found.paid} of {found.total} paid, {found.selected} selected"
    return CorrectionRefused(code, detail)


def _state(found: SageRecord) -> str:
    """Sage's state label in lower case. A "paid" document of zero total counts as "posted".

    Such a document has nothing to be paid from the start, so Sage may call it Paid; whether it does is documented
    nowhere. Nothing was paid, so nothing forbids its reversal. If something does after all, Sage refuses it.
    """
    state = found.state.strip().lower()
    return "posted" if state == "paid" and not (found.total or found.paid or found.selected) else state


def _change(posted: Posted, found: SageRecord, wanted: Replacement) -> Update | ReverseOrDelete | CorrectionRefused:
    """Choose the change of a record that may be changed: a draft, or a posted one with no payments."""
    state = _state(found)
    if (
        (found.draft or (state == "posted" and wanted.update_maybe_applied))
        and wanted.document is not None
        and _can_update_in_place(posted, found, wanted.document, wanted.party_id)
    ):
        return Update(posted, len(found.lines or ()))
    if found.draft:
        return ReverseOrDelete(posted, DELETE, found.total, wanted.now.astimezone(UTC).date())
    if state == "posted" and wanted.by_deletion:
        return ReverseOrDelete(posted, DELETE, found.total, wanted.now.astimezone(UTC).date())
    if state == "posted" and posted.sage_object in REVERSALS:
        # The latest of: today, since an earlier period may have been reported; the record's own date; Sage's limit.
        days = (wanted.now.astimezone(UTC).date(), found.gl_date, wanted.not_before)
        return ReverseOrDelete(posted, REVERSE, found.total, max(day for day in days if day is not None))
    detail = f"record {found.record_no} is an {posted.sage_object} in the state {found.state}"
    known = state == "posted" and posted.sage_object.adjusts
    return CorrectionRefused(Code.CREDIT_CHANGED if known else Code.POSTED_DOCUMENT_STATE_UNKNOWN, detail)


def _can_update_in_place(posted: Posted, found: SageRecord, document: Document, party_id: str | None) -> bool:
    """Whether an update in place would leave nothing of the old content behind.

    An update may be partial, and whether an empty element clears a field is documented nowhere. So the record in Sage
    may have no part that the document lacks.
    """
    if (
        posted.sage_object is not document.sage_object
        or posted.sage_object not in UPDATABLE
        or posted.connection != document.connection
        or {posted.party_id, found.party_id} != {party_id}
        or (found.reference and not document.reference)
        or (found.currency and document.source.currency and found.currency != document.source.currency)
    ):
        return False
    if posted.sage_object is not SageObject.AR_INVOICE:
        return True  # an update replaces all of its lines
    present, new = found.lines, line_elements(document)
    if present is None or len(present) > len(new):
        return False
    return all(old <= sent for old, sent in zip(present, new[: len(present)], strict=True))


def later_day(step: Step | None, history: History, error: SageError) -> DatedAnew | None:
    """Plan a second reversal, dated one day later, if Sage refused the first for its date. Returns None if not.

    It is planned only once, as a call of its own: some of Sage's interfaces want a day after the posting date
    (docs/decisions/0055-the-day-after.md). The existing record is inspected again, because it was not touched. Never
    planned if Sage has also said that it executed the call.

    Args:
        step: The correction step that Sage refused. None if the call was no correction.
        history: The calls made for the document.
        error: Sage's refusal.
    """
    if (
        not isinstance(error, ReversalDateError)
        or error.level is not ExchangeLevel.RESULT
        or not isinstance(step, ReverseOrDelete)
        or step.operation != REVERSE
        or history.not_before is not None
        or history.acknowledged is not None
    ):
        return None
    return DatedAnew(not_before=step.on + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Applied:
    """The correction was executed."""


CorrectionProof = Applied | NoLongerPosted | NotProvenYet | SendAgain | GiveUp | NeedsPerson


def reconcile_correction(claim: Claim, found: SageRecord | None, *, lease_ended: bool, budget: int) -> CorrectionProof:
    """Decide from one look-up about a correction whose outcome is not known.

    =========================================  ======================================================================
    absent, while the lease runs               `NotProvenYet`: reads may lag behind what was posted a moment ago
    absent after a delete                      `Applied`
    absent after anything else                 `GiveUp`: somebody deleted it, or hid it
    reversed after a reverse                   `Applied`
    reversed after anything else               `NoLongerPosted`: by hand
    as updated, and Sage said so               `Applied`
    else, while the lease runs                 `NotProvenYet`
    else, and Sage did not say it too often    `SendAgain`: the same call, under the same control id
    else                                       `NeedsPerson`
    =========================================  ======================================================================

    Args:
        claim: The claim of the correction.
        found: The record as Sage shows it under the claim's record number. None if Sage shows none.
        lease_ended: Whether the lease had ended before Sage was asked.
        budget: How often Sage may say that it executed the call although nothing shows it.
    """
    over = lease_ended or claim.asked
    if found is None:
        return _proves_absent(claim, over=over)
    if found.reversed and claim.operation != REVERSE:
        return NoLongerPosted(f"record {claim.record_no} was reversed in Sage Intacct by hand: it is {found.state}")
    if found.reversed or (claim.operation == UPDATE and claim.repeats and found.total == claim.total):
        return Applied()
    if not over:
        return NotProvenYet(f"record {claim.record_no} is {found.state}, and may still be {_done(claim)}")
    if claim.asked or claim.repeats >= budget:
        return NeedsPerson(
            f"Sage says that record {claim.record_no} was {_done(claim)}, but it is {found.state} with a total of "
            f"{found.total}: {'delete' if claim.operation == DELETE else 'reverse'} it in Sage by hand"
        )
    return SendAgain()


def _proves_absent(claim: Claim, *, over: bool) -> Applied | NotProvenYet | GiveUp:
    if not over:
        return NotProvenYet("the record is not found in sage")
    if claim.operation == DELETE:
        return Applied()
    detail = f"record {claim.record_no} is not found in Sage Intacct any more; it was to be {_done(claim)}"
    return GiveUp(Code.POSTED_DOCUMENT_NOT_FOUND, detail)


def _done(claim: Claim) -> str:
    return {UPDATE: f"updated to a total of {claim.total}", REVERSE: "reversed", DELETE: "deleted"}[claim.operation]
