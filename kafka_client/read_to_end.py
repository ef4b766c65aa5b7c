"""Reading partitions from a start offset to their ends. Here, and only here, is said what the end of a partition is.

The end is the high watermark: the offset after the last acknowledged record, open transactions included. It is not the
last stable offset, which is what `end_offsets` of a consumer of committed records returns. The broker acknowledges a
commit as soon as its decision is durable, and writes the transaction's markers into the partitions afterwards. Until
then the last stable offset leaves out records that were just committed. Whoever reads to there can miss its own writes.

The end is reached when the consumer's position is there. The position passes transaction markers, aborted records and
compacted holes, so it reaches an end at which no record is. The offset of the last record does not.

The price is waiting. A transaction that is open now holds up every reader of committed records until it ends; the
broker aborts the transaction of a killed process after a minute. A reader that must not wait, and may miss what was
just committed, says so by `LastStableOffset` and gives its reason.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from kafka_client.high_watermarks import HighWatermarks
from kafka_client.interface import Consumer, KafkaClients
from kafka_client.stopping import stop_client

POLL_MS = 100
"""Milliseconds that a poll waits for records, and so how long the position may go unread while none come."""


@dataclass(frozen=True, slots=True)
class LastStableOffset:
    """Read only to the last stable offset: wait for no open transaction, and perhaps miss a commit of this moment."""

    because: str
    """Why the reader must not wait, and why it may miss records."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Progress in one partition."""

    partition: TopicPartition
    records: Sequence[Any]
    """The records in offset order. Empty if the position passed a transaction marker or a compacted hole. Records after
    the end are included if they were committed meanwhile."""
    position: int
    """The offset that is read next."""


class StalledError(Exception):
    """A reader made no progress: a transaction is open."""

    def __init__(self, partition: TopicPartition, position: int) -> None:
        super().__init__(f"{partition.topic} {partition.partition} stays at offset {position}")
        self.partition = partition
        self.position = position


def _never(_: TopicPartition) -> bool:
    return False


class PartitionReader:
    """A consumer without a group, and a client for high watermarks. `connected_reader` makes one.

    Args:
        consumer: A started consumer of committed records.
        watermarks: A started client for high watermarks.
        clock: Seconds that never go back.
    """

    def __init__(
        self, consumer: Consumer, watermarks: HighWatermarks, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._watermarks = watermarks
        self._clock = clock

    async def ends(
        self, partitions: Collection[TopicPartition], *, only: LastStableOffset | None = None
    ) -> dict[TopicPartition, int]:
        """The end of each partition as of some moment after this call.

        Args:
            partitions: The partitions. All calls for high watermarks of one reader name the same ones.
            only: The last stable offsets instead of the high watermarks, with the reason.

        Raises:
            KafkaError: The broker refused.
        """
        if not partitions:
            return {}
        if only is not None:
            return await self._consumer.end_offsets(list(partitions))
        return await self._watermarks.ask(list(partitions))

    async def begins(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each partition's log.

        Raises:
            KafkaError: The broker refused.
        """
        return await self._consumer.beginning_offsets(list(partitions)) if partitions else {}

    async def assign(
        self, partitions: Collection[TopicPartition], starts: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Set the partitions to read and where to start.

        Args:
            partitions: The partitions, in place of those that were read before.
            starts: The first offset to read in some of them. The others are read from their beginnings.
        """
        starts = starts or {}
        self._consumer.assign(list(partitions))
        for partition in partitions:
            if partition in starts:
                self._consumer.seek(partition, starts[partition])
        # Without arguments, `seek_to_beginning` would move every partition.
        if fresh := [partition for partition in partitions if partition not in starts]:
            await self._consumer.seek_to_beginning(*fresh)

    async def read_to_end(
        self,
        partitions: Collection[TopicPartition],
        *,
        only: LastStableOffset | None = None,
        enough: Callable[[TopicPartition], bool] = _never,
        max_records: int | None = None,
    ) -> AsyncIterator[Batch]:
        """Read partitions from their beginnings to their ends as of now.

        Args:
            partitions: The partitions.
            only: Read to the last stable offsets instead of the high watermarks, with the reason.
            enough: Whether the caller needs no more of a partition; asked after each poll.
            max_records: Records per poll. None: no limit.

        Raises:
            UnreadableRecordsError: A record cannot be read, and the consumer is not a tolerant one.
            KafkaError: The broker refused.
        """
        ends = await self.ends(partitions, only=only)
        await self.assign(partitions)
        async for batch in self.read_to(ends, enough=enough, max_records=max_records):
            yield batch

    async def read_to(
        self,
        ends: Mapping[TopicPartition, int],
        *,
        enough: Callable[[TopicPartition], bool] = _never,
        max_records: int | None = None,
        patience: float | None = None,
    ) -> AsyncIterator[Batch]:
        """Read assigned partitions from their positions to the given ends.

        Args:
            ends: The end of each partition, as `ends` returned them.
            enough: As for `read_to_end`.
            max_records: As for `read_to_end`.
            patience: Seconds without progress after which to give up. None: wait until every transaction has ended.

        Raises:
            StalledError: There was no progress for `patience` seconds.
            UnreadableRecordsError: A record cannot be read, and the consumer is not a tolerant one.
            KafkaError: The broker refused.
        """
        positions = {partition: await self._consumer.position(partition) for partition in ends}
        moved = self._clock()
        while left := [each for each, end in ends.items() if positions[each] < end and not enough(each)]:
            batches = await self._consumer.getmany(*left, timeout_ms=POLL_MS, max_records=max_records)
            before = dict(positions)
            for partition in left:
                records, positions[partition] = batches.get(partition, []), await self._consumer.position(partition)
                if records or positions[partition] != before[partition]:
                    yield Batch(partition, records, positions[partition])
            if positions != before:
                moved = self._clock()  # now, because the caller may have taken long over the records
            elif patience is not None and self._clock() - moved > patience:
                raise StalledError(left[0], positions[left[0]])

    async def poll(self, timeout_ms: int) -> list[Batch]:
        """Wait for the next records of the assigned partitions, at most for so many milliseconds."""
        batches = await self._consumer.getmany(timeout_ms=timeout_ms)
        return [
            Batch(partition, records, await self._consumer.position(partition))
            for partition, records in batches.items()
        ]


@asynccontextmanager
async def connected_reader(
    clients: KafkaClients, *, tolerant: bool = False, within: float | None = None
) -> AsyncIterator[PartitionReader]:
    """Connect a reader, and disconnect it at the end of the `async with` block.

    Args:
        clients: The factory of its clients.
        tolerant: Whether unreadable records are delivered as `Unreadable`; otherwise they raise.
        within: Seconds that connecting and the block together may take. None: no limit.

    Raises:
        TimeoutError: They took longer.
        KafkaError: No broker answers.
    """
    consumer = clients.reader(tolerant=tolerant)
    watermarks = HighWatermarks(clients, hurried=True)
    try:
        async with asyncio.timeout(within):  # the stops are outside: they have to happen after a time-out too
            await watermarks.start()
            await consumer.start()
            yield PartitionReader(consumer, watermarks)
    finally:
        await stop_client(consumer)
        await stop_client(watermarks)
