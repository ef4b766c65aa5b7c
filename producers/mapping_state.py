"""Writer of settings to the mapping-state topic. No other code of this service changes settings.

Each record names its author and time: in ``by`` and ``at`` of the value, and in headers of the same names, because a
tombstone has no value. The header ``history`` holds the former values, because the topic is compacted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import orjson

from domain.settings.keys import AccountKey, canonical, master, parse
from kafka_client.interface import KafkaClients

CODE = "MASTER_DEFAULT_CANNOT_BE_CLEARED"
HISTORY = "history"
"""The header with the former values: a JSON array of {"at", "by", "value"}, the newest first."""
MOST_KEPT = 10
"""Most former values in one record, the newest; fewer if they are larger than `MOST_BYTES`."""
MOST_BYTES = 16_000


class MasterDefaultCannotBeCleared(Exception):  # noqa: N818 - it reads as the rule it is (requirement 58)
    """Error for clearing a master Default, which can only be changed.

    Every line without a more specific mapping uses the master Default of its side.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"The Default mapping cannot be cleared, only changed. ({CODE}: {key})")
        self.key = key


@dataclass(frozen=True, slots=True)
class FormerValue:
    """A former value of a setting: its time, its author, and the value as JSON (None if the setting was cleared)."""

    at: str
    by: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class WrittenSetting:
    """The key, partition and offset of an acknowledged record."""

    key: str
    partition: int
    offset: int


class MappingWriter:
    """Sets and clears settings; returns when every in-sync replica has the record.

    Args:
        topic: The full name of the mapping-state topic.
        clients: The factory of Kafka clients.
        by: The author of the records.
        clock: Returns the present time, with UTC offset.
    """

    def __init__(self, topic: str, clients: KafkaClients, *, by: str, clock: Callable[[], datetime]) -> None:
        self._topic = topic
        self._producer = clients.producer()
        self._by = by
        self._clock = clock

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaError: No broker answers.
        """
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect. Acknowledged records are kept."""
        await self._producer.stop()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def set(self, key: str, value: Mapping[str, object], history: Sequence[FormerValue] = ()) -> WrittenSetting:
        """Write a setting. It replaces the whole former value of the key.

        Args:
            key: The key of the setting.
            value: The new value, without author and time.
            history: The former values, the newest first.

        Raises:
            BadKeyError: The text is not a key of mapping-state.
            KafkaError: It is not known whether the record was written; set it again.
        """
        return await self._send(key, dict(value) | {"by": self._by, "at": self._now()}, history)

    async def clear(self, key: str, history: Sequence[FormerValue] = ()) -> WrittenSetting:
        """Clear a setting with a tombstone. From then on, the next less specific level is used.

        Args:
            key: The key of the setting.
            history: The former values, the newest first.

        Raises:
            MasterDefaultCannotBeCleared: The key is the master Default of a side.
            BadKeyError: The text is not a key of mapping-state.
            KafkaError: It is not known whether the tombstone was written; clear it again.
        """
        refuse_clearing_a_master(key)
        return await self._send(key, None, history)

    async def remove(self, key: str, history: Sequence[FormerValue] = ()) -> WrittenSetting:
        """Remove the record of any key, even of a master Default or an invalid key; for a disconnect only.

        Args:
            key: The key of the record.
            history: The former values, the newest first.

        Raises:
            KafkaError: It is not known whether the tombstone was written; remove it again.
        """
        return await self._write(key, None, history)

    async def _send(
        self, key: str, value: Mapping[str, object] | None, history: Sequence[FormerValue]
    ) -> WrittenSetting:
        parse(key)
        return await self._write(key, value, history)

    async def _write(
        self, key: str, value: Mapping[str, object] | None, history: Sequence[FormerValue]
    ) -> WrittenSetting:
        headers = [("by", self._by.encode()), ("at", self._now().encode())]
        if history:
            headers.append((HISTORY, _kept(history)))
        body = None if value is None else orjson.dumps(value)
        done = await self._producer.send_and_wait(self._topic, body, key=key.encode(), headers=headers)
        return WrittenSetting(key, done.partition, done.offset)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


def refuse_clearing_a_master(key: str) -> None:
    """Raise `MasterDefaultCannotBeCleared` when the key, in any spelling, is a side's master Default."""
    read = parse(key)
    if isinstance(read, AccountKey) and canonical(key) == master(read.subsidiary_id, read.side).canonical:
        raise MasterDefaultCannotBeCleared(key)


def _kept(history: Sequence[FormerValue]) -> bytes:
    """Encode as many of the former values as the header may hold, the newest first."""
    kept: list[bytes] = []
    for each in history[:MOST_KEPT]:
        value = None if each.value is None else orjson.Fragment(each.value)
        kept.append(orjson.dumps({"at": each.at, "by": each.by, "value": value}))
        if sum(map(len, kept)) > MOST_BYTES:
            kept.pop()
            break
    return b"[" + b",".join(kept) + b"]"
