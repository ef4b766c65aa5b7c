"""Translate Sage's answers into results of documents."""

from dataclasses import replace

from consumers.export.protocol.closed_periods import explain
from consumers.export.protocol.correct import Applied, CorrectionProof, CorrectionRefused
from consumers.export.protocol.document_state import DELETE, REVERSE, REVISION_UNKNOWN, UPDATE, Claim, Posted
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import Ended, Event
from consumers.export.protocol.reconcile import Adopt, GiveUp, Reconciliation
from consumers.export.protocol.steps import NoLongerPosted
from domain.blockers import blockers
from domain.codes import Code
from domain.documents import Document, SourceDocument
from domain.outcomes import Outcome, Rejected, Skipped
from producers.results import SageAnswer
from sage_client import SageError

_OF_A_REVERSAL = frozenset({Code.REVERSAL_DISABLED, Code.REVERSAL_ELSEWHERE, Code.REVERSAL_DATE})


def sage_answer(error: SageError, claim: Claim | None = None) -> SageAnswer:
    """Sage's answer as the result shows it: its messages, and its support ids apart from them."""
    return SageAnswer(
        control_id=claim.control_id if claim else None,
        errors=tuple(str(each) for each in error.errors) or (str(error),),
        support_ids=tuple(error.support_ids),
    )


def executed(claim: Claim, record_no: str) -> Ended | NoLongerPosted:
    """The event that the claimed call was executed.

    Args:
        claim: The claim of the call.
        record_no: Record number of a newly created record. A correction has its own in the claim.
    """
    match claim.operation:
        case operation if operation in (REVERSE, DELETE):
            deleted = operation == DELETE
            why = f"record {claim.record_no} was {'deleted' if deleted else 'reversed'}"
            if claim.posting_date is not None:
                why += f" as of {claim.posting_date.isoformat()}: Sage Intacct refused the day before"
            return NoLongerPosted(why, deleted, claim.control_id)
        case operation if operation == UPDATE:
            return Ended(replace(posted(claim, claim.record_no), outcome=Outcome.UPDATED))
        case _:
            return Ended(posted(claim, record_no))


def proven(claim: Claim, proof: Reconciliation | CorrectionProof) -> Event:
    """The event that a look-up proved: the proof itself, or the result that it gives.

    Args:
        claim: The claim of the call that was in doubt.
        proof: The decision of `reconcile` or `reconcile_correction`.
    """
    match proof:
        case Adopt(record_no):
            return Ended(posted(claim, record_no))
        case Applied():
            return executed(claim, claim.record_no)
        case GiveUp():
            return Ended(ended(claim, proof))
        case _:
            return proof


def not_corrected(
    existing: Posted | None, said: SourceDocument | Skipped | Rejected, why: CorrectionRefused
) -> ExportResult:
    """The result if the existing record must not be changed.

    Args:
        existing: The existing record.
        said: The outcome of reading the event. If it is `Skipped`, its reason goes into the result.
        why: Why the record must not be changed.
    """
    sage = SageAnswer(existing.record_no) if existing is not None else None
    detail = f"{said.detail}; {why.detail}" if isinstance(said, Skipped) else why.detail
    return ExportResult(Outcome.REJECTED, why.code, detail, sage=sage, final_on_replay=True)


def posted(claim: Claim, record_no: str) -> ExportResult:
    """The result for a document that is in Sage under `record_no`."""
    return ExportResult(
        Outcome.POSTED,
        detail=explain(claim.posting_date) if claim.posting_date is not None else None,
        sage=SageAnswer(record_no=record_no, control_id=claim.control_id),
        posted=_existing(claim, record_no, claim.revision),
    )


def ended(claim: Claim, end: GiveUp) -> ExportResult:
    """The result for a document that its call did not post, as a look-up proved."""
    return ExportResult(
        Outcome.REJECTED,
        end.code,
        end.detail,
        sage=SageAnswer(end.existing, claim.control_id),
        # The record in Sage is stored whatever its content, so that no revision is posted beside it.
        posted=_existing(claim, end.existing, REVISION_UNKNOWN) if end.existing is not None else None,
        refused_by_sage=end.refused,
        final_on_replay=True,
    )


def _existing(claim: Claim, record_no: str, revision: str) -> Posted:
    known = revision != REVISION_UNKNOWN
    return Posted(
        revision=revision,
        record_no=record_no,
        control_id=claim.control_id,
        connection=claim.connection,
        sage_object=claim.sage_object,
        number=claim.number,
        party_id=claim.party_id,
        content=claim.content if known else "",
        booked=claim.booked if known else "",
        said=claim.said if known else "",
        alvys_party=claim.alvys_party,
        shown_by=claim.lease_until,
    )


def not_permitted(error: SageError) -> ExportResult:
    """The result if the user may not correct the existing record. The user may well create, so only this one waits."""
    return ExportResult(Outcome.DEFERRED, Code.CORRECTION_NOT_PERMITTED, str(error), sage=sage_answer(error))


def rejected(document: Document | None, answer: Rejected) -> ExportResult:
    """The result if a document is refused before it is sent, because of what Sage lists."""
    keys = blockers(document, answer.code, answer.detail) if document is not None else ()
    return ExportResult(Outcome.REJECTED, answer.code, answer.detail, keys)


def refused(document: Document | None, claim: Claim, error: SageError) -> ExportResult:
    """The result if Sage definitely refused the document, or the correction of its existing record."""
    code = error.code
    if code in _OF_A_REVERSAL and claim.operation != REVERSE:
        code = Code.SAGE_REFUSED  # the code was read from words that were about something else
    if code is Code.SAGE_REFUSED:
        code = Code.CORRECTION_REFUSED if claim.corrects else code if claim.total else Code.SAGE_ZERO_TOTAL
    keys = blockers(document, code, str(error)) if document is not None else ()
    return ExportResult(Outcome.REJECTED, code, str(error), keys, sage=sage_answer(error, claim), refused_by_sage=True)
