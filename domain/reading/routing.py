"""Whose books a document belongs in: the event's own subsidiary, and what Invoice As or Tender As says beside it.

An invoice belongs to Invoice As, a carrier's bill to Tender As, a driver's bill to the driver's subsidiary, and the
event names that one by its id. Where it repeats it, by id or by name, the two have to agree: neither wins.
"""

from domain.categories import fold
from domain.codes import Code
from domain.events.invoice import Subsidiary
from domain.reading.refusal import Refusal


def agree(own: Subsidiary, field: str, said: str | None) -> None:
    """Hold `said` (Invoice As or Tender As) against the subsidiary it has to be.

    A name can only be held against a name: where the event gives the subsidiary's id alone, the id stands.

    Raises:
        Refusal: `ROUTING_CONTRADICTS`.
    """
    if not said or said == own.id or not own.name or fold(said) == fold(own.name):
        return
    raise Refusal(Code.ROUTING_CONTRADICTS, f"the subsidiary is {own.name!r} ({own.id}), {field} says {said!r}")


def apart(own: Subsidiary, other: Subsidiary) -> None:
    """No subsidiary bills itself.

    Raises:
        Refusal: `ROUTING_CONTRADICTS`.
    """
    if own.id == other.id:
        raise Refusal(Code.ROUTING_CONTRADICTS, f"subsidiary {own.id} would bill itself")
