"""Shared by `retry`, `mark-synced` and `dead-letters`: find the documents, then write commands for the workers."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer
from aiokafka import TopicPartition

from app.document_selection import DocumentSummary, Selection, missing, summary_of
from app.errors import UsageError
from app.kafka import clients_of
from app.output import note, show_json, show_table
from app.progress import Progress
from app.roles import may_change
from app.settings import Settings
from app.topic_reader import OffsetRange, documents, reader_of
from consumers.export.protocol.document_state import DocumentState
from domain.codes import Code
from domain.commands import Command, Replay
from kafka_client.size_limits import LARGEST_RECORD
from producers.commands import CommandWriter

By = Annotated[str, typer.Option("--by", envvar="USER", help="Who asks, for the record.")]
Execute = Annotated[bool, typer.Option("--execute", help="Ask it. Without this nothing is changed.")]
NOBODY = "unknown"
DRY_RUN = "This was a dry run: nothing was asked. --execute does it."
ASKED = "Asked. The workers that own the documents answer in sage-export-results; if none runs, the next one does."


@dataclass(frozen=True, slots=True)
class Person:
    """The person who gives a command, and the reason, for the record."""

    by: str
    why: str

    def header(self) -> dict[str, object]:
        """The common fields of a command; each call makes a new command id."""
        return {"id": str(uuid4()), "by": self.by, "at": datetime.now(UTC), "why": self.why}


async def find(settings: Settings, sources: Sequence[str], choice: Selection) -> list[DocumentSummary]:
    """Find the chosen documents in the ledgers of these source topics, sorted by topic, partition and key.

    Raises:
        CommandError: A ledger does not exist, or a record in it cannot be read.
        KafkaError: The broker refused.
    """

    def meant(entry: DocumentState, source: TopicPartition) -> DocumentSummary | None:
        return summary_of(entry, source) if choice.holds(entry) else None

    return sorted(await documents(settings, sources, meant), key=lambda each: (each.source, each.key))


def tell(found: Sequence[DocumentSummary], choice: Selection, *, executed: bool, as_json: bool) -> None:
    """Show the chosen documents, as a table or as JSON."""
    if as_json:
        shown = [each.json() for each in found]
        show_json({"executed": executed, "documents": shown, "unknown": missing(choice, found)})
    elif found:
        columns = ("DOCUMENT", "OUTCOME", "CODE", "RECORD", "READ AGAIN", "DETAIL")
        rows = [(each.key, each.outcome, each.code or "-", place(each), each.way, each.detail or "-") for each in found]
        show_table(columns, rows, whole=True)


def read_code(text: str) -> str:
    """Check that a code exists, and return its present name; a former name is taken too.

    Raises:
        UsageError: There is no code of that name.
    """
    try:
        return Code(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a code; alvys-sage codes lists them") from None


async def ask(settings: Settings, commands: Sequence[Command]) -> None:
    """Write commands to the commands topic.

    Raises:
        NotAllowedError: The person's role does not allow it; nothing was written.
        KafkaError: It is unknown whether the commands were written; writing them again is harmless.
    """
    for by in sorted({command.by for command in commands}):
        may_change(settings, by)
    topic = settings.topics.export_commands
    async with CommandWriter(topic, clients_of(settings), largest=LARGEST_RECORD) as writer:
        await writer.ask(commands)
    note(ASKED)


async def read_again(settings: Settings, found: Sequence[DocumentSummary], person: Person) -> list[Command]:
    """Make `Replay` commands that contain the source records of documents whose event no ledger keeps.

    A record that retention has deleted is left out, with a note to the person.
    """
    commands: list[Command] = []
    if not found:
        return commands
    async with reader_of(settings) as reader:
        logs = {log.partition: log for log in await reader.whole(list({each.source for each in found}))}
        for each in found:
            span = OffsetRange(each.source, each.offset, each.offset + 1)
            there = each.offset >= logs[each.source].begin
            got = [r async for batch in reader.records(span, _silent()) for r in batch] if there else []
            if not got or got[0].value is None:
                note(f"{each.key}: its record at {place(each)} is gone; send the event again")
                continue
            record = got[0]
            commands.append(replay_of(person, each.source, each.offset, record.timestamp, record.key, record.value))
    return commands


def replay_of(
    person: Person, source: TopicPartition, offset: int, timestamp: int, key: bytes | None, value: bytes
) -> Replay:
    """Make the command by which a worker reads one source record again.

    Args:
        person: Who gives the command, and why.
        source: The source partition.
        offset: The record's offset.
        timestamp: The record's time stamp, in milliseconds since 1970.
        key: The record's key, if it has one.
        value: The record's value.
    """
    parts = {
        "topic": source.topic,
        "partition": source.partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": None if key is None else b64encode(key),
        "value": b64encode(value),
    }
    return Replay.model_validate(person.header() | parts)


def place(each: DocumentSummary) -> str:
    """TOPIC:PARTITION:OFFSET of the document's last answered source record."""
    return f"{each.source.topic}:{each.source.partition}:{each.offset}"


def _silent() -> Progress:
    return Progress("", 0, clock=lambda: 0.0)
