"""Which settings caused a refusal: the mapping-state keys whose change makes the document worth another look.

A refusal is caused by a setting where the setting's value was refused: the vendor that a provider is mapped to, the
account of a line, the value of a dimension, the connection's payment term. Refusals of what the event itself says name
no key; nor do those whose fix offers to enter the document by hand (docs/decisions/0073).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from domain.accounts import levels
from domain.categories import fold
from domain.codes import Code
from domain.dimensions import Standard
from domain.documents import Document, How, LineDimension
from domain.keys import ConnectionKey, DimensionKey, canonical

MOST = 20_000
"""Characters of the keys that one refusal names, some hundred of the usual length; the first at least."""


def blockers(document: Document, code: Code, words: str) -> tuple[str, ...]:
    """The keys that caused a refusal, each once; empty where no setting did.

    Args:
        document: What was refused.
        code: The refusal.
        words: What was said of it, to tell which of several accounts or dimensions is meant.
    """
    found = _BY_CODE.get(code)
    named = () if found is None else tuple(dict.fromkeys(found(document, words)))
    sizes = accumulate(map(len, named))
    return tuple(key for number, (key, size) in enumerate(zip(named, sizes, strict=True)) if not number or size <= MOST)


def dimension_keys(carried: LineDimension) -> tuple[str, ...]:
    """What would change a dimension's value: its setting, and for one that went as it is first of all its mapping."""
    own = canonical(carried.key)
    return (f"{own}/{fold(carried.value)}", own) if carried.how is How.AS_IS else (own,)


def mapped_digest(content: str, document: Document) -> str:
    """32 hex digits over what the settings make of a document: equal ones would be refused alike.

    `content`: its `domain.identity.content_of`, as it was mapped.
    """
    said = (content, document.party_rules, document.term_rules, document.first_open_day)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def _party(document: Document, _: str) -> Iterable[str]:
    return document.party_keys


def _accounts(document: Document, words: str) -> Iterator[str]:
    """The levels that answered for the accounts that are named, or for all, and those that would answer before them."""
    lines = [line for line in document.lines if _names(words, line.account)] or document.lines
    side = document.source.side
    for line in lines:
        for level, _, key in levels(document.connection.subsidiary_id, side, line.category, line.item):
            yield key
            if level is line.resolution.level:
                break


def _dimensions(document: Document, words: str) -> Iterator[str]:
    carried = [each for line in document.lines for each in line.dimensions]
    for each in [each for each in carried if _names(words, each.value)] or carried:
        yield from dimension_keys(each)
    yield from _location(document)


def _missing_dimensions(document: Document, words: str) -> Iterator[str]:
    """The dimensions that are named; where none is, every standard one that a line is without."""
    named = [each for each in Standard if _names(words, each.value.replace("-", " "))]
    everywhere = set.intersection(*({each.dimension for each in line.dimensions} for line in document.lines))
    for each in named or [each for each in Standard if each.value not in everywhere]:
        yield DimensionKey(document.connection.subsidiary_id, each.value).canonical
        if each is Standard.LOCATION:
            yield from _connection(document, words)


def _location(document: Document) -> Iterator[str]:
    """The connection, where it gives a line's location."""
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
