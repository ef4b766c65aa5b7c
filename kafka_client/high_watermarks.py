"""The broker's high watermarks, requested on a separate connection, one request for many callers.

On a consumer's own connection the request waits behind a pending fetch, up to 500 ms. On a separate connection the
answer takes less than 1 ms.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from kafka_client.interface import KafkaClients
from kafka_client.stopping import stop_client

HURRIED_MS = 10


class HighWatermarks:
    """Client that requests high watermarks: the offset after the last acknowledged record, open transactions included.

    `kafka_client.read_to_end` says why they are the ends of partitions.

    Args:
        clients: The factory of its connection.
        hurried: Whether someone waits for the first answer. A new client first asks for the partitions' leaders, and
            then waits before it asks again; a hurried one waits less, and so asks more often while a broker is away.
    """

    def __init__(self, clients: KafkaClients, *, hurried: bool = False) -> None:
        self._client = clients.scout(retry_backoff_ms=HURRIED_MS if hurried else None)
        self._one_at_a_time = asyncio.Lock()
        self._next: asyncio.Task[dict[TopicPartition, int]] | None = None
        self._running: set[asyncio.Task[dict[TopicPartition, int]]] = set()

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaError: No broker answers.
        """
        await self._client.start()

    async def stop(self) -> None:
        """Disconnect. Callers that still wait for an answer get a `KafkaError`."""
        for task in self._running:
            task.cancel()
        await stop_client(self._client)

    async def ask(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Get the high watermarks as of some moment after this call.

        Callers share a request that is about to be sent, never one under way: its answer could be older than what the
        caller has written. All callers must name the same partitions.

        Raises:
            KafkaError: The broker refused, or `stop` was called first. If the broker does not answer, this call waits.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._ask(partitions))
            self._running.add(self._next)
            self._next.add_done_callback(self._ended)
        shared = self._next
        await asyncio.wait({shared})  # a caller that is cancelled leaves the request to the others
        if shared.cancelled():
            raise KafkaError("the connection was closed")
        return shared.result()

    async def _ask(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        async with self._one_at_a_time:
            self._next = None  # later callers need a new request
            ends: dict[TopicPartition, int] = await self._client.end_offsets(list(partitions))
            return ends

    def _ended(self, task: asyncio.Task[dict[TopicPartition, int]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not complain when all callers were cancelled
