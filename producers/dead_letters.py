"""The record on `sage-dead-letters`: the original bytes, untouched, with headers that say where they came from and why.

The names are those of Kafka Connect (`__connect.errors.*`) and Spring (`kafka_dlt-*`), so that the tools people have
already read ours. Original headers come first and are never changed.
"""

from dataclasses import dataclass

from domain.codes import Code

STAGE = "VALUE_CONVERTER"
"""Kafka Connect's name of the stage that failed: a record that reaches this topic could not be read."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A source record as it was read: its bytes, and its place. `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def headers(record: DeadRecord, code: Code, detail: str, group: str) -> list[tuple[str, bytes]]:
    """All headers of the dead letter; every added value is UTF-8 text."""
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
        "alvys-sage-fix": code.explanation.fix,
    }
    return [*record.headers, *((name, value.encode("utf-8", "replace")) for name, value in added.items())]
