"""The payment term of a document, and its due date (docs/decisions/0028). Pure.

The days of the profile are looked up in Sage Intacct as the term `Net N`. A term that Sage does not have is never left
out silently: the fallback of the connection is used and reported in the result, and without a fallback the document is
refused. Alvys retries with `Net 30` (article "Sage Intacct: Transaction Export and Modification").

If the profile has no days, the default term of the connection is used; without one, no term is sent and the due date
stays as it was read. Zero days mean due on the same day, for which most companies have no term. They are sent as
`Net 0` if Sage has that term, else without a term, and never with the fallback, which would delay the payment.
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
class RequestedTerms:
    """The terms that the event asks for: the days of the profile, and whether the event gives the due date itself."""

    days: int | None = None
    due_given: bool = True


@dataclass(frozen=True, slots=True)
class TermRules:
    """The default term and the fallback term of a connection, by their names in Sage."""

    default: str | None = None
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class SageTerm:
    """An active payment term of Sage."""

    name: str
    days: int | None
    """Days after the date of the document; None if Sage does not give a plain number."""


@dataclass(frozen=True, slots=True)
class ChosenTerm:
    """The payment term of a document: the term that was asked for and the term that is used, both by name."""

    asked: str
    used: str
    days: int | None
    """Days after the date of the document; None if they are not known."""
    fallback: bool = False


DATE_GIVEN = RequestedTerms()
"""The event gives the due date and names no days."""
NO_TERMS = TermRules()
"""A connection that names no terms."""
TermList = Mapping[str, SageTerm]
"""The active terms of one side, by folded name."""


def by_name(terms: Iterable[SageTerm]) -> TermList:
    """Index terms by folded name, for `choose_term`."""
    return {fold(term.name): term for term in terms}


def term_name(asked: RequestedTerms, rules: TermRules) -> str | None:
    """The name of the wanted term: `Net N` for the days of the profile, else the default; None: no term is sent."""
    return f"Net {asked.days}" if asked.days is not None else rules.default


def choose_term(asked: RequestedTerms, rules: TermRules, known: TermList) -> ChosenTerm | Rejected | None:
    """Choose the payment term to send.

    Args:
        asked: The terms that the event asks for.
        rules: The terms of the connection.
        known: The active terms of Sage (`by_name`).

    Returns:
        The term; None if no term is sent; a `Rejected` with `TERM_NOT_FOUND` if Sage has neither the wanted term nor
        the fallback, or if the due date depends on the days of a term that has no plain number of days.
    """
    name = term_name(asked, rules)
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
        return ChosenTerm(name, found.name, days, fallback=candidate != name)
    others = f", nor the fallback {rules.fallback!r}" if rules.fallback else "; no fallback is set"
    return Rejected(Code.TERM_NOT_FOUND, f"Sage Intacct has no active term {name!r}{others}")


def due(asked: RequestedTerms, use: ChosenTerm | None, day: date, as_read: date) -> date:
    """Compute the due date of a document: as the event gives it, else by the days of the term that is used.

    Args:
        asked: The terms that the event asks for.
        use: The chosen term; None if no term is sent.
        day: The date of the document.
        as_read: The due date as it was read from the event. It stays if the event gives it, or no term has days.
    """
    if asked.due_given or use is None or use.days is None:
        return as_read
    return day + timedelta(days=use.days)


def _named_days(name: str) -> int | None:
    found = _NET.fullmatch(fold(name))
    return int(found[1]) if found else None
