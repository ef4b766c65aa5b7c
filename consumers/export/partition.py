"""One source partition, from its assignment to its revocation. The session owns the documents of the partition.

The session decides what each record needs (an answer from the ledger, a call, a look-up), keeps the revisions of one
document in order, and writes everything through one journal. It never calls Sage: the lanes do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.export import metrics
from consumers.export.context import ExportContext, ParseRecord
from consumers.export.in_flight import InFlight
from consumers.export.ledger.document_state import UPDATE, Claim, DocumentState
from consumers.export.ledger.store import LedgerStore
from consumers.export.ledger.transactions import PendingWrite, TransactionScope, TransactionWriter
from consumers.export.offsets import OffsetTracker
from consumers.export.output_records import as_before, between_calls, dead_letter_source, last_outcome, with_attempts
from consumers.export.parking_lot import ParkingLot
from consumers.export.protocol.consolidated import ConsolidatedLineRecord, as_consolidated_line
from consumers.export.protocol.decide import (
    NextStep,
    as_known,
    clear_mark,
    decide,
    deletes,
    is_stale,
    lost,
    mark_synced,
    plan_against_existing,
    plan_export,
    reject_changed,
    with_current_credentials,
)
from consumers.export.protocol.document_numbers import numbered
from consumers.export.protocol.sequence import Turn, place_of, turn_of
from consumers.export.record_parsing import PartitionCheck, read
from consumers.export.work_item import ExportResult, NoLongerPosted, ReadExisting, WorkItem
from consumers.partitioners import Placement
from consumers.unreadable import Unreadable
from domain.blockers import mapped_digest
from domain.codes import Code
from domain.commands import Command, MarkSynced, Replay, Retry
from domain.documents import Document, SourceDocument
from domain.events import ContractError
from domain.export import export
from domain.idempotency import booked_content_hash
from domain.outcomes import Outcome
from domain.translation import ParsedRecord
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

SAGE_BLOCKER = "sage/"
"""Prefix of blockers that are not mapping-state keys. A lane releases them; a new owner retries them at once."""


@dataclass(frozen=True, slots=True)
class AssignedPartition:
    """A source partition that was assigned to this worker. Its former owner is fenced and its ledger restored."""

    source: TopicPartition
    receive: ParseRecord
    """Parses the events of the source topic."""
    ledger_topic: str
    ledger: LedgerStore
    producer: AIOKafkaProducer
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
        self._around = around
        self._writer = around.writer
        self._lanes = around.lanes
        self._config = around.config
        self._on_failure = on_failure
        self._ledger = assigned.ledger
        self._tracker = OffsetTracker()
        place = TransactionScope(source, assigned.ledger_topic, around.writer.group_id)
        self._journal = TransactionWriter(assigned.producer, place, assigned.ledger, self._tracker, self._failed)
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
        self._open = True
        self._gone = False
        self._defect: Exception | None = None
        self._gauge = metrics.IN_FLIGHT.labels(source.topic, source.partition)

    # Life.

    def start(self) -> None:
        """Start: resume the documents that are in doubt, and retry the parked ones."""
        self._recall.begin()

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

    async def close(self) -> None:
        """Release the partition: claim nothing new, let sent calls end until the deadline, commit what has ended.

        A document that has not ended by then keeps its claim in the ledger. The next owner looks it up.
        """
        self._open = False
        self._lanes.release_partition(self)
        try:
            async with asyncio.timeout(self._config.drain_timeout.total_seconds()):
                await self._calm.wait()
        except TimeoutError:
            log.warning("given up with calls in flight", partition=str(self.source), documents=len(self._called))
        # `_gone` is set only after the last outcomes are written: else the next owner would have to look them up.
        await self._journal.close(self._config.drain_timeout.total_seconds())
        self._gone = True
        self._ledger.close()
        self._gauge.set(0)

    async def close_now(self) -> None:
        """Release the partition at once, because it is lost or its journal failed."""
        self._open, self._gone = False, True
        await self._journal.close(0)
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
                    offset=record.offset,
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
        self._journal.commit_position()

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
            self._journal.write(PendingWrite(internal=(record,)))

    # One revision of a document at a time (promise 4).

    def admit(self, work: WorkItem) -> None:
        """Take a document. It starts at once, or after the earlier work items of its key."""
        if self._documents.admit(work):
            self.decide(work)

    def _release(self, work: WorkItem) -> None:
        """Start the next work item of the document, now that the end of this one is durable."""
        if not self._open:
            self._documents.drop(work)
        elif (later := self._documents.next(work)) is not None:
            self.decide(later)
        else:
            self._recall.drain()

    def decide(self, work: WorkItem) -> None:
        """Step 1: decide from the ledger entry of the document what this revision needs."""
        entry = self._ledger.get(work.key)
        work.received = as_known(entry, work.received)
        command = work.command.command if work.command is not None else None
        now, arrives = self._around.time.now(), work.offset is not None or isinstance(command, Replay)
        turn = turn_of(entry, work.received, work.source, now) if arrives else Turn.NEWEST
        work.emitted = place_of(entry, work.received, now, newest=arrives and turn is Turn.NEWEST)
        if command is not None and not isinstance(command, Replay) and entry.parked != work.value:
            self._complete(work)  # another revision was answered while the command waited for it
            return
        if command is not None and is_stale(entry, command):
            self._complete(work)
            return
        if isinstance(command, MarkSynced):
            self.complete(work, mark_synced(entry, work.received.revision, command))
            return
        if isinstance(command, Retry):
            entry = clear_mark(entry)
            work.confirmed_missing = entry.last is not None and entry.last.code is Code.STANDING_NOT_FOUND
        work.former_records = entry.former_records
        answer = decide(entry, work.received.revision, turn)
        if isinstance(answer, ExportResult):
            self.complete(work, answer)
        elif answer is NextStep.MAP or entry.claim is None:
            self._plan(work)
        else:
            work.claim = with_current_credentials(entry.claim, self._around.mapping())
            if work.offset is None:  # else the record has to end first, which `park` does
                self._documents.mark_in_doubt(work)
            self._lanes.reconcile(work)

    def _plan(self, work: WorkItem) -> None:
        """Step 2: map the event with the settings in force to a document, or to the reason why there is none."""
        state, entry = self._around.mapping(), self._ledger.get(work.key)
        work.mapping_offset, work.attempt, work.former_records = state.offset, entry.attempts, entry.former_records
        work.step = None
        work.existing = None if entry.posted is None else with_current_credentials(entry.posted, state)
        work.by_deletion = work.existing is not None and deletes(work.existing, state)
        source = work.received.document
        if work.value is not None and work.acknowledged_claim is None:
            verdict = as_consolidated_line(
                ConsolidatedLineRecord(work.received, work.value), self._ledger.get(work.key), state
            )
            if verdict is not None:
                self.complete(work, verdict)
                return
        answer = (
            export(source, state, self._config.max_lines_per_request) if isinstance(source, SourceDocument) else source
        )
        result = plan_export(work.existing, answer, state, entry.former_records)
        work.content = booked_content_hash(result) if isinstance(result, Document) else ""
        if work.rejected_update_hash is not None and work.rejected_update_hash != work.content:
            work.attempt += 1  # Sage may know the control id from the earlier update with other content
        work.rejected_update_hash = None
        if isinstance(result, Document):
            result = self._plan_against_existing(work, entry, result)
        if isinstance(result, ExportResult):
            work.document = None
            self.complete(work, result)
            return
        if result is not None and _refused_before(work, entry, result):
            self._release(work)
            return
        work.document = numbered(result, entry) if result is not None else None
        if result is None and work.existing is not None:
            work.step = ReadExisting(work.existing)
        self._lanes.send(work)

    def _plan_against_existing(
        self, work: WorkItem, entry: DocumentState, document: Document
    ) -> Document | ExportResult:
        """Return the document to post, or a result if its content is already in Sage."""
        standing = work.existing
        if standing is not None and (work.update_maybe_applied or work.acknowledged_claim or lost(entry)):
            work.existing, standing = replace(standing, content="", booked="", said=""), None  # content is uncertain
        return plan_against_existing(standing, entry.former_records, work.received, document, self._around.mapping())

    # Called by the lanes (`PartitionHandle`).

    async def claim(self, claims: Sequence[tuple[WorkItem, Claim]]) -> bool:
        """Step 3: write the claims durably, all in one transaction. Returns False if the partition is given up."""
        if not self._open:
            return False
        durable = [self._journal.write(PendingWrite(self._claimed(work, claim))) for work, claim in claims]
        self._called.update(work for work, _ in claims)
        self._calm.clear()
        await asyncio.wait(durable)
        return durable[-1].exception() is None and not self._gone

    def _claimed(self, work: WorkItem, claim: Claim) -> DocumentState:
        """The entry while the call is in progress. It keeps the event only if no record will bring the event again."""
        entry = with_attempts(work, self._ledger.get(work.key))
        kept = work.value if work.offset is None and entry.last is not None else None
        return replace(entry, claim=claim, parked=kept, marked=None)  # only a retry, which clears the mark, gets here

    def complete(self, work: WorkItem, verdict: ExportResult) -> None:
        """Step 5: complete a document. Result, ledger entry and offset are written in one transaction."""
        if work.superseded or self._gone:
            return  # a command or the next owner decides instead
        if work.acknowledged_claim is not None and not (
            verdict.posted or verdict.refused_by_sage or verdict.final_on_replay or verdict.marked
        ):
            self._still_in_doubt(work, work.acknowledged_claim)
            return
        self._documents.resolve(work)
        entry = with_attempts(work, self._ledger.get(work.key))
        claim = work.claim
        if verdict.posted is not None and claim is not None and claim.revision != work.received.revision:
            # The record found in Sage is of an earlier revision; this revision corrects it.
            updated = verdict.outcome is Outcome.UPDATED
            entry = replace(entry, posted=verdict.posted, claim=None, attempts=entry.attempts + updated)
            if verdict.outcome is not Outcome.REJECTED:
                self._go_on(work, PendingWrite(between_calls(work, entry)))
                return
            verdict = reject_changed(entry)
        self._write(work, verdict, entry)

    def _still_in_doubt(self, work: WorkItem, executed: Claim) -> None:
        """Look the document up again, whatever the settings say now.

        Sage says that it executed the call, so no other result may take the call's place.
        """
        work.claim = executed
        self._called.discard(work)
        self._unload()
        if work.offset is None:
            self._documents.mark_in_doubt(work)
        self._lanes.reconcile(work)

    def park(self, work: WorkItem, verdict: ExportResult) -> None:
        """Keep a document in doubt: its record ends, its claim stays, and later work items of its key wait."""
        if work.superseded or self._gone:
            return
        before = self._ledger.get(work.key)
        entry = replace(before, claim=work.claim, marked=None)
        note = PendingWrite()
        if (
            work.offset is not None
            or work.command
            or entry != before
            or not as_before(entry, last_outcome(work, verdict))
        ):
            note = self._writer.in_doubt(work, verdict, entry, self._around.time.now())
            self._count(verdict)
        durable = self._journal.write(note)
        work.offset = None
        self._called.discard(work)
        self._unload()
        self._documents.mark_in_doubt(work)
        durable.add_done_callback(lambda done: self._park_for(work, done))

    def _park_for(self, work: WorkItem, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self.reporting_defects():
            self._recall.answered(work)
            if self._open:
                self._recall.give_way(work.key)

    def release(self, work: WorkItem) -> None:
        """Release a claimed document: Sage definitely did not take it, and this worker will not send it again."""
        self._called.discard(work)
        self._unload()
        if self._gone:
            return
        entry = with_attempts(work, self._ledger.get(work.key))
        # A document that was already in doubt has no blocker key. If we cleared its claim, no event would ever wake it,
        # so keep the claim.
        forgotten = entry.waiting and entry.last is not None and not entry.last.blocked_by
        if not forgotten:
            self._journal.write(PendingWrite(replace(entry, claim=None)))

    def resend(self, work: WorkItem) -> None:
        """Resend: the claimed call was not executed and never will be. Only an update may have been, unnoticed."""
        if work.superseded or self._gone:
            return
        self._documents.resolve(work)
        work.update_maybe_applied = work.update_maybe_applied or work.claimed.operation == UPDATE
        sent = work.claimed
        work.reset_for_next_call()
        work.sent = sent.control_id
        if sent.revision == work.received.revision and not sent.corrects:
            work.posting_date = sent.posting_date
        elif sent.corrects:
            work.not_before = sent.posting_date
        work.rejected_update_hash = sent.content if sent.operation == UPDATE else None
        self._plan(work)

    def existing_removed(self, work: WorkItem, gone: NoLongerPosted) -> None:
        """Record durably and publish that the existing Sage record no longer counts; post the document after that."""
        if work.superseded or self._gone:
            return
        self._documents.resolve(work)
        note = self._writer.retired(work, gone, self._ledger.get(work.key), self._around.time.now())
        metrics.OUTCOMES.labels(self.source.topic, Outcome.REVERSED, "").inc()
        work.offset = None
        self._go_on(work, note)

    def use_next_number(self, work: WorkItem) -> None:
        """Use the next number: Sage definitely refused this one, which a former record of the document still has."""
        if work.superseded or self._gone:
            return
        self._documents.resolve(work)
        entry = self._ledger.get(work.key)
        entry = replace(entry, claim=None, attempts=entry.attempts + 1, renumbered=True)
        self._go_on(work, PendingWrite(between_calls(work, entry)))

    def _go_on(self, work: WorkItem, note: PendingWrite) -> None:
        """Once the note is durable, map the document again for its next call, which has another control id."""
        self._called.discard(work)
        self._unload()
        durable = self._journal.write(note)
        durable.add_done_callback(lambda done: self._goes_on_committed(work, done))

    def _goes_on_committed(self, work: WorkItem, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self.reporting_defects():
            self._gauge.set(len(self._tracker))
            work.reset_for_next_call()
            work.acknowledged_claim, work.update_maybe_applied = None, False
            if not self._open:
                self._documents.drop(work)
            else:
                self._plan(work)

    def _write(self, work: WorkItem, verdict: ExportResult, entry: DocumentState) -> None:
        self._called.discard(work)
        self._unload()
        if self._gone:
            return
        unasked = work.offset is None and not work.command
        if unasked and entry.claim is None and as_before(entry, last_outcome(work, verdict)):
            self._release(work)  # retried, and still blocked by the same keys: nothing new to publish
            return
        self._count(verdict)
        durable = self._journal.write(self._writer.finished(work, verdict, entry, self._around.time.now()))
        self._parking.update(_of_sage(verdict))
        durable.add_done_callback(lambda done: self._committed(work, verdict, done))

    def is_parked(self, blocker: str) -> bool:
        """Whether a document is about to be parked for `blocker`, with a record that is not durable yet."""
        return self._open and self._parking[blocker] > 0

    def _committed(self, work: WorkItem, verdict: ExportResult, done: "asyncio.Future[None]") -> None:
        self._parking.subtract(_of_sage(verdict))
        if done.cancelled() or done.exception() is not None:
            return
        self._gauge.set(len(self._tracker))
        with self.reporting_defects():
            self._complete(work)
            # The ledger answered another event. A parked event of the same document may have been woken meanwhile.
            others = verdict.from_ledger and self._ledger.get(work.key).released_by
            blocked = verdict.outcome is Outcome.DEFERRED or verdict.blocked_by or others
            if blocked and self._open and self._arrived_meanwhile(work, verdict):
                # The blocker arrived before the ledger knew of it. Retry now, else the document would wait for ever.
                self._recall.wake([work.key])

    @contextmanager
    def reporting_defects(self) -> Iterator[None]:
        """Keep a defect that a callback raises: asyncio would swallow it, `raise_defect` raises it."""
        try:
            yield
        except Exception as defect:  # noqa: BLE001  # any exception here is a defect of ours
            self._defect = defect

    def _complete(self, work: WorkItem) -> None:
        """End a work item: complete the command that asked for it, then start the next work item of the document."""
        self._recall.answered(work)
        self._release(work)

    def _arrived_meanwhile(self, work: WorkItem, verdict: ExportResult) -> bool:
        if (sage := _of_sage(verdict)) and not any(self._lanes.is_blocked(blocker) for blocker in sage):
            return True
        return self._around.mapping().offset != work.mapping_offset

    def _unload(self) -> None:
        if not self._called:
            self._calm.set()

    def dead_letter(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Write a dead letter with the untouched bytes of a record that breaks the contract. The topic moves on."""
        metrics.DEAD_LETTERS.labels(self.source.topic, error.code).inc()
        self.misplaced = self.misplaced or error.code is Code.WRONG_PARTITION
        self._journal.write(self._writer.dead(record, error, ends=ends))

    def _count(self, verdict: ExportResult) -> None:
        metrics.OUTCOMES.labels(self.source.topic, verdict.outcome, verdict.code or "").inc()


def _of_sage(verdict: ExportResult) -> list[str]:
    """The Sage connections, among the result's blockers, that a document has to wait for."""
    return [blocker for blocker in verdict.blocked_by if blocker.startswith(SAGE_BLOCKER)]


def _refused_before(work: WorkItem, entry: DocumentState, document: Document) -> bool:
    """Whether the same document was refused before and only a key was rewritten: Sage would answer the same again."""
    woken = work.offset is None and work.command is None and entry.claim is None and entry.rejected
    return woken and entry.last is not None and entry.last.mapped_digest == mapped_digest(work.content, document)
