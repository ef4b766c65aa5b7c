"""Build the claim and the call of a document's next step. Pure."""

from dataclasses import replace
from datetime import date, datetime

from consumers.export.protocol.document_state import REVERSE, Claim
from consumers.export.protocol.steps import ReverseOrDelete, Update
from consumers.export.work_item import WorkItem
from domain.documents import SourceDocument
from domain.idempotency import SEPARATOR, booked_of, control_id
from domain.parties.matching import alvys_party
from domain.translation.revision import said_of
from sage_client import Call, Correction, DeleteCall, ReverseCall, UpdateCall


def claim_of(work: WorkItem, lease_until: datetime) -> Claim:
    """Build the claim of the work item's next call.

    The control id depends only on document, content, operation and attempt, never on who makes it. For a correction it
    also covers the record number, since the call may be sent for no other record.

    Raises:
        ValueError: The document was not mapped yet.
    """
    step, connection, plan, history = work.plan.step, work.connection, work.plan, work.life.history
    record_no = step.posted.record_no if step is not None else ""
    content = f"{work.received.revision}{SEPARATOR}{record_no}" if step is not None else work.received.revision
    if isinstance(step, ReverseOrDelete):
        number, party_id, total = step.posted.number, step.posted.party_id, step.total
    else:
        number, party_id, total = work.mapped.number, plan.party_id or "", work.mapped.total
    claim = Claim(
        revision=work.received.revision,
        control_id=control_id(
            connection.company_id, connection.entity_id, work.key, content, work.operation, history.attempt
        ),
        attempt=history.attempt,
        connection=connection,
        sage_object=work.sage_object,
        number=number,
        party_id=party_id,
        total=total,
        lease_until=lease_until,
        offset=work.source.offset,
        timestamp=work.source.timestamp,
        repeats=history.acknowledged.repeats if history.acknowledged is not None else 0,
        operation=work.operation,
        record_no=record_no,
        posting_date=work.mapped.posting_date if step is None else _late(work),
        emitted=work.emitted,
    )
    source = work.received.document
    if isinstance(step, ReverseOrDelete) or not isinstance(source, SourceDocument):
        return claim
    return replace(
        claim,
        content=plan.content,
        booked=booked_of(work.mapped, party_id),
        said=said_of(source),
        alvys_party=alvys_party(source),
    )


def _late(work: WorkItem) -> date | None:
    """Date of a reversal, if Sage refused an earlier one; else None."""
    step = work.plan.step
    return (
        step.on
        if work.life.history.not_before and isinstance(step, ReverseOrDelete) and step.operation == REVERSE
        else None
    )


def may_be_repeated(work: WorkItem) -> bool:
    """Whether the call in doubt can be made once more exactly as it was, to learn its outcome.

    Only the worker that made the call still has its document. Sage must not have answered it in any way.
    """
    doubt, plan = work.doubt, work.plan
    if doubt is None or plan.document is None or plan.step is not None:
        return False
    claim = doubt.claim
    unanswered = not (claim.corrects or claim.repeats or claim.asked or doubt.number_taken)
    sent = work.life.history.sent == claim.control_id
    same = (claim.number, claim.total) == (plan.document.number, plan.document.total)
    return unanswered and sent and same and claim.booked == booked_of(plan.document, claim.party_id)


def call_of(work: WorkItem) -> Call | Correction:
    """Build the call of the work item's claim. Raises ValueError before the claim was made."""
    claim = work.claimed
    match work.plan.step:
        case ReverseOrDelete(operation=operation, on=on):
            if operation == REVERSE:
                return ReverseCall(claim.control_id, claim.sage_object, claim.record_no, on)
            return DeleteCall(claim.control_id, claim.sage_object, claim.record_no)
        case Update(lines=lines):
            return UpdateCall(Call(claim.control_id, work.mapped, claim.party_id), claim.record_no, lines)
        case _:
            return Call(claim.control_id, work.mapped, claim.party_id)
