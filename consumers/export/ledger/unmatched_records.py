"""Records in Sage that carry our marker, and of whose document nothing else is left: no event, no result. Pure.

The marker is a hash of the document key, so it does not tell the key, and not the partition either. So a ledger that is
restored from Sage holds these records by marker, in every partition. If an event of such a document ever comes, the
ledger knows by the marker of its key that the document is in Sage, and a person decides. Nothing is posted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import orjson
from pydantic import TypeAdapter

from consumers.export.ledger.codec import LedgerUnreadableError
from consumers.export.protocol.document_state import INTERNAL, REVISION_UNKNOWN, DocumentState, Posted
from domain.documents import Connection, SageObject
from domain.idempotency import marker
from domain.stored_records import StoredRecordError, read_stored

PREFIX = f"{INTERNAL}in-sage/"
"""Prefix of the internal records that hold them."""
_DIGITS = slice(len("alvys:"), len("alvys:") + 3)
"""The digits of a marker that name its record: 4,096 records at most, of some 250 entries for a million documents."""


@dataclass(frozen=True, slots=True)
class UnmatchedRecord:
    """The Sage record that stands for a marker: the newest one that is not reversed, else the newest."""

    marker: str
    connection: Connection
    sage_object: SageObject
    record_no: str
    number: str
    party_id: str


@dataclass(frozen=True, slots=True)
class _Shard:
    schema: Literal[1]
    connections: list[Connection]
    records: dict[str, tuple[int, SageObject, str, str, str]]
    """By marker: place of the connection in the list, object, record number, document number, party."""


_STORED = TypeAdapter(_Shard)


def encode(records: Iterable[UnmatchedRecord]) -> Iterator[tuple[str, bytes]]:
    """Encode the records, which are in the order of their markers, as internal records of a ledger: name and value."""
    for name, members in groupby(records, lambda each: _name(each.marker)):
        connections: dict[Connection, int] = {}
        rows = {
            each.marker: (
                connections.setdefault(each.connection, len(connections)),
                *(each.sage_object, each.record_no, each.number, each.party_id),
            )
            for each in members
        }
        yield name, orjson.dumps(_Shard(1, list(connections), rows))


def decode(name: str, value: bytes) -> list[UnmatchedRecord]:
    """Decode an internal record.

    Raises:
        LedgerUnreadableError: The record is not one of ours. Ignoring it could post a document twice.
    """
    try:
        shard = read_stored(_STORED, value)
    except StoredRecordError as error:
        raise LedgerUnreadableError(f"ledger record {name} {error}") from error
    return [
        UnmatchedRecord(mark, shard.connections[at], kind, record_no, number, party_id)
        for mark, (at, kind, record_no, number, party_id) in shard.records.items()
    ]


def state_of(key: str, internal: Callable[[str], bytes | None]) -> DocumentState:
    """The state of a document of which the ledger has no entry: in Sage with unknown content, or new.

    Args:
        key: The document key.
        internal: Finds the value of an internal record of the ledger.

    Raises:
        LedgerUnreadableError: The record is not one of ours. Ignoring it could post a document twice.
    """
    mark = marker(key)
    if (value := internal(_name(mark))) is None:
        return DocumentState(key)
    for each in decode(_name(mark), value):
        if each.marker == mark:
            rest = each.connection, each.sage_object, each.number, each.party_id
            return DocumentState(key, posted=Posted(REVISION_UNKNOWN, each.record_no, "", *rest))
    return DocumentState(key)


def _name(mark: str) -> str:
    return f"{PREFIX}{mark[_DIGITS]}"
