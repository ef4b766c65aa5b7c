"""What a person may ask of documents that are known: the values of the topic `export-commands` (docs/contract.md).

Every command says who asks and when; a mark also says why. A command is applied once in effect by whoever owns the
documents it names, and its answers are ordinary results.
"""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic import model_validator as rule
from pydantic.alias_generators import to_camel

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Offset = Annotated[int, Field(ge=0)]


class CommandError(ValueError):
    """A record of `export-commands` that is no command. The text names what is wrong, never the whole value."""


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    schema_version: Literal[1] = Field(1, alias="schema")
    id: Text
    by: Text
    """Who asks."""
    at: AwareDatetime
    why: Annotated[str, Field(max_length=1000)] = ""


class Retry(_Command):
    """Look at documents again now: those that were rejected or wait, chosen in exactly one of three ways."""

    action: Literal["retry"] = "retry"
    documents: tuple[Text, ...] = ()
    """Document keys."""
    codes: tuple[Text, ...] = ()
    """Codes that the documents ended with."""
    blocked_by: tuple[Text, ...] = ()
    """What the documents wait for: mapping-state keys, or Sage connections."""
    topics: tuple[Text, ...] = ()
    """Full names of source topics; none: all of them, every type of document."""

    @rule(mode="after")
    def _one_way(self) -> Self:
        if [bool(self.documents), bool(self.codes), bool(self.blocked_by)].count(True) != 1:
            raise ValueError("name documents, codes or blockedBy: exactly one of them")
        return self


class MarkSynced(_Command):
    """A person has entered the documents in Sage by hand: they are never posted, with who said so and why."""

    action: Literal["mark-synced"] = "mark-synced"
    documents: Annotated[tuple[Text, ...], Field(min_length=1)]
    why: Text
    record_no: Text | None = None
    """The record in Sage, if it is known."""


class Replay(_Command):
    """Read one record again that the ledger keeps no event of: a dead letter, or a document that was skipped."""

    action: Literal["replay"] = "replay"
    topic: Text
    partition: Offset
    offset: Offset
    timestamp: int
    """Where the record stood, and its Kafka timestamp in milliseconds: older than what came after it."""
    key: Base64Bytes | None
    value: Base64Bytes


Command = Retry | MarkSynced | Replay
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="action")])


def decode(value: bytes | None) -> Command:
    """Read a command.

    Raises:
        CommandError: It is none.
    """
    try:
        return _COMMANDS.validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CommandError(f"{where}: {first['msg']}" if where else first["msg"]) from None


def encode(command: Command) -> bytes:
    """The record's value: JSON in UTF-8, keys in camel case; defaults are written too."""
    return command.model_dump_json(by_alias=True).encode()


def said(command: Command) -> str:
    """Who asked, when and why, for a result's detail."""
    return f"{command.by}, {command.at.isoformat(timespec='seconds')}" + (f": {command.why}" if command.why else "")
