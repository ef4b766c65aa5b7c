"""Custom fields of Sage Intacct: the objects that have them and the types that are supported (requirements 42-44)."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from domain.facts import Kind
from domain.own_fields import OWN


class FieldObject(StrEnum):
    """The four objects whose custom fields can be mapped (requirement 42); the value is the slug in mapping-state."""

    AR_INVOICE = "arinvoice"
    AR_INVOICE_ITEM = "arinvoiceitem"
    AP_BILL = "apbill"
    AP_BILL_ITEM = "apbillitem"

    @property
    def object(self) -> str:
        """Sage's object, such as `ARINVOICE`."""
        return self.value.upper()

    @property
    def on_lines(self) -> bool:
        """Whether the field stands on each line."""
        return self in (FieldObject.AR_INVOICE_ITEM, FieldObject.AP_BILL_ITEM)


class FieldType(StrEnum):
    """The five supported types (requirement 43)."""

    DATE = "date"
    CURRENCY = "currency"
    NUMBER = "number"
    TEXT = "text"
    TEXT_AREA = "textarea"


TITLES = {
    FieldType.DATE: "Date",
    FieldType.CURRENCY: "Currency",
    FieldType.NUMBER: "Number",
    FieldType.TEXT: "Text",
    FieldType.TEXT_AREA: "Text Area",
}
"""The types as Alvys names them."""


def is_own(field: str) -> bool:
    """Whether a name is Sage's own, or a user-defined dimension's, and so none of a custom field."""
    return field.upper() in OWN or field.upper().startswith("GLDIM")


FITS: dict[Kind, frozenset[FieldType]] = {
    Kind.TEXT: frozenset({FieldType.TEXT, FieldType.TEXT_AREA}),
    Kind.DATE: frozenset({FieldType.DATE, FieldType.TEXT, FieldType.TEXT_AREA}),
    Kind.NUMBER: frozenset({FieldType.NUMBER, FieldType.CURRENCY, FieldType.TEXT, FieldType.TEXT_AREA}),
    Kind.ANY: frozenset(FieldType),
}
"""Which types take which facts: only what is compatible is offered."""

DATE_FORMATS = {"mm/dd/yyyy": "%m/%d/%Y", "dd/mm/yyyy": "%d/%m/%Y", "yyyy-mm-dd": "%Y-%m-%d"}
"""How a date is written into a text field. A date field takes `mm/dd/yyyy` and nothing else (sage-intacct, 11)."""
SAGE_DATE = "mm/dd/yyyy"

_PLAIN = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,10})?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_US = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_TEXTS = (FieldType.TEXT, FieldType.TEXT_AREA)


def converted(kind: FieldType, source: Kind, values: Sequence[str], date_format: str | None = None) -> str | None:
    """Facts as the text that a field takes; None where they are no value of its type.

    Several values are one text, joined by commas; a date or number field takes one. A text has one line, a text area is
    left as it is. Numbers go exactly as they are: plain decimals, nothing rounded.
    """
    if kind in _TEXTS:
        shown = [_day(value, date_format or SAGE_DATE) or value for value in values] if source is Kind.DATE else values
        text = ", ".join(shown)
        return " ".join(text.split()) if kind is FieldType.TEXT else text
    if len(values) != 1:
        return None
    [value] = values
    if kind is FieldType.DATE:
        return _day(value, SAGE_DATE)
    return value if _PLAIN.fullmatch(value) else None


def _day(text: str, form: str) -> str | None:
    """A date, written `yyyy-mm-dd` or `mm/dd/yyyy`, in a form; None where it is neither."""
    try:
        day = date.fromisoformat(text) if _ISO.fullmatch(text) else _us(text)
    except ValueError:
        return None
    return None if day is None else day.strftime(DATE_FORMATS[form])


def _us(text: str) -> date | None:
    return datetime.strptime(text, DATE_FORMATS[SAGE_DATE]).date() if _US.fullmatch(text) else None  # noqa: DTZ007 - a date has no zone
