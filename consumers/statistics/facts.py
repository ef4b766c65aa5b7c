"""What statistics need of a result, and the messages on the internal topic that brings a subsidiary's together.

Results are spread by document key. They are sent on by subsidiary, so that one process sees all of one subsidiary.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from domain.outcomes import Outcome

BASE_CURRENCY = "base"
"""Stands for the company's own currency, where a document names none."""
SAGE_BLOCKER = "sage/"
"""How the name of a Sage connection begins in `blockedBy`; all others there are keys of mapping-state."""


def _text(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError("an amount is decimal text")  # noqa: TRY004 - pydantic turns this one into its own error
    return value


# Bounded, so that sums stay exact and nothing read here can make the arithmetic fail.
Amount = Annotated[Decimal, BeforeValidator(_text), Field(max_digits=24, decimal_places=8)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class _Document(_Wire):
    currency: str | None = None
    total: Amount


class _Result(_Wire):
    document_key: str
    outcome: Outcome
    at: AwareDatetime
    code: str | None = None
    subsidiary_id: str | None = None
    blocked_by: tuple[str, ...] = ()
    from_ledger: bool = False
    document: _Document | None = None


class Place(BaseModel):
    """Where a record stands in the results: by it one that comes again is known."""

    model_config = ConfigDict(frozen=True)

    partition: int
    offset: int


class Fact(BaseModel):
    """One result, as far as statistics go."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["fact"] = "fact"
    place: Place
    subsidiary: str | None
    document: str
    at: AwareDatetime
    outcome: Outcome
    code: str | None = None
    connection: str | None = None
    currency: str | None = None
    total: Amount | None = None
    from_ledger: bool = False


class Unreadable(BaseModel):
    """A record that is no result, with the time that Kafka has for it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["unreadable"] = "unreadable"
    place: Place
    subsidiary: None = None
    at: AwareDatetime


class Close(BaseModel):
    """The time of a window is over: tell of it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["close"] = "close"
    subsidiary: str | None
    start: int
    seconds: int


Message = Annotated[Fact | Unreadable | Close, Field(discriminator="kind")]
_MESSAGE: TypeAdapter[Fact | Unreadable | Close] = TypeAdapter(Message)


def read_result(value: bytes | None, place: Place) -> Fact | None:
    """The fact in a record of `sage-export-results`; None if it cannot be read."""
    try:
        result = _Result.model_validate_json(value or b"")
    except ValidationError:
        return None
    document = result.document
    return Fact(
        place=place,
        subsidiary=result.subsidiary_id,
        document=result.document_key,
        at=result.at,
        outcome=result.outcome,
        code=result.code,
        connection=next((blocker for blocker in result.blocked_by if blocker.startswith(SAGE_BLOCKER)), None),
        currency=None if document is None else document.currency or BASE_CURRENCY,
        total=None if document is None else document.total,
        from_ledger=result.from_ledger,
    )


def encode(message: Fact | Unreadable | Close) -> bytes:
    """The message as a record's value."""
    return message.model_dump_json(exclude_none=False).encode()


def decode(value: bytes | None) -> Fact | Unreadable | Close | None:
    """The message in a record of the internal topic; None if it is none, as after a change of version."""
    try:
        return _MESSAGE.validate_json(value or b"")
    except ValidationError:
        return None


def key(subsidiary: str | None) -> bytes:
    """The record key that brings a subsidiary's messages together; those without one are together too."""
    return (subsidiary or "-").encode()
