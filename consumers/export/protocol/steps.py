"""The next call of a document that has an existing Sage record: read it, change it, or remove it. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from consumers.export.protocol.document_state import Posted


@dataclass(frozen=True, slots=True)
class ReadExisting:
    """Step: read the existing Sage record before anything is done to it."""

    posted: Posted


@dataclass(frozen=True, slots=True)
class Update:
    """Step: change the existing draft so that it has the content of the document."""

    posted: Posted
    lines: int
    """Number of lines that the draft has now."""


@dataclass(frozen=True, slots=True)
class ReverseOrDelete:
    """Step: reverse the existing record, or delete it (a draft, or by setting). The document is exported after that."""

    posted: Posted
    operation: str
    """`ledger.REVERSE` or `ledger.DELETE`."""
    total: Decimal
    """Total of the existing record."""
    on: date
    """Date of the reversal."""


Step = ReadExisting | Update | ReverseOrDelete
"""The correction step to run: read, update or remove the existing record. None in a plan means a plain create."""


@dataclass(frozen=True, slots=True)
class NoLongerPosted:
    """The existing Sage record no longer counts: it was reversed or deleted, or a person accepted its absence."""

    why: str
    """How this is known; published as the detail of the `reversed` result."""
    deleted: bool = False
    """True if the record no longer exists, so that its number is free again."""
    control_id: str | None = None
    """Control id of our call that removed the record. None if no call of ours did."""
