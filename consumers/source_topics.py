"""The source topics, and the type of the events that each of them brings."""

from collections.abc import Mapping

from domain.events import EventKind

SOURCES: Mapping[str, EventKind] = {
    "invoice_created": EventKind.INVOICE,  # customer invoices: AR invoices (requirement 2)
    "settlement_finalized": EventKind.SETTLEMENT,  # statements, carrier and intercompany bills: AP bills
    "fuel_transaction": EventKind.FUEL,  # AP bills of the card provider's vendor, unless deducted from a driver
    "toll_transaction": EventKind.TOLL,  # AP bills of the toll provider's vendor, unless deducted from a driver
    "consolidated_bill": EventKind.DAILY_BILL,  # fuel or tolls of a provider and day, from `consolidate-bills`
}
"""The event type of each source topic, by its name in the settings (`topic_invoice_created` and so on)."""
