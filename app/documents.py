"""Documents of the ledgers that a person wants to be looked at again or left alone, and how that can be done: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiokafka import TopicPartition

from consumers.export.ledger.document_state import DocumentState
from domain.outcomes import Outcome


class Way(StrEnum):
    """How a document can be looked at again."""

    KEPT = "from the ledger"
    """The ledger keeps its event: it waits, is in doubt, or was rejected."""
    SOURCE = "from its source record"
    """It was skipped; its event is in the source topic, if retention left it there."""
    NONE = "-"
    """It stands in Sage, or is being sent."""


@dataclass(frozen=True, slots=True)
class Known:
    """A document as its ledger knows it."""

    key: str
    source: TopicPartition
    offset: int
    """Of the record that was answered last."""
    timestamp: int
    outcome: str
    code: str | None
    detail: str | None
    way: Way

    def json(self) -> dict[str, object]:
        """For a program."""
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
class Choice:
    """Which documents are meant: exactly one of the three is not empty."""

    documents: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    blocked_by: frozenset[str] = frozenset()

    def holds(self, entry: DocumentState) -> bool:
        """Whether the document is meant."""
        if entry.key in self.documents:
            return True
        last = entry.last
        return last is not None and (last.code in self.codes or not self.blocked_by.isdisjoint(last.blocked_by))


def known(entry: DocumentState, source: TopicPartition) -> Known:
    """What there is to tell of an entry."""
    last = entry.last
    if last is None:  # claimed by a call that is on its way, and never answered before
        return Known(entry.key, source, -1, -1, "claimed", None, None, Way.NONE)
    if entry.parked is not None:
        way = Way.KEPT
    else:
        way = Way.SOURCE if last.outcome is Outcome.SKIPPED and entry.posted is None else Way.NONE
    return Known(entry.key, source, last.offset, last.timestamp, last.outcome, last.code, last.detail, way)


def missing(choice: Choice, found: Iterable[Known]) -> list[str]:
    """Document keys that no ledger knows."""
    return sorted(choice.documents - {each.key for each in found})
