"""Types of the event fields: money, dates, texts. Each is as strict as bookkeeping needs."""

import re
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints
from pydantic.alias_generators import to_camel

LIMIT = Decimal(10**15)
"""The largest amount, in units of its currency. Sage Intacct's fields hold no larger amounts."""
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WIDE = Context(prec=64, Emin=-64, Emax=16, traps=[Inexact, InvalidOperation, Overflow])
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
_DATE_LENGTH = 10
_LONGEST_TERM = 3650
_YEARS = range(1970, 2200)
LONGEST_ID = 255
LONGEST_TEXT = 1000
"""Most characters of a text; real names are far shorter.

This limit also bounds the size of everything that is written about a document.
"""
_LONGEST_INSTANT = 64
_MOST_LOOSE = 10


class Wire(BaseModel):
    """Base of the event and setting models: JSON names in camelCase, unknown fields ignored, instances frozen."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore", strict=False)


def to_amount(value: object) -> Decimal:
    """Convert a JSON number, or a string in the same grammar, to the exact Decimal that was written.

    Raises:
        ValueError: The value is not a number (true and false are not), is beyond `LIMIT`, or has more digits than any
            currency.
    """
    if type(value) is str:
        if len(value) > _WIDE.prec or not _JSON_NUMBER.fullmatch(value):
            raise ValueError("is not a decimal number")
    elif type(value) is not Decimal and type(value) is not int:
        raise ValueError("is not a number or a numeric string")
    try:
        amount = _WIDE.create_decimal(value)
    except (Inexact, InvalidOperation, Overflow):
        raise ValueError("is not an amount: too large, or too many digits") from None
    if not -LIMIT <= amount <= LIMIT:
        raise ValueError("is beyond 10**15")
    return amount


def to_instant(value: object) -> datetime:
    """Parse an RFC 3339 time. A plain date becomes the first moment of that day in UTC.

    The earliest reading of a plain date is the safe one: a document from before the activation is never exported
    (requirement 9).

    Raises:
        ValueError: The value is neither, the day does not exist, or the year is not in 1970 to 2199.
    """
    if type(value) is not str:
        raise ValueError("is not an RFC 3339 time or date")
    return _instant(value)


@lru_cache(maxsize=4096)
def _instant(value: str) -> datetime:
    """Parse a time or date. Results are cached, because the events of one day contain few different dates."""
    if len(value) > _LONGEST_INSTANT or not _RFC_3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 time or date")
    moment = datetime.fromisoformat(value.upper())
    if moment.year not in _YEARS:
        raise ValueError("is not in the years 1970 to 2199")
    return moment if len(value) > _DATE_LENGTH else moment.replace(tzinfo=UTC)


def to_date(value: object) -> date:
    """Read the calendar date that the event wrote, in the event's own UTC offset.

    The offset is not converted, because dates in Sage Intacct have no time zone.

    Raises:
        ValueError: The value is not a time or date that `to_instant` accepts.
    """
    return to_instant(value).date()


def to_number(value: object) -> str:
    """Read a statement number. Alvys's API shows an integer, its documents show a string; both are accepted.

    Raises:
        ValueError: The value has another type, is an integer beyond `LIMIT`, or is a string that is not a valid id.
    """
    if type(value) is int and abs(value) <= LIMIT:
        return str(value)
    if type(value) is str and len(number := value.strip()) <= LONGEST_ID:
        return _printable(number)
    raise ValueError("is not an integer or a string of at most 255 characters")


def _printable(text: str) -> str:
    """Check an id. A line end or an invisible character would make two ids out of one that looks the same.

    Raises:
        ValueError: The text contains a character that is not printable.
    """
    if not text.isprintable():
        raise ValueError("holds a character that is not printable")
    return text


def to_currency_number(value: object) -> int | None:
    """Read an ISO 4217 number; None means the company's base currency.

    Raises:
        ValueError: The value has another type, or more than three digits.
    """
    if value is None or (type(value) is int and 0 <= value <= 999):  # noqa: PLR2004 - three digits, by the standard
        return value
    raise ValueError("is not an ISO 4217 number")


def to_days(value: object) -> int:
    """Read payment terms in whole days.

    Raises:
        ValueError: The value is not an integer from 0 to 3650.
    """
    if type(value) is int and 0 <= value <= _LONGEST_TERM:
        return value
    raise ValueError("is not a number of days from 0 to 3650")


def to_loose_text(value: object) -> str | None:
    """Read a text of a profile, put on one line; None if it is empty, too long, not printable, or not a text.

    Such a text is left out and the event is not refused, because no document depends on it.
    """
    if type(value) is int and abs(value) <= LIMIT:
        return str(value)
    if type(value) is not str:
        return None
    text = " ".join(value.split())
    return text if text and len(text) <= LONGEST_TEXT and text.isprintable() else None


def to_loose_texts(value: object) -> tuple[str, ...]:
    """Read a list of profile texts, or a single text, as a tuple; unusable texts are left out (see `to_loose_text`)."""
    values = value if isinstance(value, list) else [value]
    return tuple([text for one in values[:_MOST_LOOSE] if (text := to_loose_text(one)) is not None])


def to_loose_object(value: object) -> object:
    """Read an object of a profile; None for a value of any other type."""
    return value if isinstance(value, dict) else None


def to_fact_text(value: object) -> str:
    """Read a short text that may be written as a number, such as a truck number or the value of a reference.

    Raises:
        ValueError: The value is a text of more than 1,000 characters, or neither a text nor a valid amount.
    """
    if type(value) is not str:
        return f"{_WIDE.normalize(to_amount(value)) or Decimal(0):f}"
    if len(text := value.strip()) <= LONGEST_TEXT:
        return text
    raise ValueError("is longer than 1,000 characters")


Amount = Annotated[Decimal, PlainValidator(to_amount)]
Instant = Annotated[datetime, PlainValidator(to_instant)]
CalendarDate = Annotated[date, PlainValidator(to_date)]
StatementNumber = Annotated[str, PlainValidator(to_number)]
CurrencyNumber = Annotated[int | None, PlainValidator(to_currency_number)]
FactText = Annotated[str, PlainValidator(to_fact_text)]
TermDays = Annotated[int, PlainValidator(to_days)]
Id = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST_ID),
    AfterValidator(_printable),
]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=LONGEST_TEXT)]
# The profile of a party is not content of a document: `exclude` keeps it out of the revision of a refused event too.
LooseText = Annotated[str | None, PlainValidator(to_loose_text), Field(exclude=True)]
LooseTexts = Annotated[tuple[str, ...], PlainValidator(to_loose_texts), Field(exclude=True)]


class Money(Wire):
    """An amount with its ISO 4217 currency number; a missing or null currency means the company's base currency."""

    amount: Amount
    currency: CurrencyNumber = None


class PostalAddress(Wire):
    """A postal address of a profile."""

    street: LooseText = None
    address2: LooseText = None
    city: LooseText = None
    state: LooseText = None
    zip_code: LooseText = None
    country: LooseText = None


LooseAddress = Annotated[PostalAddress | None, BeforeValidator(to_loose_object), Field(exclude=True)]
