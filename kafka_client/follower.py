"""Following partitions from their beginnings for ever, with a barrier that proves what was read."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from kafka_client.high_watermarks import HighWatermarks
from kafka_client.interface import Consumer
from kafka_client.stopping import stop_client

POLL_MS = 25
"""Milliseconds that one poll waits. A new record ends the wait at once; a transaction marker or aborted record does
not, so it may be noticed that much later."""
POLL_RECORDS = 1_000
"""Records applied before other tasks of the event loop may run: about 10 ms of work."""


class FollowerEndedError(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """The follower was stopped, or an error ended it (the cause). Nothing more is read."""


class PartitionFollower:
    """A task that reads partitions in order, committed records only, and hands each record to a function.

    Args:
        consumer: A consumer of committed records, not yet started. The follower starts and stops it.
        watermarks: A client for high watermarks, likewise.
        apply: Called with each record. An error that it raises ends the follower.
        name: The name of the task.
        on_end: Called with the error that ended the follower, if it was not stopped.
    """

    def __init__(
        self,
        consumer: Consumer,
        watermarks: HighWatermarks,
        apply: Callable[[Any], None],
        *,
        name: str,
        on_end: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._consumer = consumer
        self._watermarks = watermarks
        self._apply = apply
        self._name = name
        self._on_end = on_end
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset that is read next in each partition. Everything before it was handed over."""
        return self._positions

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """The ends that were asked for last. Empty before the first call of `barrier`."""
        return self._ends

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """The partition numbers of a topic as far as the consumer knows. None: it knows nothing of the topic."""
        return self._consumer.partitions_for_topic(topic)

    async def start(self, partitions: Collection[TopicPartition]) -> None:
        """Connect, and begin to read these partitions from their beginnings. Call `stop` also if this fails.

        Raises:
            KafkaError: No broker answers.
        """
        await self._watermarks.start()
        await self._consumer.start()
        self._consumer.assign(list(partitions))
        await self._consumer.seek_to_beginning(*partitions)
        self._positions = {each: await self._consumer.position(each) for each in partitions}
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stop reading and disconnect. Callers of `barrier` get a `FollowerEndedError`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._wake()
        await stop_client(self._consumer)
        await stop_client(self._watermarks)

    def cancel(self) -> None:
        """Stop reading at once, and keep the connections until `stop`."""
        if self._task is not None:
            self._task.cancel()

    def check(self) -> None:
        """Raise the error that ended the follower, if one did."""
        if self._error is not None:
            raise self._error

    async def barrier(self) -> None:
        """Return when every record that was acknowledged or committed before the call was handed over.

        It waits while a transaction is open. Concurrent callers share one request to the broker.

        Raises:
            FollowerEndedError: The follower has ended.
            KafkaError: The broker refused. If it does not answer, this call waits.
        """
        self._ends = ends = await self._watermarks.ask(list(self._positions))
        while any(self._positions[partition] < end for partition, end in ends.items()):
            if self._error is not None or self._task is None or self._task.done():
                raise FollowerEndedError(f"{self._name} has ended") from self._error
            await self._moved.wait()

    async def _run(self) -> None:
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001 - kept for `check`, and told to whoever waits
            self._error = error
            self._on_end(error)
        finally:
            self._wake()

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)).values():
                for record in records:
                    self._apply(record)
            # The position, not the last record's offset: it passes markers, aborted records and compacted holes.
            self._positions = {each: await self._consumer.position(each) for each in self._positions}
            self._wake()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
