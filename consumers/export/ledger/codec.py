"""The bytes of a ledger record: a document state as JSON in UTF-8, written and read side by side.

A new field of a part of the state (`Posted`, `Claim` ...) needs no line here if it has a default: earlier records lack
it. A new part needs a line in `_StoredState`, in `encode` and in `decode`. A new name or meaning of a field needs a new
`SCHEMA`, and a reader for the former one.
"""

import base64
from dataclasses import dataclass
from typing import Literal

import orjson
from pydantic import TypeAdapter

from consumers.export.protocol.document_state import (
    Claim,
    Consolidated,
    DocumentState,
    FormerRecord,
    LastOutcome,
    MarkedSynced,
    Posted,
)
from domain.stored_records import StoredRecordError, read_stored

SCHEMA: Literal[1] = 1
"""Version of the record format."""
_HEAD = b'{"schema":%d,' % SCHEMA
"""First bytes of every value of this schema."""


class LedgerUnreadableError(ValueError):
    """A ledger record was written by somebody else, or by a later version. Ignoring it could post a document twice."""


@dataclass(frozen=True, slots=True)
class _StoredState:
    """The value of a record. `encode` leaves empty parts out; the document key is the record's key."""

    schema: Literal[1]
    attempts: int
    posted: Posted | None = None
    claim: Claim | None = None
    last: LastOutcome | None = None
    marked: MarkedSynced | None = None
    grouped: Consolidated | None = None
    retired: tuple[FormerRecord, ...] = ()
    answered: tuple[str, ...] = ()
    renumbered: bool = False
    parked: str | None = None
    """The event in base64, since it may be any bytes."""


_STORED = TypeAdapter(_StoredState)


def encode(entry: DocumentState) -> bytes:
    """Encode an entry as the value of a record; amounts are text."""
    body: dict[str, object] = {"schema": SCHEMA, "attempts": entry.attempts}
    for name in ("posted", "claim", "last", "marked", "grouped"):
        part = getattr(entry, name)
        if part is not None:
            body[name] = part
    if entry.former_records:
        body["retired"] = entry.former_records
    if entry.answered:
        body["answered"] = entry.answered
    if entry.renumbered:
        body["renumbered"] = True
    if entry.parked is not None:
        body["parked"] = base64.b64encode(entry.parked).decode()
    return orjson.dumps(body, default=str)


def decode(key: str, value: bytes) -> DocumentState:
    """Decode the value of a ledger record.

    Raises:
        LedgerUnreadableError: The record is not one of ours. A ledger that cannot be read stops its reader.
    """
    try:
        stored = read_stored(_STORED, value)
        parked = None if stored.parked is None else base64.b64decode(stored.parked)
    except StoredRecordError as error:
        raise LedgerUnreadableError(f"ledger record {key!r} {error}") from error
    except ValueError as error:
        raise LedgerUnreadableError(f"ledger record {key!r} is not one of ours: parked: {error}") from error
    return DocumentState(
        key=key,
        attempts=stored.attempts,
        posted=stored.posted,
        claim=stored.claim,
        last=stored.last,
        parked=parked,
        marked=stored.marked,
        former_records=stored.retired,
        renumbered=stored.renumbered,
        grouped=stored.grouped,
        answered=stored.answered,
    )


def key_of(key: bytes | None) -> str:
    """Decode the key of a ledger record.

    Raises:
        LedgerUnreadableError: The key is not UTF-8, so the record is not one of ours.
    """
    try:
        return (key or b"").decode()
    except UnicodeDecodeError as error:
        raise LedgerUnreadableError(f"a ledger record's key {key!r} is not one of ours") from error


def needs_no_index(value: bytes) -> bool:
    """Whether a record may be stored undecoded: it is of this schema, and no index needs anything of it.

    Only an entry with a parked event waits, or can be selected by its code. Only an entry with a claim is in doubt.
    """
    return value.startswith(_HEAD) and b'"parked":' not in value and b'"claim":' not in value
