"""The record of a customer or vendor in Sage Intacct, and how it is found (requirements 35 to 41).

=  =======================================  =========================================================================
1  External Accounting ID                   the active record of that id, else refused; nothing else is ever tried
2  the id that this service would give it   if the service may create parties: the party it created earlier
3  MC or USDOT number, of carriers          if the connection links by it: exactly one active vendor with the number
4  names, in their order                    if names are tried: exactly one active record of that name
=  =======================================  =========================================================================

Names match without letter case and white space. Exactly one active record must match; the first of several is never
taken. An inactive record is refused with a code of its own, because the company may have stopped doing business with
that party.

A name is the weakest evidence. A record that this service created for another Alvys party is no match by name. A record
whose MC, USDOT or tax number contradicts the party's own number is `PARTY_AMBIGUOUS`: one of the two is wrong, and a
person has to say which (docs/decisions/0079-a-name-is-the-weakest-evidence.md).

Sources: Alvys's prerequisites article (requirements 35 to 41), and its article "Sage Intacct: Transaction Export and
Modification", which adds the numbers of carriers, the order, and the creation of parties. Where the articles contradict
each other, or one contradicts itself, this table is the reading chosen.
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
from domain.outcomes import Deferred, Rejected
from domain.parties.profiles import DEFAULT_PARTY_RULES, PartyRules, Profile
from domain.settings.keys import ConnectionKey
from domain.settings.values import ConnectionSetting

_CARRIERS = {SourceKind.CARRIER_STATEMENT, SourceKind.CARRIER_BILL}
_SEPARATOR = "\x1f"
_DIGITS = 15
_SAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,19}")
"""Ids that Sage certainly accepts as a new CUSTOMERID or VENDORID: at most 20 letters, digits, blanks and dashes."""
_BEFORE_NUMBER = {"mc": re.compile(r"mc"), "dot": re.compile(r"(us)?dot")}
_DERIVED = re.compile(rf"ALV[CV]-[A-Z2-7]{{{_DIGITS}}}")
_MADE_FOR = re.compile(r"^Alvys id: (.+?)\s*$", re.MULTILINE)
_WHOLE_TAX_ID = 7
"""Letters and digits of a whole tax id. A shorter or masked one is only the part that some users may see."""


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """A customer or vendor record of Sage Intacct."""

    id: str
    name: str
    active: bool = True
    number: str = ""
    """The MC or USDOT number, if the connection names the field that holds it; else empty."""
    details: Mapping[str, str] | None = field(default=None, repr=False)
    """The other fields of the record by Sage's names; None if they were not read."""
    tax_id: str = field(default="", repr=False)
    made_for: str = ""
    """The Alvys id of the party that this service created the record for.

    Empty if the service did not create the record, or if its note in the comments is gone.
    """


class PartyIndex:
    """The known customers, or the known vendors, of one Sage company, indexed by id, name and number.

    Args:
        records: The records to start with.
        link: "mc" or "dot" to index the numbers of carriers too; None for no numbers.
    """

    def __init__(self, records: Iterable[PartyRecord] = (), link: str | None = None) -> None:
        self._link = link
        self.replace(records)

    def replace(self, records: Iterable[PartyRecord]) -> None:
        """Replace all known records by these."""
        self._records: dict[str, PartyRecord] = {}
        self._names: dict[str, set[str]] = {}
        self._numbers: dict[str, set[str]] = {}
        for record in records:
            self.put(record)

    def get(self, party_id: str) -> PartyRecord | None:
        """The record of an id; None if the id is not known."""
        return self._records.get(party_id)

    def put(self, record: PartyRecord) -> None:
        """Add a record, or replace the known record of the same id."""
        self.drop(record.id)
        self._records[record.id] = record
        self._names.setdefault(plain_name(record.name), set()).add(record.id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers.setdefault(number, set()).add(record.id)

    def drop(self, party_id: str) -> None:
        """Remove the record of an id that Sage does not have, or no longer has."""
        record = self._records.pop(party_id, None)
        if record is None:
            return
        self._names[plain_name(record.name)].discard(party_id)
        if self._link and (number := plain_number(self._link, record.number)):
            self._numbers[number].discard(party_id)

    def match(
        self,
        ref: PartyRef,
        rules: PartyRules = DEFAULT_PARTY_RULES,
        profile: Profile | None = None,
        own_id: str | None = None,
        own_ids: frozenset[str] = frozenset(),
    ) -> str | Rejected:
        """Find the Sage id of a party.

        Args:
            ref: The party as the event names it.
            rules: The party rules of the connection.
            profile: The Alvys profile of the party, which has the MC and USDOT numbers of a carrier; None if unknown.
            own_id: The id that this service would give the party in Sage; None if it may not create parties.
            own_ids: All ids under which this service may have created the party (`derived_ids`).

        Returns:
            The id; else a `Rejected` with `PARTY_UNNAMED`, `PARTY_AMBIGUOUS`, `PARTY_INACTIVE` or `PARTY_NOT_FOUND`.
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
        """Describe the number by which the record contradicts the profile; None if no number does.

        Tax ids are secret, so the text does not repeat them.
        """
        there = plain_number(self._link, record.number) if self._link else ""
        if number and there and number != there:
            return f"{(self._link or '').upper()} number is {record.number!r}, not {number!r}"
        if _differ(profile.tax_id, record.tax_id):
            return "tax id is another one"
        return None

    def _only(self, ref: PartyRef, ids: set[str], what: str) -> str | Rejected:
        """Choose the only active record among those with the same name or number, or refuse."""
        active = sorted(one for one in ids if self._records[one].active)
        if len(active) > 1:
            return Rejected(Code.PARTY_AMBIGUOUS, f"{ref.kind} {what} is {', '.join(active)}")
        if not active:
            return Rejected(Code.PARTY_INACTIVE, f"{ref.kind} {what} is inactive: {', '.join(sorted(ids))}")
        return active[0]


_NOBODY = Profile()


def _made_for_another(record: PartyRecord, profile: Profile, own_ids: frozenset[str]) -> bool:
    """Whether this service created the record for another Alvys party than the one of this profile."""
    if record.made_for:
        return record.made_for != profile.alvys_id
    return _DERIVED.fullmatch(record.id) is not None and record.id not in own_ids


def _differ(one: str, other: str) -> bool:
    """Whether two complete tax ids differ. An id that only adds a suffix to the other one counts as equal.

    A masked or shortened tax id differs from nothing.
    """
    plain, there = _plain_tax_id(one), _plain_tax_id(other)
    return bool(plain and there) and not plain.startswith(there) and not there.startswith(plain)


def _plain_tax_id(tax_id: str) -> str:
    plain = re.sub(r"[\W_]+", "", tax_id.casefold())
    whole = len(plain) >= _WHOLE_TAX_ID and "*" not in tax_id and "xx" not in plain
    return plain if whole else ""


def plain_name(name: str) -> str:
    """Normalise the name of a party for comparison: spellings that look the same become equal.

    Letter case, white space at the ends and invisible characters are removed. White space inside, no-break spaces
    included, becomes one blank. Composed and decomposed letters are equal (Unicode NFC). Every visible character
    counts.
    """
    seen = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", " ".join(seen.split()).casefold())


def made_for_note(alvys_id: str) -> str:
    """Write the note, for the comments of a new record, that names the party it was created for (see `made_for`)."""
    return f"Alvys id: {alvys_id}"


def made_for(comments: str) -> str:
    """Read the Alvys id from the comments of a record; empty if there is none."""
    found = _MADE_FOR.search(comments)
    return found[1] if found is not None else ""


def match(ref: PartyRef, directory: Iterable[PartyRecord]) -> str | Rejected:
    """Find the Sage id of a party among the given records, like `PartyIndex.match`; for a single look-up."""
    return PartyIndex(directory).match(ref)


def plain_number(link: str, number: str) -> str:
    """Normalise an MC or USDOT number: no prefix, blanks, dashes or case, so `MC-123456` equals `123456`."""
    plain = re.sub(r"[\s#.:-]+", "", number.casefold())
    return _BEFORE_NUMBER[link].sub("", plain, count=1) if _BEFORE_NUMBER[link].match(plain) else plain


def link_number(rules: PartyRules, profile: Profile | None) -> str:
    """The normalised number that links a carrier to a vendor.

    Empty if the connection does not link by number, or if the profile has none.
    """
    if profile is None or rules.link is None or rules.link_field is None:
        return ""
    return plain_number(rules.link, profile.mc_number if rules.link == "mc" else profile.dot_number)


def derived_id(kind: PartyKind, entity_id: str | None, alvys_id: str) -> str:
    """Derive the id that this service gives a party in Sage. It never changes, so the party is created only once.

    The entity is part of it, because a record that is created in the session of one entity is not visible in others.

    Args:
        kind: Customer or vendor.
        entity_id: The Sage entity; None is the top level.
        alvys_id: The id of the party in Alvys.
    """
    parts = (kind, entity_id or "", alvys_id)
    digest = b32encode(sha256(_SEPARATOR.join(parts).encode()).digest()).decode()
    return f"ALV{kind[0].upper()}-{digest[:_DIGITS]}"


def derived_ids(kind: PartyKind, entity_id: str | None, profile: Profile | None) -> frozenset[str]:
    """List the ids under which this service may have created a party: in the entity, or at the top level.

    Empty if the Alvys id of the party is not known.
    """
    if profile is None or not profile.alvys_id:
        return frozenset()
    return frozenset(derived_id(kind, entity, profile.alvys_id) for entity in {entity_id, None})


def own_id(source: SourceDocument, entity_id: str | None) -> str | None:
    """The derived id of a document's party; None if the event has an External Accounting ID, or no Alvys id."""
    if source.party.external_id or source.profile is None or not source.profile.alvys_id:
        return None
    return derived_id(source.party.kind, entity_id, source.profile.alvys_id)


def alvys_party(source: SourceDocument) -> str:
    """The Alvys id of a document's party; empty if the event does not give it."""
    return (source.profile.alvys_id or "") if source.profile is not None else ""


def new_id(ref: PartyRef, profile: Profile | None, own: str | None) -> str | Rejected:
    """Choose the Sage id for creating a party; a `Rejected` with `PARTY_NOT_FOUND` if it cannot be created.

    Args:
        ref: The party as the event names it; its External Accounting ID comes first.
        profile: The Alvys profile of the party, which has to have a name.
        own: The derived id (`own_id`), used if there is no External Accounting ID.
    """
    lacks = "it is not made"
    if profile is None or not profile.name:
        return Rejected(Code.PARTY_NOT_FOUND, f"{lacks}: the event gives no name of the {ref.kind}")
    if ref.external_id:
        return ref.external_id
    return own or Rejected(Code.PARTY_NOT_FOUND, f"{lacks}: the event gives no id of the {ref.kind}")


def creatable(party_id: str) -> bool:
    """Whether Sage certainly accepts this as a new id. With an id that Sage cuts, a party could be created twice."""
    return _SAGE_ID.fullmatch(party_id) is not None


def rules_of(setting: ConnectionSetting, side: Side) -> PartyRules:
    """Read the party rules of one side from the settings of a connection."""
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
    """The reason why a carrier cannot be looked up yet; None if it can.

    The connection links carriers by number, but does not name the field of Sage that holds the numbers.
    """
    rules = rules_of(setting, source.side)
    if source.kind not in _CARRIERS or source.party.external_id or rules.link is None or rules.link_field is not None:
        return None
    key = ConnectionKey(source.subsidiary_id).canonical
    return Deferred(Code.CARRIER_NUMBER_FIELD_UNSET, f"carriers are linked by {rules.link.upper()} number", (key,))
