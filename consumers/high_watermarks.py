"""The broker's high watermarks, asked on a connection of their own, one request for many callers.

On a consumer's connection the question waits behind the fetch that waits for records, up to 500 ms; on another it is
answered in less than one.
"""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.stopping import stop_client


class HighWatermarks:
    """Asks for the end of partitions, open transactions included: the offset after the last acknowledged record."""

    def __init__(self, kafka: Mapping[str, object]) -> None:
        # Read-uncommitted, or the answer is the last stable offset. Kafka answers a commit before its marker is
        # written, and for that moment the last stable offset leaves out what was just committed.
        self._client = AIOKafkaConsumer(**kafka, enable_auto_commit=False, isolation_level="read_uncommitted")
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
        """Disconnect. Whoever still waits for an answer gets a `KafkaError`."""
        for task in self._running:
            task.cancel()
        await stop_client(self._client)

    async def ask(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The high watermarks at some moment after this call.

        Callers share the request that is about to be sent, never one under way: what they wrote may be younger than
        its answer. All callers name the same partitions.

        Raises:
            KafkaError: The broker refused, or `stop` came first. While it does not answer, this waits.
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
            self._next = None  # from here on nobody may join
            ends: dict[TopicPartition, int] = await self._client.end_offsets(list(partitions))
            return ends

    def _ended(self, task: asyncio.Task[dict[TopicPartition, int]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains when all its callers went away
