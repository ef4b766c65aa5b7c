"""Follows a topic from its beginning, committed records only, and says when everything up to its end was read."""

import asyncio
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from kafka_client.high_watermarks import HighWatermarks

PATIENCE = 120.0
"""Seconds: a transaction that a killed process left open holds up its readers until it is fenced."""
Record = tuple[bytes | None, bytes | None]


class Topic:
    """One topic of this run. `async with`."""

    def __init__(self, bootstrap: str, name: str, partitions: int) -> None:
        self._places = [TopicPartition(name, number) for number in range(partitions)]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        self._watermarks = HighWatermarks({"bootstrap_servers": bootstrap})
        self._records: list[Record] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._watermarks.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_beginning(*self._places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._watermarks.stop()

    async def records(self) -> list[Record]:
        """All that was committed before this call; keys and values, each partition in its order.

        Raises:
            TimeoutError: A transaction stays open, or the broker does not answer.
        """
        async with asyncio.timeout(PATIENCE):
            ends = await self._watermarks.ask(self._places)
            while any([await self._consumer.position(place) < end for place, end in ends.items()]):
                for records in (await self._consumer.getmany(timeout_ms=100)).values():
                    self._records += [(record.key, record.value) for record in records]
        return list(self._records)
