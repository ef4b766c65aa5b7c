"""The consumer that every part of this service reads Kafka with: aiokafka's, made to read whatever a topic may hold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

from consumers import compression, unreadable
from consumers.unreadable import Unreadable, UnreadableRecordsError

log = structlog.get_logger(__name__)

TRIES = 3
"""How often a batch is fetched before it counts as unreadable: what broke on the way here is whole the next time."""

Batches = dict[TopicPartition, list[ConsumerRecord]]
"""What one poll gave. No list is empty, and an `Unreadable` is alone in its list."""


def prepare() -> None:
    """Have every aiokafka consumer of this process read all compressions, any header name, and past what is broken.

    Raises:
        CompressionMissingError: This installation cannot read one of Kafka's compressions.
    """
    compression.require_all()
    unreadable.set_apart()


class Sieve:
    """Between a consumer and its caller: fetches again what could not be read, some times, then lets it through.

    Args:
        gives: Whether an `Unreadable` of a topic may be given out; else it is an error.
    """

    def __init__(self, gives: Callable[[str], bool]) -> None:
        self._gives = gives
        self._tried: dict[TopicPartition, tuple[int, int]] = {}
        """By partition: the offset from which nothing can be read, and how often it was fetched."""

    def sift(self, consumer: AIOKafkaConsumer, batches: Batches) -> Batches:
        """What of a poll is for the caller.

        Raises:
            UnreadableRecordsError: Records cannot be read, and may not be left out.
        """
        for source in [source for source, records in batches.items() if type(records[-1]) is Unreadable]:
            found = batches[source][-1]
            if self._count(source, found.first) < TRIES:
                del batches[source]
                self._fetch_again(consumer, source, found.first)
                continue
            del self._tried[source]
            end = consumer.highwater(source)
            if end is not None and found.offset >= end:  # its head says that it holds more than there is
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
            del self._tried[source]  # taken away meanwhile


class KafkaReader(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """A consumer of topics of which nothing may be left out: records that cannot be read are an error.

    Args:
        topics: As aiokafka's.
        options: As aiokafka's.

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
        """As aiokafka's.

        Raises:
            UnreadableRecordsError: Records cannot be read, and may not be left out.
        """
        batches = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        return self._sieve.sift(self, batches)


class TolerantKafkaReader(KafkaReader):
    """A consumer of what others write: it gives an `Unreadable` in the place of records that cannot be read."""

    _gives = True
