"""The tables of open windows and of waiting documents, and how each message changes them. Independent of Kafka.

Keys and values of the tables are bytes, so that the tables in memory equal the ones recovered from Kafka.
"""

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from consumers.statistics.facts import Close, ResultFact, UnreadableResult
from consumers.statistics.tally import Tally, Window, add, standing, summarise, waiting, window_of
from producers.statistics import Summary, WaitingDocument, WaitingSummary

STANDING_MAY_BE = 2.0
"""Seconds for which the summary of waiting documents is cached. Windows end together, so one scan serves them all. No
window is told a summary that is older than its own last record."""
ASK_AGAIN = 30.0
"""Seconds after which the closing of a window is requested again, if the window is still open."""

Table = MutableMapping[bytes, bytes]
_TALLY = TypeAdapter(Tally)
_WAITING = TypeAdapter(WaitingDocument)


@dataclass(frozen=True, slots=True)
class WindowConfig:
    """Settings of the windows. `seconds` is their length, `reject_percent` the share of rejects for an alert."""

    seconds: int
    grace: float
    """Seconds that a window stays open after its end, and after its last fact, for late results."""
    reject_percent: int


@dataclass(slots=True)
class _WindowState:
    """State of a window that is not in the table: when it last grew, and when its closing was requested."""

    touched: float
    partition: int | None = None
    asked: float | None = None


class Windows:
    """Applies messages to the tables.

    Args:
        open_windows: The table of tallies, by subsidiary and window.
        documents: The table of waiting documents, by subsidiary and document.
        rules: The settings of the windows.
        monotonic: A clock in seconds that never goes back.
    """

    def __init__(
        self, open_windows: Table, documents: Table, rules: WindowConfig, monotonic: Callable[[], float]
    ) -> None:
        self._open = open_windows
        self._documents = documents
        self._rules = rules
        self._monotonic = monotonic
        self._marks: dict[bytes, _WindowState] = {}
        self._standings: dict[str | None, WaitingSummary] = {}
        self._looked: float | None = None

    def count(self, fact: ResultFact | UnreadableResult, partition: int) -> None:
        """Add one record to its window, and update the table of waiting documents.

        Args:
            fact: The record.
            partition: The partition of the internal topic it came from.
        """
        name = _name(fact.subsidiary, window_of(fact.at, self._rules.seconds))
        kept = self._open.get(name)
        tally = Tally() if kept is None else _TALLY.validate_json(kept)
        if (more := add(tally, fact)) is not tally:
            self._open[name] = _TALLY.dump_json(more)
        self._marks[name] = _WindowState(self._monotonic(), partition)
        if isinstance(fact, ResultFact):
            self._wait(fact)  # also for a repeated record: applied in order, repeats end in the same state

    def _wait(self, fact: ResultFact) -> None:
        name = orjson.dumps([fact.subsidiary, fact.document])
        kept = self._documents.get(name)
        still = waiting(fact, None if kept is None else _WAITING.validate_json(kept))
        if still is not None:
            self._documents[name] = _WAITING.dump_json(still)
        elif kept is not None:
            del self._documents[name]

    def due(self, now: float, partitions: Iterable[int]) -> list[Close]:
        """List requests to close the windows whose time is over.

        Args:
            now: The time in seconds since 1970.
            partitions: The partitions of the internal topic assigned to this process. Windows of others are left out.
        """
        ours, instant = frozenset(partitions), self._monotonic()
        for name in self._marks.keys() - set(self._open):
            del self._marks[name]
        found = []
        for name in list(self._open):
            subsidiary, window = _read(name)
            mark = self._marks.setdefault(name, _WindowState(instant))  # a window without a mark was just recovered
            if window.end + self._rules.grace > now or not self._is_due(mark, instant, ours):
                continue
            mark.asked = instant
            found.append(Close(subsidiary=subsidiary, start=window.start, seconds=window.seconds))
        return found

    def _is_due(self, mark: _WindowState, instant: float, ours: frozenset[int]) -> bool:
        grows = instant - mark.touched < self._rules.grace
        asked = mark.asked is not None and instant - mark.asked < ASK_AGAIN
        return not grows and not asked and (mark.partition is None or mark.partition in ours)

    def close(self, asked: Close) -> Summary | None:
        """Close a window: return its summary and remove it. None if it was closed already."""
        window = Window(asked.start, asked.seconds)
        name = _name(asked.subsidiary, window)
        kept = self._open.get(name)
        if kept is None:
            return None
        tally = _TALLY.validate_json(kept)
        mark = self._marks.pop(name, None)
        stands = self._standing(asked.subsidiary, since=None if mark is None else mark.touched)
        summary = summarise(asked.subsidiary, window, tally, stands, self._rules.reject_percent)
        del self._open[name]
        return summary

    def _standing(self, subsidiary: str | None, since: float | None) -> WaitingSummary:
        """The waiting documents of a subsidiary, looked at after `since` (None: at any time)."""
        instant, looked = self._monotonic(), self._looked
        if looked is None or instant - looked >= STANDING_MAY_BE or (since is not None and looked <= since):
            found: dict[str | None, list[WaitingDocument]] = {}
            for name, kept in list(self._documents.items()):
                found.setdefault(orjson.loads(name)[0], []).append(_WAITING.validate_json(kept))
            self._standings = {each: standing(documents) for each, documents in found.items()}
            self._looked = instant
        return self._standings.get(subsidiary, WaitingSummary())


def _name(subsidiary: str | None, window: Window) -> bytes:
    return orjson.dumps([subsidiary, window.start, window.seconds])


def _read(name: bytes) -> tuple[str | None, Window]:
    subsidiary, start, seconds = orjson.loads(name)
    return subsidiary, Window(start, seconds)
