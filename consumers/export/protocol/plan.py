"""Step 2, pure: plan the next call of a document from its event, the settings, and what the ledger knows of it."""

from dataclasses import dataclass, replace

from consumers.export.protocol.consolidated import ConsolidatedLineRecord, as_consolidated_line
from consumers.export.protocol.decide import (
    deletes,
    lost,
    plan_against_existing,
    plan_export,
    with_current_credentials,
)
from consumers.export.protocol.document_numbers import numbered
from consumers.export.protocol.document_state import DocumentState, FormerRecord, Posted
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import History, Mapped
from consumers.export.protocol.steps import ReadExisting, Step
from domain.blockers import mapped_digest
from domain.documents import Document, SourceDocument
from domain.export import export
from domain.idempotency import booked_content_hash
from domain.parties.party_fields import NotSent
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord


@dataclass(frozen=True, slots=True)
class Plan:
    """The next call of a document. Enrichment and inspection complete it before the call is claimed."""

    document: Document | None = None
    """The document to book. None: nothing is to be booked, or the document was not mapped yet."""
    step: Step | None = None
    """The correction step. None: a plain create, or no existing record was read yet."""
    existing: Posted | None = None
    """The existing Sage record, whose content is of another revision: it is corrected first. None if there is none."""
    former_records: tuple[FormerRecord, ...] = ()
    """Former Sage records of this document, oldest first: each was reversed or deleted."""
    by_deletion: bool = False
    """True if the settings say that a posted, unpaid record is corrected by deletion instead of reversal."""
    content: str = ""
    """Hash of all that is to be booked (`domain.idempotency.booked_content_hash`), to compare with the existing one."""
    mapping_offset: int | None = None
    """Offset of the mapping state that the document was mapped with. None before it was mapped."""
    party_id: str | None = None
    """Id of the document's party in Sage. None until it is found."""
    party_made: tuple[NotSent, ...] | None = None
    """Profile fields that Sage was not sent when this worker created the document's party. None if it created none."""


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """The settings and limits that a plan is made with."""

    settings: MappingState
    max_lines: int
    """Most lines that one document may have in a request."""


def make_plan(
    received: ParsedRecord, value: bytes | None, entry: DocumentState, history: History, rules: PlanningRules
) -> tuple[Plan, Mapped]:
    """Map an event to its next call, or to the result that ends it.

    Args:
        received: The event as it was read.
        value: The event as bytes. None if only its claim is left.
        entry: The document state.
        history: The calls made before.
        rules: The settings in force, and the limits.
    """
    settings = rules.settings
    existing = None if entry.posted is None else with_current_credentials(entry.posted, settings)
    plan = Plan(
        existing=existing,
        former_records=entry.former_records,
        by_deletion=existing is not None and deletes(existing, settings),
        mapping_offset=settings.offset,
    )
    if value is not None and history.acknowledged is None:
        row = as_consolidated_line(ConsolidatedLineRecord(received, value), entry, settings)
        if row is not None:
            return plan, Mapped(row, entry.attempts)
    source = received.document
    answer = export(source, settings, rules.max_lines) if isinstance(source, SourceDocument) else source
    result = plan_export(existing, answer, settings, entry.former_records)
    plan = replace(plan, content=booked_content_hash(result) if isinstance(result, Document) else "")
    attempt = entry.attempts
    if history.rejected_update_hash is not None and history.rejected_update_hash != plan.content:
        attempt += 1  # Sage may know the control id from the earlier update with other content
    if isinstance(result, Document):
        certain = existing
        if existing is not None and (history.update_maybe_applied or history.acknowledged or lost(entry)):
            plan, certain = replace(plan, existing=replace(existing, content="", booked="", said="")), None
        result = plan_against_existing(certain, entry.former_records, received, result, settings)
    if isinstance(result, ExportResult):
        return plan, Mapped(result, attempt)
    if result is not None:
        return replace(plan, document=numbered(result, entry)), Mapped(None, attempt)
    return replace(plan, step=None if existing is None else ReadExisting(existing)), Mapped(None, attempt)


def repeats_refusal(plan: Plan, entry: DocumentState) -> bool:
    """Whether the same document was refused before and only a key was rewritten: Sage would answer the same again.

    Args:
        plan: The plan of a document that was woken by a key, not by a record or a command.
        entry: The document state.
    """
    if plan.document is None or entry.claim is not None or not entry.rejected or entry.last is None:
        return False
    return entry.last.mapped_digest == mapped_digest(plan.content, plan.document)
