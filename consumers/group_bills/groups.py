"""The rows that are there, by bill, and what was sent of them: pure, from records to the bills that are due."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import orjson

from domain.emission import AHEAD
from domain.events.fields import to_amount
from producers.roadside_rows import Bill, Row, RowUnreadableError, bill_of, decode

MARK = "~sent/"
"""What begins so is the mark of a bill that was sent, and no row's key: those begin with the kind of document."""
KEPT = timedelta(days=90)
"""How long after its day the rows of a bill are kept. Those that come more than `domain.roadside.LATEST` days after it
are not grouped any more; what lies between is for a worker that is far behind."""
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the bills of past days are made, each day, in UTC."""

    fuel: time
    toll: time

    def next_run(self, bill: Bill, after: datetime) -> datetime:
        """The first run for bills of this kind that is later than `after`."""
        at = self.fuel if bill.bill_type == "FuelDay" else self.toll
        run = datetime.combine(after.astimezone(UTC).date(), at, UTC)
        return run if run > after else run + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """What was sent of a bill, last."""

    bill: Bill
    digest: str
    at: datetime
    ended: bool = False
    """True once its rows were deleted: what comes after that has no bill."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A bill that is due: its event, and the mark to be written with it."""

    bill: Bill
    event: bytes
    mark: Mark


@dataclass(slots=True)
class Groups:
    """Rows by bill. Records are applied in the order of each key; everything else follows from what is there."""

    _rows: dict[str, Row] = field(default_factory=dict)
    _since: dict[str, datetime] = field(default_factory=dict)
    """When each row's latest record was written."""
    _groups: dict[str, set[str]] = field(default_factory=dict)
    _marks: dict[str, Mark] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _open: set[str] = field(default_factory=set)
    """Bills of which rows came, changed or went since they were last found to be as they were sent."""

    def apply(self, key: str, value: bytes | None, at: datetime) -> None:
        """Take one record.

        Raises:
            RowUnreadableError: It is not one of ours.
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

    def mark(self, mark: Mark) -> None:
        """A bill was sent, or ended."""
        self._marks[mark.bill.key] = mark
        if mark.ended:
            self._ended.add(mark.bill.key)
        self._open.add(mark.bill.key)

    def due(self, now: datetime, schedule: Schedule | None) -> Iterator[Sending]:
        """The bills to send: their day is over, their run has come, and they are not as they were sent.

        Args:
            now: The present.
            schedule: When runs are; None: now.
        """
        for group in sorted(self._open):
            mark = self._marks.get(group)
            rows = self._of(group)
            if mark is not None and (mark.ended or mark.digest == _digest(rows)):
                self._open.discard(group)
                continue
            if mark is None and not rows:  # it came and went before it was sent
                self._open.discard(group)
                continue
            if self._ready(group, mark, rows, schedule, now):
                yield _sending(rows, mark, now)

    def over(self, now: datetime) -> Iterator[tuple[Mark, list[str]]]:
        """Bills whose rows are to be deleted, as they were sent: the mark that says so, and the rows' keys."""
        for group, mark in list(self._marks.items()):
            if mark.ended or group in self._open or now < _day_over(mark.bill) + KEPT:
                continue
            yield Mark(mark.bill, mark.digest, mark.at, ended=True), sorted(self._groups.get(group, ()))

    def late(self) -> Iterator[Row]:
        """Rows that came after their bill had ended."""
        for group in self._ended:
            yield from self._of(group)

    def give_up(self, sending: Sending) -> None:
        """It cannot be sent: leave it until one of its rows changes."""
        self._open.discard(sending.bill.key)

    def _of(self, group: str) -> list[Row]:
        return [self._rows[key] for key in sorted(self._groups.get(group, ()))]

    def _ready(self, group: str, mark: Mark | None, rows: list[Row], schedule: Schedule | None, now: datetime) -> bool:
        bill = rows[0].bill if rows else self._marks[group].bill
        if now < (over := _day_over(bill)):
            return False
        if schedule is None:
            return True
        # Of a bill that was never sent, the first rows wait for those that come with them.
        since = mark.at if mark is not None else min(self._since[row.key] for row in rows)
        return now >= schedule.next_run(bill, max(over, since))


def _day_over(bill: Bill) -> datetime:
    return datetime.combine(bill.date, time(), UTC) + timedelta(days=1)


def _digest(rows: list[Row]) -> str:
    text = orjson.dumps([(row.key, row.row) for row in rows], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def _sending(rows: list[Row], mark: Mark | None, now: datetime) -> Sending:
    bills = [row.bill for row in rows] + ([mark.bill] if mark is not None and not rows else [])
    bill = min(bills, key=lambda each: each.provider)  # spellings differ in case: one of them, always the same
    digest, at = _digest(rows), _emitted(mark, now)
    total = sum([_amount(row) for row in rows], Decimal(0))
    event = {
        # Of its own for each event: a bill may come back to rows that it had before.
        "id": f"{bill.key}@{int(at.timestamp() * 1_000_000):x}",
        "type": "roadside.day.closed",
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
    return Sending(bill, orjson.dumps(event), Mark(bill, digest, at))


def _emitted(mark: Mark | None, now: datetime) -> datetime:
    """Later than the bill's last event, whichever machine's clock that had, unless that clock was far wrong."""
    after = now if mark is None else mark.at + timedelta(microseconds=1)
    return after if now < after <= now + AHEAD else now


def _amount(row: Row) -> Decimal:
    """What the row adds to its bill.

    Raises:
        RowUnreadableError: It says nothing of it.
    """
    try:
        part = row.row["fuel"] if row.bill.bill_type == "FuelDay" else row.row["toll"]
        money = part["total"] if row.bill.bill_type == "FuelDay" else part["amount"]  # type: ignore[index]  # as below
        return to_amount(money["amount"])
    except (LookupError, TypeError, ValueError) as error:
        raise RowUnreadableError(f"row {row.key!r} has no amount") from error


def mark_record(mark: Mark) -> tuple[bytes, bytes]:
    """Key and value of a mark."""
    value = {"schema": SCHEMA, "bill": mark.bill, "digest": mark.digest, "at": mark.at, "ended": mark.ended}
    return f"{MARK}{mark.bill.key}".encode(), orjson.dumps(value)


def read_mark(key: str, value: bytes | None) -> Mark:
    """Read a mark back.

    Raises:
        RowUnreadableError: It is not one of ours; none is ever deleted.
    """
    try:
        body = orjson.loads(value or b"")
        if body["schema"] != SCHEMA:
            raise RowUnreadableError(f"{key!r} has schema {body['schema']!r}; this version reads {SCHEMA}")
        return Mark(bill_of(body["bill"]), str(body["digest"]), datetime.fromisoformat(body["at"]), bool(body["ended"]))
    except (ValueError, LookupError, TypeError) as error:
        raise RowUnreadableError(f"{key!r} is not one of ours: {error}") from error
