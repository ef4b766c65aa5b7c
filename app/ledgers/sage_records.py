"""Reads every invoice, bill and adjustment of the connected companies, and keeps what the restore of ledgers needs.

The records are on disk, in a database that ends with the command: a company may have millions.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Protocol, Self

from app.output import note
from consumers.export.ledger.from_sage import MarkedRecord
from consumers.export.ledger.store import TEMPORARY
from consumers.export.ledger.unmatched_records import UnmatchedRecord
from consumers.export.protocol.document_state import Posted
from consumers.export.sending.sage_access import CredentialsMissingError
from domain.categories import Side
from domain.documents import Connection, SageObject
from domain.idempotency import markers_in
from domain.settings.keys import parse
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting
from sage_client import Found, Login, SageError
from sage_client.errors import ThrottledError, UnavailableError

AT_ONCE = 8
"""Connections that are read at the same time. All requests to one company share its rate limit anyway."""
ATTEMPTS = 5
"""How often a page is asked for while Sage cannot be reached or is busy."""
WAIT = 5.0
"""Seconds before a page is asked for again, if Sage names no time."""
NOTED_EVERY = 20_000
"""Records of a kind between two lines of progress."""
OURS = "alvys:"
"""What every marker begins with, and what is left of one that was edited."""

TABLES = """
CREATE TABLE record (
    marker TEXT NOT NULL, company TEXT NOT NULL, object TEXT NOT NULL, record_no TEXT NOT NULL, view INTEGER NOT NULL,
    number TEXT NOT NULL, party TEXT NOT NULL, total TEXT NOT NULL, date TEXT NOT NULL, modified TEXT NOT NULL,
    void INTEGER NOT NULL, draft INTEGER NOT NULL, shared INTEGER NOT NULL, damaged INTEGER NOT NULL,
    PRIMARY KEY (marker, company, object, record_no, view)
) WITHOUT ROWID;
CREATE INDEX by_number ON record (number, marker);
CREATE INDEX by_record_no ON record (company, object, record_no);
CREATE TABLE matched (marker TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class DocumentPages(Protocol):
    """Reads one page of all documents of a kind, such as `SageClient.documents`."""

    def __call__(
        self, login: Login, kind: SageObject, after: int | None = None
    ) -> Awaitable[tuple[list[Found], int | None]]:
        """Return the documents, and the record number to go on after (None: it was the last page)."""


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """Records that could not be read.

    `sides`: the sides on which documents of this service may be among them. Empty if the side is off for all
    subsidiaries concerned, or if none was ever activated.
    """

    subsidiaries: tuple[str, ...]
    company: str
    entity: str | None
    kind: SageObject | None
    reason: str
    sides: frozenset[Side]


@dataclass(frozen=True, slots=True)
class _View:
    """A company as one of its entities, or the top level, shows it."""

    connection: Connection
    subsidiaries: tuple[str, ...]
    sides: frozenset[Side]
    """The sides that are on for one of the subsidiaries."""


class SageRecords:
    """The records that were read. Those without a marker are kept too: a marker may have been removed."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(TEMPORARY, isolation_level=None)
        self._db.executescript(TABLES)
        self._views: list[Connection] = []
        self.counted = 0
        """Number of records read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, view: Connection, kind: SageObject, page: Iterable[Found]) -> None:
        """Store a page of records that a connection showed."""
        if view not in self._views:
            self._views.append(view)
        number = self._views.index(view)
        rows = [row for each in page if not each.reversal for row in _rows(view, number, kind, each)]
        self._db.execute("BEGIN")
        self._db.executemany(f"INSERT OR REPLACE INTO record VALUES ({', '.join('?' * 14)})", rows)  # noqa: S608
        self._db.execute("COMMIT")
        self.counted += len(rows)

    def of_marker(self, marker: str) -> list[MarkedRecord]:
        """The records that carry a marker, one for each connection that shows them. They count as matched from now."""
        found = [self._record(row) for row in self._db.execute("SELECT * FROM record WHERE marker = ?", (marker,))]
        if found:
            self.match(marker)
        return found

    def shows(self, posted: Posted) -> bool:
        """Whether Sage shows a record under its record number, with a marker or without."""
        query = "SELECT 1 FROM record WHERE company = ? AND object = ? AND record_no = ? LIMIT 1"
        name = posted.connection.company_id, posted.sage_object, posted.record_no
        return self._db.execute(query, name).fetchone() is not None

    def has(self, marker: str) -> bool:
        """Whether any record carries this marker."""
        return self._db.execute("SELECT 1 FROM record WHERE marker = ? LIMIT 1", (marker,)).fetchone() is not None

    def match(self, marker: str) -> None:
        """Note that a ledger knows the document of this marker."""
        self._db.execute("INSERT OR IGNORE INTO matched VALUES (?)", (marker,))

    def without_marker(self, company: str, side: Side, numbers: Iterable[str], party_id: str) -> list[MarkedRecord]:
        """The records of a company without a marker, with one of these numbers, of this party if it is not empty."""
        found = [
            self._record(row)
            for number in dict.fromkeys(numbers)
            for row in self._db.execute("SELECT * FROM record WHERE number = ? AND marker = ''", (number,))
        ]
        return [
            each
            for each in found
            if each.connection.company_id == company
            and each.sage_object.side is side
            and party_id.casefold() in ("", each.party_id.casefold())
        ]

    def unmatched(self, side: Side) -> Iterator[UnmatchedRecord]:
        """For each marker that no ledger knows: its newest record that is not reversed, else its newest.

        They come in the order of the markers.
        """
        chosen: MarkedRecord | None = None
        marker = ""
        ordered = (
            "SELECT * FROM record WHERE marker != '' AND object IN (?, ?) "
            "AND marker NOT IN (SELECT marker FROM matched) "
            "ORDER BY marker, void DESC, CAST(record_no AS INTEGER), view DESC"
        )
        for row in self._db.execute(ordered, [kind for kind in SageObject if kind.side is side]):
            if chosen is not None and row[0] != marker:
                yield _unmatched(marker, chosen)
            marker, chosen = row[0], self._record(row)
        if chosen is not None:
            yield _unmatched(marker, chosen)

    def damaged(self) -> Iterator[MarkedRecord]:
        """The records whose marker cannot be read, or that carry several."""
        query = "SELECT * FROM record WHERE damaged OR shared GROUP BY company, object, record_no"
        return map(self._record, self._db.execute(query).fetchall())

    def numbers_twice(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """Company, object, number and record numbers, where several of our records that stand share a number."""
        query = (
            "SELECT company, object, number, group_concat(DISTINCT record_no) FROM record WHERE marker != '' AND "
            "NOT void GROUP BY company, object, number HAVING count(DISTINCT record_no) > 1 ORDER BY 1, 2, 3"
        )
        return [
            (company, kind, no, tuple(records.split(","))) for company, kind, no, records in self._db.execute(query)
        ]

    def _record(self, row: tuple[object, ...]) -> MarkedRecord:
        _, _, kind, record_no, view, number, party, total, date, modified, void, draft, shared, _ = row
        return MarkedRecord(
            self._views[int(str(view))],
            SageObject(str(kind)),
            str(record_no),
            str(number),
            str(party),
            Decimal(str(total)),
            str(date),
            str(modified),
            void=bool(void),
            draft=bool(draft),
            shared=bool(shared),
        )


async def read_companies(
    pages: DocumentPages,
    login_of: Callable[[Connection], Login],
    state: MappingState,
    records: SageRecords,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[UnreadPart]:
    """Read all documents of all connected companies, each company and entity once.

    Args:
        pages: Reads a page of documents.
        login_of: Makes the login of a connection; a `CredentialsMissingError` makes the company an unread part.
        state: The settings in force.
        records: Where the records are stored.
        sleep: Waits before a page is asked for again.

    Returns:
        What could not be read, and why.
    """
    views, unread = _views(state)
    turn = asyncio.Semaphore(AT_ONCE)

    async def read(view: _View) -> list[UnreadPart]:
        async with turn:
            try:
                login = login_of(view.connection)
            except CredentialsMissingError as error:
                return [_unread(view, None, str(error))]
            return [each for kind in SageObject if (each := await _read_kind(pages, login, view, kind, records, sleep))]

    for parts in await asyncio.gather(*map(read, views)):
        unread += parts
    return unread


def connected(state: MappingState) -> Mapping[str, object]:
    """The company and entity of each connection: as long as they are equal, the same records would be read."""
    return {
        each.key: (value.company_id, value.entity_id) if isinstance(value := each.value, ConnectionSetting) else value
        for each in state.connections()
    }


async def _read_kind(
    pages: DocumentPages,
    login: Login,
    view: _View,
    kind: SageObject,
    records: SageRecords,
    sleep: Callable[[float], Awaitable[None]],
) -> UnreadPart | None:
    after: int | None = None
    count = 0
    while True:
        try:
            page, after = await _page(pages, login, kind, after, sleep)
        except SageError as error:
            return _unread(view, kind, str(error))
        records.add(view.connection, kind, page)
        before, count = count, count + len(page)
        if count // NOTED_EVERY > before // NOTED_EVERY:
            note(f"reading {kind} of {view.connection.company_id}: {count:,} records")
        if after is None:
            return None


async def _page(
    pages: DocumentPages, login: Login, kind: SageObject, after: int | None, sleep: Callable[[float], Awaitable[None]]
) -> tuple[list[Found], int | None]:
    for attempt in range(ATTEMPTS):
        try:
            return await pages(login, kind, after)
        except (UnavailableError, ThrottledError) as error:
            if attempt == ATTEMPTS - 1:
                raise
            await sleep(error.retry_after or WAIT)
    raise AssertionError("the last attempt returns or raises")


def _views(state: MappingState) -> tuple[list[_View], list[UnreadPart]]:
    grouped: dict[tuple[str, str | None, str], list[tuple[str, ConnectionSetting]]] = defaultdict(list)
    unread: list[UnreadPart] = []
    for subsidiary in dict.fromkeys(parse(each.key).subsidiary_id for each in state.connections()):
        setting = state.connection(subsidiary)
        if isinstance(setting, ConnectionSetting):
            grouped[setting.company_id, setting.entity_id, setting.credentials].append((subsidiary, setting))
        elif setting is not None:
            reason = f"its connection cannot be read: {setting.reason}"
            unread.append(UnreadPart((subsidiary,), "", None, None, reason, frozenset(Side)))
    views = []
    for (company, entity, credentials), members in grouped.items():
        ever = [one for _, one in members if one.activated_at is not None]  # else nothing was ever posted
        sides = {Side.AR for one in ever if one.ar.active} | {Side.AP for one in ever if one.ap.active}
        views.append(
            _View(
                Connection(members[0][0], company, entity, credentials),
                tuple(name for name, _ in members),
                frozenset(sides),
            )
        )
    return views, unread


def _unread(view: _View, kind: SageObject | None, reason: str) -> UnreadPart:
    at, sides = view.connection, view.sides if kind is None else view.sides & {kind.side}
    return UnreadPart(view.subsidiaries, at.company_id, at.entity_id, kind, reason, frozenset(sides))


def _rows(view: Connection, number: int, kind: SageObject, each: Found) -> Iterator[tuple[object, ...]]:
    marks = markers_in(each.mark) or markers_in(each.description)
    damaged = not marks and OURS in f"{each.mark} {each.description}"
    for marker in sorted(marks) or [""]:
        yield (
            *(marker, view.company_id, str(kind), each.record_no, number, each.number, each.party_id),
            *(str(each.total), each.date, each.modified, each.reversed, _is_draft(each), len(marks) > 1, damaged),
        )


def _is_draft(each: Found) -> bool:
    return each.state.strip().lower() == "draft"


def _unmatched(marker: str, each: MarkedRecord) -> UnmatchedRecord:
    return UnmatchedRecord(marker, each.connection, each.sage_object, each.record_no, each.number, each.party_id)
