"""Which record in Sage Intacct a customer or vendor is (requirements 35 to 41; C1 to C4).

=  =======================================  =========================================================================
1  External Accounting ID                   the record of that id, active: else refused; nothing else is ever tried
2  the id that this service would give it   where parties are made: what was made before is found again, by its id
3  MC or USDOT number, of carriers          where the connection links by it: exactly one active vendor has it
4  names, in their order                    where names are tried: case and white space aside, exactly one active
=  =======================================  =========================================================================

One active record must match, not the first of several. An inactive one is an answer of its own: another record of the
same number or name may be whom somebody stopped doing business with.

A name is the weakest evidence. A record that this service made for another party of Alvys is no match by name, and a
record whose MC, USDOT or tax number contradicts the party's own is `PARTY_AMBIGUOUS`: one of the two is wrong, and a
person has to say which (docs/decisions/0079-a-name-is-the-weakest-evidence.md).
"""

import re
import unicodedata
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from domain.categories import Side
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
_DERIVED = re.compile(rf"ALV[CV]-[A-Z2-7]{{{_DIGITS}}}")
_MADE_FOR = re.compile(r"^Alvys id: (.+?)\s*$", re.MULTILINE)
_WHOLE_TAX_ID = 7
"""Letters and digits. A shorter tax id, or one with a mask, is what some users are shown of a longer one."""


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
    tax_id: str = field(default="", repr=False)
    made_for: str = ""
    """Alvys's id of the party that this service made the record for, if it did and its note is still there."""


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
        self._names.setdefault(plain_name(record.name), set()).add(record.id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers.setdefault(number, set()).add(record.id)

    def drop(self, party_id: str) -> None:
        """Sage does not have it, or not any more."""
        record = self._records.pop(party_id, None)
        if record is None:
            return
        self._names[plain_name(record.name)].discard(party_id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers[number].discard(party_id)

    def match(
        self,
        ref: PartyRef,
        rules: PartyRules = USUAL_RULES,
        profile: Profile | None = None,
        own_id: str | None = None,
        own_ids: frozenset[str] = frozenset(),
    ) -> str | Rejected:
        """The record's id in Sage; else `PARTY_UNNAMED`, `PARTY_AMBIGUOUS`, `PARTY_INACTIVE` or `PARTY_NOT_FOUND`.

        Args:
            ref: The party as the event names it.
            rules: What the connection says about parties.
            profile: What Alvys knows of it; gives a carrier's numbers.
            own_id: The id that this service would give it in Sage, where it makes parties.
            own_ids: All ids under which this service may have made it (`derived_ids`).
        """
        if ref.external_id and ref.external_id.strip():
            return self._by_id(ref, ref.external_id)
        if own_id is not None and self.get(own_id) is not None:
            return self._by_id(ref, own_id)
        number = link_number(rules, profile)
        if number and (ids := self._numbers.get(number)):
            return self._only(ref, ids, f"the {(rules.link or '').upper()} number {number!r}")
        return self._by_name(ref, rules, profile or _NOBODY, number, own_ids)

    def _by_id(self, ref: PartyRef, party_id: str) -> str | Rejected:
        record = self.get(party_id)
        if record is None:
            return Rejected(Code.PARTY_NOT_FOUND, f"Sage Intacct has no {ref.kind} {party_id!r}")
        if not record.active:
            return Rejected(Code.PARTY_INACTIVE, f"{ref.kind} {party_id!r} is inactive")
        return party_id

    def _by_name(
        self, ref: PartyRef, rules: PartyRules, profile: Profile, number: str, own_ids: frozenset[str]
    ) -> str | Rejected:
        names = [name for name in ref.names if name.strip()]
        if not names and not number:
            return Rejected(Code.PARTY_UNNAMED, f"the event names no {ref.kind}")
        if not rules.by_name:
            without = f"no {ref.kind} has its {(rules.link or '').upper()} number" if number else "no id is set"
            return Rejected(Code.PARTY_NOT_FOUND, f"{without}, and names are not tried")
        inactive: set[str] = set()
        others: set[str] = set()
        for name in names:
            equal = self._names.get(plain_name(name), set())
            ids = {one for one in equal if not _made_for_another(self._records[one], profile, own_ids)}
            others |= equal - ids
            active = [self._records[one] for one in sorted(ids) if self._records[one].active]
            for record in active:
                if (against := self._contradiction(record, profile, number)) is not None:
                    detail = f"{ref.kind} {name!r} is {record.id} by name, but its {against}"
                    return Rejected(Code.PARTY_AMBIGUOUS, detail)
            if active:
                return self._only(ref, ids, repr(name))
            inactive |= ids
        tried = " or ".join(map(repr, names)) or f"the {(rules.link or '').upper()} number {number!r}"
        if inactive:
            return Rejected(
                Code.PARTY_INACTIVE, f"no active {ref.kind} is called {tried}; inactive: {', '.join(sorted(inactive))}"
            )
        made = f"; {', '.join(sorted(others))} was made for another {ref.kind} of that name" if others else ""
        return Rejected(Code.PARTY_NOT_FOUND, f"no active {ref.kind} is called {tried}{made}")

    def _contradiction(self, record: PartyRecord, profile: Profile, number: str) -> str | None:
        """The number of the record that says that it is somebody else; tax ids are not repeated, they are secret."""
        there = plain_number(self._link, record.number) if self._link else ""
        if number and there and number != there:
            return f"{(self._link or '').upper()} number is {record.number!r}, not {number!r}"
        if _differ(profile.tax_id, record.tax_id):
            return "tax id is another one"
        return None

    def _only(self, ref: PartyRef, ids: set[str], what: str) -> str | Rejected:
        """The one active record of several with one name or number."""
        active = sorted(one for one in ids if self._records[one].active)
        if len(active) > 1:
            return Rejected(Code.PARTY_AMBIGUOUS, f"{ref.kind} {what} is {', '.join(active)}")
        if not active:
            return Rejected(Code.PARTY_INACTIVE, f"{ref.kind} {what} is inactive: {', '.join(sorted(ids))}")
        return active[0]


_NOBODY = Profile()


def _made_for_another(record: PartyRecord, profile: Profile, own_ids: frozenset[str]) -> bool:
    """Whether this service made the record for another party of Alvys."""
    if record.made_for:
        return record.made_for != profile.alvys_id
    return _DERIVED.fullmatch(record.id) is not None and record.id not in own_ids


def _differ(one: str, other: str) -> bool:
    """Whether two tax ids are whole and not the same; one may have the other's digits and a suffix of its own."""
    plain, there = _plain_tax_id(one), _plain_tax_id(other)
    return bool(plain and there) and not plain.startswith(there) and not there.startswith(plain)


def _plain_tax_id(tax_id: str) -> str:
    plain = re.sub(r"[\W_]+", "", tax_id.casefold())
    whole = len(plain) >= _WHOLE_TAX_ID and "*" not in tax_id and "xx" not in plain
    return plain if whole else ""


def plain_name(name: str) -> str:
    """What two spellings of one name share that look the same: case, white space and invisible signs do not count.

    White space inside is one blank, a no-break space too; composed and decomposed letters are one (Unicode NFC).
    Everything that can be seen counts.
    """
    seen = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", " ".join(seen.split()).casefold())


def made_for_note(alvys_id: str) -> str:
    """The comment by which a record says for whom it was made; `made_for` reads it."""
    return f"Alvys id: {alvys_id}"


def made_for(comments: str) -> str:
    """Alvys's id in a record's comments; empty where there is none."""
    found = _MADE_FOR.search(comments)
    return found[1] if found is not None else ""


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


def derived_ids(kind: PartyKind, entity_id: str | None, profile: Profile | None) -> frozenset[str]:
    """List the ids under which this service may have made a party: in the entity, or at the top level.

    Empty where Alvys's id is not known.
    """
    if profile is None or not profile.alvys_id:
        return frozenset()
    return frozenset(derived_id(kind, entity, profile.alvys_id) for entity in {entity_id, None})


def own_id(source: SourceDocument, entity_id: str | None) -> str | None:
    """The derived id of a document's party, where its event brings no id of its own."""
    if source.party.external_id or source.profile is None or not source.profile.alvys_id:
        return None
    return derived_id(source.party.kind, entity_id, source.profile.alvys_id)


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
