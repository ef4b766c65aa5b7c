"""Reads every topic while it grows, committed records only, and holds committed offsets against outcomes.

The order of one look makes it free of races: first the group's committed offsets are read, then the topics' high
watermarks are asked for, then all is read up to them. An offset becomes visible after its transaction was decided, and
the records of that transaction were written before: what is below those marks and committed has been seen by then.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
"""Topic, partition, offset of a source record."""


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


class Watch:
    """Follows the topics from their beginnings."""

    def __init__(self, bootstrap: str, prefix: str, group: str, sources: Sequence[str], partitions: int) -> None:
        self._bootstrap, self._prefix, self._group = bootstrap, prefix, group
        self._sources = [prefix + name for name in sources]
        self._results, self._dead = f"{prefix}sage-export-results", f"{prefix}sage-dead-letters"
        self._mapping = f"{prefix}mapping-state"
        self._partitions = partitions
        self.seen = WatchedTopics()
        self._positions: dict[TopicPartition, int] = {}
        self._checked: defaultdict[TopicPartition, int] = defaultdict(int)
        self._known: defaultdict[TopicPartition, list[int]] = defaultdict(list)
        self._moved = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def source_partitions(self) -> list[TopicPartition]:
        """Every partition that workers read documents from."""
        return [TopicPartition(topic, number) for topic in self._sources for number in range(self._partitions)]

    async def __aenter__(self) -> Self:
        common: dict[str, Any] = {"bootstrap_servers": self._bootstrap, "enable_auto_commit": False}
        self._consumer = AIOKafkaConsumer(**common, isolation_level="read_committed", auto_offset_reset="earliest")
        self._scout = AIOKafkaConsumer(**common, isolation_level="read_uncommitted")
        self._admin = AdminClient(bootstrap_servers=self._bootstrap)
        for client in (self._consumer, self._scout, self._admin):
            await client.start()
        followed = [*self._sources, *(f"{each}.ledger" for each in self._sources), self._results, self._dead]
        self._followed = [TopicPartition(self._mapping, 0)]
        self._followed += [TopicPartition(name, number) for name in followed for number in range(self._partitions)]
        self._consumer.assign(self._followed)
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._look_again_and_again())]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in (self._consumer, self._scout):
            await client.stop()
        await self._admin.close()

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
                self._positions[where] = records[-1].offset + 1
            self._moved.set()
            self._moved = asyncio.Event()

    def _take(self, record: ConsumerRecord, now: float) -> None:
        topic = record.topic
        if topic == self._results:
            self._answer(_result(record, now))
        elif topic == self._dead:
            self._answer(_dead_letter(record, now))
        elif topic == self._mapping:
            self.seen.history.apply(record.key.decode(), record.value, record.offset)
        elif topic.endswith(".ledger"):
            self._ledger(record)
        else:
            number = next((int(value) for name, value in record.headers if name == HEADER), -1)
            place = (topic, record.partition, record.offset)
            self.seen.sources[place] = number
            self.seen.by_number.setdefault(number, place)
            self._known[TopicPartition(topic, record.partition)].append(record.offset)

    def _answer(self, answer: CommittedAnswer) -> None:
        self.seen.answers.append(answer)
        self.seen.answered.setdefault(answer.place, answer.seen)

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
                await self.look()
            except (KafkaError, TimeoutError, OSError):
                self.seen.looks_given_up += 1

    async def look(self) -> bool:
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
            place = (where.topic, where.partition, known[start])
            if place not in self.seen.answered and not self._parked(place):
                self.seen.past_unfinished[place] = offset
            start += 1
        self._checked[where] = start

    def _parked(self, place: Place) -> bool:
        begins = f"{place[0]}.ledger/{place[1]}/"
        return any(
            name.startswith(begins) and each.offset == place[2] and each.waiting
            for name, each in self.seen.ledger.items()
        )


def _result(record: ConsumerRecord, now: float) -> CommittedAnswer:
    body = json.loads(record.value)
    source = body["source"]
    return CommittedAnswer(
        place=(source["topic"], source["partition"], source["offset"]),
        key=body["documentKey"],
        outcome=body["outcome"],
        code=body.get("code"),
        record_no=body.get("sage", {}).get("recordNo"),
        control_id=body.get("sage", {}).get("controlId"),
        mapping_offset=body.get("mappingStateOffset"),
        from_ledger=bool(body.get("fromLedger")),
        seen=now,
    )


def _dead_letter(record: ConsumerRecord, now: float) -> CommittedAnswer:
    said = {name: value.decode(errors="replace") for name, value in record.headers}
    where = "kafka_dlt-original-"
    place = (said[f"{where}topic"], int(said[f"{where}partition"]), int(said[f"{where}offset"]))
    return CommittedAnswer(place, "", "dead", said["alvys-sage-code"], None, None, None, from_ledger=False, seen=now)
