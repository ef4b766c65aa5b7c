"""Step 2 for rows of consolidated bills (fuel, tolls): their ledger entries, and the records beside their results.

`domain.consolidated_bills` decides about rows. `consumers.consolidated_bills` makes the bills, which are posted like
any other document.
"""

from dataclasses import dataclass, replace

from consumers.export.protocol.document_state import Consolidated, DocumentState
from consumers.export.protocol.export_result import ExportResult, MovedTransaction, result_of
from domain.codes import Code
from domain.consolidated_bills import LINE_OF, Consolidation, consolidation_of
from domain.documents import SourceDocument
from domain.events import EventKind, FuelTransactionCreated, TollTransactionCreated, decode
from domain.outcomes import Outcome, Skipped
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord
from producers import consolidated_lines


@dataclass(frozen=True, slots=True)
class ConsolidatedLineRecord:
    """A fuel or toll event that may be a row of a consolidated bill."""

    received: ParsedRecord
    value: bytes
    """The event as bytes."""


def as_consolidated_line(row: ConsolidatedLineRecord, entry: DocumentState, state: MappingState) -> ExportResult | None:
    """The result of an event that is a row of a consolidated bill. None if the event is a document of its own.

    A document that has or had a record in Sage, or a claim, is never a row.

    Args:
        row: The event.
        entry: The ledger entry of the document.
        state: The settings in force.
    """
    if entry.posted is not None or entry.claim is not None or entry.former_records:
        return None
    known, document = entry.grouped is not None, row.received.document
    if isinstance(document, SourceDocument):
        placed = consolidation_of(document, state, known=known)
    else:
        placed = Consolidation(document, None) if known and isinstance(document, Skipped) else None
    return None if placed is None else _result_of(row, entry, placed)


def _result_of(row: ConsolidatedLineRecord, entry: DocumentState, placed: Consolidation) -> ExportResult:
    result = result_of(placed.answer)
    if not placed.moves:
        return result
    grouped = Consolidated(row.received.revision, placed.group)
    if placed.group is None:
        return replace(result, moved=MovedTransaction(grouped, None))
    event = decode(EventKind(row.received.event_type), row.value)
    document = row.received.document
    if isinstance(event, FuelTransactionCreated | TollTransactionCreated) and isinstance(document, SourceDocument):
        return replace(result, moved=MovedTransaction(grouped, consolidated_lines.encode(document, event)))
    raise TypeError(f"{entry.key} is no fuel or toll transaction")


def is_placed_finally(entry: DocumentState, revision: str) -> ExportResult | None:
    """The result if the same content is a line of a consolidated bill already: nothing is written again."""
    grouped = entry.grouped
    if grouped is None or grouped.group is None or grouped.revision != revision or entry.posted is not None:
        return None
    return ExportResult(Outcome.SKIPPED, Code.GROUPED, f"{LINE_OF}{grouped.group}", from_ledger=True)
