"""Text and numbers as XML and Sage take them. Deterministic: the same document gives the same bytes for ever.

XML 1.0 forbids most control characters, lone surrogates, U+FFFE and U+FFFF, even escaped. In prose they are dropped. In
an id or a document number they are refused: an account without its odd character is another account.
"""

import re
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


def clean(text: str) -> str:
    """Drop what XML 1.0 forbids."""
    return _forbidden.sub("", text)


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
    if not text:
        raise _cannot(f"{what} is empty")
    _fits(text, what, limit)
    if not plain and _forbidden.search(text) is not None:
        raise _cannot(f"{what} {text!r} holds what XML cannot carry")
    return text if plain else escape(text)


def prose(text: str, what: str, limit: int) -> str:
    """A text for people, escaped; what XML cannot carry is dropped, but nothing is cut: the domain did that, and told.

    Raises:
        RequestInvalidError: It is too long.
    """
    _fits(text, what, limit)
    return escape(text)


def _fits(text: str, what: str, limit: int | None) -> None:
    if limit is not None and len(text) > limit:
        raise _cannot(f"{what} has {len(text)} characters, Sage takes {limit}")


def _cannot(why: str) -> RequestInvalidError:
    return RequestInvalidError(f"it cannot be sent as it is: {why}", level=Level.LOCAL)


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


def legacy_currency(currency: str | None) -> str:
    """The group of a legacy function that says a document's currency; nothing where none is to be said.

    It needs a rate type or a rate. An empty type is "Intacct Daily Rate" (accounts-receivable/invoices), and is sent
    by others with every document, the base currency's too, in companies of one currency as of several.
    """
    return f"<currency>{exact(currency, 'currency')}</currency><exchratetype/>" if currency else ""
