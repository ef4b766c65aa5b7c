"""One source partition, from its assignment to its revocation: the owner of its documents.

It decides what each record needs (an answer from the ledger, a call, a look-up), keeps the revisions of one document in
order, and writes everything through one journal. It never calls Sage: lanes do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.engine import metrics
from consumers.engine.documents import Documents
from consumers.engine.grouping import Row, as_row
from consumers.engine.journal import Journal, JournalPlace, Note
from consumers.engine.judgement import (
    Next,
    against_what_stands,
    as_known,
    changed,
    deletes,
    judge,
    lost,
    mapped,
    marked,
    overtaken,
    unmarked,
    with_present_credentials,
)
from consumers.engine.ledger import UPDATE, Claim, Entry
from consumers.engine.ledger_store import Ledger
from consumers.engine.notes import as_before, as_read, between, ending, known
from consumers.engine.numbers import numbered
from consumers.engine.offsets import OffsetTracker
from consumers.engine.recall import Recall
from consumers.engine.records import Stand, read
from consumers.engine.sequence import Turn, place_of, turn_of
from consumers.engine.surroundings import Receive, Surroundings
from consumers.engine.work import Gone, Inspect, Verdict, Work
from consumers.partitioners import Placement
from consumers.unreadable import Unreadable
from domain.blockers import mapped_digest
from domain.codes import Code
from domain.commands import Command, MarkSynced, Replay, Retry
from domain.documents import Document, SourceDocument
from domain.events import ContractError
from domain.export import export
from domain.identity import content_of
from domain.outcomes import Outcome
from domain.reading import Received
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

SAGE_BLOCKER = "sage/"
"""Blockers of this family are not mapping-state keys: a lane releases them, and a new owner tries at once."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A source partition that was assigned to this worker, its former owner fenced and its ledger restored."""

    source: TopicPartition
    receive: Receive
    ledger_topic: str
    ledger: Ledger
    producer: AIOKafkaProducer
    """The fence: only its transactions count for the ledger partition."""
    placement: Placement
    """In which partition a key's records stand."""
    commands_end: Mapping[int, int]
    """Where the topic of commands ends, by partition."""


class PartitionSession:
    """The documents of one source partition while this worker owns it."""

    def __init__(
        self,
        assigned: Assigned,
        around: Surroundings,
        on_failure: Callable[["PartitionSession", BaseException], None],
    ) -> None:
        source = assigned.source
        self.source = source
        self.receive = assigned.receive
        self._around = around
        self._writer = around.writer
        self._lanes = around.lanes
        self._knobs = around.knobs
        self._on_failure = on_failure
        self._ledger = assigned.ledger
        self._tracker = OffsetTracker()
        place = JournalPlace(source, assigned.ledger_topic, around.writer.group_id)
        self._journal = Journal(assigned.producer, place, assigned.ledger, self._tracker, self._failed)
        self._documents = Documents()
        self._recall = Recall(
            self, source, assigned.ledger, self._documents, around.knobs.window, assigned.commands_end
        )
        self.placement = assigned.placement
        self._stand = Stand(source.partition, assigned.placement)
        self.misplaced = False
        """Whether a record was set aside that belongs in another partition; whoever looks into that takes it back."""
        self._called: set[Work] = set()
        """Works whose claim is durable or being made so: they must end before the partition is let go."""
        self._parking: Counter[str] = Counter()
        """How many documents are about to wait for each connection."""
        self._calm = asyncio.Event()
        self._calm.set()
        self._open = True
        self._gone = False
        self._defect: Exception | None = None
        self._gauge = metrics.IN_FLIGHT.labels(source.topic, source.partition)

    # Life.

    def begin(self) -> None:
        """What was left in doubt, or waits, goes on."""
        self._recall.begin()

    @property
    def open(self) -> bool:
        """Whether new claims may be made."""
        return self._open

    @property
    def gone(self) -> bool:
        """Whether the partition may be another worker's by now."""
        return self._gone

    @property
    def full(self) -> bool:
        """Whether the window is full, so that no further record should be read."""
        return len(self._tracker) >= self._knobs.window or self._tracker.bytes >= self._knobs.window_bytes

    @property
    def roomy(self) -> bool:
        """Whether enough has ended to read on: half the window, so that pausing does not flutter."""
        few = len(self._tracker) <= self._knobs.window // 2
        return few and self._tracker.bytes <= self._knobs.window_bytes // 2

    async def close(self) -> None:
        """Let go: nothing new is claimed; what was sent may end until the deadline; then commit what ended.

        What did not end by then stays a claim in the ledger, and its next owner looks it up.
        """
        self._open = False
        self._lanes.give_back(self)
        try:
            async with asyncio.timeout(self._knobs.drain.total_seconds()):
                await self._calm.wait()
        except TimeoutError:
            log.warning("given up with calls in flight", partition=str(self.source), documents=len(self._called))
        # Not gone before the last outcomes are written: they are what the next owner would have to look up.
        await self._journal.close(self._knobs.drain.total_seconds())
        self._gone = True
        self._ledger.close()
        self._gauge.set(0)

    async def abandon(self) -> None:
        """Let go at once: the partition is lost, or its journal failed."""
        self._open, self._gone = False, True
        await self._journal.close(0)
        self._ledger.close()
        self._gauge.set(0)

    def _failed(self, error: BaseException) -> None:
        was_open = self._open
        self._open, self._gone = False, True
        self._calm.set()
        if was_open:  # one that is being closed has nobody left to open it again
            self._on_failure(self, error)

    def check(self) -> None:
        """Raise the defect of ours that stopped a document, if one did: it would hold its partition silently."""
        if self._defect is not None:
            raise self._defect

    # Step 1: records in.

    def feed(self, records: Sequence[ConsumerRecord]) -> None:
        """Take records in offset order. Each ends as exactly one of a result, a dead letter, or still uncommitted."""
        metrics.RECORDS.labels(self.source.topic).inc(len(records))
        for record in records:
            if type(record) is Unreadable:
                self._pass_over(record)
                continue
            self._tracker.begin(record.offset, len(record.value or b""))
            try:
                received = self.read(record.key, record.value)
            except ContractError as error:
                self.set_aside(as_read(record), error, ends=record.offset)
                continue
            self.admit(
                Work(
                    owner=self,
                    received=received,
                    value=record.value,
                    source=SourceRecord(record.topic, record.partition, record.offset, record.timestamp),
                    offset=record.offset,
                )
            )
        self._gauge.set(len(self._tracker))
        self._passed()

    def _pass_over(self, found: Unreadable) -> None:
        """One dead letter for all of them. Until it is durable, no offset behind the first is committed."""
        self._tracker.begin(found.first)
        self._tracker.reached(found.offset + 1)
        self.set_aside(as_read(found), ContractError(Code.RECORDS_UNREADABLE, found.reason), ends=found.first)

    def read(self, key: bytes | None, value: bytes | None) -> Received:
        """A record as the document it is; ContractError if it breaks the contract."""
        anyhow, most = self._around.any_record_key, self._knobs.largest_event
        return read(self.receive, key, value, any_record_key=anyhow, largest_event=most, stand=self._stand)

    def reached(self, position: int) -> None:
        """The consumer has nothing left before `position`: commit past markers and holes."""
        if not self._open:
            return  # let go while the position was asked for
        self._tracker.reached(position)
        self._passed()
        self._journal.commit_position()

    def _passed(self) -> None:
        if self._tracker.position is not None:
            self._recall.passed(self._tracker.position)

    # Documents that come back (`recall`).

    def wake(self, blocker: str) -> None:
        """What these documents waited for has arrived."""
        if self._open:
            self._recall.arrived(blocker)

    def wake_one(self, blocker: str) -> bool:
        """Bring back one document that waits for the blocker; False if there is none that could be."""
        return self._open and self._recall.one(blocker)

    @property
    def commands_from(self) -> Mapping[int, int]:
        """From where each partition of the commands topic has to be read for this one."""
        return self._recall.commands_from

    @property
    def crowded(self) -> bool:
        """Whether enough commands are under way for now."""
        return self._recall.crowded

    def order(self, partition: int, offset: int, command: Command | None) -> None:
        """Take a command; None stands for a record that is none."""
        if self._open:
            self._recall.order(partition, offset, command)

    def keep(self, record: tuple[str, bytes]) -> None:
        """Write a record of the engine's own to the ledger, after all that was written before."""
        if not self._gone:
            self._journal.write(Note(internal=(record,)))

    # One document after its earlier revisions (promise 4).

    def admit(self, work: Work) -> None:
        """Take a document, after those of its key that are on their way."""
        if self._documents.admit(work):
            self.judge(work)

    def _release(self, work: Work) -> None:
        """The next work of the document may go, now that this one's end is durable."""
        if not self._open:
            self._documents.drop(work)
        elif (later := self._documents.next(work)) is not None:
            self.judge(later)
        else:
            self._recall.go_on()

    def judge(self, work: Work) -> None:
        """Step 1: what the ledger says of the document decides what happens to this revision of it."""
        entry = self._ledger.get(work.key)
        work.received = as_known(entry, work.received)
        command = work.asked.command if work.asked is not None else None
        now, arrives = self._around.time.now(), work.offset is not None or isinstance(command, Replay)
        turn = turn_of(entry, work.received, work.source, now) if arrives else Turn.NEWEST
        work.emitted = place_of(entry, work.received, now, newest=arrives and turn is Turn.NEWEST)
        if command is not None and not isinstance(command, Replay) and entry.parked != work.value:
            self._over(work)  # another revision was answered while the command waited for it
            return
        if command is not None and overtaken(entry, command):
            self._over(work)
            return
        if isinstance(command, MarkSynced):
            self.finish(work, marked(entry, work.received.revision, command))
            return
        if isinstance(command, Retry):
            entry = unmarked(entry)
            work.consented = entry.last is not None and entry.last.code is Code.STANDING_NOT_FOUND
        work.retired = entry.retired
        answer = judge(entry, work.received.revision, turn)
        if isinstance(answer, Verdict):
            self.finish(work, answer)
        elif answer is Next.MAP or entry.claim is None:
            self._map(work)
        else:
            work.claim = with_present_credentials(entry.claim, self._around.mapping())
            if work.offset is None:  # else its record has to end first: `park` sees to that
                self._documents.doubt(work)
            self._lanes.doubt(work)

    def _map(self, work: Work) -> None:
        """Step 2: the event and the settings in force give a document, or the reason why not."""
        state, entry = self._around.mapping(), self._ledger.get(work.key)
        work.mapping_offset, work.attempt, work.retired = state.offset, entry.attempts, entry.retired
        work.step = None
        work.standing = None if entry.posted is None else with_present_credentials(entry.posted, state)
        work.by_deletion = work.standing is not None and deletes(work.standing, state)
        source = work.received.document
        if work.value is not None and work.executed is None:
            verdict = as_row(Row(work.received, work.value), self._ledger.get(work.key), state)
            if verdict is not None:
                self.finish(work, verdict)
                return
        answer = export(source, state, self._knobs.lines) if isinstance(source, SourceDocument) else source
        result = mapped(work.standing, answer, state, entry.retired)
        work.content = content_of(result) if isinstance(result, Document) else ""
        if work.updated_to is not None and work.updated_to != work.content:
            work.attempt += 1  # Sage may know the control id by the update of other content that was sent before
        work.updated_to = None
        if isinstance(result, Document):
            result = self._against_what_stands(work, entry, result)
        if isinstance(result, Verdict):
            work.document = None
            self.finish(work, result)
            return
        if result is not None and _refused_before(work, entry, result):
            self._release(work)
            return
        work.document = numbered(result, entry) if result is not None else None
        if result is None and work.standing is not None:
            work.step = Inspect(work.standing)
        self._lanes.submit(work)

    def _against_what_stands(self, work: Work, entry: Entry, document: Document) -> Document | Verdict:
        """The document to post, or the verdict that it books what stands already."""
        standing = work.standing
        if standing is not None and (work.unsure or work.executed or lost(entry)):
            work.standing, standing = replace(standing, content="", booked="", said=""), None  # it is not certain
        return against_what_stands(standing, entry.retired, work.received, document, self._around.mapping())

    # What lanes ask of the owner.

    async def claim(self, claims: Sequence[tuple[Work, Claim]]) -> bool:
        """Step 3: make the claims durable, all in one transaction; False when the partition is being given up."""
        if not self._open:
            return False
        durable = [self._journal.write(Note(self._claimed(work, claim))) for work, claim in claims]
        self._called.update(work for work, _ in claims)
        self._calm.clear()
        await asyncio.wait(durable)
        return durable[-1].exception() is None and not self._gone

    def _claimed(self, work: Work, claim: Claim) -> Entry:
        """The entry while the call is on its way. It keeps the event only if no record will bring it again."""
        entry = known(work, self._ledger.get(work.key))
        kept = work.value if work.offset is None and entry.last is not None else None
        return replace(entry, claim=claim, parked=kept, marked=None)  # only a retry, which takes it away, gets here

    def finish(self, work: Work, verdict: Verdict) -> None:
        """Step 5: the document ended. Result, ledger and offset become true in one transaction."""
        if work.withdrawn or self._gone:
            return  # somebody else decides: a person, or the next owner
        if work.executed is not None and not (verdict.posted or verdict.refused or verdict.stands or verdict.marked):
            self._still_in_doubt(work, work.executed)
            return
        self._documents.settle(work)
        entry = known(work, self._ledger.get(work.key))
        claim = work.claim
        if verdict.posted is not None and claim is not None and claim.revision != work.received.revision:
            # An earlier revision was found in Sage; this one changes it.
            updated = verdict.outcome is Outcome.UPDATED
            entry = replace(entry, posted=verdict.posted, claim=None, attempts=entry.attempts + updated)
            if verdict.outcome is not Outcome.REJECTED:
                self._go_on(work, Note(between(work, entry)))
                return
            verdict = changed(entry)
        self._write(work, verdict, entry)

    def _still_in_doubt(self, work: Work, executed: Claim) -> None:
        """Sage says that it executed the call: whatever the settings say now, nothing may take its place."""
        work.claim = executed
        self._called.discard(work)
        self._rest()
        if work.offset is None:
            self._documents.doubt(work)
        self._lanes.doubt(work)

    def park(self, work: Work, verdict: Verdict) -> None:
        """Keep a document in doubt: its record ends, its claim stands, its key stays busy until the doubt ends."""
        if work.withdrawn or self._gone:
            return
        before = self._ledger.get(work.key)
        entry = replace(before, claim=work.claim, marked=None)
        note = Note()
        if work.offset is not None or work.asked or entry != before or not as_before(entry, ending(work, verdict)):
            note = self._writer.in_doubt(work, verdict, entry, self._around.time.now())
            self._count(verdict)
        durable = self._journal.write(note)
        work.offset = None
        self._called.discard(work)
        self._rest()
        self._documents.doubt(work)
        durable.add_done_callback(lambda done: self._parked(work, done))

    def _parked(self, work: Work, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self.told():
            self._recall.answered(work)
            if self._open:
                self._recall.give_way(work.key)

    def let_go(self, work: Work) -> None:
        """A claimed document was definitely not taken and will not be sent by this worker: nothing is in doubt."""
        self._called.discard(work)
        self._rest()
        if self._gone:
            return
        entry = known(work, self._ledger.get(work.key))
        # One that was in doubt before waits for nothing that could arrive: without a claim, nobody would find it again.
        forgotten = entry.waiting and entry.last is not None and not entry.last.blocked_by
        if not forgotten:
            self._journal.write(Note(replace(entry, claim=None)))

    def again(self, work: Work) -> None:
        """The claimed call was never executed, and never will be; an update may have been."""
        if work.withdrawn or self._gone:
            return
        self._documents.settle(work)
        work.unsure = work.unsure or work.claimed.operation == UPDATE
        sent = work.claimed
        work.afresh()
        work.sent = sent.control_id
        if sent.revision == work.received.revision and not sent.corrects:
            work.posting_date = sent.posting_date
        elif sent.corrects:
            work.not_before = sent.posting_date
        work.updated_to = sent.content if sent.operation == UPDATE else None
        self._map(work)

    def retired(self, work: Work, gone: Gone) -> None:
        """What stood in Sage is worth nothing any more: durable and told, before the document is posted anew."""
        if work.withdrawn or self._gone:
            return
        self._documents.settle(work)
        note = self._writer.retired(work, gone, self._ledger.get(work.key), self._around.time.now())
        metrics.OUTCOMES.labels(self.source.topic, Outcome.REVERSED, "").inc()
        work.offset = None
        self._go_on(work, note)

    def renumber(self, work: Work) -> None:
        """Sage definitely refused the number, which a retired record of the document holds."""
        if work.withdrawn or self._gone:
            return
        self._documents.settle(work)
        entry = self._ledger.get(work.key)
        entry = replace(entry, claim=None, attempts=entry.attempts + 1, renumbered=True)
        self._go_on(work, Note(between(work, entry)))

    def _go_on(self, work: Work, note: Note) -> None:
        """Once the note is durable, the document is judged by what it says: its next call is another one."""
        self._called.discard(work)
        self._rest()
        durable = self._journal.write(note)
        durable.add_done_callback(lambda done: self._went_on(work, done))

    def _went_on(self, work: Work, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        with self.told():
            self._gauge.set(len(self._tracker))
            work.afresh()
            work.executed, work.unsure = None, False
            if not self._open:
                self._documents.drop(work)
            else:
                self._map(work)

    def _write(self, work: Work, verdict: Verdict, entry: Entry) -> None:
        self._called.discard(work)
        self._rest()
        if self._gone:
            return
        unasked = work.offset is None and not work.asked
        if unasked and entry.claim is None and as_before(entry, ending(work, verdict)):
            self._release(work)  # woken, and still waiting for the same: there is nothing new to tell
            return
        self._count(verdict)
        durable = self._journal.write(self._writer.finished(work, verdict, entry, self._around.time.now()))
        self._parking.update(_of_sage(verdict))
        durable.add_done_callback(lambda done: self._durable(work, verdict, done))

    def parks(self, blocker: str) -> bool:
        """Whether a document is about to wait for it: told to, and not durable yet."""
        return self._open and self._parking[blocker] > 0

    def _durable(self, work: Work, verdict: Verdict, done: "asyncio.Future[None]") -> None:
        self._parking.subtract(_of_sage(verdict))
        if done.cancelled() or done.exception() is not None:
            return
        self._gauge.set(len(self._tracker))
        with self.told():
            self._over(work)
            # Another event was answered from the ledger: what waits of the document may have been woken meanwhile.
            others = verdict.from_ledger and self._ledger.get(work.key).released_by
            blocked = verdict.outcome is Outcome.DEFERRED or verdict.blocked_by or others
            if blocked and self._open and self._arrived_meanwhile(work, verdict):
                # Its wake-up came before the ledger knew what blocks it: look again, or it would wait for ever.
                self._recall.wake([work.key])

    @contextmanager
    def told(self) -> Iterator[None]:
        """A future swallows what its callback raises; `check` does not."""
        try:
            yield
        except Exception as defect:  # noqa: BLE001  # whatever it is, it is a defect of ours
            self._defect = defect

    def _over(self, work: Work) -> None:
        """What was to be done is done: whoever asked for it is answered, the next work of the document may go."""
        self._recall.answered(work)
        self._release(work)

    def _arrived_meanwhile(self, work: Work, verdict: Verdict) -> bool:
        if (sage := _of_sage(verdict)) and not any(self._lanes.holds(blocker) for blocker in sage):
            return True
        return self._around.mapping().offset != work.mapping_offset

    def _rest(self) -> None:
        if not self._called:
            self._calm.set()

    def set_aside(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Bytes that break the contract go aside untouched, and the topic moves on."""
        metrics.DEAD_LETTERS.labels(self.source.topic, error.code).inc()
        self.misplaced = self.misplaced or error.code is Code.WRONG_PARTITION
        self._journal.write(self._writer.dead(record, error, ends=ends))

    def _count(self, verdict: Verdict) -> None:
        metrics.OUTCOMES.labels(self.source.topic, verdict.outcome, verdict.code or "").inc()


def _of_sage(verdict: Verdict) -> list[str]:
    """The Sage connections that a document has to wait for."""
    return [blocker for blocker in verdict.blocked_by if blocker.startswith(SAGE_BLOCKER)]


def _refused_before(work: Work, entry: Entry, document: Document) -> bool:
    """Whether just this was refused, and only a key was written again: to ask anew would give the same answer."""
    woken = work.offset is None and work.asked is None and entry.claim is None and entry.rejected
    return woken and entry.last is not None and entry.last.mapped_digest == mapped_digest(work.content, document)
