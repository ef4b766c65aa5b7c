"""One source partition, from its assignment to its revocation. The session owns the documents of the partition.

The partition processor keeps the revisions of one document in order and writes everything through one transaction
writer. What becomes of a document is decided by `protocol.lifecycle` alone; this class performs it. It never calls
Sage: the lanes do.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from aiokafka import ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.export import metrics
from consumers.export.context import ExportContext, ParseRecord
from consumers.export.in_flight import InFlight
from consumers.export.later_revisions import no_longer
from consumers.export.ledger.store import LedgerStore
from consumers.export.ledger.transactions import PendingWrite, TransactionScope, TransactionWriter
from consumers.export.output_records import between_calls, dead_letter_source
from consumers.export.parking_lot import ParkingLot
from consumers.export.protocol.begin import Arrival, Begun, begin
from consumers.export.protocol.behind_doubt import WAITS, Stand, stand, superseded
from consumers.export.protocol.decide import NextStep
from consumers.export.protocol.document_state import Claim, DocumentState
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import (
    AnswerCommand,
    ClaimRenewed,
    ClaimWritten,
    Decided,
    DoubtWritten,
    Effect,
    Event,
    Life,
    LookUp,
    Map,
    Send,
    TakeNext,
    WriteBetweenCalls,
    WriteDoubt,
    WriteRemoval,
    WriteResult,
    WriteState,
    Written,
    YieldToCommand,
    claimed,
    transition,
)
from consumers.export.protocol.plan import Plan, PlanningRules, make_plan, repeats_refusal
from consumers.export.record_parsing import PartitionCheck, read
from consumers.export.sending.backlog import waits_its_turn
from consumers.export.sending.sage_access import BACKLOG, SAGE, backlog_blocker_of
from consumers.export.work_item import WorkItem
from domain.codes import Code
from domain.commands import Command
from domain.events import ContractError
from domain.outcomes import Outcome
from domain.settings.values import ConnectionSetting, ConnectionStatus
from domain.translation import ParsedRecord
from kafka_client.interface import Producer
from kafka_client.offset_tracker import OffsetTracker
from kafka_client.partitioners import Placement
from kafka_client.unreadable import Unreadable
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

RELIEVE_EVERY = 0.1
"""Seconds between two looks through the queues for documents to park, while the window is full."""
KEPT = 4
"""A quarter of a full window may stay queued. With what companies that take long have on their way it is half, so that
reading goes on."""


@dataclass(frozen=True, slots=True)
class AssignedPartition:
    """A source partition that was assigned to this worker. Its former owner is fenced and its ledger restored."""

    source: TopicPartition
    receive: ParseRecord
    """Parses the events of the source topic."""
    ledger_topic: str
    ledger: LedgerStore
    producer: Producer
    """The producer that fences the former owner. Only its transactions count for the ledger partition."""
    placement: Placement
    """The rule that says in which partition the records of a key belong."""
    commands_end: Mapping[int, int]
    """End offset of each partition of the commands topic."""


class PartitionProcessor:
    """The documents of one source partition while this worker owns it.

    Args:
        assigned: The partition, with its restored ledger and its producer.
        around: The objects that all sessions of the worker share: settings, lanes, clock.
        on_failure: Called once if a Kafka transaction fails. The session is unusable after that.
    """

    def __init__(
        self,
        assigned: AssignedPartition,
        around: ExportContext,
        on_failure: Callable[["PartitionProcessor", BaseException], None],
    ) -> None:
        source = assigned.source
        self.source = source
        self.receive = assigned.receive
        self.slices = around.slices
        self._around = around
        self._writer = around.writer
        self._lanes = around.lanes
        self._config = around.config
        self._on_failure = on_failure
        self._ledger = assigned.ledger
        self._tracker = OffsetTracker()
        place = TransactionScope(source, assigned.ledger_topic, around.writer.group_id)
        self._transactions = TransactionWriter(assigned.producer, place, assigned.ledger, self._tracker, self._failed)
        self._documents = InFlight()
        self._recall = ParkingLot(
            self, source, assigned.ledger, self._documents, around.config.max_in_flight, assigned.commands_end
        )
        self.placement = assigned.placement
        self._stand = PartitionCheck(source.partition, assigned.placement)
        self.misplaced = False
        """Whether a record became a dead letter because its key belongs in another partition. The worker resets it."""
        self._called: set[WorkItem] = set()
        """Work items whose claim is durable or is being written. They must end before the partition is released."""
        self._parking: Counter[str] = Counter()
        """Number of documents per blocker that are about to be parked: the record is not durable yet."""
        self._calm = asyncio.Event()
        self._calm.set()
        self._doubts_to_write: Counter[str] = Counter()
        """Document keys whose doubt is about to be written: the ledger does not show it yet."""
        self._turns: deque[WorkItem] = deque()
        """Work items whose turn has come, and that are decided about next."""
        self._taking_turns = False
        self._relieve_again_at = 0.0
        self._open = True
        self._gone = False
        self._defect: Exception | None = None
        self._gauge = metrics.IN_FLIGHT.labels(source.topic, source.partition)

    # Life.

    async def start(self) -> None:
        """Start: resume the documents that are in doubt, and retry the parked ones. No record may be read before."""
        await self._recall.begin()
        for blocker in self._ledger.blockers():
            if blocker.startswith(BACKLOG):
                self._lanes.resume_backlog(blocker)

    def relieve(self) -> None:
        """Park what companies have queued beyond their next requests, so that they do not hold up the others.

        If there is no other company, nobody is held up, and the window is left as it is. Called often: the queues are
        looked through once in a while.
        """
        now = self._around.time.monotonic()
        if now >= self._relieve_again_at and self._around.mapping().serves_several_companies:
            self._relieve_again_at = now + RELIEVE_EVERY
            self._lanes.relieve(self, self._config.max_in_flight // KEPT)

    @property
    def open(self) -> bool:
        """Whether new claims may be made."""
        return self._open

    @property
    def gone(self) -> bool:
        """Whether the partition may belong to another worker by now."""
        return self._gone

    @property
    def at_capacity(self) -> bool:
        """Whether the in-flight window is at its high water mark, so that no further record should be read."""
        return (
            len(self._tracker) >= self._config.max_in_flight or self._tracker.bytes >= self._config.max_in_flight_bytes
        )

    @property
    def has_capacity(self) -> bool:
        """Whether the window is below its low water mark (half), so that reading resumes without flapping."""
        few = len(self._tracker) <= self._config.max_in_flight // 2
        return few and self._tracker.bytes <= self._config.max_in_flight_bytes // 2

    async def close(self, patience: float) -> None:
        """Release the partition: claim nothing new, let sent calls end for a while, commit what has ended.

        A document that has not ended by then keeps its claim in the ledger. The next owner looks it up.

        Args:
            patience: Seconds that sent calls may take to end.
        """
        self._open = False
        self._lanes.release_partition(self)
        try:
            async with asyncio.timeout(patience):
                await self._calm.wait()
        except TimeoutError:
            log.warning("given up with calls in flight", partition=str(self.source), documents=len(self._called))
        # `_gone` is set only after the last outcomes are written: else the next owner would have to look them up.
        await self._transactions.close(self._config.drain_timeout.total_seconds())
        self._gone = True
        self._ledger.close()
        self._gauge.set(0)

    async def close_now(self) -> None:
        """Release the partition at once, because it is lost or its transactions failed."""
        self._open, self._gone = False, True
        await self._transactions.close(0)
        self._ledger.close()
        self._gauge.set(0)

    def _failed(self, error: BaseException) -> None:
        was_open = self._open
        self._open, self._gone = False, True
        self._calm.set()
        if was_open:  # a session that is being closed has nobody left to open it again
            self._on_failure(self, error)

    def raise_defect(self) -> None:
        """Raise the defect of ours that stopped a document, if any. Unraised, it would block the partition silently."""
        if self._defect is not None:
            raise self._defect

    # Step 1: records in.

    def process(self, records: Sequence[ConsumerRecord]) -> None:
        """Process records in offset order. Each ends as a result or a dead letter, or stays uncommitted."""
        metrics.RECORDS.labels(self.source.topic).inc(len(records))
        for record in records:
            if type(record) is Unreadable:
                self._pass_over(record)
                continue
            self._tracker.begin(record.offset, len(record.value or b""))
            try:
                received = self.read(record.key, record.value)
            except ContractError as error:
                self.dead_letter(dead_letter_source(record), error, ends=record.offset)
                continue
            self.admit(
                WorkItem(
                    owner=self,
                    received=received,
                    value=record.value,
                    source=SourceRecord(record.topic, record.partition, record.offset, record.timestamp),
                    life=Life(record.offset),
                )
            )
        self._gauge.set(len(self._tracker))
        self._skipped_past()

    def _pass_over(self, found: Unreadable) -> None:
        """Write one dead letter for a whole unreadable batch. No offset after its first is committed before that."""
        self._tracker.begin(found.first)
        self._tracker.reached(found.offset + 1)
        self.dead_letter(
            dead_letter_source(found), ContractError(Code.RECORDS_UNREADABLE, found.reason), ends=found.first
        )

    def read(self, key: bytes | None, value: bytes | None) -> ParsedRecord:
        """Parse a record of the source topic. Raises ContractError if the record breaks the contract."""
        anyhow, most = self._around.any_record_key, self._config.max_event_bytes
        return read(self.receive, key, value, any_record_key=anyhow, largest_event=most, stand=self._stand)

    def advance_to(self, position: int) -> None:
        """Commit up to `position`, past transaction markers and compacted holes: the consumer has nothing before it."""
        if not self._open:
            return  # the partition was released while the position was requested
        self._tracker.reached(position)
        self._skipped_past()
        self._transactions.commit_position()

    def _skipped_past(self) -> None:
        if self._tracker.position is not None:
            self._recall.skipped_past(self._tracker.position)

    # Documents that come back from the ledger (`parking_lot`).

    def wake(self, blocker: str) -> None:
        """Retry the documents that waited for `blocker`, because it has arrived."""
        if self._open:
            self._recall.release(blocker)

    def release_one(self, blocker: str) -> bool:
        """Retry one document that waits for `blocker`. Returns False if there is none that can be retried."""
        return self._open and self._recall.release_one(blocker)

    def release_some(self, blocker: str, most: int) -> int:
        """Retry up to `most` documents that wait for `blocker`, oldest first. Returns how many are retried."""
        return self._recall.release_some(blocker, most) if self._open else 0

    def is_left(self, blocker: str) -> bool:
        """Whether documents wait for `blocker` that are not in flight."""
        return self._open and self._recall.is_left(blocker)

    @property
    def commands_from(self) -> Mapping[int, int]:
        """First offset to read of each partition of the commands topic, for this source partition."""
        return self._recall.commands_from

    @property
    def is_full(self) -> bool:
        """Whether enough commands are in progress, so that no more should be read."""
        return self._recall.is_full

    def apply_command(self, partition: int, offset: int, command: Command | None) -> None:
        """Apply a command. None stands for a record that is no command."""
        if self._open:
            self._recall.apply_command(partition, offset, command)

    def write_internal(self, record: tuple[str, bytes]) -> None:
        """Write an internal record to the ledger, after everything that was written before."""
        if not self._gone:
            self._transactions.write(PendingWrite(internal=(record,)))

    # One revision of a document at a time (promise 4).

    def admit(self, work: WorkItem) -> None:
        """Take a document. It starts at once, or after the earlier work items of its key."""
        if self._documents.admit(work):
            self.decide(work)
        elif self._documents.waits_for_proof(work.key):
            self._stand_behind_doubt(work)

    def _stand_behind_doubt(self, work: WorkItem) -> None:
        """Answer a revision behind a document in doubt, or keep it in the ledger: its record shall not stay open."""
        entry = self._ledger.get(work.key)
        if work.life.offset is None or work.command is not None or entry.claim is None:
            return
        before = next((each for each in self._documents.waiting(work.key) if each.is_kept), None)
        found = stand(self._begin(work, entry), before.received if before is not None else None)
        if found is Stand.IN_LINE:
            return
        completes, keeps = work.life.offset, None
        if isinstance(found, ExportResult):
            told = [(work, found)]
            self._documents.remove(work)
        else:
            told, keeps = [(work, WAITS)], work
            work.life, work.was_kept, work.is_kept = Life(), True, True
            if before is not None:
                self._documents.remove(before)
                told.insert(0, (before, superseded(work.received)))
        for _, result in told:
            self._count(result)
        note = self._writer.beside_doubt(told, self._around.time.now(), completes=completes, keeps=keeps)
        self._transactions.write(note).add_done_callback(lambda _: self._gauge.set(len(self._tracker)))

    def _begin(self, work: WorkItem, entry: DocumentState) -> Begun:
        command = work.command.command if work.command is not None else None
        from_record = work.life.offset is not None or work.was_kept
        arrival = Arrival(work.received, work.value, work.source, from_record, command)
        return begin(arrival, entry, self._around.mapping(), self._around.time.now())

    def _take_next(self, work: WorkItem) -> None:
        """Start the next work item of the document, now that the end of this one is durable."""
        if not self._open:
            self._documents.drop(work)
        elif (later := self._documents.next(work)) is not None:
            self._turns.append(later)
            self._take_turns()
        else:
            self._recall.drain()

    def _take_turns(self) -> None:
        """Decide about the work items whose turn has come, one after the other.

        A loop, because each may end at once and bring the next: hundreds of commands may wait for one document.
        """
        if self._taking_turns:
            return
        self._taking_turns = True
        try:
            while self._turns:
                self.decide(self._turns.popleft())
        finally:
            self._taking_turns = False

    def decide(self, work: WorkItem) -> None:
        """Step 1: decide from the ledger what this revision needs, now that its turn has come."""
        entry = self._ledger.get(work.key)
        begun = self._begin(work, entry)
        work.received, work.emitted = begun.received, begun.emitted
        work.plan = Plan(former_records=entry.former_records)
        decided = begun.decided
        if decided.answer is NextStep.MAP and (waits := self._behind_backlog(work, entry)) is not None:
            decided = Decided(waits)
        self.handle(work, decided)

    def _behind_backlog(self, work: WorkItem, entry: DocumentState) -> ExportResult | None:
        """The result of a new document whose company has a backlog: it is mapped when its turn comes. Else None.

        Without this, a backlog of a million would cost others the time in which its documents are mapped in vain.
        """
        if work.life.offset is None or entry.posted is not None or entry.former_records or entry.marked is not None:
            return None
        setting = self._around.mapping().connection(work.received.subsidiary_id)
        if not isinstance(setting, ConnectionSetting) or setting.state is not ConnectionStatus.ACTIVE:
            return None
        if not self._lanes.is_blocked(backlog_blocker_of(setting.company_id, setting.credentials)):
            return None
        return waits_its_turn(setting.company_id, setting.credentials)

    # The life of a document (`protocol.lifecycle` decides, this class performs).

    def handle(self, work: WorkItem, event: Event) -> None:
        """Apply an event to the document's life, and perform what follows from it (`protocol.lifecycle`)."""
        if self._gone:
            return  # the next owner decides instead
        before = work.life
        work.life, effects = transition(before, event, lambda: self._ledger.get(work.key), work.received.revision)
        self._follow(work, before)
        for effect in effects:
            self._perform(work, effect)
        if work.life.waits_for_proof and not before.waits_for_proof:  # its doubt is written first
            for later in self._documents.waiting(work.key):
                self._stand_behind_doubt(later)

    def _follow(self, work: WorkItem, before: Life) -> None:
        """Keep the lists of documents in doubt and of those with a call out in step with the document's state."""
        if work.life.rests_in_doubt:
            self._documents.mark_in_doubt(work)
        elif before.rests_in_doubt:
            self._documents.resolve(work)
        if not work.life.must_end_first:
            self._called.discard(work)
            if not self._called:
                self._calm.set()

    def _perform(self, work: WorkItem, effect: Effect) -> None:  # noqa: C901 - one branch an effect
        match effect:
            case Map():
                self._map(work)
            case Send():
                self._lanes.send(work)
            case LookUp():
                self._lanes.reconcile(work)
            case WriteResult():
                self._write_result(work, effect)
            case WriteDoubt():
                self._write_doubt(work, effect)
            case WriteRemoval():
                note = self._writer.removed(work, effect, self._around.time.now())
                metrics.OUTCOMES.labels(self.source.topic, Outcome.REVERSED, "").inc()
                self._when_durable(work, note, Written())
            case WriteBetweenCalls(state):
                self._when_durable(work, PendingWrite(between_calls(work, state)), Written())
            case WriteState(state):
                self._write(work, PendingWrite(state))
            case AnswerCommand():
                self._recall.answered(work)
            case YieldToCommand():
                if self._open:
                    self._recall.give_way(work.key)
            case TakeNext():
                self._take_next(work)

    def _map(self, work: WorkItem) -> None:
        """Step 2: map the event with the settings in force to the next call, or to the reason why there is none."""
        entry, rules = (
            self._ledger.get(work.key),
            PlanningRules(self._around.mapping(), self._config.max_lines_per_request),
        )
        plan, mapped = make_plan(work.received, work.value, entry, work.life.history, rules)
        work.plan = replace(plan, party_made=work.plan.party_made)
        woken = work.life.offset is None and work.command is None and not work.was_kept
        self.handle(work, replace(mapped, repeats_refusal=woken and repeats_refusal(plan, entry)))

    async def claim(self, claims: Sequence[tuple[WorkItem, Claim]], send_deadline: float) -> bool:
        """Step 3: write the claims durably, all in one transaction. Returns False if the partition is given up."""
        if not self._open:
            return False
        durable = [self._write_claim(work, claim) for work, claim in claims]
        self._called.update(work for work, _ in claims)
        self._calm.clear()
        if not await self._all_durable(durable):
            return False
        for work, claim in claims:
            self.handle(work, ClaimWritten(claim, send_deadline))
        return True

    async def renew(self, claims: Sequence[tuple[WorkItem, Claim]]) -> bool:
        """Write the claims of calls in doubt with new leases. Returns False if that cannot be done now."""
        if not self._open or any(self._doubts_to_write[work.key] for work, _ in claims):
            return False
        states = [(work, replace(self._ledger.get(work.key), claim=claim)) for work, claim in claims]
        durable = [self._write(work, PendingWrite(state), urgent=True) for work, state in states]
        if not await self._all_durable(durable):
            return False
        for work, claim in claims:
            self.handle(work, ClaimRenewed(claim))
        return True

    async def _all_durable(self, writes: Sequence["asyncio.Future[None]"]) -> bool:
        """Wait for writes. Returns False if they failed, or if the partition was lost meanwhile."""
        await asyncio.wait(writes)
        return writes[-1].exception() is None and not self._gone

    def _write_claim(self, work: WorkItem, claim: Claim) -> "asyncio.Future[None]":
        """Write a claim before results that can wait, but after whatever is still to be written about its document."""
        alone = not self._doubts_to_write[work.key]
        return self._write(work, PendingWrite(self._claimed(work, claim)), urgent=alone)

    def _write(self, work: WorkItem, note: PendingWrite, *, urgent: bool = False) -> "asyncio.Future[None]":
        """Write for a document. If its event was kept behind a doubt, the document's state holds or ends it now."""
        if work.is_kept:
            work.is_kept = False
            note = replace(note, internal=(*note.internal, no_longer(work.key)))
        return self._transactions.write(note, urgent=urgent)

    def _claimed(self, work: WorkItem, claim: Claim) -> DocumentState:
        event = work.value if work.life.offset is None else None
        return claimed(work.life.history, self._ledger.get(work.key), claim, event)

    def _write_doubt(self, work: WorkItem, doubt: WriteDoubt) -> None:
        note = self._writer.in_doubt(work, doubt, self._around.time.now())
        if note is not None:
            self._count(doubt.result)
        self._doubts_to_write[work.key] += 1
        self._when_durable(work, note or PendingWrite(), DoubtWritten())

    def _when_durable(self, work: WorkItem, note: PendingWrite, event: Event) -> None:
        durable = self._write(work, note)
        durable.add_done_callback(lambda done: self._is_durable(work, event, done))

    def _is_durable(self, work: WorkItem, event: Event, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self.reporting_defects():
            self._gauge.set(len(self._tracker))
            if isinstance(event, DoubtWritten):
                self._doubts_to_write -= Counter({work.key: 1})  # keys without any left go
            if self._open or isinstance(event, DoubtWritten):
                self.handle(work, event)
            else:
                self._documents.drop(work)

    def _write_result(self, work: WorkItem, effect: WriteResult) -> None:
        """Step 5: result, document state and offset are written in one transaction."""
        note = self._writer.finished(work, effect, self._around.time.now())
        if note is None:
            self.handle(work, Written())
            return
        result = effect.result
        self._count(result)
        durable = self._write(work, note)
        self._parking.update(_of_lane(result))
        durable.add_done_callback(lambda done: self._result_is_durable(work, result, done))

    def is_parked(self, blocker: str) -> bool:
        """Whether a document is about to be parked for `blocker`, with a record that is not durable yet."""
        return self._open and self._parking[blocker] > 0

    def _result_is_durable(self, work: WorkItem, result: ExportResult, done: "asyncio.Future[None]") -> None:
        self._parking.subtract(_of_lane(result))
        if done.cancelled() or done.exception() is not None:
            return
        self._gauge.set(len(self._tracker))
        with self.reporting_defects():
            self.handle(work, Written())
            if self._open and result.code is Code.COMPANY_BACKLOG:
                self._lanes.resume_backlog(*result.blocked_by)
            # The ledger answered another event. A parked event of the same document may have been woken meanwhile.
            others = result.from_ledger and self._ledger.get(work.key).released_by
            blocked = result.outcome is Outcome.DEFERRED or result.blocked_by or others
            if blocked and self._open and self._arrived_meanwhile(work, result):
                # The blocker arrived before the ledger knew of it. Retry now, else the document would wait for ever.
                self._recall.wake([work.key])

    @contextmanager
    def reporting_defects(self) -> Iterator[None]:
        """Keep a defect that a callback raises: asyncio would swallow it, `raise_defect` raises it."""
        try:
            yield
        except Exception as defect:  # noqa: BLE001  # any exception here is a defect of ours
            self._defect = defect

    def _arrived_meanwhile(self, work: WorkItem, result: ExportResult) -> bool:
        if (ours := _of_lane(result)) and not any(self._lanes.is_blocked(blocker) for blocker in ours):
            return True
        return self._around.mapping().offset != work.plan.mapping_offset

    def dead_letter(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Write a dead letter with the untouched bytes of a record that breaks the contract. The topic moves on."""
        metrics.DEAD_LETTERS.labels(self.source.topic, error.code).inc()
        self.misplaced = self.misplaced or error.code is Code.WRONG_PARTITION
        self._transactions.write(self._writer.dead(record, error, ends=ends))

    def _count(self, result: ExportResult) -> None:
        metrics.OUTCOMES.labels(self.source.topic, result.outcome, result.code or "").inc()


def _of_lane(result: ExportResult) -> list[str]:
    """The blockers that a lane releases, among those of the result: Sage connections and backlogs."""
    return [blocker for blocker in result.blocked_by if blocker.startswith((SAGE, BACKLOG))]
