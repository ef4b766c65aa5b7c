"""Texts and numbers in the form that XML and Sage accept. The same document always gives the same bytes.

XML 1.0 forbids most control characters, lone surrogates, U+FFFE and U+FFFF, even in escaped form. In prose they are
dropped. In an id or a document number they are refused, because an account number without a character is another
account.
"""

import re
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation

from sage_client._error_categories import ExchangeLevel
from sage_client.errors import RequestInvalidError

_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_forbidden = re.compile(f"[{_FORBIDDEN}]")
_special = re.compile(f"[{_FORBIDDEN}&<>\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

_CENT = Decimal("0.01")
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])


def clean(text: str) -> str:
    """Drop the characters that XML 1.0 forbids."""
    return _forbidden.sub("", text)


def escape(text: str) -> str:
    """Escape a text for use inside an element, and drop the characters that XML 1.0 forbids.

    A carriage return becomes `&#13;`, so that it survives parsing.
    """
    if _special.search(text) is None:  # the usual case; this check takes most of the time of rendering
        return text
    return _special.sub(lambda found: _ESCAPES.get(found[0], ""), text)


def required_text(text: str, what: str, limit: int | None = None) -> str:
    """Escape an id or number that must reach Sage unchanged.

    Args:
        text: The id or number.
        what: Its name, for the error text.
        limit: The most characters that Sage accepts; None: not checked.

    Raises:
        RequestInvalidError: The text is empty, too long, or has a character that XML cannot contain.
    """
    plain = _special.search(text) is None
    if not text:
        raise _cannot(f"{what} is empty")
    _fits(text, what, limit)
    if not plain and _forbidden.search(text) is not None:
        raise _cannot(f"{what} {text!r} holds what XML cannot carry")
    return text if plain else escape(text)


def prose(text: str, what: str, limit: int) -> str:
    """Escape a text for people, and drop the characters that XML cannot contain.

    The text is not cut here: the domain already cut it, and the result reports that.

    Args:
        text: The text.
        what: Its name, for the error text.
        limit: The most characters that Sage accepts.

    Raises:
        RequestInvalidError: The text is too long.
    """
    _fits(text, what, limit)
    return escape(text)


def _fits(text: str, what: str, limit: int | None) -> None:
    if limit is not None and len(text) > limit:
        raise _cannot(f"{what} has {len(text)} characters, Sage takes {limit}")


def _cannot(why: str) -> RequestInvalidError:
    return RequestInvalidError(f"it cannot be sent as it is: {why}", level=ExchangeLevel.LOCAL)


def amount(value: Decimal) -> str:
    """Write an amount with exactly two decimals, without exponent and separators.

    Sage rounds an amount with more decimals (developer guides of invoices and bills), so such an amount is refused
    here.

    Raises:
        RequestInvalidError: The value is not a finite number, or has a fraction of a cent.
    """
    try:
        cents = value.quantize(_CENT, context=_EXACT)
    except (Inexact, InvalidOperation):
        raise RequestInvalidError(f"amount {value} is not one of whole cents", level=ExchangeLevel.LOCAL) from None
    if not cents.is_finite():
        raise RequestInvalidError(f"amount {value} is not a number", level=ExchangeLevel.LOCAL)
    return str(cents) if cents else "0.00"


def us_date(day: date) -> str:
    """Write a date as `mm/dd/yyyy`, for generic functions."""
    return f"{day.month:02}/{day.day:02}/{day.year:04}"


def split_date(day: date) -> str:
    """Write a date as zero-padded `year`, `month` and `day` elements, for legacy functions."""
    return f"<year>{day.year:04}</year><month>{day.month:02}</month><day>{day.day:02}</day>"


def legacy_currency(currency: str | None) -> str:
    """Render the currency elements of a legacy function; an empty text if `currency` is None.

    The group needs a rate type or a rate. An empty rate type means "Intacct Daily Rate" (accounts-receivable/invoices).
    Other integrations send it with every document, also in the base currency, and in companies with one currency as
    with several.
    """
    return f"<currency>{required_text(currency, 'currency')}</currency><exchratetype/>" if currency else ""
