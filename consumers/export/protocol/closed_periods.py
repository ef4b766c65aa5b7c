"""Closed periods: the document is refused (default), or posted with the first open day as its posting date.

The connection's setting `closedPeriod` decides. Each try is a call of its own, made only after Sage *definitely*
refused the one before: it has a new attempt and so a new control id. The claim of the new call replaces the old claim
in one write. So a crash leaves exactly one claim: of the refused call (looked up, absent, sent again, refused again),
or of the new call. The document's own date and its revision never change; the result says which posting date was used.

How the day is found: Sage's message may name it ("Date must be on or after 07/01/2026"). Else the first day of the next
month is tried, then of the next, but never a day after today in UTC. A day that was found serves the following
documents of the same entity and side, so that not each of them costs a refused call. It is forgotten after a while,
because books are opened again. If Sage did not name the day, only the refused months are known to be closed: a document
of another month is first tried with its own date. This assumes that a month is closed as a whole; accounting periods
are months nearly everywhere.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace

from consumers.export.config import ExportConfig
from consumers.export.protocol.lifecycle import DatedAnew
from consumers.export.work_item import WorkItem
from domain.categories import Side
from domain.documents import Document
from kafka_client.clock import Clock
from sage_client import ExchangeLevel, SageError
from sage_client.errors import PeriodClosedError

MOST_STEPS = 24
"""Maximum number of refused calls of one document while its first open day is looked for: two years of months."""
_NAMED = re.compile(r"on or after\s+(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b", re.IGNORECASE)
"""`Date must be on or after 07/01/26`: documented with a year of two digits, seen with four."""

_CENTURY, _CENTURY_NOW = 100, 2000

CompanyBooks = tuple[str | None, Side]
"""The books that are closed together: one side (AR or AP) of one entity. The lane already stands for one company."""


@dataclass(frozen=True, slots=True)
class _Open:
    """The first open day for documents whose date is before `before`, or in one of `months`."""

    day: dt.date
    until: float
    """Monotonic time at which this is forgotten."""
    before: dt.date = dt.date.min
    months: frozenset[tuple[int, int]] = frozenset()

    def answers(self, day: dt.date, now: float) -> bool:
        return now < self.until and (day < self.before or (day.year, day.month) in self.months)


class ClosedPeriods:
    """The first open days for the documents of one company. One per lane.

    Args:
        config: How long an open day is remembered.
        time: The clock.
    """

    def __init__(self, config: ExportConfig, time: Clock) -> None:
        self._keep = config.open_period_ttl.total_seconds()
        self._time = time
        self._open: dict[CompanyBooks, _Open] = {}

    def with_posting_date(self, work: WorkItem) -> Document:
        """The document as it is sent: with the known open day as its posting date, if its own date is closed."""
        document = work.mapped
        if not document.first_open_day or document.posting_date is not None:
            return document
        if (day := work.life.history.posting_date) is not None:
            return replace(document, posting_date=day)
        known = self._open.get(_books(document))
        if known is None or not known.answers(document.date, self._time.monotonic()):
            return document
        return replace(document, posting_date=known.day)

    def next_attempt(self, work: WorkItem, error: SageError) -> DatedAnew | None:
        """Give a document that was refused for its period another posting date, for another call.

        The plan of `work` gets the new posting date.

        Returns:
            The event to report. None if the document ends here: the setting says so, no open day is left up to today,
            or Sage has also said that it executed the call, so that no other call may be sent.
        """
        document, history = work.mapped, work.life.history
        refused = isinstance(error, PeriodClosedError) and error.level is ExchangeLevel.RESULT
        if not refused or not document.first_open_day or history.acknowledged is not None:
            return None
        last = document.posting_date or document.date
        named = _named(error)
        day = named if named is not None and named > last else _next_month(last)
        self._forget(document)
        if day > self._time.now().date() or history.period_retries >= MOST_STEPS:
            work.plan = replace(work.plan, document=replace(document, posting_date=None))
            return None
        work.plan = replace(work.plan, document=replace(document, posting_date=day))
        if day == named:
            self._learn(document, _Open(day, self._until, before=day))
        return DatedAnew()

    def record_open_day(self, work: WorkItem) -> None:
        """Remember the posting date as an open day, because Sage took the document."""
        document = work.plan.document
        if document is None or document.posting_date is None or not document.first_open_day:
            return
        known = self._open.get(_books(document))
        now = self._time.monotonic()
        if known is not None and known.day == document.posting_date and known.answers(document.date, now):
            return  # use does not extend the time: Sage is to be asked again now and then
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
        """Forget the open day if it is the posting date that Sage has just refused."""
        known = self._open.get(_books(document))
        if known is not None and known.day == document.posting_date:
            del self._open[_books(document)]


def _books(document: Document) -> CompanyBooks:
    return document.connection.entity_id, document.source.side


def _named(error: SageError) -> dt.date | None:
    """The day that Sage's message names as the first one it takes. None if it names none."""
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
    """The months from that of `first` up to, but without, that of `end`; the month of `first` in any case."""
    found = [(first.year, first.month)]
    while (day := _next_month(dt.date(*found[-1], 1))) < end.replace(day=1):
        found.append((day.year, day.month))
    return found


def explain(posting_date: dt.date) -> str:
    """The detail of a result whose posting date is not the document's own date."""
    return f"posted on {posting_date.isoformat()} in the general ledger: the period of its own date is closed in Sage"
