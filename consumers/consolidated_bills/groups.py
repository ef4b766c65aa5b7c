"""Fuel and toll rows grouped by bill, and which bills are due to be sent. Pure: from records to bills."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

import orjson
from pydantic import TypeAdapter

from domain.emission import AHEAD
from domain.events.fields import to_amount
from domain.stored_records import StoredRecordError, read_stored
from producers.consolidated_lines import Bill, BillableEvent, RowUnreadableError, decode

MARK = "~sent/"
"""Key prefix of sent-marks. Keys of rows begin with the kind of document instead."""
KEPT = timedelta(days=90)
"""How long the rows of a bill are kept after the bill's day.

Rows that come more than `domain.consolidated_bills.LATEST` days after that day are not grouped any more. The longer
time here serves a worker that is far behind.
"""
SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """The time of day, in UTC, at which the bills of past days are made."""

    fuel: time
    toll: time

    def next_run(self, bill: Bill, after: datetime) -> datetime:
        """The first run later than `after` for bills of this type (fuel or toll)."""
        at = self.fuel if bill.bill_type == "FuelDay" else self.toll
        run = datetime.combine(after.astimezone(UTC).date(), at, UTC)
        return run if run > after else run + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SentBill:
    """Sent-mark of a bill: what was last sent for it."""

    bill: Bill
    digest: str
    """Digest of the rows that were sent."""
    at: datetime
    """Time stamp of the event that was sent."""
    ended: bool = False
    """True once the rows were deleted; rows that arrive later get no bill."""


@dataclass(frozen=True, slots=True)
class BillToSend:
    """A bill that is due: its event, and the sent-mark to write with it."""

    bill: Bill
    event: bytes
    mark: SentBill


@dataclass(slots=True)
class Groups:
    """The rows of all bills. Records must be applied in the order of each key; the order between keys is irrelevant."""

    _rows: dict[str, BillableEvent] = field(default_factory=dict)
    _since: dict[str, datetime] = field(default_factory=dict)
    """The time at which the latest record of each row was written, by row key."""
    _groups: dict[str, set[str]] = field(default_factory=dict)
    _marks: dict[str, SentBill] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _open: set[str] = field(default_factory=set)
    """Bills to compare with their sent-mark: rows were added, changed or removed since the last comparison."""

    def apply(self, key: str, value: bytes | None, at: datetime) -> None:
        """Apply one record of the rows topic: a row, the removal of a row (None), or a sent-mark.

        Raises:
            RowUnreadableError: The record is not one that this service wrote.
        """
        if key.startswith(MARK):
            self.mark(read_mark(key, value))
            return
        before = self._rows.pop(key, None)
        self._since.pop(key, None)
        if before is not None:
            self._groups[before.bill.key].discard(key)
            self._open.add(before.bill.key)
        if value is None:
            return
        row = self._rows[key] = decode(key, value)
        self._since[key] = at
        self._groups.setdefault(row.bill.key, set()).add(key)
        self._open.add(row.bill.key)

    def mark(self, mark: SentBill) -> None:
        """Store the mark of a bill that was sent, or whose rows were deleted."""
        self._marks[mark.bill.key] = mark
        if mark.ended:
            self._ended.add(mark.bill.key)
        self._open.add(mark.bill.key)

    def due(self, now: datetime, schedule: Schedule | None) -> Iterator[BillToSend]:
        """List the bills to send: the day is over, the run is due, and the rows differ from what was last sent.

        Args:
            now: The current time.
            schedule: The times of the runs; None: every bill whose day is over is due now.
        """
        for group in sorted(self._open):
            mark = self._marks.get(group)
            rows = self._of(group)
            if mark is not None and (mark.ended or mark.digest == _digest(rows)):
                self._open.discard(group)
                continue
            if mark is None and not rows:  # the rows were removed before the bill was ever sent
                self._open.discard(group)
                continue
            if self._ready(group, mark, rows, schedule, now):
                yield _sending(rows, mark, now)

    def over(self, now: datetime) -> Iterator[tuple[SentBill, list[str]]]:
        """List the bills whose rows may be deleted: `KEPT` has passed, and the rows are those last sent.

        Yields:
            The mark to write, with `ended` set, and the keys of the rows to delete.
        """
        for group, mark in list(self._marks.items()):
            if mark.ended or group in self._open or now < _day_over(mark.bill) + KEPT:
                continue
            yield SentBill(mark.bill, mark.digest, mark.at, ended=True), sorted(self._groups.get(group, ()))

    def late(self) -> Iterator[BillableEvent]:
        """The rows that arrived after the rows of their bill had been deleted."""
        for group in self._ended:
            yield from self._of(group)

    def give_up(self, sending: BillToSend) -> None:
        """Skip a bill that cannot be sent, until one of its rows changes."""
        self._open.discard(sending.bill.key)

    def _of(self, group: str) -> list[BillableEvent]:
        return [self._rows[key] for key in sorted(self._groups.get(group, ()))]

    def _ready(
        self, group: str, mark: SentBill | None, rows: list[BillableEvent], schedule: Schedule | None, now: datetime
    ) -> bool:
        bill = rows[0].bill if rows else self._marks[group].bill
        if now < (over := _day_over(bill)):
            return False
        if schedule is None:
            return True
        # A bill that was never sent waits for a run after its first row, so that rows arriving together go together.
        since = mark.at if mark is not None else min(self._since[row.key] for row in rows)
        return now >= schedule.next_run(bill, max(over, since))


def _day_over(bill: Bill) -> datetime:
    return datetime.combine(bill.date, time(), UTC) + timedelta(days=1)


def _digest(rows: list[BillableEvent]) -> str:
    text = orjson.dumps([(row.key, row.row) for row in rows], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def _sending(rows: list[BillableEvent], mark: SentBill | None, now: datetime) -> BillToSend:
    # Spellings of the provider differ in case. A bill keeps the spelling first sent: it is part of its Sage number.
    bill = mark.bill if mark is not None else min((row.bill for row in rows), key=lambda each: each.provider)
    digest, at = _digest(rows), _emitted(mark, now)
    total = sum([_amount(row) for row in rows], Decimal(0))
    event = {
        # Unique per event, not derived from the rows: a bill may return to rows that it had before.
        "id": f"{bill.key}@{int(at.timestamp() * 1_000_000):x}",
        "type": "daily.bill.closed",
        "timestamp": at,
        "version": "v1",
        "data": {
            "billType": bill.bill_type,
            "subsidiaryId": bill.subsidiary_id,
            "provider": bill.provider,
            "date": bill.date,
            "total": {"amount": str(total), "currency": bill.currency},
            "rows": [row.row for row in rows],
        },
    }
    return BillToSend(bill, orjson.dumps(event), SentBill(bill, digest, at))


def _emitted(mark: SentBill | None, now: datetime) -> datetime:
    """The event's time stamp: later than the bill's last event, even if another machine's clock wrote that one.

    If that clock was far ahead (more than `AHEAD`), the present time is used.
    """
    after = now if mark is None else mark.at + timedelta(microseconds=1)
    return after if now < after <= now + AHEAD else now


def _amount(row: BillableEvent) -> Decimal:
    """The amount that the row adds to its bill.

    Raises:
        RowUnreadableError: The row has no amount.
    """
    try:
        part = row.row["fuel"] if row.bill.bill_type == "FuelDay" else row.row["toll"]
        money = part["total"] if row.bill.bill_type == "FuelDay" else part["amount"]  # type: ignore[index]  # as below
        return to_amount(money["amount"])
    except (LookupError, TypeError, ValueError) as error:
        raise RowUnreadableError(f"row {row.key!r} has no amount") from error


@dataclass(frozen=True, slots=True)
class _StoredMark:
    """The value of a sent-mark's record."""

    schema: Literal[1]
    bill: Bill
    digest: str
    at: datetime
    ended: bool


_STORED_MARK = TypeAdapter(_StoredMark)


def mark_record(mark: SentBill) -> tuple[bytes, bytes]:
    """The record key and value of a sent-mark."""
    stored = _StoredMark(SCHEMA, mark.bill, mark.digest, mark.at, mark.ended)
    return f"{MARK}{mark.bill.key}".encode(), orjson.dumps(stored)


def read_mark(key: str, value: bytes | None) -> SentBill:
    """Read a sent-mark back from its record.

    Raises:
        RowUnreadableError: This service did not write it, or it has no value: marks are never deleted.
    """
    try:
        stored = read_stored(_STORED_MARK, value)
    except StoredRecordError as error:
        raise RowUnreadableError(f"{key!r} {error}") from error
    return SentBill(stored.bill, stored.digest, stored.at, stored.ended)
