"""The result of one attempt to export a document (`ExportResult`). Pure."""

from dataclasses import dataclass

from consumers.export.protocol.document_state import WAITING, Consolidated, MarkedSynced, Posted
from domain.codes import Code
from domain.outcomes import Deferred, Outcome, Rejected, Skipped
from producers.results import SageAnswer


@dataclass(frozen=True, slots=True)
class MovedTransaction:
    """A fuel or toll row that was added to a consolidated bill, changed in it, or removed from it."""

    grouped: Consolidated
    row: bytes | None
    """Value of the row's record in the topic of rows. None writes a tombstone: the row is removed."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The result of one attempt to export a document."""

    outcome: Outcome
    code: Code | None = None
    detail: str | None = None
    blocked_by: tuple[str, ...] = ()
    sage: SageAnswer | None = None
    posted: Posted | None = None
    marked: MarkedSynced | None = None
    refused_by_sage: bool = False
    """True if Sage itself definitely refused the call. The next attempt then gets a new control id."""
    final_on_replay: bool = False
    """True if a replay of the record gets this result again without a call to Sage. Every `refused` result does too."""
    from_ledger: bool = False
    """True if the result follows from the ledger alone."""
    records_newer_revision: bool = False
    """True if the answer was known, but the ledger must still record this event as the newest. Older events are then
    too late, and an older parked or refused revision with other content is not retried."""
    moved: MovedTransaction | None = None
    """The change of a consolidated bill's row, written together with the result. None for all other documents."""

    @property
    def waits(self) -> bool:
        """Whether the document waits in the ledger and continues without a person."""
        return self.outcome in WAITING


def result_of(answer: Skipped | Deferred | Rejected) -> ExportResult:
    """Convert the outcome of a pure step that gave no document into a result."""
    match answer:
        case Skipped():
            return ExportResult(Outcome.SKIPPED, answer.code, answer.detail)
        case Deferred():
            return ExportResult(Outcome.DEFERRED, answer.code, answer.detail, answer.blocked_by)
        case Rejected():
            return ExportResult(Outcome.REJECTED, answer.code, answer.detail, answer.blocked_by)
