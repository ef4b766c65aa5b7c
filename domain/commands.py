"""Commands for known documents: the record values of the topic `export-commands` (docs/contract.md).

Every command names the person who asks and the time; `mark-synced` also gives the reason. The worker that owns the
partition of a document applies the command, once in effect, and answers with an ordinary result.
"""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as rule
from pydantic.alias_generators import to_camel

from domain.codes import present_name

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Offset = Annotated[int, Field(ge=0)]


class InvalidCommandError(ValueError):
    """Error for a record of `export-commands` that is not a valid command.

    The text names the field and the problem, never the whole value.
    """


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    schema_version: Literal[1] = Field(1, alias="schema")
    id: Text
    by: Text
    """The person who gives the command."""
    at: AwareDatetime
    why: Annotated[str, Field(max_length=1000)] = ""


class Retry(_Command):
    """Try rejected or waiting documents again now, selected by exactly one of `documents`, `codes` and `blocked_by`."""

    action: Literal["retry"] = "retry"
    documents: tuple[Text, ...] = ()
    """The keys of the documents to try again."""
    codes: tuple[Annotated[Text, AfterValidator(present_name)], ...] = ()
    """Codes: every document whose last result has one of them is tried again."""
    blocked_by: tuple[Text, ...] = ()
    """Blockers: every document that waits for one of these mapping-state keys or Sage connections is tried again."""
    topics: tuple[Text, ...] = ()
    """Full names of the source topics to search; empty means all of them, and so every type of document."""

    @rule(mode="after")
    def _one_way(self) -> Self:
        if [bool(self.documents), bool(self.codes), bool(self.blocked_by)].count(True) != 1:
            raise ValueError("name documents, codes or blockedBy: exactly one of them")
        return self


class MarkSynced(_Command):
    """Mark documents as synced: a person entered them in Sage by hand, so the service never posts them."""

    action: Literal["mark-synced"] = "mark-synced"
    documents: Annotated[tuple[Text, ...], Field(min_length=1)]
    why: Text
    record_no: Text | None = None
    """The number of the Sage record, if the person knows it."""


class Replay(_Command):
    """Process one source record again: a dead letter or a skipped document, whose event the ledger does not keep."""

    action: Literal["replay"] = "replay"
    topic: Text
    partition: Offset
    offset: Offset
    timestamp: int
    """The Kafka timestamp of the record, in milliseconds since 1970.

    With topic, partition and offset it places the record, so it counts as older than the records that came after it.
    """
    key: Base64Bytes | None
    value: Base64Bytes


Command = Retry | MarkSynced | Replay
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])


def decode(value: bytes | None) -> Command:
    """Decode the value of a record of `export-commands`.

    Raises:
        CommandError: The value is not a valid command, or there is none (a tombstone).
    """
    try:
        return _COMMANDS.validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidCommandError(f"{where}: {first['msg']}" if where else first["msg"]) from None


def encode(command: Command) -> bytes:
    """Encode a command as a record value: JSON in UTF-8, keys in camel case, defaults included."""
    return command.model_dump_json(by_alias=True).encode()


def said(command: Command) -> str:
    """Describe who gave the command, when and why, for the `detail` of a result."""
    return f"{command.by}, {command.at.isoformat(timespec='seconds')}" + (f": {command.why}" if command.why else "")
