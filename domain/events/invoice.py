"""`invoice.created`: a customer invoice, over one load or many."""

from typing import Self

from pydantic import Field, model_validator

from domain.events.envelope import Envelope
from domain.events.fields import (
    CalendarDate,
    Id,
    Instant,
    LooseAddress,
    LooseTexts,
    Money,
    TermDays,
    Text,
    Wire,
)
from domain.events.load_and_trip import Load, Trip

INTERCOMPANY = "Intercompany"
"""The `invoice.type` of an invoice from one subsidiary to another (cross-subsidiary billing)."""


class Mapping(Wire):
    """The category and item of a line as the producer states them; they precede those of `line_categories`."""

    category: Text
    item: Text | None = None


class Subsidiary(Wire):
    """The subsidiary in whose books the document belongs: Invoice As of an invoice, Tender As of a carrier bill."""

    id: Id
    name: Text | None = None


class Intercompany(Wire):
    """The other subsidiary of a cross-subsidiary document: the one that is billed, or the one that bills."""

    subsidiary: Subsidiary


class InvoiceLine(Wire):
    """One charge. `category` is Load, Accessorial, E-Check or Deduction; `name` is the type of the charge."""

    category: Text
    name: Text
    load_number: Text | None = None
    amount: Money
    mapping: Mapping | None = None


class Invoice(Wire):
    """The invoice itself. Status and payments are not read, because they change without a change of the document."""

    id: Id
    number: Text
    kind: Text | None = Field(default=None, alias="type")
    """The type of the invoice. Only `Intercompany` makes a difference."""
    created_date: Instant
    invoiced_date: CalendarDate | None = None
    due_date: CalendarDate | None = None
    total: Money
    line_items: list[InvoiceLine]


class Customer(Wire):
    """The customer who is billed."""

    id: Text | None = None
    name: Text | None = None
    external_accounting_id: Text | None = None
    external_accounting_name: Text | None = None
    payment_terms_in_days: TermDays | None = None
    billing_address: LooseAddress = None
    invoicing_address: LooseAddress = None
    """The address for invoices. If it is missing, the billing address is used."""
    email_addresses: LooseTexts = ()
    phone_numbers: LooseTexts = ()


class InvoiceData(Wire):
    """The `data` of `invoice.created`."""

    subsidiary: Subsidiary
    invoice: Invoice
    customer: Customer
    loads: list[Load] | None = None
    intercompany: Intercompany | None = None
    trips: list[Trip] | None = None

    @model_validator(mode="after")
    def _names_the_other_side(self) -> Self:
        if (self.invoice.kind == INTERCOMPANY) is not (self.intercompany is not None):
            raise ValueError(f"intercompany: has to be there with invoice.type {INTERCOMPANY}, and only then")
        return self


class InvoiceCreated(Envelope):
    """An invoice was generated in Alvys."""

    data: InvoiceData
