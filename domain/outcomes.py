"""Outcomes of a document, and the values that a pure step returns in place of a document.

The words are those of the contract (docs/contract.md). Every result has exactly one `Outcome`.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.codes import Code


class Outcome(StrEnum):
    """The outcome of a document, as its result states it."""

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
    """The document is not exported, because a setting or its own content excludes it."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The document waits for the mapping-state keys in `blocked_by`; when they arrive, it is exported automatically."""

    code: Code
    detail: str
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A person has to act before the document can be exported. The cause and fix of the code say how."""

    code: Code
    detail: str
    """The particulars of this document: names, amounts, keys. Never a secret."""
    blocked_by: tuple[str, ...] = ()
    """The mapping-state keys that caused the refusal. When one of them changes, the document is tried again."""
