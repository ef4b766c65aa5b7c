"""The revision: a hash of what is booked, and of nothing else.

Two events of one document have the same revision exactly if booking them would give the same document: how a number is
spelled, the order of fields, fields we do not read, statuses, payments, the event's id and time make no difference.
"""

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Context, Decimal

from pydantic import BaseModel

from domain.documents import SourceDocument
from domain.facts import NO_FACTS
from domain.reading.texts import DESCRIPTION_LENGTH, MEMO_LENGTH, cut, former_number, formerly

_DIGITS = 32
_FIELD, _LINE, _NAME, _NONE, _AROUND = "\x1f", "\x1e", "\x1d", "\x00", "\x1a"
"""Control characters, which no text of an event can hold (`domain.events.decode`): two contents never read the same."""
_WIDE = Context(prec=64)


def revision_of(document: SourceDocument, *, former: bool = False) -> str:
    """32 hex digits over party, numbers, dates, currency, amounts, texts and places; amounts are exact already.

    Texts of ours count as far as they are booked. `former`: as it was before today's lengths of numbers were known.
    """
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
        _NONE if party.external_id else _NAME.join(party.names),  # names that nothing looks at are not content
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
    around = document.facts.content
    if around:
        parts += (_AROUND, around)
    for line in document.lines:
        parts += (
            _LINE,
            line.category,
            line.item,
            str(line.amount),
            cut(line.memo, MEMO_LENGTH),
            line.reference or _NONE,
        )
        if line.deduction:
            parts.append("deduction")
        # What is as the document's is not said again; an event without facts has the revision it always had.
        if line.facts.content and line.facts.content != around:
            parts += (_AROUND, line.facts.content)
    return _hash(_FIELD.join(parts))


def former_revisions(document: SourceDocument) -> set[str]:
    """The revisions that earlier versions gave the document: without facts, with numbers as they were cut, or both."""
    lines = tuple([replace(line, facts=NO_FACTS) for line in document.lines])
    plain = replace(document, facts=NO_FACTS, lines=lines)
    return {revision_of(plain), revision_of(plain, former=True), revision_of(document, former=True)}


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
