"""History of settings: who changed a setting, when, and from what to what.

The topic is compacted, so each record we write carries its newest few predecessors in its header `history`
(docs/decisions/0074). A record of another program carries none. Such a record is part of the history as long as the
topic keeps it, and afterwards because our next record of that key carries it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from app.progress import Progress
from app.settings import Settings
from app.topic_reader import partitions_of, reader_of
from domain.settings.keys import canonical
from kafka_client import header_names
from producers.mapping_state import HISTORY, FormerValue

History = Mapping[str, Sequence["Version"]]
"""The versions of each setting, by canonical key, the oldest first."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a setting, and the spelling of its key."""

    key: str
    former: FormerValue


async def read_history(settings: Settings) -> History:
    """Read the history of every setting from the topic.

    Raises:
        CommandError: The topic does not exist.
        KafkaError: The broker refused.
    """
    header_names.keep_bytes()
    found: dict[str, list[Version]] = {}
    partitions = await partitions_of(settings, [settings.topics.mapping_state])
    async with reader_of(settings) as reader:
        for span in await reader.whole(partitions):
            async for records in reader.records(span, Progress("", 0, clock=lambda: 0.0), wait_for_ever=False):
                for record in records:
                    if record.key is not None:
                        _take(found, record)
    return found


def _take(found: dict[str, list[Version]], record: ConsumerRecord) -> None:
    key = record.key.decode("utf-8", "backslashreplace")
    versions = found.setdefault(canonical(key), [])
    known = {each.former for each in versions}
    now = _now(record)
    versions += [Version(key, former) for former in _before(record) if former not in known | {now}]
    versions.append(Version(key, now))


def _before(record: ConsumerRecord) -> list[FormerValue]:
    """The predecessors that a record carries, the oldest first; none if its header is not in our format."""
    try:
        read = json.loads(_header(record, HISTORY) or "[]")
        return [FormerValue(str(each["at"]), _name(each["by"]), _text(each["value"])) for each in reversed(read)]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _now(record: ConsumerRecord) -> FormerValue:
    value: object = None
    by, at = _header(record, "by"), _header(record, "at")
    if record.value is not None:
        try:
            value = json.loads(record.value)
        except ValueError:
            value = {"unreadable": True}
        if isinstance(value, dict):
            by, at = value.pop("by", by), value.pop("at", at)
    written = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="seconds")
    return FormerValue(str(at or written), _name(by), _text(value))


def _name(by: object) -> str | None:
    return None if by is None else str(by)


def _header(record: ConsumerRecord, name: str) -> str | None:
    return next((value.decode("utf-8", "replace") for key, value in record.headers if key == name and value), None)


def _text(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def differences(before: object, after: object) -> str:
    """Describe a change in words. For objects, each field that differs is named with both values."""
    if after is None:
        return "cleared" if before is None else f"cleared; it was {_words(before)}"
    if before is None:
        return f"set: {_words(after)}"
    was, now = dict(flat(before)), dict(flat(after))
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return ", ".join(f"{name} {_cell(was.get(name))} → {_cell(now.get(name))}" for name in names) or "nothing"


def flat(value: object, before: str = "") -> Iterator[tuple[str, object]]:
    """List the fields of an object with their dotted names, such as `ar.creditMemos`."""
    if not isinstance(value, Mapping):
        yield before.rstrip(".") or "value", value
        return
    for name, inner in value.items():
        yield from flat(inner, f"{before}{name}.") if isinstance(inner, Mapping) else [(f"{before}{name}", inner)]


def _words(value: object) -> str:
    return ", ".join(f"{name} {_cell(each)}" for name, each in flat(value))


def _cell(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
