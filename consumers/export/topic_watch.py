"""Watches the sources and ledgers while a worker runs: a topic that is replaced, or gets partitions, must not be used.

The answers of the broker do not tell a replaced topic from the one before: the name is the same, and offsets that were
never given look like any others.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog
from aiokafka.errors import KafkaError

from kafka_client.clients import connected_admin
from kafka_client.clock import Clock
from kafka_client.interface import KafkaClients
from kafka_client.topic_ids import TopicIdentity

log = structlog.get_logger(__name__)

LOOK_EVERY = 10.0
"""Seconds between two looks."""
HURRIED_EVERY = 1.0
"""The same if a record gives reason to look at once."""


class TopicReplacedError(Exception):
    """A topic was deleted and created again while its partitions were open."""


Changed = Callable[[str, TopicIdentity, TopicIdentity], None]
"""Called with a topic's name, its identity before, and its identity now."""


class TopicWatch:
    """Compares the topics' identities with those of the first look, for as long as `run` runs.

    A topic that is deleted is no change until it is there again: until then, every request about it fails by itself.

    Args:
        clients: The factory of Kafka clients.
        topics: The topics to watch.
        changed: Called for each change.
        time: The clock.
    """

    def __init__(self, clients: KafkaClients, topics: Collection[str], changed: Changed, time: Clock) -> None:
        self._clients = clients
        self._topics = topics
        self._changed = changed
        self._time = time
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Look soon: a record is where it does not belong."""
        self._hurried.set()

    async def run(self) -> None:
        """Watch until cancelled. While no broker answers, the topics are looked at again later."""
        seen: dict[str, TopicIdentity] = {}
        while True:
            try:
                async with connected_admin(self._clients) as admin:
                    while True:
                        self._compare(seen, await admin.identify_topics(self._topics))
                        await self._pause()
            except (KafkaError, TimeoutError) as error:
                log.warning("topics could not be watched; trying again", error=repr(error))
                await self._time.sleep(LOOK_EVERY)

    def _compare(self, seen: dict[str, TopicIdentity], found: Mapping[str, TopicIdentity]) -> None:
        for topic, now in found.items():
            before = seen.get(topic, now)
            seen[topic] = now
            if now != before:
                self._changed(topic, before, now)

    async def _pause(self) -> None:
        await self._time.sleep(HURRIED_EVERY)
        await self._time.until(self._hurried, LOOK_EVERY - HURRIED_EVERY)
        self._hurried.clear()
