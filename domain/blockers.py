"""The mapping-state keys that caused a refusal. When one of them changes, the document is tried again.

A setting caused a refusal if Sage refused the value of that setting: the vendor that a provider is mapped to, the
account of a line, the value of a dimension, the payment term of the connection. A refusal of a value from the event
itself has no such key; nor has a refusal whose fix is to enter the document in Sage by hand (docs/decisions/0073).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from domain.categories import fold
from domain.codes import Code
from domain.documents import Document, LineDimension, ValueSource
from domain.lines.accounts import levels
from domain.settings.dimensions import Standard
from domain.settings.keys import ConnectionKey, DimensionKey, canonical

MOST = 20_000
"""Upper limit, in characters, for all blocker keys of one refusal (some hundred keys of the usual length).

The first key is always kept, whatever its length.
"""


def blockers(document: Document, code: Code, words: str) -> tuple[str, ...]:
    """List the mapping-state keys that caused a refusal, each once; empty if no setting caused it.

    Args:
        document: The refused document.
        code: The code of the refusal.
        words: The error text. It tells which of several accounts or dimensions the refusal is about.
    """
    found = _BY_CODE.get(code)
    named = () if found is None else tuple(dict.fromkeys(found(document, words)))
    sizes = accumulate(map(len, named))
    return tuple(key for number, (key, size) in enumerate(zip(named, sizes, strict=True)) if not number or size <= MOST)


def dimension_keys(dimension: LineDimension) -> tuple[str, ...]:
    """List the keys whose change would change the value of a dimension.

    Always the key of the dimension's setting. If the Alvys value was passed through unmapped, the key of its value
    mapping comes first.
    """
    own = canonical(dimension.key)
    return (f"{own}/{fold(dimension.value)}", own) if dimension.how is ValueSource.AS_IS else (own,)


def mapped_digest(content: str, document: Document) -> str:
    """Hash, in 32 hex digits, the document as the settings mapped it.

    If the hash did not change, Sage would refuse the document again for the same reason.

    Args:
        content: The `domain.idempotency.booked_content_hash` of the mapped document.
        document: The mapped document; its rules for parties, terms and closed periods are part of the hash too.
    """
    said = (content, document.party_rules, document.term_rules, document.first_open_day)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def _party(document: Document, _: str) -> Iterable[str]:
    return document.party_keys


def _accounts(document: Document, words: str) -> Iterator[str]:
    """List the account keys to change: per line the level that gave the account, and all more specific levels.

    Only lines whose account is named in the error text count; if none is named, all lines count.
    """
    lines = [line for line in document.lines if _names(words, line.account)] or document.lines
    side = document.source.side
    for line in lines:
        for level, _, key in levels(document.connection.subsidiary_id, side, line.category, line.item):
            yield key
            if level is line.resolution.level:
                break


def _dimensions(document: Document, words: str) -> Iterator[str]:
    every = [each for line in document.lines for each in line.dimensions]
    for each in [each for each in every if _names(words, each.value)] or every:
        yield from dimension_keys(each)
    yield from _location(document)


def _missing_dimensions(document: Document, words: str) -> Iterator[str]:
    """List the keys of the missing dimensions: those named in the error text.

    If the text names none, list every standard dimension that at least one line lacks. For Location, the key of the
    connection is listed too, because the connection can give the location.
    """
    named = [each for each in Standard if _names(words, each.value.replace("-", " "))]
    everywhere = set.intersection(*({each.dimension for each in line.dimensions} for line in document.lines))
    for each in named or [each for each in Standard if each.value not in everywhere]:
        yield DimensionKey(document.connection.subsidiary_id, each.value).canonical
        if each is Standard.LOCATION:
            yield from _connection(document, words)


def _location(document: Document) -> Iterator[str]:
    """The key of the connection, if at least one line has its location from the connection."""
    for line in document.lines:
        if line.location_id is not None and all(each.dimension != Standard.LOCATION for each in line.dimensions):
            yield from _connection(document, "")
            return


def _connection(document: Document, _: str) -> Iterator[str]:
    yield ConnectionKey(document.connection.subsidiary_id).canonical


def _names(words: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words, re.IGNORECASE) is not None


_BY_CODE: dict[Code, Callable[[Document, str], Iterable[str]]] = {
    Code.PARTY_NOT_FOUND: _party,
    Code.PARTY_INACTIVE: _party,
    Code.SAGE_PARTY_INVALID: _party,
    Code.SAGE_VENDOR_ON_HOLD: _party,
    Code.SAGE_ACCOUNT_INVALID: _accounts,
    Code.SAGE_DIMENSION_INVALID: _dimensions,
    Code.SAGE_DIMENSION_MISSING: _missing_dimensions,
    Code.TERM_NOT_FOUND: _connection,
    Code.SAGE_TERM_INVALID: _connection,
}
