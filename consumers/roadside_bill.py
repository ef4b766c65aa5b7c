"""`roadside-bill`: a provider's fuel or tolls of a day, booked as one AP bill; made by `alvys-sage group-bills`."""

from domain.events import EventKind
from domain.reading import Received
from domain.reading import receive as read

TOPIC = "roadside-bill"
"""The topic's name unless the settings give another."""


def receive(value: bytes | None) -> Received:
    """Read one record of this topic.

    Raises:
        ContractError: the bytes break the contract; they go to the dead letters.
    """
    return read(EventKind.ROADSIDE_DAY, value)
