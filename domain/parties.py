"""Which record in Sage Intacct a customer or vendor is (requirements 35 to 41; C1 to C4).

=  =======================================  =========================================================================
1  External Accounting ID                   the record of that id, active: else refused; nothing else is ever tried
2  the id that this service would give it   where parties are made: what was made before is found again, by its id
3  MC or USDOT number, of carriers          where the connection links by it: exactly one active vendor has it
4  names, in their order                    where names are tried: case and outer white space aside, exactly one active
=  =======================================  =========================================================================

One active record must match, not the first of several. An inactive one is an answer of its own: another record of the
same number or name may be whom somebody stopped doing business with.
"""

import re
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from domain.categories import Side, fold
from domain.codes import Code
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind
from domain.keys import ConnectionKey
from domain.outcomes import Deferred, Rejected
from domain.profiles import USUAL_RULES, PartyRules, Profile
from domain.settings import ConnectionSetting

_CARRIERS = {SourceKind.CARRIER_STATEMENT, SourceKind.CARRIER_BILL}
_SEPARATOR = "\x1f"
_DIGITS = 15
_SAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,19}")
"""What Sage takes as a new CUSTOMERID or VENDORID for certain: at most 20 letters, digits, blanks and dashes."""
_BEFORE_NUMBER = {"mc": re.compile(r"mc"), "dot": re.compile(r"(us)?dot")}


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """A customer or vendor as Sage Intacct lists it."""

    id: str
    name: str
    active: bool = True
    number: str = ""
    """What the field holds that links carriers, where one is set up."""
    details: Mapping[str, str] | None = field(default=None, repr=False)
    """Its other fields by Sage's names, where they were asked for."""


class PartyIndex:
    """The customers, or the vendors, of one company, as far as they are known. Each look-up is one step a name."""

    def __init__(self, records: Iterable[PartyRecord] = (), link: str | None = None) -> None:
        self._link = link
        self.replace(records)

    def replace(self, records: Iterable[PartyRecord]) -> None:
        """Forget everything, and learn these."""
        self._records: dict[str, PartyRecord] = {}
        self._names: dict[str, set[str]] = {}
        self._numbers: dict[str, set[str]] = {}
        for record in records:
            self.put(record)

    def get(self, party_id: str) -> PartyRecord | None:
        """The record of an id, if it is known."""
        return self._records.get(party_id)

    def put(self, record: PartyRecord) -> None:
        """Learn a record, in place of what was known of its id."""
        self.drop(record.id)
        self._records[record.id] = record
        self._names.setdefault(fold(record.name), set()).add(record.id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers.setdefault(number, set()).add(record.id)

    def drop(self, party_id: str) -> None:
        """Sage does not have it, or not any more."""
        record = self._records.pop(party_id, None)
        if record is None:
            return
        self._names[fold(record.name)].discard(party_id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers[number].discard(party_id)

    def match(
        self,
        ref: PartyRef,
        rules: PartyRules = USUAL_RULES,
        profile: Profile | None = None,
        own_id: str | None = None,
    ) -> str | Rejected:
        """The record's id in Sage; else `PARTY_UNNAMED`, `PARTY_AMBIGUOUS`, `PARTY_INACTIVE` or `PARTY_NOT_FOUND`.

        Args:
            ref: The party as the event names it.
            rules: What the connection says about parties.
            profile: What Alvys knows of it; gives a carrier's numbers.
            own_id: The id that this service would give it in Sage, where it makes parties.
        """
        if ref.external_id and ref.external_id.strip():
            return self._by_id(ref, ref.external_id)
        if own_id is not None and self.get(own_id) is not None:
            return self._by_id(ref, own_id)
        number = link_number(rules, profile)
        if number and (ids := self._numbers.get(number)):
            return self._only(ref, ids, f"the {(rules.link or '').upper()} number {number!r}")
        return self._by_name(ref, rules, number)

    def _by_id(self, ref: PartyRef, party_id: str) -> str | Rejected:
        record = self.get(party_id)
        if record is None:
            return Rejected(Code.PARTY_NOT_FOUND, f"Sage Intacct has no {ref.kind} {party_id!r}")
        if not record.active:
            return Rejected(Code.PARTY_INACTIVE, f"{ref.kind} {party_id!r} is inactive")
        return party_id

    def _by_name(self, ref: PartyRef, rules: PartyRules, number: str) -> str | Rejected:
        names = [name for name in ref.names if name.strip()]
        if not names and not number:
            return Rejected(Code.PARTY_UNNAMED, f"the event names no {ref.kind}")
        if not rules.by_name:
            without = f"no {ref.kind} has its {(rules.link or '').upper()} number" if number else "no id is set"
            return Rejected(Code.PARTY_NOT_FOUND, f"{without}, and names are not tried")
        inactive: set[str] = set()
        for name in names:
            ids = self._names.get(fold(name), set())
            if any(self._records[one].active for one in ids):
                return self._only(ref, ids, repr(name))
            inactive |= ids
        tried = " or ".join(map(repr, names)) or f"the {(rules.link or '').upper()} number {number!r}"
        if inactive:
            return Rejected(
                Code.PARTY_INACTIVE, f"no active {ref.kind} is called {tried}; inactive: {', '.join(sorted(inactive))}"
            )
        return Rejected(Code.PARTY_NOT_FOUND, f"no active {ref.kind} is called {tried}")

    def _only(self, ref: PartyRef, ids: set[str], what: str) -> str | Rejected:
        """The one active record of several with one name or number."""
        active = sorted(one for one in ids if self._records[one].active)
        if len(active) > 1:
            return Rejected(Code.PARTY_AMBIGUOUS, f"{ref.kind} {what} is {', '.join(active)}")
        if not active:
            return Rejected(Code.PARTY_INACTIVE, f"{ref.kind} {what} is inactive: {', '.join(sorted(ids))}")
        return active[0]


def match(ref: PartyRef, directory: Iterable[PartyRecord]) -> str | Rejected:
    """As `PartyIndex.match`, for a single look-up."""
    return PartyIndex(directory).match(ref)


def plain_number(link: str, number: str) -> str:
    """An MC or USDOT number without its prefix, blanks, dashes and case: `MC-123456` and `123456` are one."""
    plain = re.sub(r"[\s#.:-]+", "", number.casefold())
    return _BEFORE_NUMBER[link].sub("", plain, count=1) if _BEFORE_NUMBER[link].match(plain) else plain


def link_number(rules: PartyRules, profile: Profile | None) -> str:
    """The carrier's number that links it to a vendor; empty where none does."""
    if profile is None or rules.link is None or rules.link_field is None:
        return ""
    return plain_number(rules.link, profile.mc_number if rules.link == "mc" else profile.dot_number)


def derived_id(kind: PartyKind, entity_id: str | None, alvys_id: str) -> str:
    """The id that this service gives a party in Sage: the same for ever, so that it is made once.

    By entity, since what is made in one entity's session is not seen in another's.
    """
    parts = (kind, entity_id or "", alvys_id)
    digest = b32encode(sha256(_SEPARATOR.join(parts).encode()).digest()).decode()
    return f"ALV{kind[0].upper()}-{digest[:_DIGITS]}"


def own_id(source: SourceDocument, entity_id: str | None) -> str | None:
    """The derived id of a document's party, where its event brings no id of its own."""
    if source.party.external_id or source.profile is None or not source.profile.alvys_id:
        return None
    return derived_id(source.party.kind, entity_id, source.profile.alvys_id)


def alvys_party(source: SourceDocument) -> str:
    """Alvys's own id of a document's party; empty where the event does not give it."""
    return (source.profile.alvys_id or "") if source.profile is not None else ""


def new_id(ref: PartyRef, profile: Profile | None, own: str | None) -> str | Rejected:
    """The id under which the party is to be made; `PARTY_NOT_FOUND` where it cannot be."""
    lacks = "it is not made"
    if profile is None or not profile.name:
        return Rejected(Code.PARTY_NOT_FOUND, f"{lacks}: the event gives no name of the {ref.kind}")
    if ref.external_id:
        return ref.external_id
    return own or Rejected(Code.PARTY_NOT_FOUND, f"{lacks}: the event gives no id of the {ref.kind}")


def creatable(party_id: str) -> bool:
    """Whether Sage takes this as a new id for certain. One that it would cut could be made twice."""
    return _SAGE_ID.fullmatch(party_id) is not None


def rules_of(setting: ConnectionSetting, side: Side) -> PartyRules:
    """What the connection says about the parties of one side."""
    if side is Side.AR:
        ar = setting.ar
        return PartyRules(by_name=ar.name_matching, create=ar.create_customers, update=ar.update_customers)
    ap = setting.ap
    return PartyRules(
        by_name=ap.name_matching,
        link=None if ap.link_carriers_by == "external-id" else ap.link_carriers_by,
        link_field=ap.carrier_number_field,
        create=ap.create_vendors,
        update=ap.update_vendors,
        factoring_as=ap.factoring_as,
    )


def unlinked(source: SourceDocument, setting: ConnectionSetting) -> Deferred | None:
    """Why a carrier cannot be looked for: it is to be linked by number, and nobody said where Sage has the numbers."""
    rules = rules_of(setting, source.side)
    if source.kind not in _CARRIERS or source.party.external_id or rules.link is None or rules.link_field is not None:
        return None
    key = ConnectionKey(source.subsidiary_id).canonical
    return Deferred(Code.CARRIER_NUMBER_FIELD_UNSET, f"carriers are linked by {rules.link.upper()} number", (key,))
