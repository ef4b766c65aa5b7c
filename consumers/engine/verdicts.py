"""Translate Sage's answers into results of documents."""

from dataclasses import replace

from consumers.engine.correction import NotCorrected
from consumers.engine.ledger import DELETE, OTHER_REVISION, REVERSE, UPDATE, Claim, Posted
from consumers.engine.periods import why
from consumers.engine.proof import End
from consumers.engine.work import Gone, Verdict, Work
from domain.blockers import blockers
from domain.codes import Code
from domain.documents import Document
from domain.outcomes import Outcome, Rejected, Skipped
from producers.results import SageAnswer
from sage_client import SageError

_OF_A_REVERSAL = frozenset({Code.REVERSAL_OFF, Code.REVERSAL_ELSEWHERE, Code.REVERSAL_DATE})


def sage_answer(error: SageError, claim: Claim | None = None) -> SageAnswer:
    """Sage's answer as the result shows it: its messages, and its support ids apart from them."""
    return SageAnswer(
        control_id=claim.control_id if claim else None,
        errors=tuple(str(each) for each in error.errors) or (str(error),),
        support_ids=tuple(error.support_ids),
    )


def executed(work: Work, record_no: str) -> None:
    """Report to the partition that the claimed call was executed.

    Args:
        work: The document.
        record_no: Record number of a newly created record. A correction has its own in the claim.
    """
    claim = work.claimed
    match claim.operation:
        case operation if operation in (REVERSE, DELETE):
            deleted = operation == DELETE
            why = f"record {claim.record_no} was {'deleted' if deleted else 'reversed'}"
            if claim.posting_date is not None:
                why += f" as of {claim.posting_date.isoformat()}: Sage Intacct refused the day before"
            work.owner.retired(work, Gone(why, deleted, claim.control_id))
        case operation if operation == UPDATE:
            work.owner.finish(work, replace(posted(claim, claim.record_no), outcome=Outcome.UPDATED))
        case _:
            work.owner.finish(work, posted(claim, record_no))


def not_corrected(work: Work, why: NotCorrected) -> Verdict:
    """The result if the existing record must not be changed."""
    sage = SageAnswer(work.standing.record_no) if work.standing is not None else None
    said = work.received.document
    detail = f"{said.detail}; {why.detail}" if isinstance(said, Skipped) else why.detail
    return Verdict(Outcome.REJECTED, why.code, detail, sage=sage, stands=True)


def posted(claim: Claim, record_no: str) -> Verdict:
    """The result for a document that is in Sage under `record_no`."""
    return Verdict(
        Outcome.POSTED,
        detail=why(claim.posting_date) if claim.posting_date is not None else None,
        sage=SageAnswer(record_no=record_no, control_id=claim.control_id),
        posted=_standing(claim, record_no, claim.revision),
    )


def ended(claim: Claim, end: End) -> Verdict:
    """The result for a document that its call did not post, as a look-up proved."""
    return Verdict(
        Outcome.REJECTED,
        end.code,
        end.detail,
        sage=SageAnswer(end.standing, claim.control_id),
        # The record in Sage is stored whatever its content, so that no revision is posted beside it.
        posted=_standing(claim, end.standing, OTHER_REVISION) if end.standing is not None else None,
        refused=end.refused,
        stands=True,
    )


def _standing(claim: Claim, record_no: str, revision: str) -> Posted:
    known = revision != OTHER_REVISION
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
    )


def not_permitted(error: SageError) -> Verdict:
    """The result if the user may not correct the existing record. The user may well create, so only this one waits."""
    return Verdict(Outcome.DEFERRED, Code.CORRECTION_NOT_PERMITTED, str(error), sage=sage_answer(error))


def rejected(document: Document | None, answer: Rejected) -> Verdict:
    """The result if a document is refused before it is sent, because of what Sage lists."""
    keys = blockers(document, answer.code, answer.detail) if document is not None else ()
    return Verdict(Outcome.REJECTED, answer.code, answer.detail, keys)


def refused(document: Document | None, claim: Claim, error: SageError) -> Verdict:
    """The result if Sage definitely refused the document, or the correction of its existing record."""
    code = error.code
    if code in _OF_A_REVERSAL and claim.operation != REVERSE:
        code = Code.SAGE_REFUSED  # the code was read from words that were about something else
    if code is Code.SAGE_REFUSED:
        code = Code.CORRECTION_REFUSED if claim.corrects else code if claim.total else Code.SAGE_ZERO_TOTAL
    keys = blockers(document, code, str(error)) if document is not None else ()
    return Verdict(Outcome.REJECTED, code, str(error), keys, sage=sage_answer(error, claim), refused=True)
