"""The records of the internal topic `roadside-bill.rows`: the lines of consolidated bills for fuel and tolls.

The key is the document key of the fuel or toll transaction. The value holds the transaction and the bill that it is a
line of. A later record replaces it, perhaps in another bill; a tombstone removes it. The worker writes each record in
the Kafka transaction of the transaction's own result, so the two always agree. `alvys-sage consolidate-bills` adds a
record for each bill that it sent.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import orjson
from pydantic import TypeAdapter

from domain.documents import SourceDocument
from domain.events import FuelTransactionCreated, TollTransactionCreated
from domain.stored_records import StoredRecordError, read_stored, strict_part
from domain.translation.consolidated import group_of

SCHEMA: Literal[1] = 1


@strict_part
@dataclass(frozen=True, slots=True)
class Bill:
    """The identity of a consolidated bill, which all its lines share."""

    key: str
    """The document key of the bill."""
    bill_type: str
    """The kind of the bill: FuelDay or TollDay."""
    subsidiary_id: str
    provider: str
    date: date
    currency: int | None


@dataclass(frozen=True, slots=True)
class BillableEvent:
    """One line of a consolidated bill, as JSON in the form of `daily.bill.closed`."""

    key: str
    bill: Bill
    row: dict[str, object]


@dataclass(frozen=True, slots=True)
class _StoredLine:
    """The value of a record."""

    schema: Literal[1]
    bill: Bill
    row: dict[str, object]


_STORED = TypeAdapter(_StoredLine)


class RowUnreadableError(ValueError):
    """Error for a record that this version cannot read: another program or a later version wrote it.

    The record may not be skipped, because a bill without the line would be too small.
    """


def encode(row: SourceDocument, event: FuelTransactionCreated | TollTransactionCreated) -> bytes:
    """Encode a record value: the fields of the event that are read, with amounts as text.

    Args:
        row: The source document made from the event.
        event: The event of the fuel or toll transaction.
    """
    is_fuel = isinstance(event, FuelTransactionCreated)
    money = event.data.fuel.total if isinstance(event, FuelTransactionCreated) else event.data.toll.amount
    provider, kind = row.party.provider or "", "FuelDay" if is_fuel else "TollDay"
    bill = Bill(group_of(row), kind, row.subsidiary_id, provider, row.date, money.currency)
    data = event.data.model_dump(by_alias=True, exclude_none=True)
    return orjson.dumps(_StoredLine(SCHEMA, bill, {"timestamp": event.timestamp} | data), default=str)


def decode(key: str, value: bytes) -> BillableEvent:
    """Decode a record.

    Args:
        key: The key of the record.
        value: The value of the record; not a tombstone.

    Raises:
        RowUnreadableError: This version did not write the record and cannot read it.
    """
    try:
        stored = read_stored(_STORED, value)
    except StoredRecordError as error:
        raise RowUnreadableError(f"row {key!r} {error}") from error
    return BillableEvent(key, stored.bill, stored.row)
