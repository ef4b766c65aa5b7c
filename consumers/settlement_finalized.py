"""`settlement-finalized`: driver and carrier statements and carrier bills, booked as AP bills (requirement 3)."""

from domain.events import EventKind
from domain.translation import ParsedRecord
from domain.translation import parse_record as read

TOPIC = "settlement-finalized"
"""The topic's default name; the settings may give another."""


def receive(value: bytes | None) -> ParsedRecord:
    """Read one record of this topic.

    Raises:
        ContractError: The record breaks the contract; the worker writes it to the dead letters.
    """
    return read(EventKind.SETTLEMENT, value)
