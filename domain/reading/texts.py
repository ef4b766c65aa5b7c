"""Numbers and descriptions in the form and length that Sage Intacct takes.

The lengths are the nominal ones of Sage's DTD 2.1 (number 30, PO number 20, description 80, memo 500). A number that is
too long is cut and ends in a hash of the whole, so that two long numbers stay two and a replay gives the same one.
"""

import hashlib
import re
from collections.abc import Iterable

from domain.codes import Code
from domain.reading.refusal import Refusal

NUMBER_LENGTH = 30
PO_NUMBER_LENGTH = 20
DESCRIPTION_LENGTH = 60
"""Leaves room within 80 for the marker of `domain.identity`."""
MEMO_LENGTH = 200
_UNUSABLE = re.compile(r"[\"'&<>#?\x00-\x20\x7f]")
_CUT = "..."
HASH_DIGITS = 8


def digest(text: str) -> str:
    """Eight hex digits that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def document_number(text: str) -> str:
    """The number of an invoice or bill: at most 30 characters, the ones that Sage refuses replaced by a dash.

    Raises:
        Refusal: `NUMBER_UNUSABLE` if no letter or digit is left.
    """
    if text.isalnum() and len(text) <= NUMBER_LENGTH:
        return text
    clean = _dashed(text)
    if not any(map(str.isalnum, clean)):
        raise Refusal(Code.NUMBER_UNUSABLE, f"the number is {text!r}" if text else "the number is empty")
    return clean if len(clean) <= NUMBER_LENGTH else hashed_number(clean, text)


def hashed_number(text: str, identity: str) -> str:
    """A number made unique by eight hex digits of `identity`: `EFS-88120417-1a2b3c4d`, at most 30 characters.

    Raises:
        Refusal: `NUMBER_UNUSABLE` as `document_number`.
    """
    start = _dashed(text)[: NUMBER_LENGTH - HASH_DIGITS - 1]
    if not any(map(str.isalnum, start)):
        raise Refusal(Code.NUMBER_UNUSABLE, f"the number is {text!r}" if text else "the number is empty")
    return f"{start}-{digest(identity)}"


def _dashed(text: str) -> str:
    """A dash for each sign that Sage refuses in a number, and for each that nobody sees: people compare numbers."""
    clean = _UNUSABLE.sub("-", text.strip())
    return clean if clean.isprintable() else "".join([sign if sign.isprintable() else "-" for sign in clean])


def phrase(*words: str | None) -> str:
    """The words that are there, one space between them."""
    return " ".join([word for word in words if word])


def cut(text: str, length: int) -> str:
    """The text on one line, cut with three dots if it is longer than `length`."""
    if not text.isprintable() or "  " in text:
        text = " ".join(text.split())
    return text if len(text) <= length else text[: length - len(_CUT)].rstrip() + _CUT


def in_order(values: Iterable[str | None]) -> list[str]:
    """Different values, shorter ones first (L9, L10), whatever order the event's list has: nobody chose that one."""
    return sorted({value for value in values if value}, key=lambda value: (len(value), value))


def several(values: Iterable[str | None], length: int) -> str | None:
    """Different values as `in_order`, joined with commas if they fit, else the first alone: never half a value."""
    unique = in_order(values)
    if not unique:
        return None
    joined = ", ".join(unique)
    return joined if len(joined) <= length else unique[0]


def key_part(text: str) -> str:
    """One segment of a document key: a slash in it is written %2F, so that two documents never share a key."""
    if "/" in text or "%" in text:
        return text.replace("%", "%25").replace("/", "%2F")
    return text
