"""How a document can end, and the values a pure step answers with when it is not a document.

The vocabulary is the contract's (docs/contract.md): a result carries exactly one `Outcome`.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.codes import Code


class Outcome(StrEnum):
    """What became of a document."""

    POSTED = "posted"
    ALREADY_POSTED = "already_posted"
    UPDATED = "updated"
    REVERSED = "reversed"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Policy says that this document is not exported."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The document waits for `blocked_by`, mapping-state keys; it exports by itself when they arrive."""

    code: Code
    detail: str
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person has to act; the code's cause and fix say how."""

    code: Code
    detail: str
    """What exactly, in this document: names, amounts, keys. Never a secret."""
    blocked_by: tuple[str, ...] = ()
    """Mapping-state keys that caused it; it is looked at again when one of them changes."""
