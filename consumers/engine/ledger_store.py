"""The worker's copy of one ledger partition: an SQLite database that is a cache of the topic, with a checkpoint.

1. It holds what is committed in the topic before the checkpoint, and nothing that is not: changes come in after their
   Kafka transaction was committed, and the checkpoint moves in the same SQLite transaction.
2. It may be behind the topic, after a crash or a loss of power; whoever opens it reads on from the checkpoint.
3. It may be deleted at any time, or found to be broken or another's: then it is built anew from the topic.
4. One process has it at a time, by SQLite's own lock, which ends with the process; another one takes the next number.
5. Memory is bounded whatever the number of documents: SQLite's pages, and the entries used last.

docs/decisions/0015-the-ledgers-local-store.md says why it is so.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from consumers.engine.ledger import INTERNAL, SCHEMA, Claim, Entry, can_rest, decode, encode

LAYOUT = 1_000 * 2 + SCHEMA
"""Of tables and records. To be raised with either, and with what `_marks` says: the table `mark` keeps it."""
CACHED = 2_000
"""Decoded entries kept: more than the documents that are in work at a time (`Knobs.window`)."""
PAGES_KIB = 4_096
"""SQLite's own cache."""
BLOCKED, CODED, DOUBTED, CLAIMED = "blocked", "coded", "doubted", "claimed"
"""What entries are found by: keys that release them, the code they ended with, a claim with or without their event."""
MEMORY, TEMPORARY = ":memory:", ""
"""SQLite's names for a database that is nowhere else, and for one on disk that ends with its connection."""

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


class Change(NamedTuple):
    """A record of the ledger topic that is committed there."""

    key: str
    value: bytes | None
    """None: the record deletes its key."""
    entry: Entry | None = None
    """The value decoded, where somebody has it at hand."""
    offset: int | None = None


class Ledger:
    """The entries of one source partition, by document key, and which of them wait for what.

    Any method may raise `sqlite3.Error`, when the disk fails or is full. The file is gone by then: whoever opens the
    partition next builds it anew.
    """

    def __init__(self, where: Path | str = TEMPORARY) -> None:
        """Open or make it.

        Raises:
            sqlite3.Error: it cannot be opened, made or locked, or is not a database.
            ValueError: it is of another layout.
        """
        self._file = where if isinstance(where, Path) else None
        self._recent: OrderedDict[str, Entry] = OrderedDict()
        # Closed by hand when opening fails: the lock would stay until the garbage is collected.
        self._db = sqlite3.connect(where, timeout=0, isolation_level=None)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a loss of power takes the newest, never the whole
            self._db.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
            self._expect_tables()
        except BaseException:
            self._db.close()
            raise

    def __len__(self) -> int:
        """How many documents are known."""
        # Rows are never deleted, so ids have no holes; counting them all would read the whole file.
        return self._number("SELECT coalesce(max(id), 0) - (SELECT count(*) FROM entry WHERE value IS NULL) FROM entry")

    @property
    def cached(self) -> int:
        """How many entries are in memory."""
        return len(self._recent)

    @property
    def checkpoint(self) -> int | None:
        """The offset of the topic to read on from; None before anything was read."""
        row = self._db.execute("SELECT at FROM checkpoint").fetchone()
        return int(row[0]) if row else None

    # What is known.

    def get(self, key: str) -> Entry:
        """The document's entry; a new one if it was never seen.

        Raises:
            ValueError, KeyError, TypeError: the record is not one of ours; posting without it could post twice.
        """
        if (known := self._recent.get(key)) is not None:
            self._recent.move_to_end(key)
            return known
        try:
            row = self._db.execute("SELECT value FROM entry WHERE key = ?", (key,)).fetchone()
            if row is None or row[0] is None:
                return Entry(key)
            entry = decode(key, row[0])
        except (sqlite3.Error, ValueError, KeyError, TypeError):
            self.discard()  # if the disk did that, the topic knows better
            raise
        self._remember(entry)
        return entry

    def known(self) -> Iterator[str]:
        """The keys of all documents that are known."""
        for (key,) in self._db.execute("SELECT key FROM entry WHERE value IS NOT NULL"):
            yield key

    def internal(self, name: str) -> bytes | None:
        """A record of the engine's own; None if it was never written."""
        row = self._db.execute("SELECT value FROM internal WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def internal_offset(self, name: str) -> int | None:
        """Where in the topic that record is; None if it was never written."""
        row = self._db.execute("SELECT at FROM internal WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def blocked_by(self, blocker: str) -> tuple[str, ...]:
        """The keys of the documents that `blocker` releases, in the order they came to wait or were refused."""
        return self._marked(BLOCKED, blocker)

    def coded(self, code: str) -> tuple[str, ...]:
        """The keys of the documents that are not done with and ended with `code`."""
        return self._marked(CODED, code)

    def in_doubt(self) -> Iterator[Entry]:
        """Documents whose call may or may not have been executed, and whose event is kept here."""
        return (self.get(key) for key in self._marked(DOUBTED))

    def claims_without_event(self) -> Iterator[tuple[str, Claim]]:
        """Claims whose event only the source record holds, by document key."""
        entries = (self.get(key) for key in self._marked(CLAIMED))
        return ((entry.key, entry.claim) for entry in entries if entry.claim is not None)

    def blocked(self) -> tuple[str, ...]:
        """The keys of all documents that some key releases, in the order they came to wait or were refused."""
        ordered = "SELECT key FROM mark WHERE kind = ? GROUP BY key ORDER BY min(place)"
        return tuple(key for (key,) in self._db.execute(ordered, (BLOCKED,)))

    def blockers(self) -> tuple[str, ...]:
        """Every key that releases some document."""
        ordered = "SELECT name FROM mark WHERE kind = ? GROUP BY name ORDER BY min(place)"
        return tuple(blocker for (blocker,) in self._db.execute(ordered, (BLOCKED,)))

    def _marked(self, kind: str, name: str = "") -> tuple[str, ...]:
        rows = self._db.execute("SELECT key FROM mark WHERE kind = ? AND name = ? ORDER BY place", (kind, name))
        return tuple(key for (key,) in rows)

    # What becomes known.

    def apply(self, changes: Iterable[Change], checkpoint: int | None = None) -> None:
        """Take over records that are committed in the topic, in their order, all or none.

        Args:
            changes: The records.
            checkpoint: The offset before which nothing of the topic is missing here any more; None leaves it.

        Raises:
            LedgerUnreadableError: a record is not one of ours; nothing was taken over.
        """
        newest: dict[str, Change] = {}
        for change in changes:
            newest.pop(change.key, None)  # its place is that of its last record
            newest[change.key] = change
        documents = [_read(change) for change in newest.values() if not change.key.startswith(INTERNAL)]
        internal = [change for change in newest.values() if change.key.startswith(INTERNAL)]
        marks = [(change.key, *mark) for change in documents for mark in _marks(change.entry)]
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
            self.discard()  # it is behind what is committed; nobody may ask it again
            raise
        for change in documents:
            self._recent.pop(change.key, None)
            if change.entry is not None:
                self._remember(change.entry)

    def put(self, entry: Entry) -> None:
        """Take over an entry that is durable in the topic."""
        self.apply([Change(entry.key, encode(entry), entry)])

    def drop(self, key: str) -> None:
        """Forget a document: its record was deleted from the topic."""
        self.apply([Change(key, None)])

    # Its end.

    def clear(self) -> None:
        """Forget everything: it is of another topic than it seemed."""
        self._recent.clear()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table in ("entry", "mark", "internal", "checkpoint"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - four names from the line above

    def close(self) -> None:
        """Let go of the file. Nothing may be asked afterwards."""
        self._db.close()

    def discard(self) -> None:
        """Close it, and delete its file."""
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

    def _remember(self, entry: Entry) -> None:
        if entry.parked is not None:
            return  # an event may be large
        self._recent[entry.key] = entry
        if len(self._recent) > CACHED:
            self._recent.popitem(last=False)

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def _read(change: Change) -> Change:
    """The change with its entry decoded, if an index has something to know of it."""
    if change.entry is not None or change.value is None or can_rest(change.value):
        return change
    return change._replace(entry=decode(change.key, change.value))


def _marks(entry: Entry | None) -> Iterator[tuple[str, str]]:
    """What the entry can be found by, besides its key."""
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
    """Delete a store's file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
