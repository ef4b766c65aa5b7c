"""A closed period: the document is refused (default), or posted with the first open day as its date in the ledger.

By the connection's setting `closedPeriod`. Each try is a call of its own, made only after Sage *definitely* refused the
one before: it has a new attempt and so a new control id. The claim of the new call takes the old one's place in one
write, so that a crash finds exactly one claim: of the refused call (looked up, absent, sent again, refused again) or of
the new one. The document's own date never changes, nor does its revision: what is posted is told in the result.

How the day is found: Sage's words may name it ("Date must be on or after 07/01/2026"); else the first day of the next
month, and of the next, never beyond today in UTC. What was found serves the following documents of the same entity and
side, so that not each of them costs a refused call, and is forgotten after a while: books are opened again. Without
Sage's word only the months that were refused are known to be closed: a document of another month is tried by its own
date first. That a month is closed as a whole is an assumption; accounting periods are months nearly everywhere.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace

from consumers.engine.knobs import Knobs, Time
from consumers.engine.work import Work
from domain.categories import Side
from domain.documents import Document
from sage_client import Level, SageError
from sage_client.errors import PeriodClosedError

MOST_STEPS = 24
"""Refused calls of one document while its first open day is looked for: two years of months."""
_NAMED = re.compile(r"on or after\s+(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b", re.IGNORECASE)
"""`Date must be on or after 07/01/26`: published with a year of two digits, seen with four."""

_CENTURY, _CENTURY_NOW = 100, 2000

Books = tuple[str | None, Side]
"""What is closed together: one side of one entity. A lane is one company already."""


@dataclass(frozen=True, slots=True)
class _Open:
    """The first open day for documents whose date is before `before`, or in one of `months`."""

    day: dt.date
    until: float
    before: dt.date = dt.date.min
    months: frozenset[tuple[int, int]] = frozenset()

    def answers(self, day: dt.date, now: float) -> bool:
        return now < self.until and (day < self.before or (day.year, day.month) in self.months)


class Periods:
    """Which day is open, for the documents of one company. One per lane."""

    def __init__(self, knobs: Knobs, time: Time) -> None:
        self._keep = knobs.open_day_for.total_seconds()
        self._time = time
        self._open: dict[Books, _Open] = {}

    def dated(self, work: Work) -> Document:
        """The document as it is to be sent: with the open day that is known for it, if its own date is closed."""
        document = work.mapped
        if not document.first_open_day or document.posting_date is not None:
            return document
        if work.posting_date is not None:
            return replace(document, posting_date=work.posting_date)
        known = self._open.get(_books(document))
        if known is None or not known.answers(document.date, self._time.monotonic()):
            return document
        return replace(document, posting_date=known.day)

    def step(self, work: Work, error: SageError) -> bool:
        """Date a document that was refused for its period anew, for another call; False if it ends here.

        `work` gets the next attempt and the new posting date. It ends where the setting says so, where no open day is
        left up to today, and where Sage has also said that it executed the call: then nothing else may be sent.
        """
        document = work.mapped
        refused = isinstance(error, PeriodClosedError) and error.level is Level.RESULT
        if not refused or not document.first_open_day or work.executed is not None:
            return False
        last = document.posting_date or document.date
        named = _named(error)
        day = named if named is not None and named > last else _next_month(last)
        self._forget(document)
        if day > self._time.now().date() or work.steps >= MOST_STEPS:
            work.document = replace(document, posting_date=None)
            return False
        work.document = replace(document, posting_date=day)
        work.steps += 1
        work.attempt = work.claimed.attempt + 1
        if day == named:
            self._learn(document, _Open(day, self._until, before=day))
        return True

    def posted(self, work: Work) -> None:
        """Sage took the document: the day it was posted on is open."""
        document = work.document
        if document is None or document.posting_date is None or not document.first_open_day:
            return
        known = self._open.get(_books(document))
        now = self._time.monotonic()
        if known is not None and known.day == document.posting_date and known.answers(document.date, now):
            return  # not kept for longer because it is used: it is to be asked for anew now and then
        months = frozenset(_months(document.date, document.posting_date))
        if known is not None and known.day == document.posting_date and now < known.until:
            months |= known.months
        self._learn(document, _Open(document.posting_date, self._until, months=months))

    @property
    def _until(self) -> float:
        return self._time.monotonic() + self._keep

    def _learn(self, document: Document, found: _Open) -> None:
        self._open[_books(document)] = found

    def _forget(self, document: Document) -> None:
        """What was known is wrong if the day that was refused is the one it names."""
        known = self._open.get(_books(document))
        if known is not None and known.day == document.posting_date:
            del self._open[_books(document)]


def _books(document: Document) -> Books:
    return document.connection.entity_id, document.source.side


def _named(error: SageError) -> dt.date | None:
    """The day that Sage names as the first one it takes."""
    for each in error.errors:
        if found := _NAMED.search(f"{each.text} {each.correction}"):
            month, day, year = map(int, found.groups())
            try:
                return dt.date(year if year >= _CENTURY else _CENTURY_NOW + year, month, day)
            except ValueError:
                continue
    return None


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=31)).replace(day=1)


def _months(first: dt.date, end: dt.date) -> list[tuple[int, int]]:
    """The months from that of `first` up to, and without, that of `end`, the first in any case."""
    found = [(first.year, first.month)]
    while (day := _next_month(dt.date(*found[-1], 1))) < end.replace(day=1):
        found.append((day.year, day.month))
    return found


def why(posting_date: dt.date) -> str:
    """What a result says of a document that was not posted on its own date."""
    return f"posted on {posting_date.isoformat()} in the general ledger: the period of its own date is closed in Sage"
