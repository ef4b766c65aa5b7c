"""What an answer of Sage's means for a document."""

from consumers.engine.ledger import Claim, Posted
from consumers.engine.work import Verdict
from domain.outcomes import Outcome
from producers.results import SageAnswer
from sage_client import SageError


def sage_answer(error: SageError, claim: Claim | None = None) -> SageAnswer:
    """What Sage said, for the result: its words without support ids, which stand apart."""
    return SageAnswer(
        control_id=claim.control_id if claim else None,
        errors=tuple(str(each) for each in error.errors) or (str(error),),
        support_ids=tuple(error.support_ids),
    )


def posted(claim: Claim, record_no: str) -> Verdict:
    """The document stands in Sage under `record_no`."""
    return Verdict(
        Outcome.POSTED,
        sage=SageAnswer(record_no=record_no, control_id=claim.control_id),
        posted=Posted(
            revision=claim.revision,
            record_no=record_no,
            control_id=claim.control_id,
            connection=claim.connection,
            sage_object=claim.sage_object,
            number=claim.number,
            party_id=claim.party_id,
        ),
    )


def refused(claim: Claim, error: SageError) -> Verdict:
    """Sage definitely refused this document."""
    return Verdict(Outcome.REJECTED, error.code, str(error), sage=sage_answer(error, claim), refused=True)
