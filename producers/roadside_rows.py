"""The records of the internal topic `roadside-bill.rows`: the lines of consolidated bills for fuel and tolls.

The key is the document key of the fuel or toll transaction. The value holds the transaction and the bill that it is a
line of. A later record replaces it, perhaps in another bill; a tombstone removes it. The worker writes each record in
the Kafka transaction of the transaction's own result, so the two always agree. `alvys-sage group-bills` adds a record
for each bill that it sent.
"""

from dataclasses import dataclass
from datetime import date

import orjson

from domain.documents import SourceDocument
from domain.events import FuelTransactionCreated, TollTransactionCreated
from domain.translation.consolidated import group_of

SCHEMA = 1


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
    """One line of a consolidated bill, as JSON in the form of `roadside.day.closed`."""

    key: str
    bill: Bill
    row: dict[str, object]


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
    data = event.data.model_dump(by_alias=True, exclude_none=True)
    money = event.data.fuel.total if isinstance(event, FuelTransactionCreated) else event.data.toll.amount
    bill = {
        "key": group_of(row),
        "bill_type": "FuelDay" if isinstance(event, FuelTransactionCreated) else "TollDay",
        "subsidiary_id": row.subsidiary_id,
        "provider": row.party.provider,
        "date": row.date,
        "currency": money.currency,
    }
    return orjson.dumps({"schema": SCHEMA, "bill": bill, "row": {"timestamp": event.timestamp} | data}, default=str)


def decode(key: str, value: bytes) -> BillableEvent:
    """Decode a record.

    Args:
        key: The key of the record.
        value: The value of the record; not a tombstone.

    Raises:
        RowUnreadableError: This version did not write the record and cannot read it.
    """
    try:
        body = orjson.loads(value)
        if body["schema"] != SCHEMA:
            raise RowUnreadableError(f"row {key!r} has schema {body['schema']!r}; this version reads {SCHEMA}")
        return BillableEvent(key, bill_of(body["bill"]), dict(body["row"]))
    except (ValueError, LookupError, TypeError) as error:
        raise RowUnreadableError(f"row {key!r} is not one of ours: {error}") from error


def bill_of(body: dict[str, object]) -> Bill:
    """Decode the bill of a record.

    Raises:
        TypeError, ValueError, KeyError: The object is not a bill.
    """
    return Bill(**body | {"date": date.fromisoformat(str(body["date"]))})  # type: ignore[arg-type]  # a wrong body raises TypeError
