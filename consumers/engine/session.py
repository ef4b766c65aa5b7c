"""One source partition, from its assignment to its revocation: the owner of its documents.

It decides what each record needs (an answer from the ledger, a call, a look-up), keeps the revisions of one document in
order, and writes everything through one journal. It never calls Sage: lanes do.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from consumers.engine import metrics, orders
from consumers.engine.journal import Journal, JournalPlace, Note
from consumers.engine.judgement import Next, changed, judge, marked, overtaken, read_again, unmarked
from consumers.engine.knobs import Knobs, Time
from consumers.engine.ledger import Claim, Entry
from consumers.engine.ledger_store import Ledger
from consumers.engine.notes import Writer, as_read, ending
from consumers.engine.offsets import OffsetTracker
from consumers.engine.orders import Order, Orders, chosen
from consumers.engine.work import Owner, Verdict, Work, orphan, verdict_of
from domain.codes import Code
from domain.commands import Command, MarkSynced, Replay, Retry
from domain.documents import Document
from domain.events import ContractError
from domain.export import export
from domain.mapping_state import MappingState
from domain.outcomes import Outcome, Rejected
from domain.reading import Received
from domain.settings import ConnectionSetting
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 20
"""Commands under way in one partition; beyond it the commands topic is not read on."""
WOKEN_AT_ONCE = 20
"""Kept documents looked at without a pause: to read and map one takes up to a millisecond, the largest far longer."""
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
        self._orders = Orders(None)
        self._asked: deque[tuple[str, Order, Work | None]] = deque()
        """What commands are still to be given to: the key, and the work if the command brought the event along."""
        self._in_doubt: dict[str, Work] = {}
        """Works that look for their outcome in Sage: a person may speak before they find it."""
        self._claims_left: dict[str, Claim] = {}
        """Claims without an outcome whose event is not kept here: their records come again, or they are orphans."""
        self._open = False
        self._gone = False
        self._defect: Exception | None = None
        self._gauge = metrics.IN_FLIGHT.labels(source.topic, source.partition)

    # Life.

    def open_with(self, producer: AIOKafkaProducer, ledger: Ledger, commands_end: Mapping[int, int]) -> None:
        """Begin: the former owner is fenced, the ledger restored. What was left in doubt or waits for Sage goes on.

        `commands_end`: where the topic of commands ends, by partition.
        """
        self._ledger.close()
        self._ledger = ledger
        self._orders = Orders(ledger.internal(orders.RECORD), commands_end)
        place = JournalPlace(self.source, self._ledger_topic, self._around.writer.group_id)
        self._journal = Journal(producer, place, ledger, self._tracker, self._failed)
        self._open = True
        if self._orders.fresh:
            self._note_orders()
        self._claims_left = dict(ledger.claims_without_event())
        for entry in list(ledger.in_doubt()):
            self._bring_back(entry)
        # Their keys may have arrived while nobody owned the partition; looking costs no call.
        self._woken.update(dict.fromkeys(ledger.waiting()))
        self._wake_some()

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
        if self._journal is not None:
            await self._journal.close(self._knobs.drain.total_seconds())
        self._gone = True
        self._ledger.close()
        self._gauge.set(0)

    async def abandon(self) -> None:
        """Let go at once: the partition is lost, or its journal failed."""
        self._open, self._gone = False, True
        if self._journal is not None:
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
            self._tracker.begin(record.offset, len(record.value or b""))
            try:
                received = self._read(record.key, record.value)
            except ContractError as error:
                self._dead(as_read(record), error, ends=record.offset)
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
        self._look_for_orphans()

    def _read(self, key: bytes | None, value: bytes | None) -> Received:
        if (size := len(value or b"")) > (most := self._knobs.largest_event):
            raise ContractError(Code.EVENT_TOO_LARGE, f"it has {size} bytes, {most} are read")
        received = self._receive(value)
        if key != received.key.encode() and not self._around.any_record_key:
            wanted = f"the record's key is {key!r}, its document's is {received.key!r}"
            raise ContractError(Code.WRONG_KEY, wanted)
        return received

    def reached(self, position: int) -> None:
        """The consumer has nothing left before `position`: commit past markers and holes."""
        if not self._open:
            return  # let go while the position was asked for
        self._tracker.reached(position)
        self._look_for_orphans()
        if self._journal is not None:
            self._journal.commit_position()

    def _look_for_orphans(self) -> None:
        """Look up claims whose record was passed without coming again: skipped by hand, or deleted from its topic."""
        position = self._tracker.position
        for key, claim in list(self._claims_left.items()):
            if position is None or claim.offset is None or claim.offset >= position:
                continue
            del self._claims_left[key]
            if key not in self._busy and self._ledger.get(key).claim == claim:
                log.error("a claim was left without its event", key=key, number=claim.number, offset=claim.offset)
                self._admit(orphan(self, self.source, key, claim))

    def wake(self, blocker: str) -> None:
        """What these documents waited for has arrived."""
        if self._gone:
            return
        self._woken.update(dict.fromkeys(self._ledger.blocked_by(blocker)))
        self._wake_some()

    def wake_one(self, blocker: str) -> bool:
        """Bring back one document that waits for the blocker; False if there is none that could be."""
        if not self._open:
            return False
        for key in self._ledger.blocked_by(blocker):
            if key in self._busy or (entry := self._ledger.get(key)).claim is not None:
                continue
            if (work := self._kept(entry)) is not None:  # one that cannot be read would be every trial, for ever
                self._admit(work)
                return True
        return False

    def _wake_some(self) -> None:
        """Bring kept documents back, no more than the window holds, a few at a time: the group's heartbeat waits."""
        if self._waking:
            return  # one that still waits for the same ends at once, and its end comes back here
        self._waking = True
        try:
            for _ in range(WOKEN_AT_ONCE):
                if not (self._open and self._wake_one()):
                    return
        except Exception as defect:  # noqa: BLE001  # the loop swallows what its callback raises; `check` does not
            self._defect = defect
            return
        finally:
            self._waking = False
        asyncio.get_running_loop().call_soon(self._wake_some)

    @property
    def _has_room(self) -> bool:
        """Whether a kept document may come back. Those in doubt do not count: nobody knows how long they stay."""
        return len(self._busy) - len(self._in_doubt) < self._knobs.window

    def _wake_one(self) -> bool:
        """Bring one document back; False when there is none, or no room."""
        if self._asked and self._may_ask(self._asked[0][0]):
            self._ask(*self._asked.popleft())
            return True
        if not self._woken or not self._has_room:
            return False
        key = next(iter(self._woken))
        del self._woken[key]
        if key not in self._busy:
            entry = self._ledger.get(key)
            if entry.waiting and entry.claim is None:
                self._bring_back(entry)
        return True

    def _bring_back(self, entry: Entry) -> None:
        if (work := self._kept(entry)) is not None:
            self._admit(work)

    def _kept(self, entry: Entry) -> Work | None:
        """A document from the event that the ledger keeps of it; None if it can no longer be read."""
        if entry.parked is None or entry.last is None:
            raise ValueError(f"of {entry.key} no event is kept")
        try:
            received = self._receive(entry.parked)
        except ContractError as error:  # parked by a version that read it otherwise; one document may not stop all
            log.error(  # noqa: TRY400 - the frames say nothing; the code and its detail do
                "a waiting event can no longer be read", key=entry.key, code=error.code, detail=error.detail
            )
            return None
        source = SourceRecord(self.source.topic, self.source.partition, entry.last.offset, entry.last.timestamp)
        return Work(self, received, entry.parked, source, offset=None)

    # What people ask (the topic of commands).

    @property
    def commands_from(self) -> Mapping[int, int]:
        """From where each partition of the commands topic has to be read for this one."""
        return self._orders.places

    @property
    def crowded(self) -> bool:
        """Whether enough commands are under way for now."""
        return len(self._orders) >= ORDERS_AT_ONCE

    def order(self, partition: int, offset: int, command: Command | None) -> None:
        """Take a command; None stands for a record that is none. What concerns no document here is over at once."""
        if not self._open or not self._orders.take(partition, offset):
            return
        order = Order(command, partition, offset) if command is not None else None
        asked = self._concerned(order) if order is not None else []
        if order is None or not asked:
            self._orders.end(partition, offset)
            self._note_orders()
            return
        self._orders.open(order, (key for key, _, _ in asked))
        self._asked.extend(asked)
        self._wake_some()

    def _concerned(self, order: Order) -> list[tuple[str, Order, Work | None]]:
        command = order.command
        if not isinstance(command, Replay):
            return [(key, order, None) for key in chosen(command, self.source.topic, self._ledger)]
        if (command.topic, command.partition) != (self.source.topic, self.source.partition):
            return []
        work = self._read_once_more(command)
        return [(work.key, order, work)] if work is not None else []

    def _read_once_more(self, command: Replay) -> Work | None:
        """The record that a command brings along; a dead letter again if it still breaks the contract."""
        source = SourceRecord(command.topic, command.partition, command.offset, command.timestamp)
        try:
            received = self._read(command.key, command.value)
        except ContractError as error:
            place = (source.topic, source.partition, source.offset, source.timestamp)
            self._dead(DeadRecord(*place, 0, command.key, command.value), error, ends=None)
            return None
        return Work(self, received, command.value, source, offset=None)

    def _may_ask(self, key: str) -> bool:
        return key in self._busy or self._has_room

    def _ask(self, key: str, order: Order, work: Work | None) -> None:
        """Give one document to the command: at once, or when what is on its way has ended."""
        if work is None:
            entry = self._ledger.get(key)
            work = self._kept(entry) if entry.parked is not None else None
        if work is None:
            self._answered(order, key)  # it ended meanwhile
            return
        work.asked = order
        if (waiting := self._busy.get(key)) is None:
            self._admit(work)
        else:
            waiting.append(work)
            self._give_way(key)

    def _give_way(self, key: str) -> None:
        """A document in doubt lets a person speak: its present search ends, and the command decides how it goes on."""
        waiting, entry = self._busy[key], self._ledger.get(key)
        asked = next((work for work in waiting if work.asked is not None and _is_about(work, entry)), None)
        if asked is not None and (doubtful := self._in_doubt.pop(key, None)) is not None:
            doubtful.withdrawn = True
            if doubtful.asked is not None:
                self._answered(doubtful.asked, key)
            waiting.remove(asked)
            self._judge(asked)

    def _answered(self, order: Order, key: str) -> None:
        if self._orders.answered(order, key):
            self._note_orders()

    def _note_orders(self) -> None:
        if self._journal is not None and not self._gone:
            self._journal.write(Note(internal=(self._orders.record(),)))

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
        command = work.asked.command if work.asked is not None else None
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
        again = (work.offset is not None or isinstance(command, Replay)) and read_again(entry, work.source)
        answer = judge(entry, work.received.revision, again=again)
        if isinstance(answer, Verdict):
            self.finish(work, answer)
        elif answer is Next.MAP or entry.claim is None:
            work.attempt = entry.attempts
            self._map(work)
        else:
            work.claim = self._with_present_credentials(entry.claim)
            if work.offset is None:  # else its record has to end first: `park` sees to that
                self._in_doubt[work.key] = work
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
        answer = source if isinstance(source, Rejected) else export(source, state, self._knobs.lines)
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
        durable = [self._journal.write(Note(self._claimed(work, claim))) for work, claim in claims]
        self._called.update(work for work, _ in claims)
        self._calm.clear()
        await asyncio.wait(durable)
        return durable[-1].exception() is None and not self._gone

    def _claimed(self, work: Work, claim: Claim) -> Entry:
        """The entry while the call is on its way. It keeps the event only if no record will bring it again."""
        entry = self._ledger.get(work.key)
        kept = work.value if work.offset is None and entry.last is not None else None
        return replace(entry, claim=claim, parked=kept, marked=None)  # only a retry, which takes it away, gets here

    def finish(self, work: Work, verdict: Verdict) -> None:
        """Step 5: the document ended. Result, ledger and offset become true in one transaction."""
        if work.withdrawn or self._gone:
            return  # somebody else decides: a person, or the next owner
        self._in_doubt.pop(work.key, None)
        entry = self._ledger.get(work.key)
        claim = work.claim
        if verdict.posted is not None and claim is not None and claim.revision != work.received.revision:
            # An earlier revision was found in Sage; this one changes it.
            entry = replace(entry, posted=verdict.posted, claim=None)
            verdict = changed(entry)
        self._write(work, verdict, entry)

    def park(self, work: Work, verdict: Verdict) -> None:
        """Keep a document in doubt: its record ends, its claim stands, its key stays busy until the doubt ends."""
        if self._journal is None or work.withdrawn or self._gone:
            return
        known = self._ledger.get(work.key)
        entry = replace(known, claim=work.claim, marked=None)
        note = Note()
        if work.offset is not None or work.asked or entry != known or entry.last != ending(work, verdict):
            note = self._writer.in_doubt(work, verdict, entry, self._around.time.now())
            self._count(verdict)
        durable = self._journal.write(note)
        work.offset = None
        self._called.discard(work)
        self._rest()
        self._in_doubt[work.key] = work
        durable.add_done_callback(lambda done: self._parked(work, done))

    def _parked(self, work: Work, done: "asyncio.Future[None]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        try:
            if work.asked is not None:
                self._answered(work.asked, work.key)
                work.asked = None
            if self._open and work.key in self._busy:
                self._give_way(work.key)
        except Exception as defect:  # noqa: BLE001  # as in `_durable`
            self._defect = defect

    def let_go(self, work: Work) -> None:
        """A claimed document was definitely not taken and will not be sent by this worker: nothing is in doubt."""
        self._called.discard(work)
        self._rest()
        if self._journal is None or self._gone:
            return
        entry = self._ledger.get(work.key)
        # One that was in doubt before waits for nothing that could arrive: without a claim, nobody would find it again.
        forgotten = entry.waiting and entry.last is not None and not entry.last.blocked_by
        if not forgotten:
            self._journal.write(Note(replace(entry, claim=None)))

    def again(self, work: Work) -> None:
        """The claimed call was never executed, and never will be."""
        if work.withdrawn or self._gone:
            return
        self._in_doubt.pop(work.key, None)
        work.claim, work.looks, work.number_taken = None, 0, False
        work.attempt = self._ledger.get(work.key).attempts
        self._map(work)

    def _write(self, work: Work, verdict: Verdict, entry: Entry) -> None:
        self._called.discard(work)
        self._rest()
        if self._journal is None or self._gone:
            return
        if work.offset is None and not work.asked and entry.claim is None and entry.last == ending(work, verdict):
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
            self._over(work)
        except Exception as defect:  # noqa: BLE001  # a future swallows what its callback raises; `check` does not
            self._defect = defect

    def _over(self, work: Work) -> None:
        """What was to be done is done: whoever asked for it is answered, the next work of the document may go."""
        if work.asked is not None:
            self._answered(work.asked, work.key)
        self._release(work)

    def _arrived_meanwhile(self, work: Work, verdict: Verdict) -> bool:
        sage = [blocker for blocker in verdict.blocked_by if blocker.startswith(SAGE_BLOCKER)]
        if sage and not any(self._lanes.holds(blocker) for blocker in sage):
            return True
        return self._around.mapping().offset != work.mapping_offset

    def _rest(self) -> None:
        if not self._called:
            self._calm.set()

    def _dead(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Bytes that break the contract go aside untouched, and the topic moves on."""
        if self._journal is not None:
            metrics.DEAD_LETTERS.labels(self.source.topic, error.code).inc()
            self._journal.write(self._writer.dead(record, error, ends=ends))

    def _count(self, verdict: Verdict) -> None:
        metrics.OUTCOMES.labels(self.source.topic, verdict.outcome, verdict.code or "").inc()


def _is_about(asked: Work, entry: Entry) -> bool:
    """Whether a command speaks of what is in doubt now. One about another revision waits, as a record does."""
    if entry.parked is None:  # only the claim is left, and a command brings the event along
        return entry.claim is not None and entry.claim.revision == asked.received.revision
    return asked.value == entry.parked
