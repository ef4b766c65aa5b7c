"""The messages of the internal statistics topic: result facts, unreadable records, and requests to close a window.

Results are partitioned by document key. Their facts are sent on by subsidiary, so that one process sees all facts of a
subsidiary.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from domain.codes import present_name
from domain.outcomes import Outcome

BASE_CURRENCY = "base"
"""Currency name used for a document that names none: the base currency of its company."""
SAGE_BLOCKER = "sage/"
"""Prefix of Sage connections in `blockedBy`; the other names there are keys of mapping-state."""


def _text(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError("an amount is decimal text")  # noqa: TRY004 - pydantic turns this one into its own error
    return value


# Digits are bounded, so that sums stay exact and no amount read here can make the arithmetic fail.
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
    code: Annotated[str, AfterValidator(present_name)] | None = None
    subsidiary_id: str | None = None
    blocked_by: tuple[str, ...] = ()
    from_ledger: bool = False
    document: _Document | None = None


class RecordPosition(BaseModel):
    """Partition and offset of a record in the results topic; a record delivered again is recognised by it."""

    model_config = ConfigDict(frozen=True)

    partition: int
    offset: int


class ResultFact(BaseModel):
    """The parts of one result that the statistics use."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["fact"] = "fact"
    place: RecordPosition
    subsidiary: str | None
    document: str
    at: AwareDatetime
    outcome: Outcome
    code: str | None = None
    connection: str | None = None
    currency: str | None = None
    total: Amount | None = None
    from_ledger: bool = False


class UnreadableResult(BaseModel):
    """A record of the results topic that cannot be parsed as a result. `at` is the record's Kafka time stamp."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["unreadable"] = "unreadable"
    place: RecordPosition
    subsidiary: None = None
    at: AwareDatetime


class Close(BaseModel):
    """A request to close a window whose time is over, and to write its summary. `start` is in seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["close"] = "close"
    subsidiary: str | None
    start: int
    seconds: int


Message = Annotated[ResultFact | UnreadableResult | Close, Field(discriminator="kind")]
_MESSAGE: TypeAdapter[ResultFact | UnreadableResult | Close] = TypeAdapter(Message)


def read_result(value: bytes | None, place: RecordPosition) -> ResultFact | None:
    """Parse a record of `sage-export-results`; None if it is not a result."""
    try:
        result = _Result.model_validate_json(value or b"")
    except ValidationError:
        return None
    document = result.document
    return ResultFact(
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


def encode(message: ResultFact | UnreadableResult | Close) -> bytes:
    """Encode a message as a record value."""
    return message.model_dump_json(exclude_none=False).encode()


def decode(value: bytes | None) -> ResultFact | UnreadableResult | Close | None:
    """Decode a record value of the internal topic; None if it is no message, as may happen after a version change."""
    try:
        return _MESSAGE.validate_json(value or b"")
    except ValidationError:
        return None


def key(subsidiary: str | None) -> bytes:
    """The record key of a subsidiary's messages. Messages without a subsidiary share one key."""
    return (subsidiary or "-").encode()
