"""Statistics arithmetic: facts make a window's tally, waiting documents a `WaitingSummary`, both a summary. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TypeVar

from consumers.statistics.facts import ResultFact, UnreadableResult
from domain.outcomes import Outcome
from producers.statistics import Alarm, Alert, Summary, WaitingDocument, WaitingSummary

WAITS = frozenset({Outcome.DEFERRED, Outcome.UNCERTAIN})
ENOUGH_TO_JUDGE = 5
"""Fewest documents in a window for which the share of rejects is judged."""
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])  # far more than amounts of 24 digits can add up to

K = TypeVar("K")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A time window: its start in seconds since 1970, and its length. Windows follow without gap or overlap."""

    start: int
    seconds: int

    @property
    def end(self) -> int:
        """The first second after the window."""
        return self.start + self.seconds


def window_of(at: datetime, seconds: int) -> Window:
    """The window of the given length that a moment falls in."""
    moment = int(at.timestamp() // 1)
    return Window(moment - moment % seconds, seconds)


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts so far of one window of one subsidiary. `posted` is the sum by currency."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    posted: Mapping[str, Decimal] = field(default_factory=dict)
    posted_without_total: int = 0
    from_ledger: int = 0
    unreadable: int = 0
    read: Mapping[int, int] = field(default_factory=dict)
    """Offset of the last record counted, by partition of the results topic."""


def add(tally: Tally, fact: ResultFact | UnreadableResult) -> Tally:
    """Add one record to a tally. A record delivered again, as after a crash, changes nothing."""
    place = fact.place
    if place.offset <= tally.read.get(place.partition, -1):
        return tally
    return _count(replace(tally, read={**tally.read, place.partition: place.offset}), fact)


def _count(tally: Tally, fact: ResultFact | UnreadableResult) -> Tally:
    if isinstance(fact, UnreadableResult):
        return replace(tally, unreadable=tally.unreadable + 1)
    if fact.from_ledger:
        return replace(tally, from_ledger=tally.from_ledger + 1)
    tally = replace(
        tally,
        outcomes=_one_more(tally.outcomes, fact.outcome),
        codes=tally.codes if fact.code is None else _one_more(tally.codes, fact.code),
    )
    if fact.outcome is not Outcome.POSTED:
        return tally
    if fact.total is None or fact.currency is None:
        return replace(tally, posted_without_total=tally.posted_without_total + 1)
    total = _EXACT.add(tally.posted.get(fact.currency, Decimal(0)), fact.total)
    return replace(tally, posted={**tally.posted, fact.currency: total})


def _one_more(counts: Mapping[K, int], name: K) -> Mapping[K, int]:
    return {**counts, name: counts.get(name, 0) + 1}


def waiting(fact: ResultFact, before: WaitingDocument | None) -> WaitingDocument | None:
    """The document's waiting state after this fact; None if it waits no longer. `since` is kept while it waits."""
    if fact.outcome not in WAITS:
        return None
    since = fact.at if before is None else min(fact.at, before.since)
    return WaitingDocument(fact.document, since, fact.outcome, fact.code, fact.connection)


def standing(documents: Iterable[WaitingDocument]) -> WaitingSummary:
    """Summarise the waiting documents of one subsidiary."""
    found = list(documents)
    return WaitingSummary(
        deferred=sum(each.outcome is Outcome.DEFERRED for each in found),
        uncertain=sum(each.outcome is Outcome.UNCERTAIN for each in found),
        oldest=min(found, key=lambda each: (each.since, each.document), default=None),
        open_circuits=tuple(sorted({each.connection for each in found if each.connection is not None})),
    )


def summarise(
    subsidiary: str | None, window: Window, tally: Tally, stands: WaitingSummary, reject_percent: int
) -> Summary:
    """Build the summary of a window that closes.

    Args:
        subsidiary: The subsidiary; None for results that name none.
        window: The window.
        tally: The counts of the window.
        stands: The subsidiary's waiting documents.
        reject_percent: The percentage of rejected documents from which there is an alert.
    """
    return Summary(
        subsidiary=subsidiary,
        start=datetime.fromtimestamp(window.start, UTC),
        end=datetime.fromtimestamp(window.end, UTC),
        outcomes=tally.outcomes,
        codes=tally.codes,
        posted=tally.posted,
        posted_without_total=tally.posted_without_total,
        from_ledger=tally.from_ledger,
        unreadable=tally.unreadable,
        standing=stands,
        alerts=tuple(alerts(tally, stands, reject_percent)),
    )


def alerts(tally: Tally, stands: WaitingSummary, reject_percent: int) -> Iterable[Alert]:
    """List the alerts for an operator. Rejects raise one from `reject_percent` of the window's documents upwards."""
    if stands.uncertain:
        yield Alert(Alarm.UNCERTAIN_DOCUMENTS, f"{stands.uncertain} documents are in doubt")
    if stands.open_circuits:
        yield Alert(Alarm.CONNECTION_SET_ASIDE, f"documents wait for {', '.join(stands.open_circuits)}")
    rejected, ended = tally.outcomes.get(Outcome.REJECTED, 0), sum(tally.outcomes.values())
    if rejected and ended >= ENOUGH_TO_JUDGE and rejected * 100 >= reject_percent * ended:
        yield Alert(Alarm.REJECTS_ABOVE_SHARE, f"{rejected} of {ended} documents were rejected")
