"""`fuel-transaction`: fuel-card rows, booked as AP bills of the card's vendor; what a driver is charged is skipped."""

from domain.events import EventKind
from domain.reading import Received
from domain.reading import receive as read

TOPIC = "fuel-transaction"
"""The topic's name unless the settings give another."""


def receive(value: bytes | None) -> Received:
    """Read one record of this topic.

    Raises:
        ContractError: the bytes break the contract; they go to the dead letters.
    """
    return read(EventKind.FUEL, value)
