"""The envelope of every event: `{id, type, timestamp, version, data}`."""

from enum import StrEnum

from domain.events.fields import Id, Instant, Wire


class EventKind(StrEnum):
    """The event types that this service reads, one source topic each; the value is the envelope's `type`."""

    INVOICE = "invoice.created"
    SETTLEMENT = "settlement.finalized"
    FUEL = "fuel.transaction.created"
    TOLL = "toll.transaction.created"
    DAILY_BILL = "daily.bill.closed"


FORMER_TYPES = {"roadside.day.closed": EventKind.DAILY_BILL}
"""Types that the version before wrote, by the present kind. Topics and ledgers hold events with them."""


class Envelope(Wire):
    """The envelope without type and version, which are checked before the rest is read."""

    id: Id
    timestamp: Instant
    """The time at which the event was emitted, with its UTC offset."""
