"""Follows a topic from its beginning, committed records only, and says when everything up to its end was read."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from aiokafka import TopicPartition

from kafka_client.clients import BrokerClients, Brokers
from kafka_client.read_to_end import PartitionReader, connected_reader

PATIENCE = 120.0
"""Seconds: a transaction that a killed process left open holds up its readers until it is fenced."""
Record = tuple[bytes | None, bytes | None]


class Topic:
    """One topic of this run. `async with`."""

    def __init__(self, bootstrap: str, name: str, partitions: int) -> None:
        self._places = [TopicPartition(name, number) for number in range(partitions)]
        self._clients = BrokerClients(Brokers(bootstrap))
        self._open = AsyncExitStack()
        self._reader: PartitionReader
        self._records: list[Record] = []

    async def __aenter__(self) -> Self:
        self._reader = await self._open.enter_async_context(connected_reader(self._clients))
        await self._reader.assign(self._places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def records(self) -> list[Record]:
        """All that was committed before this call; keys and values, each partition in its order.

        Raises:
            TimeoutError: A transaction stays open, or the broker does not answer.
        """
        async with asyncio.timeout(PATIENCE):
            async for batch in self._reader.read_to(await self._reader.ends(self._places)):
                self._records += [(record.key, record.value) for record in batch.records]
        return list(self._records)
