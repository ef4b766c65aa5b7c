"""Events in, answers out, through the real topics. A record is known by where it stands, and so is its answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from demo.accounts import Accounts
from demo.events import Event, ExpectedOutcome
from demo.processes import DemoError
from demo.rig import Rig

RESULTS = "sage-export-results"
DEAD_LETTERS = "sage-dead-letters"
DEADLINE = 45.0
POLL_MS = 250

Place = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(slots=True)
class ObservedResult:
    """What came of a record: the outcome, its code, and the whole result for explaining it."""

    outcome: str
    code: str | None
    result: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.outcome}:{self.code}" if self.code else self.outcome


@dataclass(slots=True)
class Sent:
    """A record that was sent, the accounts its lines should land in, and its answers in the order they came."""

    event: Event
    place: Place
    accounts: tuple[str, ...]
    answers: list[ObservedResult] = field(default_factory=list)

    @property
    def last(self) -> ObservedResult | None:
        """How it stands."""
        return self.answers[-1] if self.answers else None


class EventTraffic:
    """Sends events and collects answers: results and dead letters that were committed."""

    def __init__(self, rig: Rig, accounts: Accounts) -> None:
        self._rig = rig
        self._accounts = accounts
        self.sent: dict[Place, Sent] = {}
        self.strays: list[ObservedResult] = []
        """Answers to records that were never sent; there are none in a sound system."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._rig.bootstrap, acks="all", linger_ms=5)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._rig.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            check_crcs=self._rig.real_broker,
        )
        for client in (self._producer, self._consumer):
            await client.start()
            self._stack.push_async_callback(client.stop)
        topics = [self._rig.topic(name) for name in (RESULTS, DEAD_LETTERS)]
        await asyncio.gather(*(self._producer.partitions_for(topic) for topic in topics))
        self._consumer.assign(
            [TopicPartition(topic, number) for topic in topics for number in await self._producer.partitions_for(topic)]
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def send(self, events: Iterable[Event]) -> list[Sent]:
        """Send records and return when the broker has all of them."""
        waiting = []
        for event in events:
            # Before the first await: the accounts in force are those of the moment it is sent.
            booking = event.expectation.booking
            accounts = self._accounts.of(booking) if booking else ()
            done = await self._producer.send(self._rig.topic(event.topic), event.value, event.key)
            waiting.append((event, accounts, done))
        sent = []
        for event, accounts, done in waiting:
            stands = await done
            place = (stands.topic, stands.partition, stands.offset)
            self.sent[place] = Sent(event, place, accounts)
            sent.append(self.sent[place])
        return sent

    async def answered(self, sent: list[Sent], progress: Callable[[int], None]) -> None:
        """Return when every one of these has an answer.

        Raises:
            DemoError: The deadline passed, or the worker ended; the text names what is missing.
        """
        await self._until(lambda: sum(1 for each in sent if _answered(each)), len(sent), progress, sent)

    async def released(self, sent: list[Sent], progress: Callable[[int], None]) -> None:
        """Return when every one of these, deferred before, is posted."""
        await self._until(lambda: sum(1 for each in sent if _is(each, "posted")), len(sent), progress, sent)

    async def _until(
        self, count: Callable[[], int], wanted: int, progress: Callable[[int], None], sent: list[Sent]
    ) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                while (done := count()) < wanted:
                    progress(done)
                    self._rig.worker.check()
                    for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                        for record in records:
                            self._take(record)
                progress(wanted)
        except TimeoutError:
            raise DemoError(_missing(sent, wanted - count(), self._rig)) from None

    def _take(self, record: ConsumerRecord) -> None:
        place, answer = _read(record, self._rig.topic(DEAD_LETTERS))
        if place in self.sent:
            self.sent[place].answers.append(answer)
        else:
            self.strays.append(answer)


def _read(record: ConsumerRecord, dead_letters: str) -> tuple[Place, ObservedResult]:
    if record.topic == dead_letters:
        said = {name: value.decode() for name, value in record.headers}
        where = "kafka_dlt-original-"
        place = (said[f"{where}topic"], int(said[f"{where}partition"]), int(said[f"{where}offset"]))
        return place, ObservedResult("dead", said["alvys-sage-code"])
    result = json.loads(record.value)
    source = result["source"]
    return (source["topic"], source["partition"], source["offset"]), ObservedResult(
        result["outcome"], result.get("code"), result
    )


def _is(sent: Sent, outcome: str) -> bool:
    return sent.last is not None and sent.last.outcome == outcome


def _missing(sent: list[Sent], count: int, rig: Rig) -> str:
    open_ones = [each for each in sent if not each.answers]
    kinds = Counter(f"{each.event.story} ({each.event.expectation})" for each in open_ones)
    examples = "; ".join(f"{number} x {kind}" for kind, number in kinds.most_common(5))
    return f"{count} of {len(sent)} answers did not come in {DEADLINE:.0f} s: {examples}\n{rig.worker.tail()}"


def _answered(sent: Sent) -> bool:
    """What was reversed is posted anew: that is another answer."""
    return sent.last is not None and sent.last.outcome != ExpectedOutcome.REVERSED
