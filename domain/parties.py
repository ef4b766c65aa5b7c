"""Which record in Sage Intacct a customer or vendor is (requirements 36 to 39 and 41; C2 to C4).

An External Accounting ID that is set is used as it is, and no name is ever tried. Without one the names are tried in
their order; a name matches if it is the same but for case and white space at the ends. One active record must match,
not the first of several.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.categories import fold
from domain.codes import Code
from domain.documents import PartyRef
from domain.outcomes import Rejected


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """A customer or vendor as Sage Intacct lists it."""

    id: str
    name: str
    active: bool = True


class PartyIndex:
    """The customers, or the vendors, of one company, by name. Each look-up is one step a name."""

    def __init__(self, records: Iterable[PartyRecord]) -> None:
        self._active: dict[str, list[str]] = {}
        self._inactive: dict[str, list[str]] = {}
        for record in records:
            ids = (self._active if record.active else self._inactive).setdefault(fold(record.name), [])
            if record.id not in ids:
                ids.append(record.id)

    def match(self, ref: PartyRef) -> str | Rejected:
        """The record's id in Sage; else `PARTY_UNNAMED`, `PARTY_AMBIGUOUS` or `PARTY_NOT_FOUND`."""
        if ref.external_id and ref.external_id.strip():
            return ref.external_id
        names = [name for name in ref.names if name.strip()]
        if not names:
            return Rejected(Code.PARTY_UNNAMED, f"the event names no {ref.kind}")
        for name in names:
            ids = self._active.get(fold(name), [])
            if len(ids) > 1:
                return Rejected(Code.PARTY_AMBIGUOUS, f"{ref.kind} {name!r} is {', '.join(sorted(ids))}")
            if ids:
                return ids[0]
        inactive = sorted({one for name in names for one in self._inactive.get(fold(name), [])})
        tried = " or ".join(map(repr, names))
        hint = f"; inactive: {', '.join(inactive)}" if inactive else ""
        return Rejected(Code.PARTY_NOT_FOUND, f"no active {ref.kind} is called {tried}{hint}")


def match(ref: PartyRef, directory: Iterable[PartyRecord]) -> str | Rejected:
    """As `PartyIndex.match`, for a single look-up."""
    return PartyIndex(directory).match(ref)
