"""The fields that a company's Sage has. They depend on subscriptions and permissions and differ between companies.

1. Before an object is read for the first time, `lookup` lists its fields: one request for each company, user and
   object. The list is kept for `KEPT`. If `lookup` is not allowed, every field counts as listed.
2. A query selects the fields that it needs, and those of its optional fields that are listed.
3. If Sage refuses a query and names fields, exactly these fields are left out and the query is sent again. They are
   remembered as long as the list, so they cost one refusal and not one for each query. The list is also renewed.
4. A field that is needed, or compared by a filter, is never left out; without it the query fails
   (`FieldMissingError`).

A missing column does not make amounts wrong. A column that `lookup` does not list is empty, because the company has no
such field. A column that is listed but refused may hold an amount that cannot be read. It is not replaced by another
column, because the amount in the base currency may differ from the document's amount; the sum of the rows then lacks
it. The balance of the document includes it, and the reconciliation of payments publishes it as a difference.
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
from sage_client.query import KnownFields

log = getLogger("sage_client")

KEPT = timedelta(days=1)
"""Time for which a list is kept. Fields of a new subscription are selected after this time at the latest."""
FRESH = timedelta(minutes=1)
"""Age up to which a list is not renewed when a query is refused."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
"""`…: [OBJECT: [FIELD, FIELD] ]` and `…: OBJECT: [FIELD, FIELD]`."""
_ENDING = re.compile(r";\s*([A-Za-z][\w.]*)\s*$")
"""`…; FIELD`, the older form. The support id after the name was removed before."""
_INVALID_LIST = re.compile(r"invalid fields list\W*(.*)", re.IGNORECASE | re.DOTALL)
"""`Invalid fields list FIELD`."""
_NAME = re.compile(r"[A-Za-z][\w.]*\b")
_ABOUT_FIELDS = ("check that the fields exist", "invalid fields list")


def lookup(object_name: str) -> str:
    """Render the function `lookup`, which describes an object."""
    return f"<lookup><object>{escape(object_name)}</object></lookup>"


def listed(data: etree._Element | None) -> frozenset[str] | None:
    """Read the field names from the answer of `lookup`, in upper case; None if the answer describes no fields."""
    if data is None:
        return None
    return frozenset((each.findtext("ID") or "").strip().upper() for each in data.iter("Field")) - {""} or None


def refused_names(error: SageError, asked: Iterable[str]) -> frozenset[str]:
    """Find the field names in a refusal, in upper case. Only words that are names of selected fields count."""
    found: set[str] = set()
    for each in error.errors:
        for words in (each.errorno, each.description, each.description2, each.correction):
            parts = [*_BRACKETS.findall(words), *_ENDING.findall(words), *_INVALID_LIST.findall(words)]
            found.update(name.upper() for part in parts for name in _NAME.findall(part))
    return frozenset(found & {name.upper() for name in asked})


def about_fields(error: SageError) -> bool:
    """Whether a refusal is about fields, even if it does not name any."""
    return any(words in f"{each.errorno} {each.text}".lower() for each in error.errors for words in _ABOUT_FIELDS)


@dataclass(slots=True)
class _CachedFields:
    known: KnownFields
    at: datetime


@dataclass(slots=True)
class CompanyFields:
    """The known fields of one company's objects, as one user sees them."""

    company_id: str
    clock: Callable[[], datetime]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """The lock held during `lookup`, so that concurrent readers send only one request."""
    _kept: dict[str, _CachedFields] = field(default_factory=dict)

    def of(self, object_name: str) -> KnownFields:
        """The known fields of an object. For an object that was never looked up, every field counts as listed."""
        kept = self._kept.get(object_name)
        return kept.known if kept is not None else KnownFields()

    def missing(self, objects: Iterable[str], oldest: timedelta = KEPT) -> list[str]:
        """List the objects whose field list is older than `oldest`, or was never read."""
        now = self.clock()
        return [
            name
            for name in dict.fromkeys(objects)
            if (kept := self._kept.get(name)) is None or not now - oldest < kept.at <= now
        ]

    def learn(self, object_name: str, names: frozenset[str] | None) -> None:
        """Store the field names that `lookup` listed; None: it does not describe the object to this user."""
        self._kept[object_name] = _CachedFields(KnownFields(names), self.clock())

    def leave_out(self, object_name: str, names: Collection[str]) -> None:
        """Remember fields for which a query was refused, so that they are left out from now on."""
        known = self.of(object_name)
        kept = self._kept.setdefault(object_name, _CachedFields(known, self.clock()))
        kept.known = KnownFields(known.listed, known.refused | frozenset(names))
        log.warning(
            "sage refused fields, they are left out: company=%s object=%s fields=%s",
            self.company_id, object_name, ", ".join(sorted(names)),
        )  # fmt: skip


class Fields:
    """The known fields of all companies."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._companies: dict[tuple[str, str], CompanyFields] = {}

    def of(self, login: Login) -> CompanyFields:
        """The known fields of the login's company, as its user sees them; the same for every entity."""
        place = (login.company_id, login.user_id)
        if (found := self._companies.get(place)) is None:
            found = self._companies[place] = CompanyFields(login.company_id, self._clock)
        return found
