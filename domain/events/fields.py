"""The types of the wire's fields: money, dates, texts, each as strict as a ledger needs it."""

import re
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints
from pydantic.alias_generators import to_camel

LIMIT = Decimal(10**15)
"""The largest amount, in units of its currency: beyond it Sage Intacct's own fields end."""
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
"""Characters: names are far shorter. What is written about a document is bounded because these are."""
_LONGEST_INSTANT = 64
_MOST_LOOSE = 10


class Wire(BaseModel):
    """Base of the models: camelCase outside, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore", strict=False)


def to_amount(value: object) -> Decimal:
    """A JSON number, or a string in the same grammar, as the Decimal that was written.

    Raises:
        ValueError: Not a number (a bool is none), beyond `LIMIT`, or with more digits than any currency has.
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
    """RFC 3339, or a plain date as its first moment in UTC.

    The earlier reading of a plain date is the safe one: it never exports what the activation excludes (requirement 9).

    Raises:
        ValueError: Neither, no such day, or outside 1970 to 2199.
    """
    if type(value) is not str:
        raise ValueError("is not an RFC 3339 time or date")
    return _instant(value)


@lru_cache(maxsize=4096)
def _instant(value: str) -> datetime:
    """Kept for a while: the dates of one day's events are few."""
    if len(value) > _LONGEST_INSTANT or not _RFC_3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 time or date")
    moment = datetime.fromisoformat(value.upper())
    if moment.year not in _YEARS:
        raise ValueError("is not in the years 1970 to 2199")
    return moment if len(value) > _DATE_LENGTH else moment.replace(tzinfo=UTC)


def to_date(value: object) -> date:
    """The calendar date as the event wrote it, in the event's own offset: Sage Intacct's dates have no time zone.

    Raises:
        ValueError: As `to_instant`.
    """
    return to_instant(value).date()


def to_number(value: object) -> str:
    """A statement number: the API shows an integer, the documents of Alvys a string.

    Raises:
        ValueError: Any other type, an integer beyond `LIMIT`, or a string that is no id.
    """
    if type(value) is int and abs(value) <= LIMIT:
        return str(value)
    if type(value) is str and len(number := value.strip()) <= LONGEST_ID:
        return _printable(number)
    raise ValueError("is not an integer or a string of at most 255 characters")


def _printable(text: str) -> str:
    """An id is compared, looked up and shown: a line end or a mark that nobody sees would make two of one.

    Raises:
        ValueError: It holds a character that is not printable.
    """
    if not text.isprintable():
        raise ValueError("holds a character that is not printable")
    return text


def to_currency_number(value: object) -> int | None:
    """An ISO 4217 number, or None for the company's own currency.

    Raises:
        ValueError: Any other type, or more than three digits.
    """
    if value is None or (type(value) is int and 0 <= value <= 999):  # noqa: PLR2004 - three digits, by the standard
        return value
    raise ValueError("is not an ISO 4217 number")


def to_days(value: object) -> int:
    """Payment terms in whole days.

    Raises:
        ValueError: Not an integer from 0 to 3650.
    """
    if type(value) is int and 0 <= value <= _LONGEST_TERM:
        return value
    raise ValueError("is not a number of days from 0 to 3650")


def to_loose_text(value: object) -> str | None:
    """A text of a profile, on one line. No document hangs on it, so what cannot be used is left out, never refused."""
    if type(value) is int and abs(value) <= LIMIT:
        return str(value)
    if type(value) is not str:
        return None
    text = " ".join(value.split())
    return text if text and len(text) <= LONGEST_TEXT and text.isprintable() else None


def to_loose_texts(value: object) -> tuple[str, ...]:
    """A list of such texts, or one of them."""
    values = value if isinstance(value, list) else [value]
    return tuple([text for one in values[:_MOST_LOOSE] if (text := to_loose_text(one)) is not None])


def to_loose_object(value: object) -> object:
    """An object of a profile; whatever else stands there is left out."""
    return value if isinstance(value, dict) else None


def to_fact_text(value: object) -> str:
    """A short text, which may be written as a number: a truck's number, the value of a reference.

    Raises:
        ValueError: Any other type, a text of more than 1,000 characters, or what is no amount.
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
# What is known of a party is no content of a document: `exclude` keeps it out of the revision of a refused event too.
LooseText = Annotated[str | None, PlainValidator(to_loose_text), Field(exclude=True)]
LooseTexts = Annotated[tuple[str, ...], PlainValidator(to_loose_texts), Field(exclude=True)]


class Money(Wire):
    """An amount and its ISO 4217 number; null or no currency leaves it to the company's base currency."""

    amount: Amount
    currency: CurrencyNumber = None


class PostalAddress(Wire):
    """An address of a profile."""

    street: LooseText = None
    address2: LooseText = None
    city: LooseText = None
    state: LooseText = None
    zip_code: LooseText = None
    country: LooseText = None


LooseAddress = Annotated[PostalAddress | None, BeforeValidator(to_loose_object), Field(exclude=True)]
