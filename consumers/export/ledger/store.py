"""The worker's copy of one ledger partition: an SQLite database that caches the topic, with a checkpoint.

1. It holds exactly what is committed in the topic before the checkpoint. A change is stored only after its Kafka
   transaction was committed, and the checkpoint moves in the same SQLite transaction.
2. It may be behind the topic after a crash or a loss of power. Whoever opens it reads on from the checkpoint.
3. It may be deleted at any time, or prove broken or of another topic. Then it is built again from the topic.
4. One process uses it at a time, by SQLite's own lock, which ends with the process. Another process takes the file with
   the next number.
5. Its memory is bounded, however many documents there are: SQLite's pages, and the entries used last.

docs/decisions/0015-the-ledgers-local-store.md gives the reasons.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from consumers.export.ledger import unmatched_records
from consumers.export.ledger.codec import SCHEMA, LedgerUnreadableError, decode, encode, needs_no_index
from consumers.export.protocol.document_state import INTERNAL, Claim, DocumentState

LAYOUT = 1_000 * 3 + SCHEMA
"""Version of tables and records, stored in the file. Raise it if either changes, or if `_index_rows` yields others."""
CACHED = 2_000
"""Number of decoded entries in memory: more than the documents in flight (`ExportConfig.max_in_flight`)."""
PAGES_KIB = 4_096
"""Size of SQLite's own cache, in KiB."""
BLOCKED, CODED, DOUBTED, CLAIMED = "blocked", "coded", "doubted", "claimed"
"""Kinds of index rows: a key that releases the entry, the code of its outcome, a claim with or without its event."""
PAGE = 100
"""Rows of an index that are read at once."""
MEMORY, TEMPORARY = ":memory:", ""
"""SQLite's names for a database in memory, and for one on disk that ends with its connection."""

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE entry (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value BLOB);
CREATE INDEX dropped ON entry (id) WHERE value IS NULL;
CREATE TABLE mark (place INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX mark_by_key ON mark (key);
CREATE INDEX mark_by_name ON mark (kind, name, place);
CREATE TABLE internal (name TEXT PRIMARY KEY, at INTEGER, value BLOB NOT NULL);
CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
PRAGMA user_version = {LAYOUT};
COMMIT;
"""
UPSERT = "INSERT INTO entry (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
UPSERT_INTERNAL = "INSERT OR REPLACE INTO internal (name, at, value) VALUES (?, ?, ?)"


class LedgerRecord(NamedTuple):
    """A committed record of the ledger topic."""

    key: str
    value: bytes | None
    """The encoded entry. None: a tombstone, which deletes the key."""
    entry: DocumentState | None = None
    """The decoded value, if the caller has it at hand."""
    offset: int | None = None
    """The record's offset in the ledger topic. None if not known."""


class LedgerStore:
    """The entries of one source partition by document key, and the index of what each of them waits for.

    Any method may raise `sqlite3.Error`, if the disk fails or is full. The file is deleted then, unless it is a copy;
    whoever opens the partition next builds it again.
    """

    def __init__(self, where: Path | str = TEMPORARY, *, is_copy: bool = False) -> None:
        """Open the database, or create it.

        Args:
            where: A file, or `MEMORY` or `TEMPORARY`.
            is_copy: Whether the file may be the last copy of a ledger, so that it is never deleted.

        Raises:
            sqlite3.Error: The database cannot be opened, created or locked, or is none.
            ValueError: The database has another layout.
        """
        self._file = where if isinstance(where, Path) and not is_copy else None
        self._recent: OrderedDict[str, DocumentState] = OrderedDict()
        # Closed explicitly if opening fails: else the lock would stay until garbage collection.
        self._db = sqlite3.connect(where, timeout=0, isolation_level=None)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a loss of power costs the newest changes, not the file
            self._db.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
            self._expect_tables()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Number of documents with an entry."""
        # Rows are never deleted, so ids have no gaps; to count all rows would read the whole file.
        return self._number("SELECT coalesce(max(id), 0) - (SELECT count(*) FROM entry WHERE value IS NULL) FROM entry")

    @property
    def cached(self) -> int:
        """Number of entries in memory."""
        return len(self._recent)

    @property
    def checkpoint(self) -> int | None:
        """Offset of the topic to read on from. None before anything was read."""
        row = self._db.execute("SELECT at FROM checkpoint").fetchone()
        return int(row[0]) if row else None

    # Queries.

    def get(self, key: str) -> DocumentState:
        """The entry of a document; an empty one if the document is new.

        Without an entry it is not new either, if the ledger was restored from Sage and Sage has a record of its marker.

        Raises:
            LedgerUnreadableError: The record is not one of ours; posting without it could post twice.
        """
        if (known := self._recent.get(key)) is not None:
            self._recent.move_to_end(key)
            return known
        try:
            row = self._db.execute("SELECT value FROM entry WHERE key = ?", (key,)).fetchone()
            if row is None or row[0] is None:
                return unmatched_records.state_of(key, self.internal)
            entry = decode(key, row[0])
        except (sqlite3.Error, LedgerUnreadableError):
            self.discard()  # the disk may have damaged the record: build the store again from the topic
            raise
        self._remember(entry)
        return entry

    def __contains__(self, key: str) -> bool:
        """Whether the document has an entry."""
        row = self._db.execute("SELECT value IS NOT NULL FROM entry WHERE key = ?", (key,)).fetchone()
        return row is not None and bool(row[0])

    def known(self) -> Iterator[str]:
        """The keys of all documents that have an entry."""
        for (key,) in self._db.execute("SELECT key FROM entry WHERE value IS NOT NULL"):
            yield key

    def internal(self, name: str) -> bytes | None:
        """The value of an internal record. None if it was never written."""
        row = self._db.execute("SELECT value FROM internal WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def internals(self, prefix: str) -> Iterator[bytes]:
        """The values of all internal records whose names begin with this prefix, a page at a time.

        What changes meanwhile may be seen or not.
        """
        page = "SELECT name, value FROM internal WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?"
        after = ""
        while rows := self._db.execute(page, (after, len(prefix), prefix, PAGE)).fetchall():
            yield from (value for _, value in rows)
            after = rows[-1][0]

    def all_values(self) -> Iterator[tuple[str, bytes]]:
        """The encoded entries of all documents, in the order in which they first came."""
        yield from self._db.execute("SELECT key, value FROM entry WHERE value IS NOT NULL ORDER BY id")

    def all_internal(self) -> Iterator[tuple[str, bytes]]:
        """The names and values of all internal records."""
        yield from self._db.execute("SELECT name, value FROM internal ORDER BY name")

    def internal_offset(self, name: str) -> int | None:
        """The offset of an internal record in the topic. None if it was never written."""
        row = self._db.execute("SELECT at FROM internal WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def blocked_by(self, blocker: str) -> tuple[str, ...]:
        """The keys of the documents that `blocker` releases, in the order in which they were parked or refused."""
        return self._marked(BLOCKED, blocker)

    def coded(self, code: str) -> tuple[str, ...]:
        """The keys of the unsettled documents whose last outcome has this code."""
        return self._marked(CODED, code)

    def in_doubt(self) -> Iterator[DocumentState]:
        """The entries with a claim whose event is kept here: the call may or may not have been executed."""
        return (self.get(key) for key in self._marked(DOUBTED))

    def claims_without_event(self) -> Iterator[tuple[str, Claim]]:
        """The claims whose event is only in the source record, with their document keys."""
        entries = (self.get(key) for key in self._marked(CLAIMED))
        return ((entry.key, entry.claim) for entry in entries if entry.claim is not None)

    def waiting_for(self, blocker: str, after: int = 0) -> Iterator[tuple[int, str]]:
        """The documents that `blocker` releases, in the order in which they were parked or refused.

        Read a page at a time, so that a caller that needs a few of a hundred thousand pays for a few. What changes
        meanwhile may be seen or not.

        Args:
            blocker: The blocker.
            after: The place after which to begin.

        Yields:
            The place and the key of each document.
        """
        page = "SELECT place, key FROM mark WHERE kind = ? AND name = ? AND place > ? ORDER BY place LIMIT ?"
        while rows := self._db.execute(page, (BLOCKED, blocker, after, PAGE)).fetchall():
            yield from rows
            after = rows[-1][0]

    def blockers(self) -> Iterator[str]:
        """All keys that release some document, in alphabetical order.

        Each is one look into the index, however many documents wait for it. What changes meanwhile may be seen or not.
        """
        first = "SELECT min(name) FROM mark WHERE kind = ?"
        blocker = self._db.execute(first, (BLOCKED,)).fetchone()[0]
        while blocker is not None:
            yield blocker
            blocker = self._db.execute(f"{first} AND name > ?", (BLOCKED, blocker)).fetchone()[0]

    def _marked(self, kind: str, name: str = "") -> tuple[str, ...]:
        rows = self._db.execute("SELECT key FROM mark WHERE kind = ? AND name = ? ORDER BY place", (kind, name))
        return tuple(key for (key,) in rows)

    # Changes.

    def apply(self, changes: Iterable[LedgerRecord], checkpoint: int | None = None) -> None:
        """Store committed records of the topic, in their order, all or none.

        Args:
            changes: The records.
            checkpoint: The offset up to which the store is then complete. None leaves the checkpoint.

        Raises:
            LedgerUnreadableError: A record is not one of ours. Nothing was stored.
        """
        newest: dict[str, LedgerRecord] = {}
        for change in changes:
            newest.pop(change.key, None)  # a key takes the position of its last record
            newest[change.key] = change
        documents = [_read(change) for change in newest.values() if not change.key.startswith(INTERNAL)]
        internal = [change for change in newest.values() if change.key.startswith(INTERNAL)]
        marks = [(change.key, *mark) for change in documents for mark in _index_rows(change.entry)]
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("DELETE FROM mark WHERE key = ?", ((change.key,) for change in documents))
                self._db.executemany(UPSERT, ((change.key, change.value) for change in documents))
                self._db.executemany("INSERT INTO mark (key, kind, name) VALUES (?, ?, ?)", marks)
                self._db.executemany("DELETE FROM internal WHERE name = ?", ((change.key,) for change in internal))
                kept = ((change.key, change.offset, change.value) for change in internal if change.value is not None)
                self._db.executemany(UPSERT_INTERNAL, kept)
                if checkpoint is not None:
                    self._db.execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", (checkpoint,))
        except sqlite3.Error:
            self.discard()  # the store is behind what is committed: it must not be used again
            raise
        for change in documents:
            self._recent.pop(change.key, None)
            if change.entry is not None:
                self._remember(change.entry)

    def put(self, entry: DocumentState) -> None:
        """Store one entry that is durable in the topic."""
        self.apply([LedgerRecord(entry.key, encode(entry), entry)])

    def drop(self, key: str) -> None:
        """Delete the entry of a document whose record was deleted from the topic."""
        self.apply([LedgerRecord(key, None)])

    # Closing.

    def clear(self) -> None:
        """Delete everything: the store is of another topic than it seemed."""
        self._recent.clear()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table in ("entry", "mark", "internal", "checkpoint"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - four names from the line above

    def close(self) -> None:
        """Close the file. No method may be called afterwards."""
        self._db.close()

    def discard(self) -> None:
        """Close the store and delete its file."""
        self.close()
        if self._file is not None:
            delete(self._file)

    def _expect_tables(self) -> None:
        layout = self._number("PRAGMA user_version")
        if not layout and not self._number("SELECT count(*) FROM sqlite_master"):
            self._db.executescript(TABLES)
        elif layout != LAYOUT:
            raise ValueError(f"the layout is {layout}, this version's is {LAYOUT}")
        self._db.execute("SELECT at FROM checkpoint").fetchone()

    def _remember(self, entry: DocumentState) -> None:
        if entry.parked is not None:
            return  # a parked event may be large
        self._recent[entry.key] = entry
        if len(self._recent) > CACHED:
            self._recent.popitem(last=False)

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def _read(change: LedgerRecord) -> LedgerRecord:
    """Decode the entry of a change, if an index needs anything of it."""
    if change.entry is not None or change.value is None or needs_no_index(change.value):
        return change
    return change._replace(entry=decode(change.key, change.value))


def _index_rows(entry: DocumentState | None) -> Iterator[tuple[str, str]]:
    """The index rows of an entry: kind and name."""
    if entry is None:
        return
    if entry.claim is not None:
        yield (CLAIMED if entry.parked is None else DOUBTED), ""
    if entry.parked is None or entry.last is None:
        return
    if entry.last.code is not None:
        yield CODED, entry.last.code
    for blocker in dict.fromkeys(entry.released_by):
        yield BLOCKED, blocker


def delete(file: Path) -> None:
    """Delete a store's file, and the files that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
