"""`invoice-created`: customer invoices, booked as AR invoices (requirement 2)."""

from domain.events import EventKind
from domain.reading import Received
from domain.reading import receive as read

TOPIC = "invoice-created"
"""The topic's name unless the settings give another."""


def receive(value: bytes | None) -> Received:
    """Read one record of this topic.

    Raises:
        ContractError: the bytes break the contract; they go to the dead letters.
    """
    return read(EventKind.INVOICE, value)
