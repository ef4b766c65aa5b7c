"""What a generated event is, and what an independent reader of the rules expects to become of it.

Nothing here is taken from the service: accounts, totals and codes are the generator's own, so that the demonstration,
the tests and the benches hold the service against something it did not compute itself.
"""

from dataclasses import dataclass
from enum import StrEnum

INVOICES = "invoice-created"
SETTLEMENTS = "settlement-finalized"
FUEL = "fuel-transaction"
TOLLS = "toll-transaction"
TOPICS = (INVOICES, SETTLEMENTS, FUEL, TOLLS)
"""Upstream's source topics, without a prefix."""
GROUPED = "roadside-bill"
"""The source topic that `alvys-sage consolidate-bills` writes."""


class ExpectedOutcome(StrEnum):
    """How a record ends, in the words of the results topic; `DEAD` is a dead letter."""

    POSTED = "posted"
    ALREADY_POSTED = "already_posted"
    REVERSED = "reversed"
    """What stood is reversed; the record is posted in its place right after."""
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One line as it is to stand in Sage. `item` is empty for the category's own account."""

    category: str
    item: str
    cents: int


@dataclass(frozen=True, slots=True)
class Booking:
    """A document as it is to stand in Sage, once."""

    subsidiary: str
    company: str
    sage_object: str
    """ARINVOICE or APBILL."""
    number: str
    party: str
    """The id of the customer or vendor in Sage."""
    lines: tuple[BookedLine, ...]

    @property
    def side(self) -> str:
        """The side of the account mappings."""
        return "ar" if self.sage_object == "ARINVOICE" else "ap"

    @property
    def cents(self) -> int:
        """The total; the documents of this generator add up unless they are meant not to."""
        return sum(line.cents for line in self.lines)


@dataclass(frozen=True, slots=True)
class Expectation:
    """`booking` is what is to stand in Sage: at once for `POSTED`, once its setting arrives for `DEFERRED`."""

    outcome: ExpectedOutcome
    code: str | None = None
    booking: Booking | None = None

    def __str__(self) -> str:
        return f"{self.outcome}:{self.code}" if self.code else str(self.outcome)


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a source topic. `story` says in words what is special about it."""

    topic: str
    key: bytes | None
    value: bytes | None
    expectation: Expectation
    story: str
