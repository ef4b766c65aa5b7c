"""Reads every topic while it grows, committed records only, and holds committed offsets against outcomes.

The order of one look makes it free of races: first the group's committed offsets are read, then the topics' high
watermarks are asked for, then all is read up to them. An offset becomes visible after its transaction was decided, and
the records of that transaction were written before: what is below those marks and committed has been seen by then.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chaos.mappings import MappingHistory
from chaos.script import HEADER
from kafka_client.admin import AdminClient

POLL_MS = 100
LOOK_EVERY = 0.7
PATIENCE = 120.0
"""Seconds that one look may take: a transaction that a killed worker left open holds up its readers until it is fenced,
and a broker that restarts answers nobody."""

Place = tuple[str, int, int]
"""Topic, partition, offset of a source record. In a copied cluster, the topic's name with `COPY` behind it."""
COPY = "@copy"
RENAMED = "-2"
"""Added to the name of a source topic that goes on under another one."""
EXPIRED = "SOURCE_RECORDS_EXPIRED"
"""The code of the dead letter that stands for records which were deleted before they were read."""


@dataclass(frozen=True, slots=True)
class CommittedAnswer:
    """A committed result or dead letter, in the order in which it was read; `seen` is when, in seconds since 1970."""

    place: Place
    key: str
    outcome: str
    code: str | None
    record_no: str | None
    control_id: str | None
    mapping_offset: int | None
    from_ledger: bool
    seen: float


WAITS = {"deferred", "uncertain"}
"""Outcomes after which a document goes on by itself."""


@dataclass(frozen=True, slots=True)
class ParkedDocument:
    """What the ledger says of a document that has not ended: it waits, or a call of it has no outcome."""

    key: str
    in_doubt: bool
    waiting: bool
    offset: int


@dataclass(slots=True)
class WatchedTopics:
    """All that was read so far."""

    sources: dict[Place, int] = field(default_factory=dict)
    """Every record that was sent: its item's number."""
    answers: list[CommittedAnswer] = field(default_factory=list)
    answered: dict[Place, float] = field(default_factory=dict)
    """When a source record's first answer was seen."""
    ledger: dict[str, ParkedDocument] = field(default_factory=dict)
    """By ledger topic and document key: what has not ended."""
    history: MappingHistory = field(default_factory=MappingHistory)
    past_unfinished: dict[Place, int] = field(default_factory=dict)
    """Source records that a committed offset had passed without an outcome, with that offset."""
    looks: int = 0
    looks_given_up: int = 0
    by_number: dict[int, Place] = field(default_factory=dict)
    """Where the first record of each item stands."""
    sent_at: dict[Place, float] = field(default_factory=dict)
    """When a source record was seen first; `ended` when it had an outcome after which nothing is waited for."""
    ended: dict[Place, float] = field(default_factory=dict)


class Watch:
    """Follows the topics from their beginnings."""

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        group: str,
        sources: Sequence[str],
        partitions: int,
        seen: WatchedTopics | None = None,
    ) -> None:
        """`seen`: what was read of the cluster that this one is a copy of; its answers are not read again."""
        self._bootstrap, self._group = bootstrap, group
        self._sources = [prefix + name for name in sources]
        self._results, self._dead = f"{prefix}sage-export-results", f"{prefix}sage-dead-letters"
        self._mapping = f"{prefix}mapping-state"
        self._partitions = partitions
        self.seen = seen or WatchedTopics()
        self.seen.ledger.clear()
        self._copy = "" if seen is None else COPY
        self._next: dict[TopicPartition, int] = {}
        """The offset after the last record that was taken, which is where the reading goes on."""
        self._positions: dict[TopicPartition, int] = {}
        self._checked: defaultdict[TopicPartition, int] = defaultdict(int)
        self._known: defaultdict[TopicPartition, list[int]] = defaultdict(list)
        self._moved = asyncio.Event()
        self._still = asyncio.Lock()
        """Held by a look, and by whoever damages or repairs topics."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def sources(self) -> list[str]:
        """The source topics that workers read, by their full names."""
        return self._sources

    @property
    def source_partitions(self) -> list[TopicPartition]:
        """Every partition that workers read documents from."""
        return [TopicPartition(topic, number) for topic in self._sources for number in range(self._partitions)]

    @property
    def unanswered(self) -> int:
        """How many records of the topics that are read now have no answer."""
        return sum(
            (where.topic + self._copy, where.partition, offset) not in self.seen.answered
            for where in self.source_partitions
            for offset in self._known[where]
        )

    async def __aenter__(self) -> Self:
        common: dict[str, Any] = {"bootstrap_servers": self._bootstrap, "enable_auto_commit": False}
        self._scout = AIOKafkaConsumer(**common, isolation_level="read_uncommitted")
        self._admin = AdminClient(bootstrap_servers=self._bootstrap)
        for client in (self._scout, self._admin):
            await client.start()
        if self._copy:
            answers = [TopicPartition(name, n) for name in (self._results, self._dead) for n in range(self._partitions)]
            self._next = dict(await self._scout.end_offsets([*answers, TopicPartition(self._mapping, 0)]))
        await self._begin()
        self._tasks.append(asyncio.create_task(self._look_again_and_again()))
        return self

    async def _begin(self) -> None:
        """Read on, or from the beginning where nothing was read yet."""
        followed = [*self._sources, *(f"{each}.ledger" for each in self._sources), self._results, self._dead]
        self._followed = [TopicPartition(self._mapping, 0)]
        self._followed += [TopicPartition(name, number) for name in followed for number in range(self._partitions)]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await self._consumer.start()
        self._consumer.assign(self._followed)
        for where, offset in self._next.items():
            self._consumer.seek(where, offset)
        self._tasks.insert(0, asyncio.create_task(self._read()))

    async def _end(self) -> None:
        reading = self._tasks.pop(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await self._consumer.stop()

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks[1:], return_exceptions=True)
        await self._end()
        await self._scout.stop()
        await self._admin.close()

    @asynccontextmanager
    async def unlooked(self) -> AsyncIterator[None]:
        """Topics are being damaged or repaired: until the end of the block, offsets are not held against outcomes."""
        async with self._still:
            yield

    async def read_rest(self) -> None:
        """Read everything that is there now."""
        async with asyncio.timeout(PATIENCE):
            await self._reach(await self._scout.end_offsets(self._followed))

    async def made_anew(self, *topics: str) -> None:
        """Read topics from their beginning, which were deleted and created again."""
        await self._end()
        for known in (self._next, self._positions):
            for where in [each for each in known if each.topic in topics]:
                del known[where]
        for name in [each for each in self.seen.ledger if each.startswith(tuple(f"{topic}/" for topic in topics))]:
            del self.seen.ledger[name]
        await self._begin()

    async def replaced(self, before: str, now: str) -> None:
        """Workers read another source topic in place of one."""
        await self._end()
        self._sources[self._sources.index(before)] = now
        gone = (before, f"{before}.ledger")
        for name in [each for each in self.seen.ledger if each.startswith(f"{before}.ledger/")]:
            del self.seen.ledger[name]
        self._next = {where: offset for where, offset in self._next.items() if where.topic not in gone}
        await self._begin()

    def check(self) -> None:
        """Raise what ended the reading, if anything did: a run that nobody watched shows nothing."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    # Reading.

    async def _read(self) -> None:
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError:
                await asyncio.sleep(0.5)
                continue
            now = time.time()
            for where, records in batches.items():
                for record in records:
                    self._take(record, now)
                self._positions[where] = self._next[where] = records[-1].offset + 1
            self._moved.set()
            self._moved = asyncio.Event()

    def _take(self, record: ConsumerRecord, now: float) -> None:
        topic = record.topic
        if topic == self._results:
            self._answer(_result(record, now, self._copy))
        elif topic == self._dead:
            for letter in _dead_letters(record, now, self._copy):
                self._answer(letter)
        elif topic == self._mapping:
            self.seen.history.apply(record.key.decode(), record.value, record.offset)
        elif topic.endswith(".ledger"):
            self._ledger(record)
        else:
            number = next((int(value) for name, value in record.headers if name == HEADER), -1)
            place = (topic + self._copy, record.partition, record.offset)
            self.seen.sources[place] = number
            self.seen.sent_at[place] = now
            self.seen.by_number.setdefault(number, place)
            self._known[TopicPartition(topic, record.partition)].append(record.offset)

    def _answer(self, answer: CommittedAnswer) -> None:
        self.seen.answers.append(answer)
        self.seen.answered.setdefault(answer.place, answer.seen)
        if answer.outcome not in WAITS:
            self.seen.ended.setdefault(answer.place, answer.seen)

    def _ledger(self, record: ConsumerRecord) -> None:
        key = record.key.decode()
        name = f"{record.topic}/{record.partition}/{key}"
        body = json.loads(record.value) if record.value and not key.startswith("~") else {}
        last = body.get("last") or {}
        # The event of a rejected document is kept as well: it has ended, and may be asked for again.
        waiting = body.get("parked") is not None and last.get("outcome") in WAITS
        in_doubt = body.get("claim") is not None
        if waiting or in_doubt:
            self.seen.ledger[name] = ParkedDocument(key, in_doubt, waiting, last.get("offset", -1))
        else:
            self.seen.ledger.pop(name, None)

    # Looking.

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                async with self._still:
                    await self._look()
            except (KafkaError, TimeoutError, OSError):
                self.seen.looks_given_up += 1

    async def look(self) -> bool:
        """See `_look`; waits for the end of another look, and of damage and repair."""
        async with self._still:
            return await self._look()

    async def _look(self) -> bool:
        """Hold the committed offsets against the outcomes, once; True when every source record has been passed.

        Raises:
            KafkaError, TimeoutError: the broker did not answer; nothing was learnt.
        """
        async with asyncio.timeout(PATIENCE):
            committed = await self._committed()
            ends = await self._scout.end_offsets(self._followed)
            await self._reach(ends)
        self.seen.looks += 1
        for where, offset in committed.items():
            self._hold_against(where, offset)
        return all(
            committed.get(where, 0) > known[-1] for where in self.source_partitions if (known := self._known[where])
        )

    async def _committed(self) -> dict[TopicPartition, int]:
        found: Mapping[TopicPartition, Any] = await self._admin.list_consumer_group_offsets(self._group)
        wanted = set(self.source_partitions)
        return {where: each.offset for where, each in found.items() if where in wanted and each.offset >= 0}

    async def _reach(self, ends: Mapping[TopicPartition, int]) -> None:
        """Wait until everything before `ends` was read; the position passes markers where nothing comes."""
        missing = {where for where, end in ends.items() if self._positions.get(where, 0) < end}
        while missing:
            await asyncio.wait([asyncio.ensure_future(self._moved.wait())], timeout=1.0)
            for where in list(missing):
                # Positions move when records are handed out, which `_read` takes before anything else runs.
                if await self._consumer.position(where) >= ends[where]:
                    missing.discard(where)
        for where, end in ends.items():
            self._positions[where] = max(end, self._positions.get(where, 0))

    def _hold_against(self, where: TopicPartition, offset: int) -> None:
        known, start = self._known[where], self._checked[where]
        while start < len(known) and known[start] < offset:
            place = (where.topic + self._copy, where.partition, known[start])
            if place not in self.seen.answered and not self._parked(place):
                self.seen.past_unfinished[place] = offset
            start += 1
        self._checked[where] = start

    def _parked(self, place: Place) -> bool:
        begins = f"{place[0].removesuffix(COPY)}.ledger/{place[1]}/"
        return any(
            name.startswith(begins) and each.offset == place[2] and each.waiting
            for name, each in self.seen.ledger.items()
        )


def _result(record: ConsumerRecord, now: float, copy: str) -> CommittedAnswer:
    body = json.loads(record.value)
    source = body["source"]
    return CommittedAnswer(
        place=(source["topic"] + copy, source["partition"], source["offset"]),
        key=body["documentKey"],
        outcome=body["outcome"],
        code=body.get("code"),
        record_no=body.get("sage", {}).get("recordNo"),
        control_id=body.get("sage", {}).get("controlId"),
        mapping_offset=body.get("mappingStateOffset"),
        from_ledger=bool(body.get("fromLedger")),
        seen=now,
    )


def _dead_letters(record: ConsumerRecord, now: float, copy: str) -> list[CommittedAnswer]:
    """One for each record that the letter stands for: several, where they expired unread."""
    said = {name: value.decode(errors="replace") for name, value in record.headers}
    where = "kafka_dlt-original-"
    topic, partition = said[f"{where}topic"] + copy, int(said[f"{where}partition"])
    return [
        CommittedAnswer(
            (topic, partition, offset),
            "",
            "dead",
            said["alvys-sage-code"],
            None,
            None,
            None,
            from_ledger=False,
            seen=now,
        )
        for offset in range(int(said[f"{where}offset"]), int(said["alvys-sage-last-offset"]) + 1)
    ]
