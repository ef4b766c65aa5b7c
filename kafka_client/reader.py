"""The Kafka consumers of this service: aiokafka's consumer, extended to get past any record that a topic may hold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError

from kafka_client import compression, unreadable
from kafka_client.unreadable import Unreadable, UnreadableRecordsError

log = structlog.get_logger(__name__)

TRIES = 3
"""How often a batch is fetched before it counts as unreadable. A batch damaged in transit is intact the next time."""

Batches = dict[TopicPartition, list[ConsumerRecord]]
"""The result of one poll. No list is empty, and an `Unreadable` is the only item of its list."""


def prepare() -> None:
    """Patch aiokafka in this process: consumers read all compressions and header names, and get past broken batches.

    Raises:
        CompressionMissingError: This installation cannot read one of Kafka's compressions.
    """
    compression.require_all()
    unreadable.install()


class Sieve:
    """Filter between a consumer and its caller: it fetches an unreadable batch again, `TRIES` times in all.

    Args:
        gives: Whether an `Unreadable` of the given topic is returned to the caller. If not, an error is raised.
    """

    def __init__(self, gives: Callable[[str], bool]) -> None:
        self._gives = gives
        self._tried: dict[TopicPartition, tuple[int, int]] = {}
        """For each partition with an unreadable batch: the batch's first offset, and how often it was fetched."""

    def sift(self, consumer: AIOKafkaConsumer, batches: Batches) -> Batches:
        """Remove unreadable batches that are to be fetched again, and return the rest.

        Args:
            consumer: The consumer that polled; it is moved back to fetch again.
            batches: The result of its poll; this method changes it.

        Raises:
            UnreadableRecordsError: Records cannot be read, and no record of their topic may be left out.
        """
        for source in [source for source, records in batches.items() if type(records[-1]) is Unreadable]:
            found = batches[source][-1]
            if self._count(source, found.first) < TRIES:
                del batches[source]
                self._fetch_again(consumer, source, found.first)
                continue
            del self._tried[source]
            end = consumer.highwater(source)
            if end is not None and found.offset >= end:  # the batch header claims more records than the partition has
                found = replace(found, offset=found.first)
                batches[source] = [found]
                consumer.seek(source, found.first + 1)
            if not self._gives(source.topic):
                raise UnreadableRecordsError(found)
            log.error("records cannot be read", partition=str(source), reason=found.reason)
        return batches

    def _count(self, source: TopicPartition, first: int) -> int:
        before, count = self._tried.get(source, (first, 0))
        count = count + 1 if before == first else 1
        self._tried[source] = first, count
        return count

    def _fetch_again(self, consumer: AIOKafkaConsumer, source: TopicPartition, first: int) -> None:
        try:
            consumer.seek(source, first)
        except IllegalStateError:
            del self._tried[source]  # the partition was revoked in the meantime


class KafkaReader(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """A consumer of topics whose records must all be read: an unreadable record is an error.

    Args:
        topics: As for `AIOKafkaConsumer`.
        options: As for `AIOKafkaConsumer`.

    Raises:
        CompressionMissingError: This installation cannot read one of Kafka's compressions.
    """

    _gives = False

    def __init__(self, *topics: str, **options: Any) -> None:
        prepare()
        super().__init__(*topics, **options)
        self._sieve = Sieve(lambda _: self._gives)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Batches:
        """Poll, as `AIOKafkaConsumer.getmany` does.

        Raises:
            UnreadableRecordsError: Records cannot be read, and no record of their topic may be left out.
            OffsetOutOfRangeError: The offset of a partition does not exist, and the consumer is to go on nowhere else.
        """
        try:
            batches = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except NoOffsetForPartitionError as error:
            self._begin(*error.args)
            return {}
        return self._sieve.sift(self, batches)

    def _begin(self, partition: TopicPartition) -> None:
        """Begin a partition without a committed offset at its log's beginning, unless a caller has moved it since.

        aiokafka's `none` asks for an error here too. A group that begins has lost nothing.
        """
        state = self._subscription.subscription.assignment.state_value(partition)
        if state is not None and not state.has_valid_position and not state.awaiting_reset:
            state.await_reset(OffsetResetStrategy.EARLIEST)


class TolerantKafkaReader(KafkaReader):
    """A consumer of topics that others write: it returns an `Unreadable` in the place of unreadable records."""

    _gives = True
