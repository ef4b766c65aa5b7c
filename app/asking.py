"""What the commands that ask something of documents share: finding the documents, and writing what is asked."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer
from aiokafka import TopicPartition

from app.documents import Choice, Known, known
from app.errors import CommandError
from app.ledger_reading import Reader, Span, offsets_in, reader_of
from app.output import note, show_table
from app.progress import Progress
from app.replay.group import admin_of
from app.settings import Settings, kafka_options
from consumers.engine.ledger import decode
from consumers.engine.sizes import LARGEST_RECORD
from consumers.topic_facts import describe
from domain.commands import Command, Replay
from producers.commands import CommandWriter

By = Annotated[str, typer.Option("--by", envvar="USER", help="Who asks, for the record.")]
Execute = Annotated[bool, typer.Option("--execute", help="Ask it. Without this nothing is changed.")]
NOBODY = "unknown"
DRY_RUN = "This was a dry run: nothing was asked. --execute does it."
ASKED = "Asked. The workers that own the documents answer in sage-export-results; if none runs, the next one does."


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and why."""

    by: str
    why: str

    def header(self) -> dict[str, object]:
        """What a command begins with; each has an id of its own."""
        return {"id": str(uuid4()), "by": self.by, "at": datetime.now(UTC), "why": self.why}


async def find(settings: Settings, sources: Sequence[str], choice: Choice) -> list[Known]:
    """The documents of these source topics that are meant, by topic, partition and key.

    Raises:
        CommandError: A ledger does not exist, or a record in it cannot be read.
        KafkaError: The broker refused.
    """
    ledgers = {settings.topics.ledger(source): source for source in sources}
    partitions = await partitions_of(settings, list(ledgers))
    found: list[Known] = []
    async with reader_of(settings) as reader:
        spans = await reader.whole(partitions)
        progress = Progress("reading ledgers", offsets_in(spans))
        for span in spans:
            source = TopicPartition(ledgers[span.partition.topic], span.partition.partition)
            found += await _find_in(reader, span, progress, choice, source)
    return sorted(found, key=lambda each: (each.source, each.key))


async def _find_in(
    reader: Reader, span: Span, progress: Progress, choice: Choice, source: TopicPartition
) -> list[Known]:
    here: dict[str, Known] = {}
    async for document, value in reader.entries(span, progress):
        here.pop(document, None)
        if value is None:
            continue
        try:
            entry = decode(document, value)
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{span.partition.topic}: the record of {document!r}: {error}") from None
        if choice.holds(entry):
            here[document] = known(entry, source)
    return list(here.values())


async def partitions_of(settings: Settings, topics: Sequence[str]) -> list[TopicPartition]:
    """All partitions of topics.

    Raises:
        CommandError: One of them does not exist.
    """
    async with admin_of(settings) as admin:
        facts = await describe(admin, topics)
    if absent := [topic for topic in topics if topic not in facts]:
        raise CommandError(f"{absent[0]} does not exist; see alvys-sage topics")
    return [TopicPartition(topic, number) for topic in topics for number in range(facts[topic].partitions)]


async def ask(settings: Settings, commands: Sequence[Command]) -> None:
    """Write commands.

    Raises:
        KafkaError: They are not known to be written; asking again is harmless.
    """
    topic = settings.topics.export_commands
    async with CommandWriter(topic, kafka_options(settings), largest=LARGEST_RECORD) as writer:
        await writer.ask(commands)
    note(ASKED)


async def read_again(settings: Settings, documents: Sequence[Known], person: Person) -> list[Command]:
    """Commands that bring along the source records of documents whose event no ledger keeps.

    Records that retention deleted are told, and left out.
    """
    commands: list[Command] = []
    if not documents:
        return commands
    async with reader_of(settings) as reader:
        for each in documents:
            span = Span(each.source, each.offset, each.offset + 1)
            (whole,) = await reader.whole([each.source])
            got = (
                []
                if each.offset < whole.begin
                else [r async for batch in reader.records(span, _silent()) for r in batch]
            )
            if not got or got[0].value is None:
                note(f"{each.key}: its record at {place(each)} is gone; send the event again")
                continue
            record = got[0]
            commands.append(replay_of(person, each.source, each.offset, record.timestamp, record.key, record.value))
    return commands


def replay_of(
    person: Person, source: TopicPartition, offset: int, timestamp: int, key: bytes | None, value: bytes
) -> Replay:
    """The command that reads one record again."""
    parts = {
        "topic": source.topic,
        "partition": source.partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": None if key is None else b64encode(key),
        "value": b64encode(value),
    }
    return Replay.model_validate(person.header() | parts)


def place(each: Known) -> str:
    """Where a document's last record stands."""
    return f"{each.source.topic}:{each.source.partition}:{each.offset}"


def show(found: Sequence[Known]) -> None:
    """The documents, for a person."""
    rows = [(each.key, each.outcome, each.code or "-", place(each), each.way, each.detail or "-") for each in found]
    show_table(("DOCUMENT", "OUTCOME", "CODE", "RECORD", "READ AGAIN", "DETAIL"), rows, whole=True)


def _silent() -> Progress:
    return Progress("", 0, clock=lambda: 0.0)
