"""Custom fields of Sage Intacct: the objects that have them and the types that are supported (requirements 42-44)."""

from enum import StrEnum


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
