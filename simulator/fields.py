"""How a value is kept, shown and understood, by the kind of its field.

Source: Sage developer documentation, web-services/queries; official clients for the formats. Money is kept as integer
cents, dates as ISO text that sorts; outside they are `MM/DD/YYYY` and `MM/DD/YYYY HH:MM:SS`. An ISO date in a filter
is refused, as integrators report (DL02000001). Time stamps are UTC unless a company says otherwise: the zone
of Sage's is not documented.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

Kind = Literal["text", "integer", "money", "date", "timestamp", "boolean", "status", "state", "enum"]
Value = str | int | None

# Labels in `query`, codes in `readByQuery`. The codes of paid documents are not documented: `A` (posted) is shown for
# them, so that nobody builds on an invented one. `V` for a reversed document, and for the transaction that reverses it,
# is borrowed from AP payments, where it is documented.
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
    """One field of an object: its name outside, its kind, and the column it is kept in (none: always empty).

    `data_type`, `values` and `read_only` are what `lookup` says of it.
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
    """An amount as integer cents, rounded to two decimals as Sage documents; ValueError where it is no plain number."""
    if not _AMOUNT.fullmatch(text.strip()):
        raise ValueError(f"'{text}' is not an amount")
    amount = Decimal(text.strip())
    if abs(amount) > _LARGEST:
        raise ValueError(f"'{text}' is too large")
    return int(amount.quantize(_CENT, ROUND_HALF_UP) * 100)


def decimal_text(amount: int) -> str:
    """Cents as text with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def iso_date(text: str) -> str:
    """`MM/DD/YYYY` as ISO; ValueError otherwise."""
    return datetime.strptime(text.strip(), "%m/%d/%Y").replace(tzinfo=UTC).date().isoformat()


def iso_stamp(text: str) -> str:
    """`MM/DD/YYYY HH:MM:SS` or `MM/DD/YYYY` as an ISO time stamp; ValueError otherwise."""
    form = "%m/%d/%Y %H:%M:%S" if " " in text.strip() else "%m/%d/%Y"
    return stamp(datetime.strptime(text.strip(), form).replace(tzinfo=UTC))


def stamp(moment: datetime) -> str:
    """A moment as it is kept: UTC, whole seconds, as Sage resolves them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def shown(kind: Kind, value: Value) -> str:
    """A kept value as a response shows it. Amounts lose trailing zeros: clients must read numbers, not compare text."""
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
    """The text of a filter as the kept value it is compared with; ValueError where it does not fit the kind."""
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
    """The text of a create or update as the value to keep; empty text clears the field."""
    try:
        return understood(kind, text) if text else None
    except InvalidOperation as error:
        raise ValueError(str(error)) from error
