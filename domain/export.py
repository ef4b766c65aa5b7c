"""What Sage Intacct is to book for a document, given the settings in force; or why it is not booked, or not yet.

One walk, in an order that a person can follow: is the subsidiary connected; is the document wanted; is it something to
book; may it go now; who is paid; which accounts; what the lines carry. The first answer stands.
"""

from dataclasses import dataclass, replace

from domain import lengths
from domain.accounts import Unmapped, Unreadable, resolve
from domain.carried import carried
from domain.categories import OWN, Side
from domain.codes import Code
from domain.documents import (
    Carried,
    Connection,
    Document,
    DocumentLine,
    Former,
    LeftOut,
    PartyKind,
    PartyRef,
    SageObject,
    Shortened,
    SourceDocument,
    SourceKind,
    becomes,
)
from domain.keys import ConnectionKey, IntercompanyKey, Provider, VendorKey
from domain.line_switches import select
from domain.mapping_state import MappingState
from domain.outcomes import Deferred, Rejected, Skipped
from domain.parties import rules_of, unlinked
from domain.policy import first_objection, unwanted
from domain.reading.texts import DESCRIPTION_LENGTH, MEMO_LENGTH, cut, former_number, formerly, several
from domain.settings import ConnectionSetting, IntercompanySetting, Invalid
from domain.terms import TermRules

MOST_BLOCKED = 20_000
"""Characters of the keys that a waiting document names: some hundred of the usual length."""
_PROVIDERS = {
    SourceKind.FUEL: Provider.FUEL,
    SourceKind.TOLL: Provider.TOLL,
    SourceKind.FUEL_DAY: Provider.FUEL,
    SourceKind.TOLL_DAY: Provider.TOLL,
}


def export(
    source: SourceDocument, state: MappingState, most_lines: int | None = None
) -> Document | Skipped | Deferred | Rejected:
    """Map one document.

    Args:
        source: What the event says.
        state: The settings in force.
        most_lines: How many lines Sage may be sent at once; None: any number.

    Returns:
        `Document`, complete but for the party's record and the control id; `Skipped` where policy says so; `Deferred`
        with the keys that release it; `Rejected` where a person has to act.
    """
    setting = _connection(source, state)
    if not isinstance(setting, ConnectionSetting):
        return setting
    if (against := _unwanted(source, setting, state)) is not None:
        return against
    source, left_out = select(source, setting)
    reference = _reference(source, setting)
    objection = first_objection(source, setting, left_out) or _too_many(source, most_lines) or reference.refused
    if objection is not None:
        return objection
    party = unlinked(source, setting) or _party(source, state)
    if isinstance(party, Deferred):
        return party
    lines = _lines(source, setting, state)
    if isinstance(lines, Deferred):
        return lines
    carries = carried(source, setting, state, lines)
    return _document(source, setting, party, carries, left_out, reference) if isinstance(carries, Carried) else carries


def _connection(source: SourceDocument, state: MappingState) -> ConnectionSetting | Skipped | Deferred:
    setting = state.connection(source.subsidiary_id)
    if setting is None:
        return Skipped(Code.NOT_CONNECTED, f"subsidiary {source.subsidiary_id} has no connection")
    if isinstance(setting, Invalid):
        key = ConnectionKey(source.subsidiary_id).canonical
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    return setting


def _unwanted(source: SourceDocument, setting: ConnectionSetting, state: MappingState) -> Skipped | Deferred | None:
    other = _other_side(source, state)
    return other if isinstance(other, Deferred) else unwanted(source, setting, other)


def _too_many(source: SourceDocument, most: int | None) -> Rejected | None:
    if most is None or len(source.lines) <= most:
        return None
    return Rejected(Code.TOO_MANY_LINES, f"it has {len(source.lines)} lines, {most} may be sent")


def _other_side(source: SourceDocument, state: MappingState) -> ConnectionSetting | Deferred | None:
    """The connection of the other subsidiary of an intercompany document; None if there is no other, or it has none."""
    if (other_id := source.party.subsidiary_id) is None:
        return None
    setting = state.connection(other_id)
    if isinstance(setting, Invalid):
        key = ConnectionKey(other_id).canonical
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    return setting


def _party(source: SourceDocument, state: MappingState) -> PartyRef | Deferred:
    """The party; where mapping-state names it, a provider's vendor or another subsidiary, as it stands there."""
    if source.party.subsidiary_id is not None and not source.party.external_id:
        return _subsidiary(source, source.party.subsidiary_id, state)
    kind = _PROVIDERS.get(source.kind)
    if kind is None or source.party.provider is None:
        return source.party
    asked: tuple[str, ...] = ()
    for provider in dict.fromkeys((source.party.provider, OWN)):
        key = VendorKey(source.subsidiary_id, kind, provider).canonical
        asked = (key, *asked)
        record = state.vendor(key)
        if record is None:
            continue
        if isinstance(record.value, Invalid):
            return Deferred(Code.SETTING_INVALID, f"{record.key}: {record.value.reason}", asked)
        return replace(source.party, external_id=record.value.vendor_id)
    return Deferred(
        Code.VENDOR_UNMAPPED, f"{kind} provider {source.party.provider!r} has no vendor", tuple(reversed(asked))
    )


def _subsidiary(source: SourceDocument, other_id: str, state: MappingState) -> PartyRef | Deferred:
    key = IntercompanyKey(source.subsidiary_id, other_id).canonical
    record = state.intercompany(key)
    setting = record.value if record is not None else IntercompanySetting()
    if isinstance(setting, Invalid):
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    found = setting.customer_id if source.party.kind is PartyKind.CUSTOMER else setting.vendor_id
    if found is None:
        return Deferred(Code.INTERCOMPANY_UNMAPPED, f"subsidiary {other_id} has no {source.party.kind} here", (key,))
    return replace(source.party, external_id=found)


def _lines(
    source: SourceDocument, setting: ConnectionSetting, state: MappingState
) -> tuple[DocumentLine, ...] | Deferred:
    """Every line with its account (requirement 52), or every key that blocks, each once, in the order of the lines."""
    lines: list[DocumentLine] = []
    unmapped: list[Unmapped] = []
    unreadable: list[Unreadable] = []
    for line in source.lines:
        match resolve(state, source.subsidiary_id, source.side, line.category, line.item):
            case Unmapped() as found:
                unmapped.append(found)
            case Unreadable() as found:
                unreadable.append(found)
            case resolution:
                memo, shortened = _fitted("memo", line.memo, MEMO_LENGTH)
                lines.append(
                    DocumentLine(
                        line.category,
                        line.item,
                        line.amount,
                        memo,
                        resolution,
                        setting.location_id,
                        shortened=shortened,
                    )
                )
    if unreadable:
        return Deferred(
            Code.SETTING_INVALID,
            f"{unreadable[0].would_answer[0]}: {unreadable[0].reason}",
            _unique([*(one.would_answer for one in unreadable), *(one.would_answer[::-1] for one in unmapped)]),
        )
    if unmapped:
        return Deferred(
            Code.ACCOUNT_UNMAPPED,
            f"no account on {source.side.upper()} for {len(unmapped)} of {len(source.lines)} lines",
            _unique([one.would_answer[::-1] for one in unmapped]),
        )
    return tuple(lines)


def _unique(keys: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Every key once, up to `MOST_BLOCKED` characters, but all keys of the first line.

    To leave some out loses no wake-up: the document waits for its first line at least, and is mapped anew, with the
    keys that block it then, whenever one of those that are named arrives.
    """
    found: dict[str, None] = {}
    size = 0
    for some in keys:
        new = [key for key in some if key not in found]
        size += sum(map(len, new))
        if found and size > MOST_BLOCKED:
            break
        found.update(dict.fromkeys(new))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Reference:
    """The PO number of an invoice or the reference number of a bill, and what is told of it."""

    text: str | None = None
    shortened: tuple[Shortened, ...] = ()
    former: str | None = None
    refused: Rejected | None = None


def _reference(source: SourceDocument, setting: ConnectionSetting) -> _Reference:
    """The other side's numbers, as many whole ones as Sage takes; one that is too long by itself as `longValues` says.

    An AR adjustment has no place for a PO number; that of an AP adjustment is the number of a bill.
    """
    sage_object = becomes(source.side, source.total)
    if sage_object is SageObject.AR_ADJUSTMENT:
        return _Reference()
    if source.side is Side.AR:
        values = source.order_numbers if setting.ar.po_number == "order" else source.po_numbers
    else:
        values = (source.reference,) if source.reference else ()
    if not values:
        return _Reference()
    longest = lengths.NUMBER if sage_object.adjusts else lengths.REFERENCE
    text, whole = several(values, longest) or "", ", ".join(values)
    if len(text) > longest and setting.long_values == "reject":
        why = f"{text!r} has {len(text)} characters, Sage Intacct takes {longest}"
        return _Reference(refused=Rejected(Code.REFERENCE_TOO_LONG, why))
    text = text[:longest].rstrip()
    shortened = () if text == whole else (Shortened("reference", len(whole)),)
    return _Reference(text, shortened, formerly(values))


def _fitted(field: str, text: str, longest: int) -> tuple[str, tuple[Shortened, ...]]:
    """A text of ours as far as it is sent."""
    return (text, ()) if len(text) <= longest else (cut(text, longest), (Shortened(field, len(text)),))


def _document(
    source: SourceDocument,
    setting: ConnectionSetting,
    party: PartyRef,
    carries: Carried,
    left_out: tuple[LeftOut, ...],
    reference: _Reference,
) -> Document:
    description, shortened = _fitted("description", source.description, DESCRIPTION_LENGTH)
    number = former_number(source.number_given or source.number)
    same = (number, reference.former) == (source.number, reference.text)
    return Document(
        source=source,
        connection=Connection(source.subsidiary_id, setting.company_id, setting.entity_id, setting.credentials),
        number=source.number,
        party=party,
        date=source.date,
        due=source.due,
        currency=None if source.currency == setting.base_currency else source.currency,
        total=source.total,
        reference=reference.text,
        description=description,
        draft=not (setting.ar.autopost if source.side is Side.AR else setting.ap.autopost),
        lines=carries.lines,
        custom=carries.custom,
        party_rules=rules_of(setting, source.side),
        term_rules=TermRules(setting.terms.default, setting.terms.fallback),
        first_open_day=setting.closed_period == "first-open-day",
        left_out=left_out,
        shortened=(*reference.shortened, *shortened),
        former=None if same else Former(number, reference.former),
        base_currency=setting.base_currency if setting.send_currency == "always" else None,
    )
