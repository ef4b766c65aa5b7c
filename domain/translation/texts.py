"""Numbers, texts and keys in the form that Sage Intacct accepts; `domain.lengths` has the lengths.

A document number is changed as rarely as possible: only if it has a character that Sage refuses, an invisible
character, or too many characters. A changed number ends in `-x` and eight hex digits, a hash of the whole number. So
two numbers in Alvys never become the same number in Sage: `A/1` and `A-1` stay different, and so do two long numbers
with the same beginning. The result depends on the number alone, so a replay gives the same number again.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from domain import lengths
from domain.codes import Code
from domain.translation.refusal import Refusal

DESCRIPTION_LENGTH = 60
"""Most characters of a description. It leaves room, within Sage's 80, for the marker of `domain.idempotency`."""
MEMO_LENGTH = 200
HASHED_LENGTH = 30
"""Most characters of fuel and toll numbers, which always end in a hash of the transaction's id."""
CHANGED_LENGTH = lengths.NUMBER - 4
"""Most characters of a changed number. It leaves room for the suffix of a reposting (docs/decisions/0025)."""
_UNUSABLE = re.compile(r"[\"'&<>#?\x00-\x20\x7f]")
_CHANGED = re.compile(r"-x[0-9a-f]{8}", re.IGNORECASE)
"""The ending of a changed number. A number of Alvys with such an ending is changed too, so that the two never clash."""
_DIGITS = re.compile(r"(\d+)")
_CUT = "..."
HASH_DIGITS = 8


def digest(text: str) -> str:
    """Hash a text to eight hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def document_number(text: str) -> str:
    """Build the number of an invoice or bill in Sage: unchanged if possible, else in the form `START-x1a2b3c4d`.

    Raises:
        Refusal: `NUMBER_UNUSABLE` if the number has no letter or digit.
    """
    if len(text) <= lengths.NUMBER and text.isalnum() and text.isascii():
        return text
    clean = _usable(text)
    if clean == text and len(text) <= lengths.NUMBER and not _CHANGED.fullmatch(text[-HASH_DIGITS - 2 :]):
        return text
    start = clean[: CHANGED_LENGTH - HASH_DIGITS - 2]
    return f"{start}-x{digest(text)}"


def former_number(text: str) -> str:
    """Build the number as versions did before Sage's 45 characters were known.

    It has at most 30 characters, dashes for unusable characters, and a hash only if it was cut.
    """
    if text.isalnum() and len(text) <= HASHED_LENGTH:
        return text
    clean = _dashed(text)
    return clean if len(clean) <= HASHED_LENGTH else _hashed(clean, text)


def hashed_number(text: str, identity: str) -> str:
    """Build a unique number of at most 30 characters from a text and a hash of `identity`: `EFS-88120417-1a2b3c4d`.

    Raises:
        Refusal: `NUMBER_UNUSABLE` if the text has no letter or digit.
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
    """Replace each character that Sage refuses in a number, and each invisible one, by a dash: people compare them."""
    clean = _UNUSABLE.sub("-", text.strip())
    return clean if clean.isprintable() else "".join([sign if sign.isprintable() else "-" for sign in clean])


def phrase(*words: str | None) -> str:
    """Join the words that are not empty with spaces."""
    return " ".join([word for word in words if word])


def flat(text: str) -> str:
    """Put a text on one line: every run of white space becomes one space."""
    return text if text.isprintable() and "  " not in text else " ".join(text.split())


def cut(text: str, length: int) -> str:
    """Cut a text to `length` characters, the last three being dots, if it is longer."""
    return text if len(text) <= length else text[: length - len(_CUT)].rstrip() + _CUT


def different(values: Iterable[str | None]) -> tuple[str, ...]:
    """List the different values in natural order (L9 before L10). The order in the event has no meaning."""
    return tuple(sorted({value for value in values if value}, key=_natural))


def _natural(text: str) -> tuple[list[str | int], str]:
    """Build the sort key for natural order: every second part is digits and is compared as a number."""
    return [int(part) if part.isdecimal() else part for part in _DIGITS.split(text)], text


def several(values: Sequence[str], length: int) -> str | None:
    """Join the first value and as many of the others as fit into `length` characters, with commas.

    Values are never cut, so a first value that is too long by itself is returned whole. None if there are no values.
    """
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
    """Join the values as versions did before Sage's 100 characters were known.

    All values if they fit into 20 characters, else only the first; None if there are no values.
    """
    if not values:
        return None
    joined = ", ".join(values)
    return joined if len(joined) <= FORMER_PO_NUMBER else values[0]


def key_part(text: str) -> str:
    """Escape one segment of a document key: a slash becomes %2F, so that two documents never share a key."""
    if "/" in text or "%" in text:
        return text.replace("%", "%25").replace("/", "%2F")
    return text
