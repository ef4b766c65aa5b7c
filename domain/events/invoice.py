"""`invoice.created`: a customer invoice, over one load or many."""

from domain.events.around import Load, Trip
from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Instant, Money, TermDays, Text, Wire


class Mapping(Wire):
    """What the producer says a line is; it wins over our own rules."""

    category: Text
    item: Text | None = None


class Subsidiary(Wire):
    """The subsidiary that invoices (Invoice As) or tenders (Tender As)."""

    id: Id
    name: Text | None = None


class InvoiceLine(Wire):
    """One charge. `category` is Load, Accessorial or E-Check; `name` the charge's type."""

    category: Text
    name: Text
    load_number: Text | None = None
    amount: Money
    mapping: Mapping | None = None


class Invoice(Wire):
    """The invoice itself. Status and payments are not read: they change without the document changing."""

    id: Id
    number: Text
    created_date: Instant
    invoiced_date: CalendarDate | None = None
    due_date: CalendarDate | None = None
    total: Money
    line_items: list[InvoiceLine]


class Customer(Wire):
    """Who is billed."""

    id: Text | None = None
    name: Text | None = None
    external_accounting_id: Text | None = None
    external_accounting_name: Text | None = None
    payment_terms_in_days: TermDays | None = None


class InvoiceData(Wire):
    """`data` of `invoice.created`."""

    subsidiary: Subsidiary
    invoice: Invoice
    customer: Customer
    loads: list[Load] | None = None
    trips: list[Trip] | None = None


class InvoiceCreated(Envelope):
    """An invoice was generated in Alvys."""

    data: InvoiceData
