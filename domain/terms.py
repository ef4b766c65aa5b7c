"""Which payment term a document carries, and when it is due (alvys.md 2.5; the issue's point 6). Pure.

The profile's days are asked of Sage Intacct as `Net N`. A term that Sage does not have is never left out in silence:
the fallback of the connection is used and told, and without one the document is refused.

No days on the profile: the connection's default; without one no term is sent and the due date stays as it was read.
Zero days are due on the day itself, which is no term of the shape `Net N` in most companies: sent as `Net 0` where Sage
has that, else without a term, and never by a fallback, which would put the payment off.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.categories import fold
from domain.codes import Code
from domain.outcomes import Rejected

_NET = re.compile(r"net (\d{1,4})")


@dataclass(frozen=True, slots=True)
class AskedTerms:
    """What the event says: the profile's days, and whether it gives the due date itself."""

    days: int | None = None
    due_given: bool = True


@dataclass(frozen=True, slots=True)
class TermRules:
    """The connection's terms, by their names in Sage."""

    default: str | None = None
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class SageTerm:
    """A term that Sage has and that is active."""

    name: str
    days: int | None
    """Days after the document's date; None where Sage gives no plain number."""


@dataclass(frozen=True, slots=True)
class TermUse:
    """The term a document carries: what was asked for and what is used, both by name."""

    asked: str
    used: str
    days: int | None
    """Days after the document's date, where they are known."""
    fallback: bool = False


DATE_GIVEN = AskedTerms()
"""The event gives the due date and names no days."""
NO_TERMS = TermRules()
"""A connection that names no terms."""
TermList = Mapping[str, SageTerm]
"""The active terms of one side, by folded name."""


def listed(terms: Iterable[SageTerm]) -> TermList:
    """Terms as `choose` looks them up."""
    return {fold(term.name): term for term in terms}


def wanted(asked: AskedTerms, rules: TermRules) -> str | None:
    """The name of the term to ask Sage for; None: none is sent."""
    return f"Net {asked.days}" if asked.days is not None else rules.default


def choose(asked: AskedTerms, rules: TermRules, known: TermList) -> TermUse | Rejected | None:
    """The term to send, None for none; `TERM_NOT_FOUND` where Sage has neither the term nor the fallback.

    A term without plain days is refused where the due date hangs on it.
    """
    name = wanted(asked, rules)
    if name is None:
        return None
    if asked.days == 0 and fold(name) not in known:
        return None
    for candidate in dict.fromkeys((name, rules.fallback)):
        found = known.get(fold(candidate)) if candidate else None
        if found is None:
            continue
        days = found.days if found.days is not None else _named_days(found.name)
        if days is None and not asked.due_given:
            return Rejected(Code.TERM_NOT_FOUND, f"the term {found.name!r} has no plain number of days in Sage Intacct")
        return TermUse(name, found.name, days, fallback=candidate != name)
    others = f", nor the fallback {rules.fallback!r}" if rules.fallback else "; no fallback is set"
    return Rejected(Code.TERM_NOT_FOUND, f"Sage Intacct has no active term {name!r}{others}")


def due(asked: AskedTerms, use: TermUse | None, day: date, as_read: date) -> date:
    """When the document is due: as the event says, else by the days of the term that is used."""
    if asked.due_given or use is None or use.days is None:
        return as_read
    return day + timedelta(days=use.days)


def _named_days(name: str) -> int | None:
    found = _NET.fullmatch(fold(name))
    return int(found[1]) if found else None
