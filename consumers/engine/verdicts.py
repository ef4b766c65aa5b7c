"""What an answer of Sage's means for a document."""

from dataclasses import replace

from consumers.engine.correction import NotCorrected
from consumers.engine.ledger import DELETE, OTHER_REVISION, REVERSE, UPDATE, Claim, Posted
from consumers.engine.periods import why
from consumers.engine.proof import End
from consumers.engine.work import Gone, Verdict, Work
from domain.codes import Code
from domain.outcomes import Outcome
from producers.results import SageAnswer
from sage_client import SageError

_OF_A_REVERSAL = frozenset({Code.REVERSAL_OFF, Code.REVERSAL_ELSEWHERE, Code.REVERSAL_DATE})


def sage_answer(error: SageError, claim: Claim | None = None) -> SageAnswer:
    """What Sage said, for the result: its words without support ids, which stand apart."""
    return SageAnswer(
        control_id=claim.control_id if claim else None,
        errors=tuple(str(each) for each in error.errors) or (str(error),),
        support_ids=tuple(error.support_ids),
    )


def executed(work: Work, record_no: str) -> None:
    """Tell the owner that the claimed call was executed."""
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
    """What stands may not be touched."""
    sage = SageAnswer(work.standing.record_no) if work.standing is not None else None
    return Verdict(Outcome.REJECTED, why.code, why.detail, sage=sage, stands=True)


def posted(claim: Claim, record_no: str) -> Verdict:
    """The document stands in Sage under `record_no`."""
    return Verdict(
        Outcome.POSTED,
        detail=why(claim.posting_date) if claim.posting_date is not None else None,
        sage=SageAnswer(record_no=record_no, control_id=claim.control_id),
        posted=_standing(claim, record_no, claim.revision),
    )


def ended(claim: Claim, end: End) -> Verdict:
    """The document ends without having been posted by its call, as a look-up proved."""
    return Verdict(
        Outcome.REJECTED,
        end.code,
        end.detail,
        sage=SageAnswer(end.standing, claim.control_id),
        # What stands in Sage is remembered whatever its content: no revision may be posted beside it.
        posted=_standing(claim, end.standing, OTHER_REVISION) if end.standing is not None else None,
        refused=end.refused,
        stands=True,
    )


def _standing(claim: Claim, record_no: str, revision: str) -> Posted:
    return Posted(
        revision=revision,
        record_no=record_no,
        control_id=claim.control_id,
        connection=claim.connection,
        sage_object=claim.sage_object,
        number=claim.number,
        party_id=claim.party_id,
        content=claim.content if revision != OTHER_REVISION else "",
    )


def not_permitted(error: SageError) -> Verdict:
    """The user may not correct what stands; he may well create, so the document alone waits."""
    return Verdict(Outcome.DEFERRED, Code.CORRECTION_NOT_PERMITTED, str(error), sage=sage_answer(error))


def refused(claim: Claim, error: SageError) -> Verdict:
    """Sage definitely refused this document, or to correct what stands of it."""
    code = error.code
    if code in _OF_A_REVERSAL and claim.operation != REVERSE:
        code = Code.SAGE_REFUSED  # our reading of its words was of something else
    if claim.corrects and code is Code.SAGE_REFUSED:
        code = Code.CORRECTION_REFUSED
    return Verdict(Outcome.REJECTED, code, str(error), sage=sage_answer(error, claim), refused=True)
