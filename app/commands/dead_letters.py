"""``alvys-sage dead-letters``: list records that broke the contract, and read them again after a fix."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka import ConsumerRecord, TopicPartition

from app.bootstrap import subscription_of
from app.command_requests import DRY_RUN, NOBODY, By, Execute, Person, ask, read_code, replay_of
from app.errors import CommandError, UsageError
from app.mapping_access import settings_for_command
from app.output import Json, note, show_json, show_table
from app.progress import Progress
from app.roles import may_see
from app.settings import Settings
from app.topic_checks import source_named
from app.topic_reader import offsets_in, partitions_of, reader_of
from consumers.export.ledger.placement import stand_in
from consumers.export.protocol.document_state import INTERNAL
from consumers.export.record_parsing import PartitionCheck, read
from domain.codes import Code, present_name
from domain.events import ContractError
from kafka_client.unreadable import Unreadable

dead_letters = typer.Typer(
    name="dead-letters", help="Records that broke the contract: list them, read them again.", no_args_is_help=True
)

CodeOption = Annotated[str | None, typer.Option("--code", metavar="CODE", help="Only those with this code.")]
TopicOption = Annotated[str | None, typer.Option("--topic", metavar="TOPIC", help="Only those of this source topic.")]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: the position of its source record, the reason, and the bytes of the record.

    `timestamp` is that of the source record, in milliseconds since 1970; `at` is when the dead letter was written.
    """

    source: TopicPartition
    offset: int
    timestamp: int
    code: str
    detail: str
    key: bytes | None
    value: bytes | None
    at: datetime

    @property
    def place(self) -> str:
        """TOPIC:PARTITION:OFFSET of the source record."""
        return f"{self.source.topic}:{self.source.partition}:{self.offset}"

    def json(self) -> dict[str, object]:
        """The dead letter as JSON for a program, without the record's bytes."""
        size = None if self.value is None else len(self.value)
        key = None if self.key is None else self.key.decode("utf-8", "backslashreplace")
        return {"at": self.at, "place": self.place, "code": self.code, "detail": self.detail, "key": key, "bytes": size}


@dead_letters.command("list")
def show(*, code: CodeOption = None, topic: TopicOption = None, by: By = NOBODY, as_json: Json = False) -> None:
    """The dead letters, oldest first; of each source record the newest."""
    settings = settings_for_command()
    may_see(settings, by)
    found = asyncio.run(_read(settings, code, topic))
    if as_json:
        show_json([each.json() for each in found])
        return
    rows = [
        (each.at.isoformat(timespec="seconds"), each.place, each.code, str(each.json()["key"] or "-"), each.detail)
        for each in found
    ]
    if rows:
        show_table(("AT", "RECORD", "CODE", "KEY", "DETAIL"), rows, whole=True)
    note(f"{len(found)} dead letters")


@dead_letters.command("replay")
def replay(  # noqa: PLR0913 - its parameters are the command's
    *,
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="TOPIC:PARTITION:OFFSET", help="This source record; repeatable.")
    ] = None,
    code: CodeOption = None,
    topic: TopicOption = None,
    by: By = NOBODY,
    why: Annotated[str, typer.Option("--why", help="Why, for the record.")] = "",
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Read dead letters again, after a fix of this service. They count by their events: a newer one stands.

    Those that still break the contract are told and left alone; a producer's mistake needs a new event. Without
    --execute nothing is changed.

    Exit code 0: told, or asked. 1: a named record is no dead letter. 2: the request cannot be.
    """
    if not (at or code or topic):
        raise UsageError("choose by --at, --code or --topic")
    settings = settings_for_command()
    may_see(settings, by)
    found = asyncio.run(_read(settings, code, topic))
    if at:
        if unknown := sorted(set(at) - {each.place for each in found}):
            raise CommandError(f"no dead letter of {', '.join(unknown)}")
        found = [each for each in found if each.place in at]
    stands = asyncio.run(_stands(settings, {each.source for each in found}))
    broken = {
        each.place: reason
        for each in found
        if (reason := _still_broken(settings, each, stands.get(each.source))) is not None
    }
    if as_json:
        show_json([each.json() | {"stillBroken": broken.get(each.place)} for each in found])
    elif found:
        rows = [(each.place, each.code, broken.get(each.place, "can be read now")) for each in found]
        show_table(("RECORD", "CODE", "NOW"), rows, whole=True)
    readable = [each for each in found if each.place not in broken]
    note(f"{len(readable)} of {len(found)} dead letters can be read now")
    if not execute:
        note(DRY_RUN)
    elif readable:
        person = Person(by, why)
        commands = [
            replay_of(person, each.source, each.offset, each.timestamp, each.key, each.value or b"")
            for each in readable
        ]
        asyncio.run(ask(settings, commands))


async def _read(settings: Settings, code: str | None, topic: str | None) -> list[Letter]:
    if code is not None:
        code = read_code(code)
    wanted = None if topic is None else source_named(topic, settings)
    newest: dict[str, Letter] = {}
    partitions = await partitions_of(settings, [settings.topics.sage_dead_letters])
    async with reader_of(settings) as reader:
        spans = await reader.whole(partitions)
        progress = Progress("reading dead letters", offsets_in(spans))
        for span in spans:
            async for records in reader.records(span, progress, wait_for_ever=False):
                for record in records:
                    if isinstance(record, Unreadable):
                        note(f"note: {record.topic}:{record.partition}: {record.reason}; not listed")
                    if (letter := _letter(record)) is not None:
                        newest[letter.place] = letter  # dead letters of one record are in one partition, in order
    chosen = (each for each in newest.values() if code in (None, each.code) and wanted in (None, each.source.topic))
    return sorted(chosen, key=lambda each: each.at)


def _letter(record: ConsumerRecord) -> Letter | None:
    """Read a dead letter from its record; None if this service did not write it."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    try:
        source = TopicPartition(headers["__connect.errors.topic"], int(headers["__connect.errors.partition"]))
        return Letter(
            source,
            int(headers["__connect.errors.offset"]),
            int(headers["kafka_dlt-original-timestamp"]),
            present_name(headers["alvys-sage-code"]),
            headers["__connect.errors.exception.message"],
            record.key,
            record.value,
            datetime.fromtimestamp(record.timestamp / 1000, UTC),
        )
    except (KeyError, ValueError):
        return None


async def _stands(settings: Settings, sources: set[TopicPartition]) -> dict[TopicPartition, PartitionCheck | None]:
    """Read the partitioning rule of each source partition from its ledger; None if the ledger stores none."""
    read_here = {each for each in sources if each.topic in settings.topics.sources}
    parts = {TopicPartition(settings.topics.ledger(each.topic), each.partition): each for each in read_here}
    found: dict[TopicPartition, PartitionCheck | None] = {}
    async with reader_of(settings) as reader:
        spans = await reader.whole(list(parts))
        progress = Progress("reading ledgers", offsets_in(spans))
        for span in spans:
            entries = reader.entries(span, progress, internal=True)
            own = {key: value async for key, value in entries if key.startswith(INTERNAL)}
            found[parts[span.partition]] = stand_in(span.partition, own)
    return found


def _still_broken(settings: Settings, letter: Letter, stand: PartitionCheck | None) -> str | None:
    if letter.code == Code.RECORDS_UNREADABLE:
        return "it stands for records that could not be read; `alvys-sage replay` reads them where they stand"
    if letter.code == Code.SOURCE_RECORDS_EXPIRED:
        return "it stands for records that were deleted before they were read; have their events sent again"
    receive = subscription_of(settings).sources.get(letter.source.topic)
    if receive is None:
        return "its topic is not one that this service reads"
    anyhow, most = settings.record_keys == "any", settings.largest_event_bytes
    try:
        read(receive, letter.key, letter.value, any_record_key=anyhow, largest_event=most, stand=stand)
    except ContractError as error:
        return f"{error.code}: {error.detail}"
    return None
