"""Text and numbers as XML and Sage take them. Deterministic: the same document gives the same bytes for ever.

XML 1.0 forbids most control characters, lone surrogates, U+FFFE and U+FFFF, even escaped. In prose they are dropped. In
an id or a document number they are refused: an account without its odd character is another account.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation

from sage_client._kinds import Level
from sage_client.errors import RequestInvalidError

_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_forbidden = re.compile(f"[{_FORBIDDEN}]")
_special = re.compile(f"[{_FORBIDDEN}&<>\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

_CENT = Decimal("0.01")
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters that Sage takes, by field; tenants may have others, so they are a setting.

    The figures are the nominal lengths of Sage's DTD 2.1; current maxima are published nowhere. Prose is cut to them. A
    document's number is never cut: two numbers could become one.
    """

    number: int = 30
    reference: int = 20
    description: int = 80
    memo: int = 500


DEFAULT_LIMITS = Limits()


def clean(text: str) -> str:
    """Drop what XML 1.0 forbids."""
    return _forbidden.sub("", text)


def cut(text: str, length: int) -> str:
    """Clean, then keep the first `length` characters."""
    return clean(text)[:length]


def escape(text: str) -> str:
    """Make text safe inside an element, forbidden characters dropped; a carriage return survives parsing as `&#13;`."""
    if _special.search(text) is None:  # nearly always, and most of the time that rendering takes
        return text
    return _special.sub(lambda found: _ESCAPES.get(found[0], ""), text)


def exact(text: str, what: str, limit: int | None = None) -> str:
    """An id or number that must reach Sage as it is; escaped.

    Raises:
        RequestInvalidError: It is empty, too long, or holds what XML cannot carry.
    """
    plain = _special.search(text) is None
    if not text or (limit is not None and len(text) > limit) or not (plain or _forbidden.search(text) is None):
        raise RequestInvalidError(f"{what} cannot be sent as it is: {text!r}", level=Level.LOCAL)
    return text if plain else escape(text)


def amount(value: Decimal) -> str:
    """Exactly two decimals, no exponent, no separators.

    Sage rounds what has more (web-services guides of invoices and bills), so more is refused here, never rounded.

    Raises:
        RequestInvalidError: The value is no number, or finer than a cent.
    """
    try:
        cents = value.quantize(_CENT, context=_EXACT)
    except (Inexact, InvalidOperation):
        raise RequestInvalidError(f"amount {value} is not one of whole cents", level=Level.LOCAL) from None
    if not cents.is_finite():
        raise RequestInvalidError(f"amount {value} is not a number", level=Level.LOCAL)
    return str(cents) if cents else "0.00"


def us_date(day: date) -> str:
    """`mm/dd/yyyy`, as generic functions take dates."""
    return f"{day.month:02}/{day.day:02}/{day.year:04}"


def split_date(day: date) -> str:
    """`year`, `month` and `day` elements, zero-padded, as legacy functions take dates."""
    return f"<year>{day.year:04}</year><month>{day.month:02}</month><day>{day.day:02}</day>"
