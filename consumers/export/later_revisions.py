"""The newest revision of each document whose earlier one is in doubt, kept in the ledger. Promises 1 and 4.

A doubt takes minutes, or waits for a person, and a later revision has to wait behind it (docs/decisions/0090). If its
source record stayed open meanwhile, the committed offset of the partition would stand still, and the retention of the
source topic could take the record. So its event is kept in an internal record of the ledger beside the document's
state, and its source record ends. Only the newest such event is kept: those between are superseded.
"""

import base64
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from consumers.export.ledger.codec import LedgerUnreadableError
from consumers.export.ledger.store import LedgerStore
from consumers.export.protocol.document_state import INTERNAL
from consumers.export.work_item import WorkItem

PREFIX = f"{INTERNAL}later/"
"""Prefix of the internal records' names. The document key follows."""


class KeptEvent(NamedTuple):
    """An event that the ledger keeps, and the place of its source record."""

    event: bytes
    offset: int
    timestamp: int


def encode(kept_event: KeptEvent) -> bytes:
    """Encode a kept event as the value of an internal record."""
    event = base64.b64encode(kept_event.event).decode()
    return orjson.dumps({"schema": 1, "offset": kept_event.offset, "timestamp": kept_event.timestamp, "event": event})


def decode(value: bytes) -> KeptEvent:
    """Decode the value of an internal record.

    Raises:
        LedgerUnreadableError: A later version wrote it. Without it, an event would be lost.
    """
    record = orjson.loads(value)
    if record["schema"] != 1:
        raise LedgerUnreadableError(f"an event kept behind a doubt has schema {record['schema']}, not 1")
    return KeptEvent(base64.b64decode(record["event"]), record["offset"], record["timestamp"])


def kept(work: WorkItem) -> tuple[str, bytes]:
    """Build the internal record, name and value, that keeps a work item's event.

    Raises:
        ValueError: The work item has no event.
    """
    if work.value is None:
        raise ValueError(f"of {work.key} no event is known")
    return PREFIX + work.key, encode(KeptEvent(work.value, work.source.offset, work.source.timestamp))


def no_longer(key: str) -> tuple[str, None]:
    """Build the internal record that deletes the kept event of a document, once the document's state says more."""
    return PREFIX + key, None


def all_kept(ledger: LedgerStore) -> Iterator[KeptEvent]:
    """The kept events of all documents. Raises LedgerUnreadableError if a later version wrote one."""
    return map(decode, ledger.internals(PREFIX))
