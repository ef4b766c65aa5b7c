"""Conversion of values by the kind of their field: how they are stored, shown in answers, and parsed from requests.

Source: Sage developer documentation, web-services/queries; official clients for the formats. Money is stored as integer
cents, dates as ISO text that sorts. Answers and requests use `MM/DD/YYYY` and `MM/DD/YYYY HH:MM:SS`. An ISO date in a
filter is refused, as integrators report (DL02000001). Time stamps are in UTC unless a company's configuration sets
another zone; the zone of Sage's own time stamps is not documented.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

Kind = Literal["text", "integer", "money", "date", "timestamp", "boolean", "status", "state", "enum"]
Value = str | int | None

# `query` shows the label, `readByQuery` the code. The codes of paid documents are not documented: `A` (posted) is shown
# for them, so that no client depends on an invented code. `V`, for a reversed document and for the transaction that
# reverses it, is documented for AP payments and assumed here.
STATE_CODES = {
    "Draft": "D",
    "Submitted": "S",
    "Partially Approved": "PA",
    "Declined": "U",
    "Posted": "A",
    "Partially Paid": "A",
    "Paid": "A",
    "Selected": "A",
    "Closed": "A",
    "Reversed": "V",
    "Reversal": "V",
}

_CENT = Decimal("0.01")
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_LARGEST = Decimal(10) ** 14


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object: its name in requests, its kind, and the column that stores it (None: always empty).

    `data_type`, `values` and `read_only` are what `lookup` reports for the field.
    """

    name: str
    kind: Kind = "text"
    column: str | None = None
    custom: bool = False
    required: bool = False
    data_type: str = "TEXT"
    values: tuple[str, ...] = ()
    read_only: bool = False


def cents(text: str) -> int:
    """Parse an amount into integer cents, rounded to two decimals as Sage documents; ValueError if it is no number."""
    if not _AMOUNT.fullmatch(text.strip()):
        raise ValueError(f"'{text}' is not an amount")
    amount = Decimal(text.strip())
    if abs(amount) > _LARGEST:
        raise ValueError(f"'{text}' is too large")
    return int(amount.quantize(_CENT, ROUND_HALF_UP) * 100)


def decimal_text(amount: int) -> str:
    """Format cents as a decimal text with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def iso_date(text: str) -> str:
    """Convert a date `MM/DD/YYYY` to ISO; ValueError for another form."""
    return datetime.strptime(text.strip(), "%m/%d/%Y").replace(tzinfo=UTC).date().isoformat()


def iso_stamp(text: str) -> str:
    """Convert `MM/DD/YYYY HH:MM:SS` or `MM/DD/YYYY` to an ISO time stamp; ValueError for another form."""
    form = "%m/%d/%Y %H:%M:%S" if " " in text.strip() else "%m/%d/%Y"
    return stamp(datetime.strptime(text.strip(), form).replace(tzinfo=UTC))


def stamp(moment: datetime) -> str:
    """Format a moment for storing: in UTC, to whole seconds, which is Sage's resolution."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def shown(kind: Kind, value: Value) -> str:
    """Format a stored value for an answer. Amounts lose trailing zeros: clients must compare numbers, not text."""
    if value is None:
        return ""
    if kind == "money":
        text = decimal_text(int(value))
        return text.rstrip("0").rstrip(".")
    if kind == "date":
        return date.fromisoformat(str(value)).strftime("%m/%d/%Y")
    if kind == "timestamp":
        return datetime.fromisoformat(str(value)).strftime("%m/%d/%Y %H:%M:%S")
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)


def understood(kind: Kind, text: str) -> Value:
    """Parse the text of a filter into a stored value to compare with; ValueError if it does not fit the kind."""
    if kind == "money":
        return cents(text)
    if kind == "integer":
        return int(text)
    if kind == "date":
        return iso_date(text)
    if kind == "timestamp":
        return iso_stamp(text)
    if kind == "boolean":
        if text.strip().lower() not in {"true", "false", "t", "f"}:
            raise ValueError(f"'{text}' is not a boolean")
        return int(text.strip().lower() in {"true", "t"})
    return text


def written(kind: Kind, text: str) -> Value:
    """Parse the text of a create or update into the value to store; an empty text gives None, to clear the field."""
    try:
        return understood(kind, text) if text else None
    except InvalidOperation as error:
        raise ValueError(str(error)) from error
