"""The SQLite database of the simulator: one table per object, one transaction per request.

All work happens on the event loop's thread, so there is one writer and no locking, and requests are executed in the
order of their arrival. Every row belongs to a company. Record numbers are counted per company and object, and none is
used twice, not even after a delete.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from simulator.catalogue import STANDARD, USER_DEFINED_TABLE, user_defined
from simulator.fields import Value

_OWN_COLUMNS = "COMPANY TEXT NOT NULL, OBJECT_NAME TEXT, CUSTOM TEXT, CONTROL_ID TEXT, EXTERNAL_KEY TEXT"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS company (id TEXT PRIMARY KEY, name TEXT NOT NULL, config TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sender (id TEXT PRIMARY KEY, password TEXT NOT NULL, active INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS authorised_sender (company TEXT, sender TEXT, PRIMARY KEY (company, sender));
CREATE TABLE IF NOT EXISTS user_account
  (company TEXT, id TEXT, password TEXT NOT NULL, denied TEXT NOT NULL, active INTEGER NOT NULL,
   PRIMARY KEY (company, id));
CREATE TABLE IF NOT EXISTS session
  (id TEXT PRIMARY KEY, company TEXT NOT NULL, user TEXT NOT NULL, entity TEXT NOT NULL, expires TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS control_id
  (company TEXT, id TEXT, function TEXT NOT NULL, completed TEXT NOT NULL, PRIMARY KEY (company, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sequence (company TEXT, object TEXT, value INTEGER NOT NULL, PRIMARY KEY (company, object));
"""
_INDEXES = {
    "ARINVOICE": ("RECORDID", "CUSTOMERID", "WHENMODIFIED"),
    "APBILL": ("RECORDID", "VENDORID", "WHENMODIFIED"),
    "ARADJUSTMENT": ("RECORDID", "CUSTOMERID", "WHENMODIFIED"),
    "APADJUSTMENT": ("RECORDID", "VENDORID", "WHENMODIFIED"),
    "ARINVOICEITEM": ("RECORDKEY",),
    "APBILLITEM": ("RECORDKEY",),
    "ARADJUSTMENTITEM": ("RECORDKEY",),
    "APADJUSTMENTITEM": ("RECORDKEY",),
    "ARPYMTDETAIL": ("RECORDKEY", "PAYMENTKEY", "WHENMODIFIED"),
    "APPYMTDETAIL": ("RECORDKEY", "PAYMENTKEY", "WHENMODIFIED"),
    "CUSTOMER": ("NAME",),
    "VENDOR": ("NAME",),
    USER_DEFINED_TABLE: ("OBJECT_NAME",),
}

_WHOLE = {"money", "integer", "boolean"}
"""Kinds of values that are stored as integers."""

Row = sqlite3.Row
Parameters = Sequence[Value] | Mapping[str, Value]


class Database:
    """A connection to the database, with the schema created. The path may be `:memory:`."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("FOLD", 1, _fold, deterministic=True)
        self._connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA case_sensitive_like=ON;"
        )
        self._connection.executescript(_SCHEMA + "".join(_tables()))
        self._depth = 0

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self._connection.close()

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """Run one statement with bound values."""
        return self._connection.execute(sql, parameters)

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Run one statement and return its first row; None if there is none."""
        row: Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement and return all its rows."""
        return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Make the `with` block atomic: a transaction at the outermost level, a savepoint inside another block."""
        name = f"level{self._depth}"
        self.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            self.execute(f"ROLLBACK TO {name}" if self._depth else "ROLLBACK")
            if self._depth:
                self.execute(f"RELEASE {name}")
            raise
        self._depth -= 1
        self.execute(f"RELEASE {name}" if self._depth else "COMMIT")

    def next_number(self, company: str, sequence: str, count: int = 1) -> int:
        """Reserve `count` numbers of a company's sequence, and return the last of them."""
        row = self.one(
            "INSERT INTO sequence VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value",
            (company, sequence, count),
        )
        return int(row["value"]) if row else 0

    def insert(self, table: str, company: str, values: Mapping[str, Value]) -> int:
        """Add a record; returns its record number."""
        return self.insert_all(table, company, [values])

    def insert_all(self, table: str, company: str, rows: Sequence[Mapping[str, Value]]) -> int:
        """Add records that have the same columns; returns the last record number."""
        last = self.next_number(company, table, len(rows))
        first = last - len(rows) + 1
        columns = ", ".join(f'"{column}"' for column in rows[0])
        marks = ", ".join("?" * (len(rows[0]) + 2))
        self._connection.executemany(
            f'INSERT INTO "{table}" (COMPANY, RECORDNO, {columns}) VALUES ({marks})',  # noqa: S608 -- names come from the catalogue, values are bound
            [(company, first + position, *row.values()) for position, row in enumerate(rows)],
        )
        return last

    def update(self, table: str, company: str, number: int, values: Mapping[str, Value]) -> None:
        """Change columns of a record."""
        changes = ", ".join(f'"{column}" = ?' for column in values)
        statement = f'UPDATE "{table}" SET {changes} WHERE COMPANY = ? AND RECORDNO = ?'  # noqa: S608 -- as in insert
        self.execute(statement, (*values.values(), company, number))

    def delete(self, table: str, company: str, number: int, column: str = "RECORDNO") -> None:
        """Delete the record of a number, or, with another column, all records whose column has that number."""
        self.execute(f'DELETE FROM "{table}" WHERE COMPANY = ? AND "{column}" = ?', (company, number))  # noqa: S608 -- as in insert

    def find(self, table: str, company: str, **criteria: Value) -> list[Row]:
        """Find the records whose columns equal the given values, in the order of their record numbers."""
        conditions = "".join(f' AND "{column}" = ?' for column in criteria)
        statement = f'SELECT * FROM "{table}" WHERE COMPANY = ?{conditions} ORDER BY RECORDNO'  # noqa: S608 -- as in insert
        return self.all(statement, (company, *criteria.values()))


def _fold(text: object) -> str | None:
    return None if text is None else str(text).casefold()


def _tables() -> Iterator[str]:
    for object_type in [*STANDARD.values(), user_defined("")]:
        table = object_type.table
        columns = {column: "INTEGER" if kind in _WHOLE else "TEXT" for column, kind in object_type.columns.items()}
        columns.pop("RECORDNO", None)
        columns["MEGAENTITYID"] = "TEXT NOT NULL DEFAULT ''"
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        yield (
            f'CREATE TABLE IF NOT EXISTS "{table}" (RECORDNO INTEGER NOT NULL, {_OWN_COLUMNS}, {listed},'
            " PRIMARY KEY (COMPANY, RECORDNO));\n"
        )
        for column in {object_type.natural_column, *_INDEXES.get(table, ())} - {"RECORDNO"}:
            yield f'CREATE INDEX IF NOT EXISTS "{table}_{column}" ON "{table}" (COMPANY, "{column}");\n'
