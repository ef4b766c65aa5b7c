"""Which fields a company's Sage has. Subscriptions and permissions decide, so no list holds for every company.

1. Before an object is read for the first time, `lookup` lists its fields: one request for a company, a user and an
   object, kept for `KEPT`. Where `lookup` is not allowed, every field counts as listed.
2. A query selects the fields that it needs, and of its optional ones those that are listed.
3. Where Sage refuses a query for names, exactly those names are left out and the query is sent again. They are
   remembered as long as the list is, so they cost one refusal and not one a query; and the list is renewed.
4. A field that is needed, or compared by a filter, is never left out: `FieldMissingError`.

Money stays right without a column. One that `lookup` does not list holds nothing: the company has no such field. One
that is listed and refused may hold something that nobody can read. No other column stands in for it, since the amount
in the base currency need not be the document's, and the sum of the rows then lacks what it holds. The document's own
balance has it, and the reconciliation of payments tells it as a difference.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import getLogger

from lxml import etree

from sage_client._text import escape
from sage_client.errors import SageError
from sage_client.login import Login
from sage_client.query import Known

log = getLogger("sage_client")

KEPT = timedelta(days=1)
"""How long a list is kept: what a subscription adds later is selected within that time."""
FRESH = timedelta(minutes=1)
"""A list that is younger is not renewed when a query is refused."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
"""`…: [OBJECT: [FIELD, FIELD] ]` and `…: OBJECT: [FIELD, FIELD]`."""
_ENDING = re.compile(r";\s*([A-Za-z][\w.]*)\s*$")
"""`…; FIELD`, the older form. The support id behind the name was taken off before."""
_INVALID_LIST = re.compile(r"invalid fields list\W*(.*)", re.IGNORECASE | re.DOTALL)
"""`Invalid fields list FIELD`."""
_NAME = re.compile(r"[A-Za-z][\w.]*\b")
_ABOUT_FIELDS = ("check that the fields exist", "invalid fields list")


def lookup(object_name: str) -> str:
    """The function that describes an object."""
    return f"<lookup><object>{escape(object_name)}</object></lookup>"


def listed(data: etree._Element | None) -> frozenset[str] | None:
    """The names in the answer of `lookup`, in upper case; None if there are none: then the answer describes nothing."""
    if data is None:
        return None
    return frozenset((each.findtext("ID") or "").strip().upper() for each in data.iter("Field")) - {""} or None


def refused_names(error: SageError, asked: Iterable[str]) -> frozenset[str]:
    """The names that a refusal gives, in upper case; of all its words only names that were asked for count."""
    found: set[str] = set()
    for each in error.errors:
        for words in (each.errorno, each.description, each.description2, each.correction):
            parts = [*_BRACKETS.findall(words), *_ENDING.findall(words), *_INVALID_LIST.findall(words)]
            found.update(name.upper() for part in parts for name in _NAME.findall(part))
    return frozenset(found & {name.upper() for name in asked})


def about_fields(error: SageError) -> bool:
    """Whether a refusal is about fields, though it may give no names."""
    return any(words in f"{each.errorno} {each.text}".lower() for each in error.errors for words in _ABOUT_FIELDS)


@dataclass(slots=True)
class _Kept:
    known: Known
    at: datetime


@dataclass(slots=True)
class CompanyFields:
    """What is known of the fields of one company's objects, as one user sees them."""

    company_id: str
    clock: Callable[[], datetime]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while `lookup` is asked, so that many readers ask it once."""
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def of(self, object_name: str) -> Known:
        """What is known of an object's fields; nothing is left out where it was never asked about."""
        kept = self._kept.get(object_name)
        return kept.known if kept is not None else Known()

    def missing(self, objects: Iterable[str], oldest: timedelta = KEPT) -> list[str]:
        """Those of the objects whose list is older, or was never asked for."""
        now = self.clock()
        return [
            name
            for name in dict.fromkeys(objects)
            if (kept := self._kept.get(name)) is None or not now - oldest < kept.at <= now
        ]

    def learn(self, object_name: str, names: frozenset[str] | None) -> None:
        """Keep what `lookup` listed; None: it does not describe the object to this user."""
        self._kept[object_name] = _Kept(Known(names), self.clock())

    def leave_out(self, object_name: str, names: Collection[str]) -> None:
        """Remember names that a query was refused for."""
        known = self.of(object_name)
        kept = self._kept.setdefault(object_name, _Kept(known, self.clock()))
        kept.known = Known(known.listed, known.refused | frozenset(names))
        log.warning(
            "sage refused fields, they are left out: company=%s object=%s fields=%s",
            self.company_id, object_name, ", ".join(sorted(names)),
        )  # fmt: skip


class Fields:
    """What is known of all companies' fields."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._companies: dict[tuple[str, str], CompanyFields] = {}

    def of(self, login: Login) -> CompanyFields:
        """What is known of a company as this login's user sees it, in whatever entity."""
        place = (login.company_id, login.user_id)
        if (found := self._companies.get(place)) is None:
            found = self._companies[place] = CompanyFields(login.company_id, self._clock)
        return found
