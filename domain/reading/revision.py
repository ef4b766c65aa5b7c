"""The revision: a hash of what is booked, and of nothing else.

Two events of one document have the same revision exactly if booking them would give the same document: how a number is
spelled, the order of fields and of lists (lines, loads, trips, references), case and blanks of the party's names,
fields we do not read, statuses, payments, the event's id and time make no difference.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Context, Decimal

from pydantic import BaseModel

from domain.documents import PartyRef, SourceDocument
from domain.facts import NO_FACTS
from domain.parties import plain_name
from domain.reading.texts import DESCRIPTION_LENGTH, MEMO_LENGTH, cut, former_number, formerly

_DIGITS = 32
_FIELD, _LINE, _NAME, _NONE, _AROUND = "\x1f", "\x1e", "\x1d", "\x00", "\x1a"
"""Control characters, which no text of an event can hold (`domain.events.decode`): two contents never read the same."""
_WIDE = Context(prec=64)


def revision_of(document: SourceDocument) -> str:
    """32 hex digits over party, numbers, dates, currency, amounts, texts and places; amounts are exact already.

    Texts of ours count as far as they are booked.
    """
    names = tuple([plain_name(name) for name in document.party.names])
    return _hash(_FIELD.join([*_head(document, names), *sorted(_lines(document))]))


def said_of(document: SourceDocument) -> str:
    """The revision without how the party is named: what the event says, whatever the settings make of it."""
    return revision_of(replace(document, party=PartyRef(document.party.kind)))


def earlier_revisions(document: SourceDocument) -> tuple[str, str]:
    """The revisions of earlier versions: lists and names as given, numbers as now or as they were cut."""
    return _given(document, former=False), _given(document, former=True)


def former_revisions(document: SourceDocument) -> set[str]:
    """All of them, before facts were read too: to know again what stands where the ledger knows no content."""
    lines = tuple([replace(line, facts=NO_FACTS) for line in document.lines])
    plain = replace(document, facts=NO_FACTS, lines=lines)
    return {*earlier_revisions(document), *earlier_revisions(plain)}


def _given(document: SourceDocument, *, former: bool) -> str:
    return _hash(_FIELD.join([*_head(document, document.party.names, former=former), *_lines(document)]))


def _head(document: SourceDocument, names: tuple[str, ...], *, former: bool = False) -> list[str]:
    party = document.party
    if former:
        number = former_number(document.number_given or document.number)
        orders, pos = formerly(document.order_numbers), formerly(document.po_numbers)
    else:
        number = document.number
        orders, pos = ", ".join(document.order_numbers), ", ".join(document.po_numbers)
    parts = [
        document.kind,
        document.key,
        document.side,
        document.subsidiary_id,
        number,
        party.kind,
        party.external_id or _NONE,
        _NONE if party.external_id else _NAME.join(names),  # names that nothing looks at are not content
        party.provider or _NONE,
        *((party.subsidiary_id,) if party.subsidiary_id else ()),  # where there is none, the hash is as it ever was
        document.date.isoformat(),
        document.due.isoformat(),
        document.currency or _NONE,
        str(document.total),
        cut(document.description, DESCRIPTION_LENGTH),
        orders or _NONE,
        pos or _NONE,
        document.reference or _NONE,
        "deducted" if document.deducted else _NONE,
        document.tax_category or _NONE,
    ]
    if document.facts.content:
        parts += (_AROUND, document.facts.content)
    return parts


def _lines(document: SourceDocument) -> Iterator[str]:
    around = document.facts.content
    for line in document.lines:
        parts = [
            _LINE,
            line.category,
            line.item,
            str(line.amount),
            cut(line.memo, MEMO_LENGTH),
            line.reference or _NONE,
        ]
        if line.deduction:
            parts.append("deduction")
        # What is as the document's is not said again.
        if line.facts.content and line.facts.content != around:
            parts += (_AROUND, line.facts.content)
        yield _FIELD.join(parts)


def revision_of_withdrawal(key: str) -> str:
    """32 hex digits: a document is withdrawn or not, whatever reason is given."""
    return _hash(_FIELD.join(("withdrawn", key)))


def revision_of_raw(data: BaseModel) -> str:
    """32 hex digits over all that was read of an event which is no document: the same refusal is answered once."""
    return _hash(json.dumps(_plain(data.model_dump()), sort_keys=True, separators=(",", ":")))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return str(_WIDE.normalize(value) or 0)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
