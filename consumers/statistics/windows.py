"""Open windows and waiting documents in two tables, and what each message does to them. Knows no Kafka.

The tables hold bytes under bytes, so that what is kept here and what comes back from Kafka are the same.
"""

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from consumers.statistics.facts import Close, Fact, Unreadable
from consumers.statistics.tally import Tally, Window, add, standing, summarise, waiting, window_of
from producers.statistics import Standing, Summary, Waiting

STANDING_MAY_BE = 2.0
"""Seconds that a standing may be old. Windows end together, so one look at the table serves a whole round of them."""
ASK_AGAIN = 30.0
"""Seconds after which a window that was to be closed and is still there is asked for again."""

Table = MutableMapping[bytes, bytes]
_TALLY = TypeAdapter(Tally)
_WAITING = TypeAdapter(Waiting)


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers, as the settings have them."""

    seconds: int
    grace: float
    """Seconds after its end, and after its last fact, that a window stays open for more."""
    reject_percent: int


@dataclass(slots=True)
class _Mark:
    """What this process knows of a window beyond the table: when it last grew, and when it was asked to close."""

    touched: float
    partition: int | None = None
    asked: float | None = None


class Windows:
    """Folds messages into the tables. `monotonic` and `now` are in seconds."""

    def __init__(self, open_windows: Table, documents: Table, rules: Rules, monotonic: Callable[[], float]) -> None:
        self._open = open_windows
        self._documents = documents
        self._rules = rules
        self._monotonic = monotonic
        self._marks: dict[bytes, _Mark] = {}
        self._standings: dict[str | None, Standing] = {}
        self._looked: float | None = None

    def count(self, fact: Fact | Unreadable, partition: int) -> None:
        """Add one record to its window, and keep the book of waiting documents."""
        name = _name(fact.subsidiary, window_of(fact.at, self._rules.seconds))
        kept = self._open.get(name)
        tally = Tally() if kept is None else _TALLY.validate_json(kept)
        if (more := add(tally, fact)) is not tally:
            self._open[name] = _TALLY.dump_json(more)
        self._marks[name] = _Mark(self._monotonic(), partition)
        if isinstance(fact, Fact):
            self._wait(fact)  # also when it comes again: told in order, they end where they ended before

    def _wait(self, fact: Fact) -> None:
        name = orjson.dumps([fact.subsidiary, fact.document])
        kept = self._documents.get(name)
        still = waiting(fact, None if kept is None else _WAITING.validate_json(kept))
        if still is not None:
            self._documents[name] = _WAITING.dump_json(still)
        elif kept is not None:
            del self._documents[name]

    def due(self, now: float, partitions: Iterable[int]) -> list[Close]:
        """The windows whose time is over, as messages to send. Of those in other hands by now, nothing is said."""
        ours, instant = frozenset(partitions), self._monotonic()
        for name in self._marks.keys() - set(self._open):
            del self._marks[name]
        found = []
        for name in list(self._open):
            subsidiary, window = _read(name)
            mark = self._marks.setdefault(name, _Mark(instant))  # without one, it was just recovered
            if window.end + self._rules.grace > now or not self._is_due(mark, instant, ours):
                continue
            mark.asked = instant
            found.append(Close(subsidiary=subsidiary, start=window.start, seconds=window.seconds))
        return found

    def _is_due(self, mark: _Mark, instant: float, ours: frozenset[int]) -> bool:
        grows = instant - mark.touched < self._rules.grace
        asked = mark.asked is not None and instant - mark.asked < ASK_AGAIN
        return not grows and not asked and (mark.partition is None or mark.partition in ours)

    def close(self, asked: Close) -> Summary | None:
        """What is told of a window, which then is gone; None if it is gone already."""
        window = Window(asked.start, asked.seconds)
        name = _name(asked.subsidiary, window)
        kept = self._open.get(name)
        if kept is None:
            return None
        tally = _TALLY.validate_json(kept)
        summary = summarise(
            asked.subsidiary, window, tally, self._standing(asked.subsidiary), self._rules.reject_percent
        )
        del self._open[name]
        self._marks.pop(name, None)
        return summary

    def _standing(self, subsidiary: str | None) -> Standing:
        instant = self._monotonic()
        if self._looked is None or instant - self._looked >= STANDING_MAY_BE:
            found: dict[str | None, list[Waiting]] = {}
            for name, kept in list(self._documents.items()):
                found.setdefault(orjson.loads(name)[0], []).append(_WAITING.validate_json(kept))
            self._standings = {each: standing(documents) for each, documents in found.items()}
            self._looked = instant
        return self._standings.get(subsidiary, Standing())


def _name(subsidiary: str | None, window: Window) -> bytes:
    return orjson.dumps([subsidiary, window.start, window.seconds])


def _read(name: bytes) -> tuple[str | None, Window]:
    subsidiary, start, seconds = orjson.loads(name)
    return subsidiary, Window(start, seconds)
