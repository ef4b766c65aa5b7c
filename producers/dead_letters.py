"""The record on `sage-dead-letters`: the original bytes unchanged, with headers for their origin and the error.

The header names are those of Kafka Connect (`__connect.errors.*`) and Spring (`kafka_dlt-*`), so that existing tools
can read our dead letters. The original headers come first and are never changed.
"""

import hashlib
from dataclasses import dataclass, replace

from domain.codes import Code
from domain.text import single_line

STAGE = "VALUE_CONVERTER"
"""Kafka Connect's name of the failed stage: every record on this topic is one that could not be read."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A source record as it was read: its bytes and its position. `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    last: int | None = None
    """The offset of the last record, if the dead letter stands for several; `offset` is that of the first.

    None if the dead letter stands for one record.
    """
    left_out: str = ""
    """The parts that did not fit into the dead letter, in words; "" if all did."""


def fitted(record: DeadRecord, room: int) -> DeadRecord:
    """Remove the largest parts of a record until it fits into `room` bytes, and name them in `left_out`.

    The source topic still has these parts, at the position in the headers, until its retention ends.
    """
    left_out: list[str] = []
    while sum(parts := _sizes(record)) > room:
        largest = parts.index(max(parts))
        if largest == 0:
            left_out.append(_named("value", record.value or b""))
            record = replace(record, value=None)
        elif largest == 1:
            left_out.append(_named("key", record.key or b""))
            record = replace(record, key=None)
        else:
            left_out.append(f"{len(record.headers)} headers, {parts[2]} bytes")
            record = replace(record, headers=())
    return replace(record, left_out="; ".join(left_out))


def _sizes(record: DeadRecord) -> tuple[int, int, int]:
    # A name counts with its longest possible UTF-8 encoding, and each header with its framing.
    headers = sum(4 * len(name) + len(value or b"") + 10 for name, value in record.headers)
    return len(record.value or b""), len(record.key or b""), headers


def _named(part: str, content: bytes) -> str:
    return f"{part}, {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}"


def headers(record: DeadRecord, code: Code, detail: str, group: str) -> list[tuple[str, bytes | None]]:
    """Build all headers of a dead letter; every added value is UTF-8 text on one line.

    Args:
        record: The source record, already fitted (`fitted`).
        code: The code of the error.
        detail: The error in words.
        group: The consumer group that read the record.
    """
    detail = single_line(detail)
    added = {
        "__connect.errors.topic": record.topic,
        "__connect.errors.partition": str(record.partition),
        "__connect.errors.offset": str(record.offset),
        "__connect.errors.connector.name": group,
        "__connect.errors.task.id": str(record.partition),
        "__connect.errors.stage": STAGE,
        "__connect.errors.class.name": "domain.events.ContractError",
        "__connect.errors.exception.class.name": code.value,
        "__connect.errors.exception.message": detail,
        "__connect.errors.exception.stacktrace": "",
        "kafka_dlt-original-topic": record.topic,
        "kafka_dlt-original-partition": str(record.partition),
        "kafka_dlt-original-offset": str(record.offset),
        "kafka_dlt-original-timestamp": str(record.timestamp),
        "kafka_dlt-original-timestamp-type": "LogAppendTime" if record.timestamp_type else "CreateTime",
        "kafka_dlt-original-consumer-group": group,
        "kafka_dlt-exception-fqcn": code.value,
        "kafka_dlt-exception-message": detail,
        "alvys-sage-code": code.value,
        "alvys-sage-last-offset": str(record.offset if record.last is None else record.last),
        "alvys-sage-fix": code.explanation.fix,
        "alvys-sage-left-out": record.left_out,
    }
    return [*record.headers, *((name, value.encode("utf-8", "replace")) for name, value in added.items())]
