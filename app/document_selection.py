"""Select ledger documents for `retry` and `mark-synced`. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiokafka import TopicPartition

from consumers.export.protocol.document_state import DocumentState
from domain.outcomes import Outcome


class RetrySource(StrEnum):
    """Where the event for a retry of a document comes from."""

    KEPT = "from the ledger"
    """The ledger keeps the event: the document waits, is in doubt, or was rejected."""
    SOURCE = "from its source record"
    """The document was skipped; its event is in the source topic, unless retention deleted it."""
    NONE = "-"
    """The document cannot be retried: it is in Sage, or is being sent."""


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """Summary of a document from its ledger entry. `timestamp` is in milliseconds since 1970."""

    key: str
    source: TopicPartition
    offset: int
    """Offset of the source record that was answered last; -1 if none was."""
    timestamp: int
    outcome: str
    code: str | None
    detail: str | None
    way: RetrySource

    def json(self) -> dict[str, object]:
        """The summary as JSON for a program."""
        return {
            "key": self.key,
            "topic": self.source.topic,
            "partition": self.source.partition,
            "offset": self.offset,
            "outcome": self.outcome,
            "code": self.code,
            "detail": self.detail,
            "way": self.way.name.lower(),
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of documents by key, by code, or by blocker key. Exactly one of the three sets is not empty."""

    documents: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    blocked_by: frozenset[str] = frozenset()

    def holds(self, entry: DocumentState) -> bool:
        """Whether the selection contains the document of this entry."""
        if entry.key in self.documents:
            return True
        last = entry.last
        return last is not None and (last.code in self.codes or not self.blocked_by.isdisjoint(last.blocked_by))


def summary_of(entry: DocumentState, source: TopicPartition) -> DocumentSummary:
    """Summarise a ledger entry."""
    last = entry.last
    if last is None:  # claimed for a call under way, and never answered before
        return DocumentSummary(entry.key, source, -1, -1, "claimed", None, None, RetrySource.NONE)
    if entry.parked is not None:
        way = RetrySource.KEPT
    else:
        way = RetrySource.SOURCE if last.outcome is Outcome.SKIPPED and entry.posted is None else RetrySource.NONE
    return DocumentSummary(entry.key, source, last.offset, last.timestamp, last.outcome, last.code, last.detail, way)


def missing(choice: Selection, found: Iterable[DocumentSummary]) -> list[str]:
    """The document keys of a selection that no ledger contains."""
    return sorted(choice.documents - {each.key for each in found})
