"""Checks of the subsidiary in whose books a document belongs, against Invoice As and Tender As of the event.

An invoice belongs to Invoice As, a carrier's bill to Tender As, and a driver's bill to the driver's subsidiary. The
event names that subsidiary by its id. If Invoice As or Tender As repeats it, by id or by name, both have to agree;
neither takes precedence.
"""

from domain.categories import fold
from domain.codes import Code
from domain.events.invoice import Subsidiary
from domain.translation.refusal import Refusal


def agree(own: Subsidiary, field: str, said: str | None) -> None:
    """Check that Invoice As or Tender As names the expected subsidiary.

    If the event gives only the id of the subsidiary, a name cannot be compared, and the id is trusted.

    Args:
        own: The expected subsidiary.
        field: The path of the checked field, for the error text.
        said: The value of the field, an id or a name; None or empty is accepted.

    Raises:
        Refusal: `ROUTING_CONTRADICTS` if the two differ.
    """
    if not said or said == own.id or not own.name or fold(said) == fold(own.name):
        return
    raise Refusal(Code.ROUTING_CONTRADICTS, f"the subsidiary is {own.name!r} ({own.id}), {field} says {said!r}")


def apart(own: Subsidiary, other: Subsidiary) -> None:
    """Check that the two subsidiaries of an intercompany document differ: none can bill itself.

    Raises:
        Refusal: `ROUTING_CONTRADICTS` if they are the same.
    """
    if own.id == other.id:
        raise Refusal(Code.ROUTING_CONTRADICTS, f"subsidiary {own.id} would bill itself")
