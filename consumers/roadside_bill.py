"""`roadside-bill`: consolidated bills, a provider's fuel or tolls of a day. `alvys-sage group-bills` writes them."""

from domain.events import EventKind
from domain.translation import ParsedRecord
from domain.translation import parse_record as read

TOPIC = "roadside-bill"
"""The topic's default name; the settings may give another."""


def receive(value: bytes | None) -> ParsedRecord:
    """Read one record of this topic.

    Raises:
        ContractError: The record breaks the contract; the worker writes it to the dead letters.
    """
    return read(EventKind.ROADSIDE_DAY, value)
