"""Promises 1 to 4 under random sequences of events: a real partition, its protocol, and a model of Kafka and Sage.

The partition, its ledger store, its transaction writer, its parking lot and the whole protocol are the real ones. The
machine plays what is around them: the source topic, a broker that commits when told, a lane that takes its steps one at
a time, a Sage that may answer, keep silent, or execute a call late, and the death of the worker at any moment.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from itertools import count, filterfalse
from typing import Any, cast
from unittest.mock import patch

import orjson
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import RecordMetadata, TopicPartition
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from consumers.export import partition as partition_module
from consumers.export.config import ExportConfig
from consumers.export.context import ExportContext
from consumers.export.ledger.codec import decode
from consumers.export.ledger.store import MEMORY, LedgerRecord, LedgerStore
from consumers.export.ledger.transactions import PendingWrite
from consumers.export.output_records import ResultWriter
from consumers.export.partition import AssignedPartition, PartitionProcessor
from consumers.export.protocol import begin as begin_module
from consumers.export.protocol.calls import call_of, claim_of, may_be_repeated
from consumers.export.protocol.correct import (
    CorrectionRefused,
    NotShownYet,
    Replacement,
    plan_correction,
    reconcile_correction,
)
from consumers.export.protocol.document_state import Claim, DocumentState
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import (
    Claimed,
    ClaimForbidden,
    ClaimWritten,
    Ended,
    Event,
    InDoubt,
    Life,
    LifecycleError,
    Map,
    Planned,
    Returned,
    SaidExecuted,
    Sending,
    SetAside,
    Stored,
    Transition,
    Unanswered,
    transition,
)
from consumers.export.protocol.reconcile import Evidence, NotProvenYet, Reconciliation, reconcile
from consumers.export.protocol.results import executed, not_corrected, proven, refused
from consumers.export.protocol.sequence import Turn
from consumers.export.protocol.steps import NoLongerPosted, ReadExisting
from consumers.export.sending.backlog import may_wait
from consumers.export.sending.sage_access import backlog_blocker_of
from consumers.export.slices import Slices
from consumers.export.work_item import WorkItem
from domain.codes import Code
from domain.commands import Retry
from domain.events import EventKind
from domain.idempotency import marker
from domain.outcomes import Outcome
from domain.translation import parse_record
from kafka_client.clock import Clock
from kafka_client.offset_tracker import OffsetTracker
from kafka_client.partitioners import Partitioner, Placement
from sage_client import Call, Correction, DeleteCall, ExchangeLevel, Found, ReverseCall, SageRecord, UpdateCall
from sage_client.errors import RefusedError
from tests.support.mappings import CARRIER, connected
from tests.support.world import invoice as invoice_event
from tests.support.world import key

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
CONFIG = ExportConfig()
KEY = key("77").decode()
SOURCE = TopicPartition("invoice-created", 0)
LEASE = CONFIG.lease.total_seconds()
Claims = Sequence[tuple[WorkItem, Claim]]
CIRCUIT = "sage/bluemesa"
FATES = ("answered", "executed, answer lost", "never arrives", "arrives late", "refused", "busy")


def in_loop(step: Callable[..., Any]) -> Callable[..., None]:
    """A step that runs inside the machine's event loop, and ends when nothing more happens by itself."""

    @wraps(step)
    def run(self: "DocumentMachine", *args: Any, **named: Any) -> None:
        async def whole() -> None:
            step(self, *args, **named)
            await self._settle()

        self.loop.run_until_complete(whole())

    return run


@dataclass
class Booked:
    record_no: str
    number: str
    total: Decimal
    description: str
    state: str = "Posted"


@dataclass
class Sage:
    """The books of one company."""

    remembers: bool = True
    """Whether it refuses a control id that it has executed. How long Sage remembers is documented nowhere."""
    keeps_limit: bool = True
    """Whether it executes no call after its lease, which is the limit that Sage publishes, with a margin. If not, only
    a control id that it remembers stops a second posting."""
    records: list[Booked] = field(default_factory=list)
    executed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def execute(self, call: Call | Correction) -> str | None:
        """Execute a call. Returns its record number; None if Sage says that it executed the control id before."""
        if self.remembers and call.control_id in self.executed:
            return None
        self.executed.add(call.control_id)
        match call:
            case Call(document=document):
                description = f"{marker(KEY)} of Alvys"
                made = Booked(str(len(self.records) + 1), document.number, document.total, description)
                self.records.append(made)
                return made.record_no
            case ReverseCall(record_no=record_no):
                self.record(record_no).state = "Reversed"
                return record_no
            case DeleteCall() | UpdateCall():
                raise AssertionError("a posted record is reversed here, never deleted or updated")
        raise AssertionError(call)

    def record(self, record_no: str) -> Booked:
        return next(each for each in self.records if each.record_no == record_no)

    @property
    def standing(self) -> list[Booked]:
        return [each for each in self.records if each.state == "Posted"]

    def found(self, number: str) -> list[Found]:
        return [
            Found(each.record_no, each.number, "C-1", each.state, each.total, each.description, "", "", "")
            for each in self.records
            if each.number == number
        ]

    def read(self, record_no: str) -> SageRecord:
        each = self.record(record_no)
        return SageRecord(each.record_no, each.number, "C-1", each.state, each.total, gl_date=BEGIN.date())


@dataclass
class Topics:
    """What the broker holds."""

    events: list[bytes] = field(default_factory=list)
    ledger: list[LedgerRecord] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    dead: list[bytes | None] = field(default_factory=list)
    committed: int = 0
    commands: list[Retry] = field(default_factory=list)


class Transactions:
    """A transactional producer whose commits wait until the machine lets them through."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self.allowed = asyncio.Semaphore(0)
        self.waits = False
        """Whether a transaction is complete, and waits for its commit."""
        self._staged: list[Callable[[], None]] = []
        self._next = len(topics.ledger)

    async def begin_transaction(self) -> None:
        self._staged, self._next = [], len(self._topics.ledger)

    async def send(self, topic: str, **record: Any) -> "asyncio.Future[RecordMetadata]":
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        offset = 0
        if topic == "ledger":
            offset, self._next = self._next, self._next + 1
            written = LedgerRecord(record["key"].decode(), record["value"], None, offset)
            self._staged.append(lambda: self._topics.ledger.append(written))
        elif topic == "results":
            self._staged.append(lambda: self._topics.results.append(orjson.loads(record["value"])))
        else:
            self._staged.append(lambda: self._topics.dead.append(record["value"]))
        done.set_result(RecordMetadata(topic, 0, TopicPartition(topic, 0), offset, -1, 0, 0))
        return done

    async def send_offsets_to_transaction(self, offsets: Any, _group: str) -> None:
        offset = offsets[SOURCE].offset
        self._staged.append(lambda: setattr(self._topics, "committed", offset))

    async def commit_transaction(self) -> None:
        self.waits = True
        try:
            await self.allowed.acquire()
        finally:
            self.waits = False
        self.apply()

    def apply(self) -> None:
        """What the broker does with a commit, whether or not its client lives to see it."""
        for each in self._staged:
            each()
        self._staged = []


@dataclass
class Lane:
    """What the partition handed to the sending side."""

    to_send: list[WorkItem] = field(default_factory=list)
    claiming: list[tuple[WorkItem, "asyncio.Task[bool]"]] = field(default_factory=list)
    claimed: list[WorkItem] = field(default_factory=list)
    in_doubt: list[WorkItem] = field(default_factory=list)
    backlog: set[str] = field(default_factory=set)
    """The blockers of documents that wait for their turn."""
    circuit_open: bool = False

    def send(self, work: WorkItem) -> None:
        if self.circuit_open:
            self._park(work)
        else:
            self.to_send.append(work)

    def open_circuit(self) -> None:
        self.circuit_open = True
        queued, self.to_send = self.to_send, []
        for work in queued:
            self._park(work)

    @staticmethod
    def _park(work: WorkItem) -> None:
        result = ExportResult(Outcome.DEFERRED, Code.SAGE_UNAVAILABLE, "it is down", blocked_by=(CIRCUIT,))
        work.owner.handle(work, SetAside(result))

    def relieve(self, _owner: object, _share: int) -> None:
        surplus, self.to_send = [*filter(may_wait, self.to_send)], [*filterfalse(may_wait, self.to_send)]
        for work in surplus:
            blocker = backlog_blocker_of(work.connection.company_id, work.connection.credentials)
            result = ExportResult(Outcome.DEFERRED, Code.COMPANY_BACKLOG, "wait", blocked_by=(blocker,))
            work.owner.handle(work, Ended(result))

    def resume_backlog(self, blocker: str) -> None:
        self.backlog.add(blocker)

    def reconcile(self, work: WorkItem) -> None:
        self.in_doubt.append(work)

    def is_blocked(self, blocker: str) -> bool:
        return blocker in self.backlog or (blocker == CIRCUIT and self.circuit_open)

    def release_partition(self, _owner: object) -> None:
        for work in (*self.claimed, *self.to_send):
            if isinstance(work.life.state, Claimed):
                work.owner.handle(work, Returned())
        self.claimed, self.to_send, self.in_doubt = [], [], []


@dataclass
class Wire:
    """A call that left and has no answer yet: Sage may still execute it, until the lease of its claim ends."""

    call: Call | Correction
    until: datetime


class DocumentMachine(RuleBasedStateMachine):
    """One document, several revisions, and whatever can happen around it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.topics, self.sage, self.now = Topics(), Sage(), 0.0
        self.wires: list[Wire] = []
        self.amounts: list[Decimal] = []
        self.settings = connected().state
        self.processor: PartitionProcessor | None = None
        self.emissions = count()
        self.probing: list[tuple[WorkItem, Claim, str, asyncio.Task[bool]]] = []
        """Documents in doubt whose claim is being renewed, and the fate of their probe."""

    # What the machine is made of.

    @initialize(sage=st.sampled_from((Sage(), Sage(remembers=False), Sage(keeps_limit=False))))
    def begins(self, sage: Sage) -> None:
        self.sage = replace(sage, records=[], executed=set(), refused=set())
        self._start()

    def _start(self) -> None:
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        store = LedgerStore(MEMORY)
        store.apply(self.topics.ledger, len(self.topics.ledger))
        self.lane, self.kafka = Lane(), Transactions(self.topics)
        self.position = self.topics.committed
        clock = Clock(self._utc, lambda: self.now, asyncio.sleep, lambda: 0.5)
        context = ExportContext(
            ResultWriter("group", "results", "dead"),
            False,
            lambda: self.settings,
            self.lane,
            CONFIG,
            clock,
            Slices(lambda: self.now),
        )
        assigned = AssignedPartition(
            SOURCE,
            lambda value: parse_record(EventKind.INVOICE, value),
            "ledger",
            store,
            cast(AIOKafkaProducer, self.kafka),
            Placement(Partitioner.ANY, 1),
            {0: len(self.topics.commands)},
        )
        self.failed: list[BaseException] = []
        self.processor = PartitionProcessor(assigned, context, lambda _who, error: self.failed.append(error))
        await self.processor.start()
        await self._settle()
        for offset in range(self.processor.commands_from.get(0, 0), len(self.topics.commands)):
            self.processor.apply_command(0, offset, self.topics.commands[offset])
        await self._settle()

    async def _settle(self) -> None:
        """Let everything run that waits for nothing but its turn."""
        for _ in range(30):
            await asyncio.sleep(0)
        self.worker.raise_defect()
        for work, claiming in [each for each in self.lane.claiming if each[1].done()]:
            self.lane.claiming.remove((work, claiming))
            if claiming.result():
                self.lane.claimed.append(work)
        for probe in [each for each in self.probing if each[3].done()]:
            self.probing.remove(probe)
            work, claim, fate, renewing = probe
            if renewing.result():
                self._probe(work, claim, fate)

    def _utc(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now)

    @property
    def worker(self) -> PartitionProcessor:
        assert self.processor is not None
        return self.processor

    # What happens.

    @rule(amount=st.integers(1, 3))
    def an_event_is_emitted(self, amount: int) -> None:
        self.amounts.append(Decimal(amount))
        number = next(self.emissions)
        self.topics.events.append(invoice_event("77", f"{amount}.00", subsidiary=CARRIER, emission=number))

    @precondition(lambda self: self.topics.events)
    @rule(data=st.data())
    def an_event_is_delivered_again(self, data: st.DataObject) -> None:
        self.topics.events.append(data.draw(st.sampled_from(self.topics.events)))

    @precondition(lambda self: self.position < len(self.topics.events))
    @rule()
    @in_loop
    def a_record_is_read(self) -> None:
        value, offset = self.topics.events[self.position], self.position
        record = ConsumerRecord(SOURCE.topic, 0, offset, offset, 0, KEY.encode(), value, None, len(KEY), len(value), ())
        self.position += 1
        self.worker.process([record])

    @precondition(lambda self: self.kafka.waits)
    @rule()
    @in_loop
    def a_transaction_commits(self) -> None:
        self.kafka.allowed.release()

    @precondition(lambda self: self.lane.to_send)
    @rule()
    @in_loop
    def a_document_is_prepared_and_claimed(self) -> None:
        work = self.lane.to_send.pop(0)
        step, document = work.plan.step, work.plan.document
        if document is not None:
            work.plan = replace(work.plan, party_id="C-1")
        if step is None and work.plan.existing is not None:
            work.plan = replace(work.plan, step=ReadExisting(work.plan.existing))
        if work.plan.step is not None and not self._inspected(work):
            return
        claim = claim_of(work, self._utc() + CONFIG.lease)
        acknowledged = work.life.history.acknowledged
        if acknowledged is not None and acknowledged.control_id != claim.control_id:
            work.owner.handle(work, ClaimForbidden(CONFIG.max_duplicate_answers))
            return
        deadline = self.now + CONFIG.send_deadline.total_seconds()
        task = asyncio.ensure_future(work.owner.claim([(work, claim)], deadline))
        self.lane.claiming.append((work, task))

    def _inspected(self, work: WorkItem) -> bool:
        step, history = work.plan.step, work.life.history
        assert step is not None
        wanted = Replacement(
            work.plan.document,
            work.plan.party_id,
            self._utc(),
            history.confirmed_missing,
            history.update_maybe_applied,
            not_before=history.not_before,
        )
        decision = plan_correction(step.posted, self.sage.read(step.posted.record_no), wanted)
        match decision:
            case CorrectionRefused():
                result = not_corrected(work.plan.existing, work.received.document, decision)
                work.owner.handle(work, Ended(result))
                return False
            case NoLongerPosted():
                work.owner.handle(work, decision)
                return False
            case NotShownYet():
                self.lane.to_send.append(work)
                return False
        work.plan = replace(work.plan, step=decision)
        return True

    @precondition(lambda self: self.lane.to_send)
    @rule()
    @in_loop
    def the_window_is_full(self) -> None:
        self.lane.relieve(self.worker, 0)

    @precondition(lambda self: self.lane.to_send)
    @rule()
    @in_loop
    def the_circuit_opens(self) -> None:
        self.lane.open_circuit()

    @precondition(lambda self: self.lane.circuit_open)
    @rule()
    @in_loop
    def the_circuit_closes(self) -> None:
        self.lane.circuit_open = False
        self.worker.wake(CIRCUIT)

    @precondition(lambda self: self.lane.backlog)
    @rule()
    @in_loop
    def the_turn_comes(self) -> None:
        for blocker in sorted(self.lane.backlog):
            if not self.worker.release_some(blocker, 1) and not self.worker.is_left(blocker):
                self.lane.backlog.remove(blocker)

    @precondition(lambda self: self.lane.claimed)
    @rule(fate=st.sampled_from(FATES))
    @in_loop
    def a_call_is_made(self, fate: str) -> None:
        work = self.lane.claimed.pop(0)
        claim, call = work.claimed, call_of(work)
        state = work.life.state
        assert isinstance(state, Claimed)
        assert self._durable_claim() == claim, "a call would leave before its claim is durable"
        if self.now > state.send_deadline or fate == "busy":
            self.lane.to_send.append(work)  # too late, or Sage takes nothing: it certainly was not executed
            return
        if fate == "refused":
            self.sage.refused.add(call.control_id)
            error = RefusedError("the customer is on hold", level=ExchangeLevel.RESULT)
            work.owner.handle(work, Ended(refused(work.plan.document, claim, error)))
            return
        work.owner.handle(work, Sending())
        if fate == "never arrives":
            work.owner.handle(work, Unanswered())
        elif fate == "arrives late":
            self.wires.append(Wire(call, claim.lease_until))
            work.owner.handle(work, Unanswered())
        elif (record_no := self.sage.execute(call)) is None:
            work.owner.handle(work, Unanswered(executed_before=True))
        elif fate == "answered":
            work.owner.handle(work, executed(claim, record_no))
        else:
            work.owner.handle(work, Unanswered())

    def _durable_claim(self) -> Claim | None:
        return decode(KEY, next(each.value for each in reversed(self.topics.ledger) if each.key == KEY) or b"").claim

    @precondition(lambda self: self.wires)
    @rule()
    def a_late_call_arrives(self) -> None:
        wire = self.wires.pop(0)
        refused_since = wire.call.control_id in self.sage.refused
        if self._utc() < wire.until or not (self.sage.keeps_limit or refused_since):
            self.sage.execute(wire.call)

    @precondition(lambda self: self.lane.in_doubt and not self.probing)
    @rule()
    @in_loop
    def a_doubt_is_looked_up(self) -> None:
        work = self.lane.in_doubt.pop(0)
        if (doubt := work.doubt) is None:
            return
        claim = doubt.claim
        over = self._utc() >= claim.lease_until
        if claim.corrects:
            proof: Any = reconcile_correction(
                claim, self.sage.read(claim.record_no), lease_ended=over, budget=CONFIG.max_duplicate_answers
            )
        else:
            evidence = Evidence(
                marker(KEY),
                over,
                doubt.number_taken,
                work.received.revision == claim.revision,
                CONFIG.max_duplicate_answers,
                work.plan.former_records,
            )
            proof = reconcile(claim, self.sage.found(claim.number), evidence)
        work.owner.handle(work, proven(claim, proof))
        if work.doubt is not None and work not in self.lane.in_doubt:
            self.lane.in_doubt.append(work)

    @precondition(
        lambda self: self.sage.remembers and not self.probing and any(map(may_be_repeated, self.lane.in_doubt))
    )
    @rule(fate=st.sampled_from(FATES))
    @in_loop
    def a_call_in_doubt_is_probed(self, fate: str) -> None:
        """Only before a Sage that remembers control ids: nothing else makes a probe safe."""
        work = next(filter(may_be_repeated, self.lane.in_doubt))
        claim = replace(work.claimed, lease_until=self._utc() + CONFIG.lease)
        task = asyncio.ensure_future(work.owner.renew([(work, claim)]))
        self.probing.append((work, claim, fate, task))

    def _probe(self, work: WorkItem, claim: Claim, fate: str) -> None:
        """Make the call once more, now that its claim is durable with a new lease."""
        if work.doubt is None:
            return
        assert self._durable_claim() == claim == work.claimed, "a probe would leave before its claim is durable"
        call = call_of(work)
        if fate == "arrives late":
            self.wires.append(Wire(call, claim.lease_until))
        elif fate in ("answered", "executed, answer lost"):
            record_no = self.sage.execute(call)
            if fate == "answered":
                work.owner.handle(work, SaidExecuted() if record_no is None else executed(claim, record_no))

    @rule(share=st.sampled_from((0.01, 0.3, 1.1)))
    def time_passes(self, share: float) -> None:
        self.now += LEASE * share

    @rule()
    @in_loop
    def a_person_asks_for_a_retry(self) -> None:
        command = Retry(id=f"r{len(self.topics.commands)}", by="kim", at=self._utc(), documents=(KEY,))
        self.topics.commands.append(command)
        self.worker.apply_command(0, len(self.topics.commands) - 1, command)

    @rule(committed=st.booleans())
    def the_worker_dies_and_another_starts(self, committed: bool) -> None:
        if committed and self.kafka.waits:
            self.kafka.apply()  # the broker committed; the answer reached nobody
        self.loop.run_until_complete(self._die())
        self._start()

    @rule()
    def the_worker_lets_its_partition_go_and_another_starts(self) -> None:
        self.loop.run_until_complete(self._let_go())
        self._start()

    async def _let_go(self) -> None:
        for _ in range(1_000):
            self.kafka.allowed.release()
        await self.worker.close(0.0)
        await self._die()

    async def _die(self) -> None:
        await self.worker.close_now()
        tasks = [*(task for _, task in self.lane.claiming), *(task for *_, task in self.probing)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.probing = []

    # What must hold.

    @invariant()
    def one_document_stands_at_most(self) -> None:
        assert len(self.sage.standing) <= 1, self.sage.records

    @invariant()
    def no_record_ends_without_an_outcome(self) -> None:
        answered = {each["source"]["offset"] for each in self.topics.results}
        assert set(range(self.topics.committed)) <= answered
        assert not self.topics.dead

    def teardown(self) -> None:
        """Everything calms down: every event is answered, and the newest one stands in Sage."""
        try:
            if self.processor is not None:
                self._calm_down()
                self._everything_is_answered()
        finally:
            if self.processor is not None:
                self.loop.run_until_complete(self._die())
            self.loop.close()

    def _everything_is_answered(self) -> None:
        answered = {each["source"]["offset"] for each in self.topics.results}
        assert answered == set(range(len(self.topics.events)))
        assert self.topics.committed == len(self.topics.events)
        standing = [each.total for each in self.sage.standing]
        assert standing == self.amounts[-1:], (standing, self.amounts, self.topics.results[-3:])

    def _calm_down(self) -> None:
        self._come_to_rest()
        if not self.sage.refused:
            self._everything_is_answered()  # by itself
        self.a_person_asks_for_a_retry()  # for a document that Sage refused
        self._come_to_rest()
        while self.wires:
            self.a_late_call_arrives()  # within its lease it may still do what nobody expects any more

    def _come_to_rest(self) -> None:
        for _ in range(4_000):
            if self._next_step("answered"):
                continue
            if not self.lane.in_doubt:
                return
            self.now += LEASE / 2
            self.a_doubt_is_looked_up()
        raise AssertionError("it does not come to rest")

    def _next_step(self, fate: str) -> bool:
        """Take the next step that needs no time. Returns False if there is none."""
        if self.kafka.waits:
            self.a_transaction_commits()
        elif self.lane.claimed:
            self.a_call_is_made(fate)
        elif self.lane.to_send:
            self.a_document_is_prepared_and_claimed()
        elif self.position < len(self.topics.events):
            self.a_record_is_read()
        elif self.lane.backlog:
            self.the_turn_comes()
        elif self.lane.circuit_open:
            self.the_circuit_closes()
        else:
            return False
        return True

    # Random choice alone would rarely come as far as a call: most steps go on with what was begun.

    @rule(fate=st.sampled_from(FATES), steps=st.integers(1, 6))
    def some_steps_go_on(self, fate: str, steps: int) -> None:
        for _ in range(steps):
            if not self._next_step(fate):
                return

    @rule(fate=st.sampled_from(("arrives late", "executed, answer lost", "never arrives")))
    def the_next_call_gets_no_answer(self, fate: str) -> None:
        for _ in range(12):
            if self.lane.claimed:
                self.a_call_is_made(fate)
                return
            if not self._next_step("answered"):
                return

    @precondition(lambda self: self.lane.in_doubt and not self.probing)
    @rule(share=st.sampled_from((0, 0.5, 1)))
    def a_doubt_is_looked_up_after_a_while(self, share: float) -> None:
        self.now += LEASE * share
        self.a_doubt_is_looked_up()


QUIET = settings(suppress_health_check=list(HealthCheck), deadline=None, stateful_step_count=25)
TestDocument = DocumentMachine.TestCase
TestDocument.settings = settings(QUIET, max_examples=150)


# Each guard of the protocol, broken on purpose: the machine finds it.


def blind_resend(life: Life, event: Event, stored: Stored, revision: str) -> Transition:
    """Whatever got no answer is planned and sent again."""
    if isinstance(event, Unanswered):
        return replace(life, state=Planned()), (Map(),)
    return transition(life, event, stored, revision)


def doubts_may_end_by_any_result(life: Life, event: Event, stored: Stored, revision: str) -> Transition:
    """A doubt ends as soon as a look-up proved nothing."""
    if isinstance(event, NotProvenYet):
        event = Ended(ExportResult(Outcome.REJECTED, Code.OUTCOME_UNKNOWN, event.why))
    return transition(life, event, stored, revision)


async def claims_without_waiting(self: PartitionProcessor, claims: Claims, send_deadline: float) -> bool:
    """A call is made while its claim is still on its way to the ledger."""
    for work, claim in claims:
        self._transactions.write(PendingWrite(self._claimed(work, claim)))
        self.handle(work, ClaimWritten(claim, send_deadline))
    return True


async def probes_without_a_new_lease(self: PartitionProcessor, claims: Claims) -> bool:
    """A call in doubt is made once more, and its doubt ends as if that had not been."""
    return self._open and bool(claims)


real_reconcile = reconcile


def leases_do_not_count(claim: Claim, found: Sequence[Found], known: Evidence) -> Reconciliation:
    """Absence in Sage proves something at once."""
    return real_reconcile(claim, found, replace(known, lease_ended=True))


def every_event_is_the_newest(*_: object) -> Turn:
    """Events count in the order of their records."""
    return Turn.NEWEST


GUARDS: dict[str, tuple[object, str, object]] = {
    "what may have been executed is looked up": (partition_module, "transition", blind_resend),
    "only proof ends a doubt": (partition_module, "transition", doubts_may_end_by_any_result),
    "a claim is durable before its call": (PartitionProcessor, "claim", claims_without_waiting),
    "a lease ends before absence proves anything": (sys.modules[__name__], "reconcile", leases_do_not_count),
    "a probe's claim is durable with a new lease": (PartitionProcessor, "renew", probes_without_a_new_lease),
    "old events change nothing": (begin_module, "turn_of", every_event_is_the_newest),
    "an offset is committed after its outcome": (
        OffsetTracker,
        "committable",
        property(lambda self: self.position),
    ),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_a_broken_guard_is_found(guard: str):
    where, name, broken = GUARDS[guard]
    found = settings(QUIET, max_examples=1_000, derandomize=True, database=None, phases=[Phase.generate])
    # Any failure will do: a promise is broken, or the protocol itself refuses what it is made to do.
    found_by = (AssertionError, LifecycleError, ValueError, KeyError)
    with patch.object(where, name, broken), pytest.raises(found_by):
        run_state_machine_as_test(DocumentMachine, settings=found)


def test_a_look_up_that_proves_nothing_again_reads_nothing_of_the_ledger():
    def stored() -> DocumentState:
        raise AssertionError("a parked event may be large, and is looked up for hours")

    doubt = InDoubt(cast(Claim, None), lookups=1)
    after, effects = transition(Life(None, doubt), NotProvenYet("it is not in sage yet"), stored, "r")
    assert after.state == replace(doubt, lookups=2, reason="it is not in sage yet")
    assert effects == ()


def after_a_lease(sage: Sage, fate: str) -> DocumentMachine:
    """A document whose call had this fate: the doubt is reported, and its lease has ended."""
    machine = DocumentMachine()
    machine.begins(sage)
    machine.an_event_is_emitted(amount=1)
    while not machine.lane.claimed:
        assert machine._next_step("answered")
    machine.a_call_is_made(fate)
    machine.a_doubt_is_looked_up()
    while machine.kafka.waits:
        machine.a_transaction_commits()
    machine.time_passes(1.1)
    return machine


def test_a_call_proven_absent_that_cannot_be_sent_again_keeps_its_place_before_a_later_revision():
    machine = after_a_lease(Sage(keeps_limit=False), "arrives late")
    machine.a_doubt_is_looked_up()
    machine.the_circuit_opens()
    machine.an_event_is_emitted(amount=2)
    machine._come_to_rest()
    machine.a_late_call_arrives()  # long after its lease: only its control id stops it
    machine.one_document_stands_at_most()
    machine.teardown()


def test_a_revision_that_was_kept_behind_a_doubt_is_not_forgotten_when_its_claimed_call_is_given_back():
    """As chaos found it: claimed, not yet sent, when its worker let the partition go. Its record had ended long ago."""
    machine = after_a_lease(Sage(), "never arrives")
    machine.an_event_is_emitted(amount=2)
    machine.a_record_is_read()
    while machine.kafka.waits:
        machine.a_transaction_commits()
    assert machine.topics.committed == 2, "its record has ended"
    machine.a_doubt_is_looked_up()
    while not (machine.lane.claimed and machine.lane.claimed[0].claimed.corrects):
        assert machine._next_step("answered")
    machine.the_worker_lets_its_partition_go_and_another_starts()
    machine.teardown()


def test_hundreds_of_commands_for_one_document_are_answered_one_after_the_other():
    machine = after_a_lease(Sage(), "never arrives")
    machine.a_doubt_is_looked_up()  # proven absent: it is about to be sent again, and commands wait for that
    assert machine.lane.to_send
    for _ in range(600):
        machine.a_person_asks_for_a_retry()
    machine.teardown()  # everything is answered, and the document stands once
    assert machine.worker.commands_from == {0: 601}  # one more asks at the end
