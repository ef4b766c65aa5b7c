"""Parsing of a replay request: the position to go to, and the partitions. The broker is not contacted here."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from aiokafka import TopicPartition

from app.errors import UsageError
from app.settings import Settings
from app.topic_checks import source_named

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_COLUMNS = 3


class ResetTo(Enum):
    """A position that every partition has: the log's beginning, its end, or the committed offset."""

    EARLIEST = auto()
    LATEST = auto()
    CURRENT = auto()


@dataclass(frozen=True, slots=True)
class AtTime:
    """The position of the first record of this time or later; the end, if there is none."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AtOffset:
    """A given offset, the same in each partition."""

    offset: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A number of offsets forward from the group's position; backward if negative."""

    by: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A separate offset for each partition."""

    offsets: Mapping[TopicPartition, int]


Target = ResetTo | AtTime | AtOffset | Shift | Listed
Scope = Mapping[str, frozenset[int] | None]
"""Source topics by full name, each with its chosen partitions; None: all partitions."""


def read_time(text: str) -> AtTime:
    """Parse ``YYYY-MM-DDTHH:MM:SS[.sss][zone]``. Without a zone the time is in UTC, as for Kafka's own tool.

    Raises:
        UsageError: The text is not such a time, or the time is before 1970.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or "T" not in text or ":" not in text:
        raise UsageError(f"{text!r} is not a time: YYYY-MM-DDTHH:MM:SS[.sss][zone], such as 2026-06-10T00:00:00Z")
    at = at.replace(tzinfo=at.tzinfo or UTC)
    if at.timestamp() < 0:
        raise UsageError(f"{text!r} is before 1970")
    return AtTime(at)


def read_duration(text: str, now: datetime) -> AtTime:
    """Parse a duration ``PnDTnHnMnS``, and return the time that long before `now`.

    Raises:
        UsageError: The text is not such a duration, or the time is before 1970.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a duration: PnDTnHnMnS, such as P1D, PT6H or P1DT2H30M")
    parts = {name: float(value) for name, value in found.groupdict().items() if value is not None}
    try:
        at = now - timedelta(**parts)
    except OverflowError:
        at = None
    if at is None or at.timestamp() < 0:
        raise UsageError(f"{text!r} reaches back before 1970")
    return AtTime(at)


def read_offset(value: int) -> AtOffset:
    """Check that an offset is zero or more.

    Raises:
        UsageError: The offset is negative.
    """
    if value < 0:
        raise UsageError(f"{value} is not an offset: it is zero or more; --shift-by goes back")
    return AtOffset(value)


def read_file(path: Path, settings: Settings) -> Listed:
    """Read a file of lines ``topic,partition,offset``, as `export_lines` and Kafka's own tool write them.

    Raises:
        UsageError: The file cannot be read, or a line has another form; the text names the line.
    """
    offsets: dict[TopicPartition, int] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if not row:
                    continue
                source, offset = _row(row, f"{path}, line {number}", settings)
                if source in offsets:
                    raise UsageError(f"{path}, line {number}: {source.topic} {source.partition} is named twice")
                offsets[source] = offset
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not offsets:
        raise UsageError(f"{path} names no partition: it has lines of topic,partition,offset")
    return Listed(offsets)


def _row(row: Sequence[str], where: str, settings: Settings) -> tuple[TopicPartition, int]:
    if len(row) != _COLUMNS or not all(cell.strip().isdecimal() for cell in row[1:]):
        raise UsageError(f"{where}: {','.join(row)!r} is not topic,partition,offset")
    return TopicPartition(source_named(row[0].strip(), settings), int(row[1])), int(row[2])


def export_lines(offsets: Mapping[TopicPartition, int]) -> list[str]:
    """Write offsets as lines that `read_file` can read."""
    return [f"{source.topic},{source.partition},{offset}" for source, offset in sorted(offsets.items())]


def read_scope(texts: Sequence[str], settings: Settings) -> Scope:
    """Parse topics, each given as ``topic`` or ``topic:0,1``.

    Raises:
        UsageError: A name is not a source topic of this service, or the text after the colon is not a partition list.
    """
    scope: dict[str, frozenset[int] | None] = {}
    for text in texts:
        name, colon, listed = text.partition(":")
        topic = source_named(name, settings)
        numbers = listed.split(",")
        if colon and not all(number.isdecimal() for number in numbers):
            raise UsageError(f"{text!r}: behind the colon stand partitions, such as {name}:0,1")
        known = scope.get(topic, frozenset())
        scope[topic] = None if known is None or not colon else known | frozenset(map(int, numbers))
    return scope
