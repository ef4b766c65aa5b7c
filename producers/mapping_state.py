"""Writes settings to the mapping-state topic: the one place where this service changes what it maps by.

Each record carries who wrote it and when: in the value's ``by`` and ``at``, and in headers of the same names, because a
tombstone has no value. What it replaces goes along in the header ``history``, because the topic is compacted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import orjson
from aiokafka import AIOKafkaProducer

from domain.keys import AccountKey, canonical, master, parse

CODE = "MASTER_DEFAULT_CANNOT_BE_CLEARED"
HISTORY = "history"
"""The header with what stood before: a JSON array of {"at", "by", "value"}, the newest first."""
MOST_KEPT = 10
"""Former values that a record takes along, the newest; fewer where they are large."""
MOST_BYTES = 16_000


class MasterDefaultCannotBeCleared(Exception):  # noqa: N818 - it reads as the rule it is (requirement 58)
    """A side's master Default answers for every line that nothing else does, so it can only be changed."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The Default mapping cannot be cleared, only changed. ({CODE}: {key})")
        self.key = key


@dataclass(frozen=True, slots=True)
class Former:
    """What a setting was, from when on and by whom; `value` is JSON, None where it was cleared."""

    at: str
    by: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """Where an acknowledged record stands."""

    key: str
    partition: int
    offset: int


class MappingWriter:
    """Sets and clears settings; returns when every in-sync replica has the record.

    Args:
        topic: The full name of the mapping-state topic.
        kafka: Keywords for every aiokafka client: brokers and how to sign in.
        by: Who writes, for the record.
        clock: The time, with offset.
    """

    def __init__(self, topic: str, kafka: Mapping[str, object], *, by: str, clock: Callable[[], datetime]) -> None:
        self._topic = topic
        # Idempotent, so a retry neither doubles a record nor swaps two of one key.
        self._producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        self._by = by
        self._clock = clock

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaError: No broker answers.
        """
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect; what was acknowledged stays."""
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

    async def set(self, key: str, value: Mapping[str, object], history: Sequence[Former] = ()) -> Written:
        """Write a setting; it replaces the whole former value of its key. `history`: what stood before, newest first.

        Raises:
            BadKeyError: The text is no key of mapping-state.
            KafkaError: It is not known to be written; set it again.
        """
        return await self._send(key, dict(value) | {"by": self._by, "at": self._now()}, history)

    async def clear(self, key: str, history: Sequence[Former] = ()) -> Written:
        """Write a tombstone; the next level answers from then on.

        Raises:
            MasterDefaultCannotBeCleared: The key is a side's master Default.
            BadKeyError: The text is no key of mapping-state.
            KafkaError: It is not known to be written; clear it again.
        """
        refuse_clearing_a_master(key)
        return await self._send(key, None, history)

    async def remove(self, key: str, history: Sequence[Former] = ()) -> Written:
        """Write a tombstone for any key, a master Default and one outside the grammar too: for a disconnect alone.

        Raises:
            KafkaError: It is not known to be written; remove it again.
        """
        return await self._write(key, None, history)

    async def _send(self, key: str, value: Mapping[str, object] | None, history: Sequence[Former]) -> Written:
        parse(key)
        return await self._write(key, value, history)

    async def _write(self, key: str, value: Mapping[str, object] | None, history: Sequence[Former]) -> Written:
        headers = [("by", self._by.encode()), ("at", self._now().encode())]
        if history:
            headers.append((HISTORY, _kept(history)))
        body = None if value is None else orjson.dumps(value)
        done = await self._producer.send_and_wait(self._topic, body, key=key.encode(), headers=headers)
        return Written(key, done.partition, done.offset)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


def refuse_clearing_a_master(key: str) -> None:
    """Raise `MasterDefaultCannotBeCleared` when the key, in any spelling, is a side's master Default."""
    read = parse(key)
    if isinstance(read, AccountKey) and canonical(key) == master(read.subsidiary_id, read.side).canonical:
        raise MasterDefaultCannotBeCleared(key)


def _kept(history: Sequence[Former]) -> bytes:
    """As much of what stood before as a header may hold, the newest first."""
    kept: list[bytes] = []
    for each in history[:MOST_KEPT]:
        value = None if each.value is None else orjson.Fragment(each.value)
        kept.append(orjson.dumps({"at": each.at, "by": each.by, "value": value}))
        if sum(map(len, kept)) > MOST_BYTES:
            kept.pop()
            break
    return b"[" + b",".join(kept) + b"]"
