"""Custom fields of Sage Intacct: the objects that have them and the types that are supported (requirements 42-44)."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from domain.attributes import AttributeKind
from domain.settings.sage_fields import RESERVED_FIELDS


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
        """Whether the field belongs to each line, not to the document as a whole."""
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
"""The names that Alvys shows for the types."""


def is_reserved(field: str) -> bool:
    """Whether the name belongs to a field of Sage itself or to a user-defined dimension, not to a custom field."""
    return field.upper() in RESERVED_FIELDS or field.upper().startswith("GLDIM")


FITS: dict[AttributeKind, frozenset[FieldType]] = {
    AttributeKind.TEXT: frozenset({FieldType.TEXT, FieldType.TEXT_AREA}),
    AttributeKind.DATE: frozenset({FieldType.DATE, FieldType.TEXT, FieldType.TEXT_AREA}),
    AttributeKind.NUMBER: frozenset({FieldType.NUMBER, FieldType.CURRENCY, FieldType.TEXT, FieldType.TEXT_AREA}),
    AttributeKind.ANY: frozenset(FieldType),
}
"""The field types that accept each kind of fact. Only compatible fields are offered for mapping."""

DATE_FORMATS = {"mm/dd/yyyy": "%m/%d/%Y", "dd/mm/yyyy": "%d/%m/%Y", "yyyy-mm-dd": "%Y-%m-%d"}
"""Formats for a date in a text field.

A date field takes `mm/dd/yyyy` only (Sage developer documentation, accounts-payable/bills).
"""
SAGE_DATE = "mm/dd/yyyy"

_PLAIN = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,10})?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_US = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_TEXTS = (FieldType.TEXT, FieldType.TEXT_AREA)


def converted(
    kind: FieldType, source: AttributeKind, values: Sequence[str], date_format: str | None = None
) -> str | None:
    """Convert the values of a fact to the text that a custom field accepts.

    A text or text area joins several values with commas; a text is put on one line, a text area is left unchanged. A
    date or number field takes exactly one value. A number must be a plain decimal and is sent unchanged, never rounded.

    Args:
        kind: The type of the field.
        source: The kind of the values.
        values: The values of the fact, or the default of the field.
        date_format: A key of `DATE_FORMATS`, for a date in a text field; None means `mm/dd/yyyy`.

    Returns:
        The text; None if the values are not a value of this type.
    """
    if kind in _TEXTS:
        shown = (
            [_day(value, date_format or SAGE_DATE) or value for value in values]
            if source is AttributeKind.DATE
            else values
        )
        text = ", ".join(shown)
        return " ".join(text.split()) if kind is FieldType.TEXT else text
    if len(values) != 1:
        return None
    [value] = values
    if kind is FieldType.DATE:
        return _day(value, SAGE_DATE)
    return value if _PLAIN.fullmatch(value) else None


def _day(text: str, form: str) -> str | None:
    """Rewrite a date given as `yyyy-mm-dd` or `mm/dd/yyyy` in another format; None if the text is neither."""
    try:
        day = date.fromisoformat(text) if _ISO.fullmatch(text) else _us(text)
    except ValueError:
        return None
    return None if day is None else day.strftime(DATE_FORMATS[form])


def _us(text: str) -> date | None:
    return datetime.strptime(text, DATE_FORMATS[SAGE_DATE]).date() if _US.fullmatch(text) else None  # noqa: DTZ007 - a date has no zone
