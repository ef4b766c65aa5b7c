"""Writes events and settings, through broker restarts. What could not be acknowledged is sent again: a redelivery."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chaos.script import HEADER, ScriptedRecord

REQUEST_TIMEOUT_MS = 10_000


class EventSender:
    """An idempotent producer that is made anew when it fails."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix
        self._producer: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()
        self._acknowledged = -1
        self.floors: dict[int, int] = {}
        """By item: the mapping-state offset that was acknowledged before it was sent."""
        self.renamed: dict[str, str] = {}
        """Source topics that upstream now writes to under another name."""

    async def move_to(self, bootstrap: str) -> None:
        """Write to another cluster, which holds a copy of all topics."""
        async with self._turn:
            await self._drop()
            self._bootstrap = bootstrap

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._drop()

    async def send(self, items: Sequence[ScriptedRecord]) -> None:
        """Return when the broker has all of them, in this order within a partition."""
        async with self._turn:
            rest = list(items)
            while rest:
                rest = await self._try(rest)

    async def set(self, key: str, value: dict[str, Any] | None) -> None:
        """A setting, acknowledged; None clears it."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        body = None if value is None else orjson.dumps(value | {"by": "chaos", "at": at})
        async with self._turn:
            while True:
                try:
                    producer = await self._ready()
                    done = await producer.send_and_wait(f"{self._prefix}mapping-state", body, key=key.encode())
                except KafkaError:
                    await self._drop()
                    continue
                self._acknowledged = max(self._acknowledged, done.offset)
                return

    async def _try(self, items: list[ScriptedRecord]) -> list[ScriptedRecord]:
        """Send; what is left, from the first that failed of each partition on, in order."""
        try:
            producer = await self._ready()
            sent = []
            for item in items:
                self.floors.setdefault(item.number, self._acknowledged)  # a try before this one may have arrived
                sent.append(await self._one(producer, item))
        except KafkaError:
            await self._drop()
            return items
        done = await asyncio.gather(*sent, return_exceptions=True)
        left = [item for item, answer in zip(items, done, strict=True) if isinstance(answer, BaseException)]
        if left:
            await self._drop()
        return left

    async def _one(self, producer: AIOKafkaProducer, item: ScriptedRecord) -> "asyncio.Future[Any]":
        headers = [(HEADER, str(item.number).encode())]
        topic = self._prefix + self.renamed.get(item.topic, item.topic)
        if item.key is not None or item.value is not None:
            sent: asyncio.Future[Any] = await producer.send(
                topic, item.value, key=item.key, partition=item.partition, headers=headers
            )
            return sent
        batch = producer.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=headers)
        sent = await producer.send_batch(batch, topic, partition=0)
        return sent  # noqa: RET504 - named above with its type, which aiokafka lacks

    async def _ready(self) -> AIOKafkaProducer:
        while self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            try:
                await producer.start()
            except KafkaError:
                await producer.stop()
                await asyncio.sleep(0.5)
            else:
                self._producer = producer
        return self._producer

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
