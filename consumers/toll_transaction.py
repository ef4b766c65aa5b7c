"""`toll-transaction`: tolls, booked as AP bills of the provider's vendor; rows deducted from a driver are skipped."""

from domain.events import EventKind
from domain.translation import ParsedRecord
from domain.translation import parse_record as read

TOPIC = "toll-transaction"
"""The topic's default name; the settings may give another."""


def receive(value: bytes | None) -> ParsedRecord:
    """Read one record of this topic.

    Raises:
        ContractError: The record breaks the contract; the worker writes it to the dead letters.
    """
    return read(EventKind.TOLL, value)
