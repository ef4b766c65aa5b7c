"""One source partition, from its assignment to its revocation: the owner of its documents.

It decides what each record needs (an answer from the ledger, a call, a look-up), keeps the revisions of one document in
order, and writes everything through one journal. It never calls Sage: lanes do.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.engine import metrics
from consumers.engine.journal import Journal, JournalPlace, Note
from consumers.engine.judgement import Next, changed, judge, read_again
from consumers.engine.knobs import Knobs, Time
from consumers.engine.ledger import Claim, Entry, Ledger
from consumers.engine.notes import Writer, ending
from consumers.engine.offsets import OffsetTracker
from consumers.engine.work import Owner, Verdict, Work, verdict_of
from domain.codes import Code
from domain.documents import Document
from domain.events import ContractError
from domain.export import export
from domain.mapping_state import MappingState
from domain.outcomes import Outcome, Rejected
from domain.reading import Received
from domain.settings import ConnectionSetting
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

SAGE_BLOCKER = "sage/"
"""Blockers of this family are not mapping-state keys: a lane releases them, and a new owner tries at once."""


class Lanes(Protocol):
    """Where mapped documents go: one lane per Sage company."""

    def submit(self, work: Work) -> None:
        """Post it."""

    def doubt(self, work: Work) -> None:
        """Look it up first."""

    def holds(self, blocker: str) -> bool:
        """Whether documents still have to wait for this Sage connection."""

    def give_back(self, owner: Owner) -> None:
        """Drop the owner's documents that are not on their way to Sage."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a worker share."""

    writer: Writer
    any_record_key: bool
    """Whether a record's key may be another than its document's: then upstream alone keeps revisions together."""
    mapping: Callable[[], MappingState]
    """The settings in force."""
    lanes: Lanes
    knobs: Knobs
    time: Time


Receive = Callable[[bytes | None], Received]
"""Bytes to a received document; raises ContractError. Each topic's module gives its own."""


class PartitionSession:
    """The documents of one source partition while this worker owns it."""

    def __init__(
        self,
        source: TopicPartition,
        ledger_topic: str,
        receive: Receive,
        around: Surroundings,
        on_failure: Callable[["PartitionSession", BaseException], None],
    ) -> None:
        self.source = source
        self._ledger_topic = ledger_topic
        self._receive = receive
        self._around = around
        self._writer = around.writer
        self._lanes = around.lanes
        self._knobs = around.knobs
        self._on_failure = on_failure
        self._ledger = Ledger()
        self._tracker = OffsetTracker()
        self._journal: Journal | None = None
        self._busy: dict[str, deque[Work]] = {}
        """Documents on their way, each with the later works that wait for it (promise 4)."""
        self._called: set[Work] = set()
        """Works whose claim is durable or being made so: they must end before the partition is let go."""
        self._calm = asyncio.Event()
        self._calm.set()
        self._woken: dict[str, None] = {}
        """Keys of parked documents to look at again, in the order they were woken."""
        self._waking = False
        self._open = False
        self._gone = False
        self._defect: Exception | None = None
        self._gauge = metrics.IN_FLIGHT.labels(source.topic, source.partition)

    # Life.

    def open_with(self, producer: AIOKafkaProducer, ledger: Ledger) -> None:
        """Begin: the former owner is fenced, the ledger restored. What was left in doubt or waits for Sage goes on."""
        self._ledger = ledger
        place = JournalPlace(self.source, self._ledger_topic, self._around.writer.group_id)
        self._journal = Journal(producer, place, ledger, self._tracker, self._failed)
        self._open = True
        for entry in list(ledger.in_doubt()):
            self._bring_back(entry)
        # Their keys may have arrived while nobody owned the partition; looking costs no call.
        for blocker in ledger.blockers():
            self.wake(blocker)

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
        return len(self._tracker) >= self._knobs.window

    @property
    def roomy(self) -> bool:
        """Whether enough has ended to read on: half the window, so that pausing does not flutter."""
        return len(self._tracker) <= self._knobs.window // 2

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
        if self._journal is not None:
            await self._journal.close(self._knobs.drain.total_seconds())
        self._gone = True
        self._gauge.set(0)

    async def abandon(self) -> None:
        """Let go at once: the partition is lost, or its journal failed."""
        self._open, self._gone = False, True
        if self._journal is not None:
            await self._journal.close(0)
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
            self._tracker.begin(record.offset)
            try:
                received = self._receive(record.value)
            except ContractError as error:
                self._dead(record, error)
                continue
            if record.key != received.key.encode() and not self._around.any_record_key:
                wanted = f"the record's key is {record.key!r}, its document's is {received.key!r}"
                self._dead(record, ContractError(Code.WRONG_KEY, wanted))
                continue
            self._admit(
                Work(
                    owner=self,
                    received=received,
                    value=record.value,
                    source=SourceRecord(record.topic, record.partition, record.offset, record.timestamp),
                    offset=record.offset,
                )
            )
        self._gauge.set(len(self._tracker))

    def reached(self, position: int) -> None:
        """The consumer has nothing left before `position`: commit past markers and holes."""
        self._tracker.reached(position)
        if self._journal is not None:
            self._journal.commit_position()

    def wake(self, blocker: str) -> None:
        """What these documents waited for has arrived."""
        self._woken.update(dict.fromkeys(self._ledger.blocked_by(blocker)))
        self._wake_some()

    def _wake_some(self) -> None:
        """Bring parked documents back, no more at a time than the window holds."""
        if self._waking:
            return  # one that still waits for the same ends at once, and its end comes back here
        self._waking = True
        try:
            while self._open and self._woken and len(self._busy) < self._knobs.window:
                key = next(iter(self._woken))
                del self._woken[key]
                entry = self._ledger.get(key)
                if entry.waiting and entry.claim is None and key not in self._busy:
                    self._bring_back(entry)
        finally:
            self._waking = False

    def _bring_back(self, entry: Entry) -> None:
        if entry.parked is None or entry.last is None:
            raise ValueError(f"{entry.key} is not parked")
        try:
            received = self._receive(entry.parked)
        except ContractError as error:  # parked by a version that read it otherwise; one document may not stop all
            log.error(  # noqa: TRY400 - the frames say nothing; the code and its detail do
                "a waiting event can no longer be read", key=entry.key, code=error.code, detail=error.detail
            )
            return
        source = SourceRecord(self.source.topic, self.source.partition, entry.last.offset, entry.last.timestamp)
        self._admit(Work(self, received, entry.parked, source, offset=None))

    # One document after its earlier revisions (promise 4).

    def _admit(self, work: Work) -> None:
        if (waiting := self._busy.get(work.key)) is not None:
            waiting.append(work)
            return
        self._busy[work.key] = deque()
        self._judge(work)

    def _release(self, work: Work) -> None:
        """The next work of the document may go, now that this one's end is durable."""
        waiting = self._busy[work.key]
        if waiting and self._open:
            self._judge(waiting.popleft())
        else:
            del self._busy[work.key]
            self._wake_some()

    def _judge(self, work: Work) -> None:
        """Step 1: what the ledger says of the document decides what happens to this revision of it."""
        entry = self._ledger.get(work.key)
        again = work.offset is not None and read_again(entry, work.source)
        answer = judge(entry, work.received.revision, again=again)
        if isinstance(answer, Verdict):
            self.finish(work, answer)
        elif answer is Next.MAP or entry.claim is None:
            work.attempt = entry.attempts
            self._map(work)
        else:
            work.claim = self._with_present_credentials(entry.claim)
            self._lanes.doubt(work)

    def _with_present_credentials(self, claim: Claim) -> Claim:
        """The claim stands where it was made, but whoever may look there now does: credentials are renamed."""
        was = claim.connection
        now = self._around.mapping().connection(was.subsidiary_id)
        if isinstance(now, ConnectionSetting) and (now.company_id, now.entity_id) == (was.company_id, was.entity_id):
            return replace(claim, connection=replace(was, credentials=now.credentials))
        return claim

    def _map(self, work: Work) -> None:
        """Step 2: the event and the settings in force give a document, or the reason why not."""
        state = self._around.mapping()
        work.mapping_offset = state.offset
        source = work.received.document
        answer = source if isinstance(source, Rejected) else export(source, state)
        if isinstance(answer, Document):
            work.document = answer
            self._lanes.submit(work)
        else:
            self.finish(work, verdict_of(answer))

    # What lanes ask of the owner.

    async def claim(self, claims: Sequence[tuple[Work, Claim]]) -> bool:
        """Step 3: make the claims durable, all in one transaction; False when the partition is being given up."""
        if not self._open or self._journal is None:
            return False
        durable = [
            self._journal.write(Note(replace(self._ledger.get(work.key), claim=claim))) for work, claim in claims
        ]
        self._called.update(work for work, _ in claims)
        self._calm.clear()
        await asyncio.wait(durable)
        return durable[-1].exception() is None and not self._gone

    def finish(self, work: Work, verdict: Verdict) -> None:
        """Step 5: the document ended. Result, ledger and offset become true in one transaction."""
        entry = self._ledger.get(work.key)
        claim = work.claim
        if verdict.posted is not None and claim is not None and claim.revision != work.received.revision:
            # An earlier revision was found in Sage; this one changes it.
            entry = replace(entry, posted=verdict.posted, claim=None)
            verdict = changed(entry)
        self._write(work, verdict, entry)

    def park(self, work: Work, verdict: Verdict) -> None:
        """Keep a document in doubt: its record ends, its claim stands, its key stays busy until the doubt ends."""
        if self._journal is None:
            return
        entry = self._ledger.get(work.key)
        self._journal.write(self._writer.in_doubt(work, verdict, entry, self._around.time.now()))
        self._count(verdict)
        work.offset = None
        self._called.discard(work)
        self._rest()

    def let_go(self, work: Work) -> None:
        """A claimed document was definitely not taken and will not be sent by this worker: nothing is in doubt."""
        self._called.discard(work)
        entry = self._ledger.get(work.key)
        # One that was in doubt before waits for nothing that could arrive: without a claim, nobody would find it again.
        forgotten = entry.waiting and entry.last is not None and not entry.last.blocked_by
        if self._journal is not None and not self._gone and not forgotten:
            self._journal.write(Note(replace(entry, claim=None)))
        self._rest()

    def again(self, work: Work) -> None:
        """The claimed call was never executed, and never will be."""
        work.claim, work.looks, work.number_taken = None, 0, False
        work.attempt = self._ledger.get(work.key).attempts
        self._map(work)

    def _write(self, work: Work, verdict: Verdict, entry: Entry) -> None:
        self._called.discard(work)
        self._rest()
        if self._journal is None or self._gone:
            return
        if work.offset is None and entry.claim is None and entry.last == ending(work, verdict):
            self._release(work)  # woken, and still waiting for the same: there is nothing new to tell
            return
        self._count(verdict)
        durable = self._journal.write(self._writer.finished(work, verdict, entry, self._around.time.now()))
        durable.add_done_callback(lambda done: self._durable(work, verdict, done))

    def _durable(self, work: Work, verdict: Verdict, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        self._gauge.set(len(self._tracker))
        if verdict.outcome is Outcome.DEFERRED and self._arrived_meanwhile(work, verdict):
            # Its wake-up came before the ledger knew that it waits: look again, or it would wait for ever.
            self._woken[work.key] = None
        try:
            self._release(work)
        except Exception as defect:  # noqa: BLE001  # a future swallows what its callback raises; `check` does not
            self._defect = defect

    def _arrived_meanwhile(self, work: Work, verdict: Verdict) -> bool:
        sage = [blocker for blocker in verdict.blocked_by if blocker.startswith(SAGE_BLOCKER)]
        if sage and not any(self._lanes.holds(blocker) for blocker in sage):
            return True
        return self._around.mapping().offset != work.mapping_offset

    def _rest(self) -> None:
        if not self._called:
            self._calm.set()

    def _dead(self, record: ConsumerRecord, error: ContractError) -> None:
        """Bytes that break the contract go aside untouched, and the topic moves on."""
        if self._journal is not None:
            metrics.DEAD_LETTERS.labels(self.source.topic, error.code).inc()
            self._journal.write(self._writer.dead(record, error))

    def _count(self, verdict: Verdict) -> None:
        metrics.OUTCOMES.labels(self.source.topic, verdict.outcome, verdict.code or "").inc()
