"""Mapping of a source document to the document for Sage Intacct, or the reason why it is not booked, or not yet.

The steps run in an order that a person can follow. Is the subsidiary connected? Do its settings want the document? Is
there anything to book? May it go now? Then the party, the accounts, and the dimensions and custom fields are resolved.
The first step that objects gives the result.
"""

from dataclasses import dataclass, replace

from domain import lengths
from domain.categories import CATEGORY_DEFAULT, Side
from domain.codes import Code
from domain.documents import (
    Connection,
    Document,
    DocumentLine,
    ExcludedLines,
    FormerTexts,
    LinesWithAttributes,
    PartyKind,
    PartyRef,
    SageObject,
    Shortened,
    SourceDocument,
    SourceKind,
    becomes,
)
from domain.lines.accounts import Unmapped, UnreadableMapping, resolve
from domain.lines.line_attributes import add_dimensions_and_fields
from domain.lines.line_filters import exclude_lines
from domain.outcomes import Deferred, Rejected, Skipped
from domain.parties.matching import rules_of, unlinked
from domain.policy import first_objection, skip_reason
from domain.settings.keys import ConnectionKey, IntercompanyKey, Provider, VendorKey
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, IntercompanySetting, InvalidSetting
from domain.terms import TermRules
from domain.translation.texts import DESCRIPTION_LENGTH, MEMO_LENGTH, cut, former_number, formerly, several

MOST_BLOCKED = 20_000
"""Upper limit, in characters, for all blocker keys of one waiting document (some hundred keys of the usual length)."""
_PROVIDERS = {
    SourceKind.FUEL: Provider.FUEL,
    SourceKind.TOLL: Provider.TOLL,
    SourceKind.FUEL_DAY: Provider.FUEL,
    SourceKind.TOLL_DAY: Provider.TOLL,
}


def export(
    source: SourceDocument, state: MappingState, most_lines: int | None = None
) -> Document | Skipped | Deferred | Rejected:
    """Map one source document to the document for Sage.

    Args:
        source: The document as the event describes it.
        state: The settings in force.
        most_lines: The most lines that one document for Sage may have; None: any number.

    Returns:
        `Document`, complete except for the Sage id of the party and the control id; `Skipped` if the settings exclude
        the document; `Deferred` with the keys that release it; `Rejected` if a person has to act.
    """
    setting = _connection(source, state)
    if not isinstance(setting, ConnectionSetting):
        return setting
    if (against := _unwanted(source, setting, state)) is not None:
        return against
    source, left_out = exclude_lines(source, setting)
    reference = _reference(source, setting)
    objection = first_objection(source, setting, left_out) or _too_many(source, most_lines) or reference.refused
    if objection is not None:
        return objection
    named = unlinked(source, setting) or _party(source, state)
    if isinstance(named, Deferred):
        return named
    lines = _lines(source, setting, state)
    if isinstance(lines, Deferred):
        return lines
    carries = add_dimensions_and_fields(source, setting, state, lines)
    return (
        _document(source, setting, named, carries, left_out, reference)
        if isinstance(carries, LinesWithAttributes)
        else carries
    )


def _connection(source: SourceDocument, state: MappingState) -> ConnectionSetting | Skipped | Deferred:
    setting = state.connection(source.subsidiary_id)
    if setting is None:
        return Skipped(Code.NOT_CONNECTED, f"subsidiary {source.subsidiary_id} has no connection")
    if isinstance(setting, InvalidSetting):
        key = ConnectionKey(source.subsidiary_id).canonical
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    return setting


def _unwanted(source: SourceDocument, setting: ConnectionSetting, state: MappingState) -> Skipped | Deferred | None:
    other = _other_side(source, state)
    return other if isinstance(other, Deferred) else skip_reason(source, setting, other)


def _too_many(source: SourceDocument, most: int | None) -> Rejected | None:
    if most is None or len(source.lines) <= most:
        return None
    return Rejected(Code.TOO_MANY_LINES, f"it has {len(source.lines)} lines, {most} may be sent")


def _other_side(source: SourceDocument, state: MappingState) -> ConnectionSetting | Deferred | None:
    """Find the connection of the other subsidiary of an intercompany document.

    None if the document is not intercompany, or if the other subsidiary has no connection.
    """
    if (other_id := source.party.subsidiary_id) is None:
        return None
    setting = state.connection(other_id)
    if isinstance(setting, InvalidSetting):
        key = ConnectionKey(other_id).canonical
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    return setting


_Named = tuple[PartyRef, tuple[str, ...]]
"""A party, and the mapping-state keys that were asked for it, the deciding key last; no keys if the event names it."""


def _party(source: SourceDocument, state: MappingState) -> _Named | Deferred:
    """Resolve the party. Mapping-state gives the vendor of a provider, and the record of another subsidiary."""
    if source.party.subsidiary_id is not None and not source.party.external_id:
        return _subsidiary(source, source.party.subsidiary_id, state)
    kind = _PROVIDERS.get(source.kind)
    if kind is None or source.party.provider is None:
        return source.party, ()
    asked: tuple[str, ...] = ()
    for provider in dict.fromkeys((source.party.provider, CATEGORY_DEFAULT)):
        key = VendorKey(source.subsidiary_id, kind, provider).canonical
        asked = (*asked, key)
        record = state.vendor(key)
        if record is None:
            continue
        if isinstance(record.value, InvalidSetting):
            return Deferred(Code.SETTING_INVALID, f"{record.key}: {record.value.reason}", asked[::-1])
        return replace(source.party, external_id=record.value.vendor_id), asked
    return Deferred(Code.VENDOR_UNMAPPED, f"{kind} provider {source.party.provider!r} has no vendor", asked)


def _subsidiary(source: SourceDocument, other_id: str, state: MappingState) -> _Named | Deferred:
    key = IntercompanyKey(source.subsidiary_id, other_id).canonical
    record = state.intercompany(key)
    setting = record.value if record is not None else IntercompanySetting()
    if isinstance(setting, InvalidSetting):
        return Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,))
    found = setting.customer_id if source.party.kind is PartyKind.CUSTOMER else setting.vendor_id
    if found is None:
        return Deferred(Code.INTERCOMPANY_UNMAPPED, f"subsidiary {other_id} has no {source.party.kind} here", (key,))
    return replace(source.party, external_id=found), (key,)


def _lines(
    source: SourceDocument, setting: ConnectionSetting, state: MappingState
) -> tuple[DocumentLine, ...] | Deferred:
    """Resolve the account of every line (requirement 52).

    If a line has no account, the answer names all blocker keys, each once, in the order of the lines.
    """
    lines: list[DocumentLine] = []
    unmapped: list[Unmapped] = []
    unreadable: list[UnreadableMapping] = []
    for line in source.lines:
        match resolve(state, source.subsidiary_id, source.side, line.category, line.item):
            case Unmapped() as found:
                unmapped.append(found)
            case UnreadableMapping() as found:
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
            f"{unreadable[0].missing_keys[0]}: {unreadable[0].reason}",
            _unique([*(one.missing_keys for one in unreadable), *(one.missing_keys[::-1] for one in unmapped)]),
        )
    if unmapped:
        return Deferred(
            Code.ACCOUNT_UNMAPPED,
            f"no account on {source.side.upper()} for {len(unmapped)} of {len(source.lines)} lines",
            _unique([one.missing_keys[::-1] for one in unmapped]),
        )
    return tuple(lines)


def _unique(keys: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Collect the keys, each once, up to `MOST_BLOCKED` characters; the keys of the first line are always complete.

    Leaving keys out loses no wake-up: the document names all keys of its first line at least. When any named key
    arrives, the document is mapped again, with the keys that block it then.
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
    """The PO number of an invoice or the reference number of a bill (`text`), with the notes for the result.

    `former` is the text that earlier versions would have sent; `refused` is set if the number is too long to send.
    """

    text: str | None = None
    shortened: tuple[Shortened, ...] = ()
    former: str | None = None
    refused: Rejected | None = None


def _reference(source: SourceDocument, setting: ConnectionSetting) -> _Reference:
    """Build the reference from the numbers of the other party: as many complete numbers as fit into Sage's field.

    The setting `longValues` decides whether a first number that is too long by itself is cut or refused. An AR
    adjustment has no field for a PO number; the field of an AP adjustment holds the number of a bill.
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
    """Cut a text that the service itself wrote to the length that is sent, and note the cut."""
    return (text, ()) if len(text) <= longest else (cut(text, longest), (Shortened(field, len(text)),))


def _document(
    source: SourceDocument,
    setting: ConnectionSetting,
    named: _Named,
    carries: LinesWithAttributes,
    left_out: tuple[ExcludedLines, ...],
    reference: _Reference,
) -> Document:
    description, shortened = _fitted("description", source.description, DESCRIPTION_LENGTH)
    number = former_number(source.number_given or source.number)
    same = (number, reference.former) == (source.number, reference.text)
    return Document(
        source=source,
        connection=Connection(source.subsidiary_id, setting.company_id, setting.entity_id, setting.credentials),
        number=source.number,
        party=named[0],
        party_keys=named[1],
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
        former=None if same else FormerTexts(number, reference.former),
        base_currency=setting.base_currency if setting.send_currency == "always" else None,
    )
