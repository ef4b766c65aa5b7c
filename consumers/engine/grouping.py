"""Step 2 for rows of grouped bills: their ledger, and what is written of them beside their result.

What decides is `domain.roadside`; the bills are made by `consumers.group_bills`, and posted like any other document.
"""

from dataclasses import dataclass, replace

from consumers.engine.ledger import Entry, Grouped
from consumers.engine.work import Moved, Verdict, verdict_of
from domain.codes import Code
from domain.documents import SourceDocument
from domain.events import EventKind, FuelTransactionCreated, TollTransactionCreated, decode
from domain.mapping_state import MappingState
from domain.outcomes import Outcome, Skipped
from domain.reading import Received
from domain.roadside import Placed, place
from producers import roadside_rows


@dataclass(frozen=True, slots=True)
class Row:
    """A fuel or toll event that may be a row."""

    received: Received
    value: bytes
    """The event's bytes."""


def as_row(row: Row, entry: Entry, state: MappingState) -> Verdict | None:
    """What becomes of the event as a row of a grouped bill; None if it is a document of its own.

    One that stands or stood in Sage, or that a call was made for, is never a row.
    """
    if entry.posted is not None or entry.claim is not None or entry.retired:
        return None
    known, document = entry.grouped is not None, row.received.document
    if isinstance(document, SourceDocument):
        placed = place(document, state, known=known)
    else:
        placed = Placed(document, None) if known and isinstance(document, Skipped) else None
    return None if placed is None else _verdict(row, entry, placed)


def _verdict(row: Row, entry: Entry, placed: Placed) -> Verdict:
    verdict = verdict_of(placed.answer)
    if not placed.moves:
        return verdict
    grouped = Grouped(row.received.revision, placed.group)
    if placed.group is None:
        return replace(verdict, moved=Moved(grouped, None))
    event = decode(EventKind(row.received.event_type), row.value)
    document = row.received.document
    if isinstance(event, FuelTransactionCreated | TollTransactionCreated) and isinstance(document, SourceDocument):
        return replace(verdict, moved=Moved(grouped, roadside_rows.encode(document, event)))
    raise TypeError(f"{entry.key} is no fuel or toll transaction")


def stands(entry: Entry, revision: str) -> Verdict | None:
    """The same content is a line of a grouped bill already: nothing is written again."""
    grouped = entry.grouped
    if grouped is None or grouped.group is None or grouped.revision != revision or entry.posted is not None:
        return None
    return Verdict(Outcome.SKIPPED, Code.GROUPED, f"it is a line of {grouped.group}", from_ledger=True)
