"""A member of the consumer group: polls, hands records to the sessions of its partitions, lets go of them in order.

Polling never stops while work is in flight (a member that does not poll is thrown out of the group): a partition whose
window is full is paused instead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import (
    IllegalStateError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
)
from aiokafka.structs import TopicPartition

from consumers import header_names
from consumers.engine import incarnation
from consumers.engine.aside import Wakes
from consumers.engine.knobs import Knobs, Time
from consumers.engine.lanes import Lanes
from consumers.engine.ledger_store import Ledger
from consumers.engine.notes import Writer
from consumers.engine.places import Sage
from consumers.engine.restore import fence, restore
from consumers.engine.session import Assigned, PartitionSession
from consumers.engine.sizes import room
from consumers.engine.surroundings import Receive, Surroundings
from consumers.export_commands import CommandReader
from consumers.mapping_state import MappingStateUnavailable, MappingTable
from consumers.stopping import stop_client

log = structlog.get_logger(__name__)

IDLE_POLL_MS = 200
"""How long a poll waits when nothing comes; also how often positions are looked at."""
PAUSED_POLL_MS = 20
"""The same while a partition is paused, so that it is read on soon after its window has room."""
REOPEN_AFTER = 1.0
"""Seconds before a partition whose transaction failed is opened again."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the worker reads and writes, by name."""

    group_id: str
    sources: Mapping[str, Receive]
    """Each source topic and what makes a document of its bytes."""
    ledgers: Mapping[str, str]
    """The ledger topic of each source topic."""
    results: str
    dead_letters: str
    commands: str
    parties: str = ""
    rows: str = ""
    """The rows of grouped bills."""
    max_poll_records: int = 500
    session_timeout_ms: int = 30_000
    any_record_key: bool = False
    """Whether a record's key may be another than its document's key."""
    check_crcs: bool = True
    """False only for librdkafka's mock cluster."""
    consumer_options: Mapping[str, object] | None = None
    """More of aiokafka's consumer settings: static membership, poll interval."""
    refuses: Callable[[str], str | None] | None = None
    """Why a person may not ask anything of documents (None: he may); no function: anyone may."""
    state_dir: Path | None = None
    """Where the ledgers' local stores are kept from one start to the next; None: they end with the worker."""


class RecordsTooLargeError(Exception):
    """A topic refuses a record for its size. To try again would be to try for ever; a new start checks the topics."""


class Worker(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Reads the source topics and posts what they hold, until it is told to stop."""

    def __init__(
        self,
        subscription: Subscription,
        kafka: Mapping[str, object],
        sage: Sage,
        table: MappingTable,
        knobs: Knobs,
        time: Time,
    ) -> None:
        header_names.take_any()
        self._subscription = subscription
        self._kafka = kafka
        self._table = table
        self._time = time
        self._lanes = Lanes(sage, Wakes(self._wake, self._wake_one), knobs, time)
        self._around = Surroundings(
            writer=Writer(
                subscription.group_id,
                subscription.results,
                subscription.dead_letters,
                room(knobs.largest_event),
                subscription.parties,
                subscription.rows,
            ),
            any_record_key=subscription.any_record_key,
            mapping=lambda: table.state,
            lanes=self._lanes,
            knobs=knobs,
            time=time,
        )
        self._consumer = AIOKafkaConsumer(
            **kafka,
            group_id=subscription.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=subscription.session_timeout_ms,
            check_crcs=subscription.check_crcs,
            heartbeat_interval_ms=subscription.session_timeout_ms // 10,
            **(subscription.consumer_options or {}),
        )
        self._commands = CommandReader(
            subscription.commands, kafka, check_crcs=subscription.check_crcs, refuses=subscription.refuses
        )
        self._sessions: dict[TopicPartition, PartitionSession] = {}
        self._producers: dict[TopicPartition, AIOKafkaProducer] = {}
        self._opening: dict[TopicPartition, asyncio.Task[None]] = {}
        self._paused: set[TopicPartition] = set()
        self._hopeless: Exception | None = None
        """What no new start of a partition would mend."""
        self._trials = count()
        self._stopping = False
        self._leaving = 0
        """How many groups of partitions are being let go at the moment; `_settled` is set when none is."""
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The source partitions that are open here."""
        return frozenset(self._sessions)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let go of everything in order.

        Raises:
            KafkaError, MappingStateUnavailable: the worker cannot go on; nothing it read is lost.
        """
        self._table.subscribe(self._wake)
        async with self._commands:
            self._consumer.subscribe(list(self._subscription.sources), listener=self)
            await self._consumer.start()
            try:
                while not stop.is_set():
                    await self._poll()
            finally:
                self._stopping = True  # what a rebalance still hands us now is left to others
                # The order matters: outcomes need lanes, and the group is left last, when every offset is committed.
                await self._let_go(list(self._sessions) + list(self._opening))
                await self._lanes.close()
                await stop_client(self._consumer)

    async def _poll(self) -> None:
        self._check()
        timeout = PAUSED_POLL_MS if self._paused else IDLE_POLL_MS
        batches = await self._consumer.getmany(timeout_ms=timeout, max_records=self._subscription.max_poll_records)
        # These records belong to these sessions. One that opens later begins at the committed offset, after a rewind:
        # older records would come to it out of order, and going back to them here would undo its rewind.
        owners = {source: self._sessions.get(source) for source in batches}
        fresh = not batches or await self._settings_are_fresh()
        for source, records in batches.items():
            session = owners[source]
            if session is None or not session.open or self._sessions.get(source) is not session:
                continue
            if not fresh:
                self._consumer.seek(source, records[0].offset)
                continue
            session.feed(records)
            if session.full:
                self._pause(source)
            await asyncio.sleep(0)  # let lanes and heartbeats run between partitions
        for source, session in list(self._sessions.items()):
            if source in self._paused and session.open and session.roomy:
                self._resume(source)
            if source not in batches:
                await self._look_at_position(source, session)

    async def _look_at_position(self, source: TopicPartition, session: PartitionSession) -> None:
        """Where nothing came, the position may still have moved, over markers and holes."""
        if source in self._consumer.assignment() and session.open:
            session.reached(await self._consumer.position(source))

    # Rebalance.

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Open the partitions in the background: a long restore must not hold up the group's heartbeat."""
        if self._stopping:
            return
        for source in assigned:
            self._pause(source)
        self._open(list(assigned))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go of the partitions before anybody else is given them, those that are being let go already included."""
        await self._let_go(list(revoked))
        await self._settled.wait()

    def _open(self, sources: list[TopicPartition], delay: float = 0.0) -> None:
        if not sources:
            return
        task = asyncio.create_task(self._open_all(sources, delay), name="open partitions")
        for source in sources:
            self._opening[source] = task

    async def _open_all(self, sources: list[TopicPartition], delay: float) -> None:
        """Step 0, again until it works or the partitions are taken away."""
        while True:
            await self._time.sleep(delay)
            try:
                ledgers = [TopicPartition(self._subscription.ledgers[each.topic], each.partition) for each in sources]
                producers = await fence(self._kafka, ledgers)
                for source, producer in zip(sources, producers, strict=True):
                    self._producers[source] = producer
                commands_end = await self._commands.ends()
                restored = await self._restore(dict(zip(ledgers, producers, strict=True)), sources)
                break
            except (KafkaError, TimeoutError) as error:
                log.warning("partitions could not be opened; trying again", sources=len(sources), error=repr(error))
                await self._stop_producers(sources)
                delay = REOPEN_AFTER
        for source, ledger in zip(sources, ledgers, strict=True):
            receive = self._subscription.sources[source.topic]
            assigned = Assigned(source, receive, ledger.topic, restored[ledger], self._producers[source], commands_end)
            session = PartitionSession(assigned, self._around, self._session_failed)
            session.begin()
            self._sessions[source] = session
            self._commands.join(session)
            self._opening.pop(source, None)
            self._resume(source)
        log.info("partitions open", partitions=len(sources), documents=sum(map(len, restored.values())))

    async def _restore(
        self, producers: Mapping[TopicPartition, AIOKafkaProducer], sources: list[TopicPartition]
    ) -> dict[TopicPartition, Ledger]:
        """The ledgers as their topics have them, and the sources where they were committed."""
        told = self._subscription
        restored = await restore(self._kafka, list(producers), check_crcs=told.check_crcs, state_dir=told.state_dir)
        try:
            await incarnation.begin(self._kafka, producers, restored, check_crcs=told.check_crcs)
            await self._rewind(sources)
        except BaseException:  # cancelled too: a store that stays open is locked for whoever opens it next
            for ledger in restored.values():
                ledger.close()
            raise
        return restored

    async def _rewind(self, sources: list[TopicPartition]) -> None:
        """Go to the committed offsets, asked for anew: before the fence, the former owner's last may be missing."""
        committed = await self._consumer.seek_to_committed(*sources)
        # Nothing committed moves nothing: then what was read before a failure would not come again.
        fresh = [source for source, offset in committed.items() if not offset]
        if fresh:  # with none named, all would be moved
            await self._consumer.seek_to_beginning(*fresh)

    def _session_failed(self, session: PartitionSession, error: BaseException) -> None:
        """A transaction did not commit. Its records come again: to us, or to whoever fenced us."""
        source = session.source
        fenced = isinstance(error, ProducerFenced | InvalidProducerEpoch)
        log.warning("partition failed", partition=str(source), fenced=fenced, error=repr(error))
        self._pause(source)
        if isinstance(error, MessageSizeTooLargeError):
            # Topics were checked at the start and records are cut to fit: a topic was made smaller since.
            self._hopeless = RecordsTooLargeError(f"{source}: a topic no longer takes what is written to it: {error}")
        # If another owner fenced us, the group tells us within a session time-out; if not, we still are the owner.
        delay = self._subscription.session_timeout_ms / 1000 if fenced else REOPEN_AFTER
        task = asyncio.create_task(self._reopen(session, delay), name=f"reopen {source.topic}:{source.partition}")
        self._opening[source] = task

    async def _reopen(self, session: PartitionSession, delay: float) -> None:
        source = session.source
        self._commands.leave(session)
        await session.abandon()
        self._sessions.pop(source, None)
        await self._stop_producers([source])
        await self._time.sleep(delay)
        await self._open_all([source], 0.0)

    async def _let_go(self, sources: Iterable[TopicPartition]) -> None:
        sources = list(sources)
        tasks = {task for source in sources if (task := self._opening.pop(source, None)) is not None}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sessions = [session for source in sources if (session := self._sessions.pop(source, None)) is not None]
        for session in sessions:
            self._commands.leave(session)
        self._leaving += 1
        self._settled.clear()
        try:
            await asyncio.gather(*(session.close() for session in sessions))
            await self._stop_producers(sources)
        finally:
            self._leaving -= 1
            if not self._leaving:
                self._settled.set()
        self._paused.difference_update(sources)
        if sessions:
            log.info("partitions let go", partitions=len(sessions))

    async def _stop_producers(self, sources: Iterable[TopicPartition]) -> None:
        producers = [producer for source in sources if (producer := self._producers.pop(source, None)) is not None]
        await asyncio.gather(*(stop_client(producer) for producer in producers), return_exceptions=True)

    # Small things.

    async def _settings_are_fresh(self) -> bool:
        """A mapping that was written before an event counts for it. False: not known to be so; nothing may be mapped.

        Raises:
            MappingStateUnavailable: the table's reader died; only a new start helps.
        """
        try:
            await self._table.barrier()
        except MappingStateUnavailable as error:
            _ = self._table.state  # raises if the reader died
            log.warning("mapping state is not known to be fresh; events wait", error=str(error))
            return False
        return True

    def _check(self) -> None:
        """Raise what ended a task of ours: a partition or a company that died silently would be held for ever."""
        if self._hopeless is not None:
            raise self._hopeless
        self._lanes.check()
        self._commands.check()
        for session in self._sessions.values():
            session.check()
        _ = self._table.state  # raises if the table's reader died
        for task in set(self._opening.values()):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _wake(self, blocker: str) -> None:
        """Something that documents may wait for has arrived."""
        for session in self._sessions.values():
            session.wake(blocker)

    def _wake_one(self, blocker: str) -> bool:
        """One document that waits for it is brought back, as a trial; False if there is none."""
        # Another partition's first each time: one document that is never taken may not be every trial.
        sessions = deque(self._sessions.values())
        sessions.rotate(-next(self._trials))
        return any(session.wake_one(blocker) for session in sessions)

    def _pause(self, source: TopicPartition) -> None:
        try:
            self._consumer.pause(source)
        except IllegalStateError:
            return  # taken away meanwhile: the rebalance that says so is on its way
        self._paused.add(source)

    def _resume(self, source: TopicPartition) -> None:
        self._paused.discard(source)
        if source in self._consumer.assignment():
            self._consumer.resume(source)
