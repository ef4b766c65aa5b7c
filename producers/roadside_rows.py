"""The records of the internal topic `roadside-bill.rows`: what the grouped bills of fuel and tolls are made of.

Key: the row's own document key; value: the row, and the bill that it is a line of. A later record of the row replaces
it, in another bill perhaps; a tombstone withdraws it. The worker writes each in the Kafka transaction of the row's own
result, so what a result says of a row is true here. `alvys-sage group-bills` adds a mark for each bill that it sent.
"""

from dataclasses import dataclass
from datetime import date

import orjson

from domain.documents import SourceDocument
from domain.events import FuelTransactionCreated, TollTransactionCreated
from domain.reading.groups import group_of

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Bill:
    """What all rows of one grouped bill share."""

    key: str
    """Its document key."""
    bill_type: str
    """FuelDay or TollDay."""
    subsidiary_id: str
    provider: str
    date: date
    currency: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one bill, as JSON that `roadside.day.closed` takes."""

    key: str
    bill: Bill
    row: dict[str, object]


class RowUnreadableError(ValueError):
    """Somebody else wrote to the topic, or a later version did. A bill without the row would be too small."""


def encode(row: SourceDocument, event: FuelTransactionCreated | TollTransactionCreated) -> bytes:
    """The record's value: only what is read of the event, amounts as text.

    Args:
        row: What the event was read to.
        event: The event.
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


def decode(key: str, value: bytes) -> Row:
    """Read a record back.

    Raises:
        RowUnreadableError: It is not one of ours.
    """
    try:
        body = orjson.loads(value)
        if body["schema"] != SCHEMA:
            raise RowUnreadableError(f"row {key!r} has schema {body['schema']!r}; this version reads {SCHEMA}")
        return Row(key, bill_of(body["bill"]), dict(body["row"]))
    except (ValueError, LookupError, TypeError) as error:
        raise RowUnreadableError(f"row {key!r} is not one of ours: {error}") from error


def bill_of(body: dict[str, object]) -> Bill:
    """A bill as it stands in a record.

    Raises:
        TypeError, ValueError, KeyError: It is none.
    """
    return Bill(**body | {"date": date.fromisoformat(str(body["date"]))})  # type: ignore[arg-type]  # TypeError says so
