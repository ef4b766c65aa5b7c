"""The revision of a document: a hash of the content that is booked, and of nothing else.

Two events of one document have the same revision exactly if they would be booked as the same document. These make no
difference: the notation of a number, the order of fields and of lists (lines, loads, trips, references), letter case
and white space of the party's names, fields that are not read, statuses, payments, and the id and time of the event.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Context, Decimal

from pydantic import BaseModel

from domain.attributes import NO_ATTRIBUTES
from domain.documents import PartyRef, SourceDocument
from domain.parties.matching import plain_name
from domain.translation.texts import DESCRIPTION_LENGTH, MEMO_LENGTH, cut, former_number, formerly

_DIGITS = 32
_FIELD, _LINE, _NAME, _NONE, _AROUND = "\x1f", "\x1e", "\x1d", "\x00", "\x1a"
"""Separators: control characters, which no text of an event can contain (`domain.events.decode`).

So two different contents never give the same text to hash.
"""
_WIDE = Context(prec=64)


def revision_of(document: SourceDocument) -> str:
    """Compute the revision of a document: 32 hex digits.

    The hash covers the party, numbers, dates, currency, amounts (already exact), texts, facts, categories and items.
    Texts that the service writes count only up to the length that is booked.
    """
    names = tuple([plain_name(name) for name in document.party.names])
    return _hash(_FIELD.join([*_head(document, names), *sorted(_lines(document))]))


def said_of(document: SourceDocument) -> str:
    """Compute the revision without the party, from the event alone, whatever the settings make of it."""
    return revision_of(replace(document, party=PartyRef(document.party.kind)))


def earlier_revisions(document: SourceDocument) -> tuple[str, str]:
    """Compute the revisions that earlier versions of this service gave the document.

    Those versions did not sort lists or normalise names. The first revision has the numbers of today, the second the
    numbers as they were cut then.
    """
    return _given(document, former=False), _given(document, former=True)


def former_revisions(document: SourceDocument) -> set[str]:
    """Compute all revisions of earlier versions, including those from before facts were read.

    They identify the revision in Sage if the ledger entry has no content hash.
    """
    lines = tuple([replace(line, facts=NO_ATTRIBUTES) for line in document.lines])
    plain = replace(document, facts=NO_ATTRIBUTES, lines=lines)
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
        _NONE if party.external_id else _NAME.join(names),  # names that are not used for matching are not content
        party.provider or _NONE,
        *((party.subsidiary_id,) if party.subsidiary_id else ()),  # without it: the hash of old versions
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
        # Facts that equal those of the document are not repeated.
        if line.facts.content and line.facts.content != around:
            parts += (_AROUND, line.facts.content)
        yield _FIELD.join(parts)


def revision_of_withdrawal(key: str) -> str:
    """Compute the revision of a withdrawal: 32 hex digits, the same whatever reason is given."""
    return _hash(_FIELD.join(("withdrawn", key)))


def revision_of_raw(data: BaseModel) -> str:
    """Compute a revision for an event whose document is refused: 32 hex digits over all fields that were read.

    So the same refusal is answered only once.
    """
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
