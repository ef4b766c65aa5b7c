"""A member of the consumer group: polls, hands records to the partitions' sessions, and releases partitions in order.

The worker never stops polling while documents are in flight, because the group expels a member that does not poll. A
partition whose window is full is paused instead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord
from aiokafka.errors import (
    IllegalStateError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    ProducerFenced,
)
from aiokafka.structs import TopicPartition

from consumers.export import metrics
from consumers.export.config import ExportConfig
from consumers.export.context import ExportContext, ParseRecord
from consumers.export.ledger import generation
from consumers.export.ledger.damage import Damage, PartitionDamagedError, lost_records
from consumers.export.ledger.generation import MAY_NOT, PartitionsChangedError
from consumers.export.ledger.placement import PartitionerRequest, UndecidedError, settle
from consumers.export.ledger.restore import restore
from consumers.export.ledger.source_positions import RepairTrace, source_positions, traces
from consumers.export.ledger.store import LedgerStore
from consumers.export.output_records import ResultWriter
from consumers.export.partition import AssignedPartition, PartitionProcessor
from consumers.export.sending.circuit_breaker import ParkedDocuments
from consumers.export.sending.lanes import Lanes
from consumers.export.sending.sage_access import SageAccess
from consumers.export.slices import Slices
from consumers.export.topic_watch import TopicReplacedError, TopicWatch
from consumers.export_commands import CommandReader
from consumers.mapping_state import MappingStateUnavailable, MappingTable
from kafka_client.clock import Clock
from kafka_client.fencing import fence
from kafka_client.interface import KafkaClients, Producer
from kafka_client.partitioners import Partitioner, Placement
from kafka_client.size_limits import max_record_bytes
from kafka_client.stopping import cancel, stop_client
from kafka_client.topic_ids import TopicIdentity
from kafka_client.unreadable import begin_of

log = structlog.get_logger(__name__)

IDLE_POLL_MS = 200
"""How long a poll waits if nothing comes; also the interval at which positions are checked."""
PAUSED_POLL_MS = 20
"""The same while a partition is paused, so that reading resumes soon after its window has room."""
SLICE = 50
"""Records of a partition that are processed in one go. Each takes up to a millisecond."""
HAND_OVER = 2.0
"""Seconds that calls on their way may take to end when the group rebalances. Every member waits for the slowest."""
HELD_LOOK = 5.0
"""Seconds between two looks at partitions that are held."""
HELD_AGAIN = 60.0
"""Seconds after which a partition that is held is opened again, although nothing seems to have changed."""
REOPEN_AFTER = 1.0
"""Seconds before a partition whose transaction failed is opened again."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The topics that the worker reads and writes, and how it reads them."""

    group_id: str
    sources: Mapping[str, ParseRecord]
    """Each source topic, and the function that parses its events."""
    ledgers: Mapping[str, str]
    """The ledger topic of each source topic."""
    results: str
    dead_letters: str
    commands: str
    parties: str = ""
    rows: str = ""
    """Name of the topic of rows of consolidated bills. Empty: there is none."""
    max_poll_records: int = 500
    session_timeout_ms: int = 30_000
    partitioners: Mapping[str, Partitioner] = field(default_factory=dict)
    """The partitioner that producers use, per source topic. For a topic that is not listed, it is learned."""
    any_record_key: bool = False
    """Whether a record's key may differ from its document's key."""
    consumer_options: Mapping[str, object] | None = None
    """More settings for aiokafka's consumer, such as static membership or the poll interval."""
    refuses: Callable[[str], str | None] | None = None
    """Returns why a person may not give commands, or None if they may. Without the function, anyone may."""
    state_dir: Path | None = None
    """Directory of the ledgers' local stores, kept from one start to the next. None: they end with the worker."""


class RecordsTooLargeError(Exception):
    """A topic refuses a record for its size. A retry would never succeed; a new start checks the topics."""


class Worker(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Reads the source topics and posts their documents, until it is told to stop.

    Args:
        subscription: The topics.
        clients: The factory of Kafka clients.
        sage: The client and the credentials.
        table: The settings (mapping state), followed while the worker runs.
        config: Sizes and delays.
        time: The clock.
    """

    def __init__(
        self,
        subscription: Subscription,
        clients: KafkaClients,
        sage: SageAccess,
        table: MappingTable,
        config: ExportConfig,
        time: Clock,
    ) -> None:
        self._subscription = subscription
        self._clients = clients
        self._table = table
        self._time = time
        self._drain = config.drain_timeout.total_seconds()
        parked = ParkedDocuments(self._wake, self._release_one, self._release_some, self._is_left, self._coming)
        self._lanes = Lanes(sage, parked, config, time)
        self._around = ExportContext(
            writer=ResultWriter(
                subscription.group_id,
                subscription.results,
                subscription.dead_letters,
                max_record_bytes(config.max_event_bytes),
                subscription.parties,
                subscription.rows,
            ),
            any_record_key=subscription.any_record_key,
            mapping=lambda: table.state,
            lanes=self._lanes,
            config=config,
            time=time,
            slices=Slices(time.monotonic),
        )
        self._consumer = clients.member(
            subscription.group_id,
            session_timeout_ms=subscription.session_timeout_ms,
            tolerant=True,
            offset_reset="none",  # records that were deleted before they were read must not be passed over silently
            options=subscription.consumer_options,
        )
        self._commands = CommandReader(subscription.commands, clients, refuses=subscription.refuses)
        self._sessions: dict[TopicPartition, PartitionProcessor] = {}
        self._producers: dict[TopicPartition, Producer] = {}
        self._opening: dict[TopicPartition, asyncio.Task[None]] = {}
        self._held = metrics.HeldPartitions()
        self._paused: set[TopicPartition] = set()
        self._hopeless: Exception | None = None
        """A failure that opening partitions again would not cure. The next poll raises it."""
        self._watch = TopicWatch(
            clients, {*subscription.ledgers, *subscription.ledgers.values()}, self._topic_changed, time
        )
        self._watching: asyncio.Task[None] | None = None
        self._trials = count()
        self._stopping = False
        self._leaving = 0
        """Number of calls that are releasing partitions now. `_settled` is set while there is none."""
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The source partitions that are open in this worker."""
        return frozenset(self._sessions)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then release all partitions in order.

        Raises:
            KafkaError, MappingStateUnavailable: The worker cannot go on. Nothing that it read is lost.
        """
        self._table.subscribe(self._wake)
        async with self._commands:
            self._consumer.subscribe(list(self._subscription.sources), listener=self)
            await self._consumer.start()
            self._watching = asyncio.create_task(self._watch.run(), name="watch topics")
            try:
                while not stop.is_set():
                    await self._poll()
            finally:
                self._stopping = True  # partitions that a rebalance still assigns to us are left to others
                # The order matters: outcomes need lanes, and the group is left last, once every offset is committed.
                await self._release(list(self._sessions) + list(self._opening), self._drain)
                await self._lanes.close()
                await cancel([self._watching])
                await stop_client(self._consumer)

    async def _poll(self) -> None:
        self._check()
        timeout = PAUSED_POLL_MS if self._paused else IDLE_POLL_MS
        try:
            batches = await self._consumer.getmany(timeout_ms=timeout, max_records=self._subscription.max_poll_records)
        except OffsetOutOfRangeError as error:
            self._position_is_gone(error)
            return
        # These records belong to these sessions. A session that opens later starts at the committed offset, after a
        # seek: older records would reach it out of order, and seeking back to them here would undo its own seek.
        owners = {source: self._sessions.get(source) for source in batches}
        fresh = not batches or await self._settings_are_fresh()
        for source, records in batches.items():
            session = owners[source]
            if session is None or not session.open or self._sessions.get(source) is not session:
                continue
            if not fresh:
                self._consumer.seek(source, begin_of(records[0]))
                continue
            await self._process(session, records)
        for source, session in list(self._sessions.items()):
            if source in self._paused and session.open:
                if session.has_capacity:
                    self._resume(source)
                else:
                    session.relieve()
            if source not in batches:
                await self._look_at_position(source, session)

    async def _process(self, session: PartitionProcessor, records: Sequence[ConsumerRecord]) -> None:
        """Hand records to their partition, a few at a time: lanes and heartbeats run in between."""
        for start in range(0, len(records), SLICE):
            if not session.open or self._sessions.get(session.source) is not session:
                return  # whoever opens the partition next reads the rest again
            began = self._time.monotonic()
            session.process(records[start : start + SLICE])
            took = self._time.monotonic() - began
            await self._time.sleep(self._lanes.reading_pause * took)
        if session.misplaced:
            session.misplaced = False
            self._watch.hurry()
        if session.at_capacity:
            self._pause(session.source)

    def _position_is_gone(self, error: OffsetOutOfRangeError) -> None:
        """Close a partition whose next record no longer exists: opening it again shows what is lost."""
        [places] = error.args
        for source in places:
            if (session := self._sessions.get(source)) is not None and session.open:
                self._partition_failed(session, error)

    def _topic_changed(self, topic: str, before: TopicIdentity, now: TopicIdentity) -> None:
        """Close the partitions of a topic that was replaced: opening them again shows what is lost. Or stop for good.

        If partitions were added to a topic, its keys have moved, and the worker has to stop.
        """
        if now.partitions != before.partitions:
            self._hopeless = PartitionsChangedError(
                f"{topic} began with {before.partitions} partitions and has {now.partitions}: {MAY_NOT}"
            )
        error = TopicReplacedError(f"{topic} had the id {before.id} and has {now.id}")
        for session in list(self._sessions.values()):
            if session.open and topic in (session.source.topic, self._ledger_of(session.source).topic):
                self._partition_failed(session, error)

    async def _look_at_position(self, source: TopicPartition, session: PartitionProcessor) -> None:
        """Report the position of a partition without new records: it may have moved past markers and holes."""
        if source in self._consumer.assignment() and session.open:
            session.advance_to(await self._consumer.position(source))

    # Rebalance.

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Open the partitions in the background, so that a long restore does not delay the group's heartbeat."""
        if self._stopping:
            return
        for source in assigned:
            self._pause(source)
        self._open(list(assigned))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Release the partitions before the group assigns them to others; wait a little for earlier releases as well.

        The whole group waits for this, so a call that hangs may not hold it up: the next owner looks the call up.
        """
        await self._release(list(revoked), HAND_OVER)
        try:
            async with asyncio.timeout(HAND_OVER):
                await self._settled.wait()
        except TimeoutError:
            log.warning("partitions handed over before their calls ended", seconds=HAND_OVER)

    def _open(self, sources: list[TopicPartition], delay: float = 0.0) -> None:
        if not sources:
            return
        task = asyncio.create_task(self._open_all(sources, delay), name="open partitions")
        for source in sources:
            self._opening[source] = task

    async def _open_all(self, sources: list[TopicPartition], delay: float) -> None:
        """Step 0, repeated until it works or the partitions are revoked."""
        while True:
            await self._time.sleep(delay)
            try:
                ledgers = [self._ledger_of(each) for each in sources]
                producers = await fence(self._clients, ledgers)
                for source, producer in zip(sources, producers, strict=True):
                    self._producers[source] = producer
                commands_end = await self._commands.ends()
                restored, placements = await self._restore(dict(zip(ledgers, producers, strict=True)), sources)
                break
            except PartitionDamagedError as error:
                await self._stop_producers(sources)
                damages = {each: found for each in sources if (found := error.damages.get(self._ledger_of(each)))}
                self._hold(damages)
                sources, delay = [each for each in sources if each not in damages], 0.0
                if not sources:
                    return
            except (KafkaError, TimeoutError, UndecidedError) as error:
                log.warning("partitions could not be opened; trying again", sources=len(sources), error=repr(error))
                await self._stop_producers(sources)
                delay = REOPEN_AFTER
        documents = sum(map(len, restored.values()))
        try:
            for source, ledger in zip(sources, ledgers, strict=True):
                receive = self._subscription.sources[source.topic]
                placement, producer = placements[ledger.topic], self._producers[source]
                await self._start(
                    AssignedPartition(
                        source, receive, ledger.topic, restored.pop(ledger), producer, placement, commands_end
                    )
                )
        finally:
            for store in restored.values():  # cancelled: the rest is opened by another worker
                store.close()
        log.info("partitions open", partitions=len(sources), documents=documents)

    def _hold(self, damages: Mapping[TopicPartition, Damage]) -> None:
        """Leave damaged partitions closed, and look now and then whether a person has repaired them."""
        task = asyncio.create_task(self._until_repaired(damages), name="held partitions")
        for source, damage in damages.items():
            self._opening[source] = task
            self._held.put(source, damage)
            told = {"code": damage.fault, "detail": damage.detail, "fix": damage.fix}
            log.error("partition is held", partition=f"{source.topic}-{source.partition}", **told)

    async def _until_repaired(self, damages: Mapping[TopicPartition, Damage]) -> None:
        """Open the partitions again once a repair has changed something, or after a minute: that shows what is left.

        To open them fences whoever else writes their ledgers. So it waits while a repair is under way.
        """
        found = {self._ledger_of(source): source for source in damages}
        before: Mapping[TopicPartition, RepairTrace] | None = None
        again_at = self._time.monotonic() + HELD_AGAIN
        while True:
            try:
                now = await traces(self._clients, self._subscription.group_id, found)
            except (KafkaError, TimeoutError) as error:
                log.warning("held partitions could not be looked at", error=repr(error))
            else:
                before = before or now
                idle = not any(trace.under_way for trace in now.values())
                if now != before or (idle and self._time.monotonic() >= again_at):
                    break
            await self._time.sleep(HELD_LOOK)
        await self._open_all(list(damages), 0.0)

    def _ledger_of(self, source: TopicPartition) -> TopicPartition:
        return TopicPartition(self._subscription.ledgers[source.topic], source.partition)

    async def _start(self, assigned: AssignedPartition) -> None:
        """Start the session of one partition, then read its records."""
        source = assigned.source
        session = PartitionProcessor(assigned, self._around, self._partition_failed)
        try:
            await session.start()
        except BaseException:  # cancelled too: nobody else knows of the session yet
            await session.close_now()
            raise
        if session.gone:
            return  # a transaction failed meanwhile: the partition is being opened again
        self._sessions[source] = session
        self._held.remove(source)
        self._commands.join(session)
        self._opening.pop(source, None)
        self._resume(source)

    async def _restore(
        self, producers: Mapping[TopicPartition, Producer], sources: list[TopicPartition]
    ) -> tuple[dict[TopicPartition, LedgerStore], dict[str, Placement]]:
        """Restore the ledgers and their partitioners, then seek the sources to their committed offsets."""
        told = self._subscription
        read = {self._ledger_of(source): source for source in sources}
        positions = await source_positions(self._clients, told.group_id, read)
        if lost := {ledger: damage for ledger, at in positions.items() if (damage := lost_records(at))}:
            raise PartitionDamagedError(lost)
        restored = await restore(self._clients, list(producers), state_dir=told.state_dir)
        try:
            await generation.stamp_or_check(self._clients, producers, restored, positions)
            asked = {
                told.ledgers[each]: PartitionerRequest(each, told.partitioners.get(each), unchecked=told.any_record_key)
                for each in told.sources
            }
            placements = await settle(self._clients, producers, restored, asked)
            await self._rewind(sources)
        except BaseException:  # cancelled too: a store that stays open is locked for whoever opens it next
            for ledger in restored.values():
                ledger.close()
            raise
        return restored, placements

    async def _rewind(self, sources: list[TopicPartition]) -> None:
        """Seek to the committed offsets, which are read again: before the fence, the former owner may still commit."""
        committed = await self._consumer.seek_to_committed(*sources)
        # A partition without a committed offset would stay where it is: records read before a failure would be missed.
        fresh = [source for source, offset in committed.items() if not offset]
        if fresh:  # without arguments, `seek_to_beginning` would move every partition
            await self._consumer.seek_to_beginning(*fresh)

    def _partition_failed(self, session: PartitionProcessor, error: BaseException) -> None:
        """Open a partition again after a failed transaction. Its records come again: to us, or to the new owner."""
        source = session.source
        fenced = isinstance(error, ProducerFenced | InvalidProducerEpoch)
        log.warning("partition failed", partition=str(source), fenced=fenced, error=repr(error))
        self._pause(source)
        if isinstance(error, MessageSizeTooLargeError):
            # Topics were checked at the start, and records are cut to fit: a topic's limit was lowered since.
            self._hopeless = RecordsTooLargeError(f"{source}: a topic no longer takes what is written to it: {error}")
        # If another owner fenced us, the group revokes the partition within a session time-out. Else it is still ours.
        delay = self._subscription.session_timeout_ms / 1000 if fenced else REOPEN_AFTER
        task = asyncio.create_task(self._reopen(session, delay), name=f"reopen {source.topic}:{source.partition}")
        self._opening[source] = task

    async def _reopen(self, session: PartitionProcessor, delay: float) -> None:
        source = session.source
        self._commands.leave(session)
        await session.close_now()
        self._sessions.pop(source, None)
        await self._stop_producers([source])
        await self._time.sleep(delay)
        await self._open_all([source], 0.0)

    async def _release(self, sources: Iterable[TopicPartition], patience: float) -> None:
        """Release partitions, in which sent calls may take so many seconds to end."""
        sources = list(sources)
        for source in sources:
            self._held.remove(source)
        tasks = {task for source in sources if (task := self._opening.pop(source, None)) is not None}
        await cancel(tasks)
        sessions = [session for source in sources if (session := self._sessions.pop(source, None)) is not None]
        for session in sessions:
            self._commands.leave(session)
        self._leaving += 1
        self._settled.clear()
        try:
            await asyncio.gather(*(session.close(patience) for session in sessions))
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

    # Helpers.

    async def _settings_are_fresh(self) -> bool:
        """Wait until every setting that was written before these events is read.

        Returns:
            False if that is not certain; then nothing may be mapped.

        Raises:
            MappingStateUnavailable: The table's reader died. Only a new start helps.
        """
        try:
            await self._table.barrier()
        except MappingStateUnavailable as error:
            _ = self._table.state  # raises if the reader died
            log.warning("mapping state is not known to be fresh; events wait", error=str(error))
            return False
        return True

    def _check(self) -> None:
        """Raise what ended one of our tasks: a partition or company that died silently would be blocked for ever."""
        if self._hopeless is not None:
            raise self._hopeless
        if self._watching is not None and self._watching.done():
            self._watching.result()
        self._lanes.raise_defect()
        self._commands.check()
        for session in self._sessions.values():
            session.raise_defect()
        _ = self._table.state  # raises if the table's reader died
        for task in set(self._opening.values()):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _wake(self, blocker: str) -> None:
        """Retry the documents that wait for `blocker`, in all partitions."""
        for session in self._sessions.values():
            session.wake(blocker)

    def _release_one(self, blocker: str) -> bool:
        """Retry one document that waits for `blocker`, as a trial. Returns False if there is none."""
        # Start with another partition each time, so that one document which is never taken is not every trial.
        sessions = deque(self._sessions.values())
        sessions.rotate(-next(self._trials))
        return any(session.release_one(blocker) for session in sessions)

    def _release_some(self, blocker: str, most: int) -> int:
        """Retry up to `most` documents that wait for `blocker`, of each partition the oldest and about as many."""
        holders = deque(session for session in self._sessions.values() if session.is_left(blocker))
        holders.rotate(-next(self._trials))
        released = 0
        while holders and released < most:
            share = -(-(most - released) // len(holders))
            session = holders.popleft()
            if (came := session.release_some(blocker, share)) == share:
                holders.append(session)  # it may have more, which others leave room for
            released += came
        return released

    def _is_left(self, blocker: str) -> bool:
        """Whether documents wait for `blocker` that are not in flight."""
        return any(session.is_left(blocker) for session in self._sessions.values())

    def _coming(self, blocker: str) -> bool:
        """Whether documents are about to be parked for `blocker`, with records that are not durable yet."""
        return any(session.is_parked(blocker) for session in self._sessions.values())

    def _pause(self, source: TopicPartition) -> None:
        try:
            self._consumer.pause(source)
        except IllegalStateError:
            return  # the partition was revoked meanwhile: the rebalance callback will follow
        self._paused.add(source)

    def _resume(self, source: TopicPartition) -> None:
        self._paused.discard(source)
        if source in self._consumer.assignment():
            self._consumer.resume(source)
