"""Numbers, texts and keys in the form that Sage Intacct takes; the lengths stand in `domain.lengths`.

A number becomes another one as rarely as can be: where Sage refuses a sign of it, where nobody sees one, or where it is
too long. What becomes of it then ends in `-x` and eight hex digits of the whole, so that two numbers of Alvys never
become one of Sage: `A/1` and `A-1` stay two, and so do two long ones that begin alike. A replay gives the same again.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from domain import lengths
from domain.codes import Code
from domain.reading.refusal import Refusal

DESCRIPTION_LENGTH = 60
"""Leaves room within Sage's 80 for the marker of `domain.identity`."""
MEMO_LENGTH = 200
HASHED_LENGTH = 30
"""Of fuel and toll numbers, which always end in a hash of the row's id."""
CHANGED_LENGTH = lengths.NUMBER - 4
"""Of numbers that had to be changed: leaves room for the suffix of a reposting (docs/decisions/0025)."""
_UNUSABLE = re.compile(r"[\"'&<>#?\x00-\x20\x7f]")
_CHANGED = re.compile(r"-x[0-9a-f]{8}", re.IGNORECASE)
"""How a changed number ends. One of Alvys's that ends so by itself is changed too: else it could meet one of ours."""
_CUT = "..."
HASH_DIGITS = 8


def digest(text: str) -> str:
    """Eight hex digits that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def document_number(text: str) -> str:
    """The number of an invoice or bill in Sage: as it is where it can be, else `START-x1a2b3c4d`.

    Raises:
        Refusal: `NUMBER_UNUSABLE` if no letter or digit is left.
    """
    if len(text) <= lengths.NUMBER and text.isalnum() and text.isascii():
        return text
    clean = _usable(text)
    if clean == text and len(text) <= lengths.NUMBER and not _CHANGED.fullmatch(text[-HASH_DIGITS - 2 :]):
        return text
    start = clean[: CHANGED_LENGTH - HASH_DIGITS - 2]
    return f"{start}-x{digest(text)}"


def former_number(text: str) -> str:
    """The same in versions before 45 characters were known: at most 30, dashes alone, a hash only where it was cut."""
    if text.isalnum() and len(text) <= HASHED_LENGTH:
        return text
    clean = _dashed(text)
    return clean if len(clean) <= HASHED_LENGTH else _hashed(clean, text)


def hashed_number(text: str, identity: str) -> str:
    """A number made unique by eight hex digits of `identity`: `EFS-88120417-1a2b3c4d`, at most 30 characters.

    Raises:
        Refusal: `NUMBER_UNUSABLE` as `document_number`.
    """
    if not any(map(str.isalnum, _start(text))):
        raise _unusable(text)
    return _hashed(text, identity)


def _hashed(text: str, identity: str) -> str:
    return f"{_start(text)}-{digest(identity)}"


def _start(text: str) -> str:
    return _dashed(text)[: HASHED_LENGTH - HASH_DIGITS - 1]


def _usable(text: str) -> str:
    clean = _dashed(unicodedata.normalize("NFC", text))
    if not any(map(str.isalnum, clean)):
        raise _unusable(text)
    return clean


def _unusable(text: str) -> Refusal:
    return Refusal(Code.NUMBER_UNUSABLE, f"the number is {text!r}" if text else "the number is empty")


def _dashed(text: str) -> str:
    """A dash for each sign that Sage refuses in a number, and for each that nobody sees: people compare numbers."""
    clean = _UNUSABLE.sub("-", text.strip())
    return clean if clean.isprintable() else "".join([sign if sign.isprintable() else "-" for sign in clean])


def phrase(*words: str | None) -> str:
    """The words that are there, one space between them."""
    return " ".join([word for word in words if word])


def flat(text: str) -> str:
    """The text on one line."""
    return text if text.isprintable() and "  " not in text else " ".join(text.split())


def cut(text: str, length: int) -> str:
    """A text of one line, cut with three dots if it is longer than `length`."""
    return text if len(text) <= length else text[: length - len(_CUT)].rstrip() + _CUT


def different(values: Iterable[str | None]) -> tuple[str, ...]:
    """The different values, in their order."""
    return tuple(dict.fromkeys([value for value in values if value]))


def several(values: Sequence[str], length: int) -> str | None:
    """The first of the values, and as many others as fit, joined with commas: never half a value."""
    if not values:
        return None
    joined = values[0]
    for value in values[1:]:
        if len(joined) + len(value) + 2 > length:
            break
        joined = f"{joined}, {value}"
    return joined


FORMER_PO_NUMBER = 20


def formerly(values: Sequence[str]) -> str | None:
    """The same in versions before 100 characters were known: all values if 20 hold them, else the first."""
    if not values:
        return None
    joined = ", ".join(values)
    return joined if len(joined) <= FORMER_PO_NUMBER else values[0]


def key_part(text: str) -> str:
    """One segment of a document key: a slash in it is written %2F, so that two documents never share a key."""
    if "/" in text or "%" in text:
        return text.replace("%", "%25").replace("/", "%2F")
    return text
