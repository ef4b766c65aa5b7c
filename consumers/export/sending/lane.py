"""A lane per Sage company: a bulkhead, so that one customer's trouble stays his (promise 5).

A lane has a queue, requests and circuit breakers. It works in two stages with one batch between them: while one request
is in progress, the next is prepared, and claimed too if the company answers quickly.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from consumers.export import metrics
from consumers.export.config import ExportConfig
from consumers.export.enrichment.enrich import Enrichment
from consumers.export.enrichment.twins import Twins, has_two_names, held_back, names_of
from consumers.export.protocol.calls import call_of, claim_of
from consumers.export.protocol.closed_periods import ClosedPeriods
from consumers.export.protocol.correct import CorrectionRefused, FinalDecision, NotShownYet, later_day
from consumers.export.protocol.document_state import Claim, Posted
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import (
    Claimed,
    ClaimForbidden,
    DatedAnew,
    Ended,
    NotTaken,
    Returned,
    Sending,
    SetAside,
    Unanswered,
)
from consumers.export.protocol.results import executed, not_corrected, not_permitted, refused, sage_answer
from consumers.export.protocol.steps import NoLongerPosted, ReadExisting
from consumers.export.sending.backlog import Backlog, may_wait
from consumers.export.sending.circuit_breaker import CircuitBreakers, ParkedDocuments
from consumers.export.sending.in_doubt import DoubtResolver
from consumers.export.sending.inspection import Inspection
from consumers.export.sending.leases import Leases
from consumers.export.sending.sage_access import (
    CredentialsMissingError,
    SageAccess,
    SageEndpoint,
    connection_of_backlog,
    endpoint_of,
)
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.outcomes import Outcome
from kafka_client.backoff import full_jitter
from kafka_client.clock import Clock
from sage_client import Answer, Done, ErrorCategory, ExchangeLevel, Login, Refused, SageError, Unknown
from sage_client.errors import (
    DuplicateCallError,
    NotConnectedError,
    NotShownError,
    PeriodClosedError,
    PermissionDeniedError,
    ReversalDateError,
    TooLateError,
)

log = structlog.get_logger(__name__)

_AGAIN_AT_ONCE = TooLateError | PeriodClosedError | ReversalDateError
"""Errors that are no trouble of the company's: nothing was sent, or the next call gets another date."""

MOST_UNHEARD = 3
"""Requests without an answer that open the circuit although little time has passed: a connection that breaks at once
would put the whole backlog into doubt within minutes."""
KEPT_REQUESTS = 2
"""How many requests' worth of documents stay queued while others wait in the ledger."""
SOON = 5.0
"""Seconds of a company's work that stay queued when a window is full. To park a document costs about as much as to post
it, so what is sent soon anyway is not parked."""
QUICK = 1.0
"""Seconds of a request below which the claims of the next one are written while it is on its way."""
LOOK_AGAIN = 0.05
"""Seconds between two looks for documents to bring back, while those that came back are not sent here."""
TAKES = 4
"""A company may have a quarter of what `OtherLanes.room` says on its way, and whatever it takes soon. What is beyond
that waits in the ledger."""

Stream = tuple[SageEndpoint, SageObject, bool]
"""Documents that may share one request: of one place and one kind, since the user may be refused a kind. The flag keeps
documents to post apart from documents whose existing record is read first."""


class OtherLanes(Protocol):
    """The lanes of all companies."""

    def send(self, work: WorkItem) -> None:
        """Take a work item whose next call goes to another company."""

    def room(self, owner: PartitionHandle) -> int:
        """Number of further records of the partition that companies which take long may have on their way."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Documents of one request, ready to be sent once they are claimed."""

    documents: list[WorkItem]
    claimed: bool
    """Whether the claims of this request are written."""


class Lane:
    """Everything that is sent to one Sage company.

    Args:
        company_id: The Sage company.
        sage: The client and the credentials.
        wakes: Callbacks that retry parked documents.
        config: Sizes and delays.
        time: The clock.
        others: The lanes of all companies, this one included.
    """

    def __init__(
        self,
        company_id: str,
        sage: SageAccess,
        wakes: ParkedDocuments,
        config: ExportConfig,
        time: Clock,
        others: OtherLanes,
    ) -> None:
        self.company_id = company_id
        self._client = sage.client
        self._login = sage.login
        self._config = config
        self._time = time
        self._preparation = Enrichment(sage.client, config, time)
        self._periods = ClosedPeriods(config, time)
        self._inspection = Inspection(sage.client, time)
        self._twins = Twins(sage.client)
        self._one_of_two_names = asyncio.Lock()
        self._others = others
        self._under_way: dict[WorkItem, float] = {}
        """The documents that left the queue and whose request has not ended, and since when."""
        self._queues: dict[Stream, deque[WorkItem]] = {}
        self._filled = asyncio.Event()
        self._ready: asyncio.Queue[_Prepared] = asyncio.Queue(maxsize=1)
        self._running_time = config.request_timeout + config.max_execution_time
        """The part of a lease after the latest moment at which its call may begin."""
        self._hurry = asyncio.Event()
        self._failures = 0
        self._unheard = 0
        """Number of requests that were sent in a row and not answered."""
        self._silent_since: float | None = None
        """When the first request was sent since which none was answered. None if the last one was answered."""
        self._failing_since: float | None = None
        self._circuits = CircuitBreakers(company_id, sage, wakes, config, time)
        self._backlog = Backlog(wakes)
        self._refilled = KEPT_REQUESTS * config.max_documents_per_request
        """Up to how many documents the queue is filled from the ledger."""
        self._request_began = -math.inf
        """When the last request began, in monotonic seconds."""
        self._request_took = math.inf
        """Seconds that the last answered request took."""
        self._pace = 0.0
        """Documents that the company takes in a second while requests are sent, about."""
        self._leases = Leases(config.lease, time)
        self._doubts = DoubtResolver(company_id, sage, self._circuits, self._leases, config, time)
        self._tasks = [
            asyncio.create_task(self._run_claims(), name=f"lane {company_id} claims"),
            *(
                asyncio.create_task(self._run_posts(), name=f"lane {company_id} posts")
                for _ in range(config.requests_in_flight)
            ),
            asyncio.create_task(self._doubts.run(), name=f"lane {company_id} doubts"),
        ]

    def send(self, work: WorkItem) -> None:
        """Take a mapped document. It is posted, or parked if a circuit is open or older documents wait their turn."""
        if (result := self._circuits.admit(work)) is not None:
            work.owner.handle(work, SetAside(result))
        elif self._backlog.stands_before(work) and not self._circuits.on_trial(work):
            work.owner.handle(work, Ended(self._backlog.park(work)))
        else:
            self._queue(work)

    @property
    def queued(self) -> int:
        """Number of documents in the queues."""
        return sum(map(len, self._queues.values()))

    @property
    def has_backlog(self) -> bool:
        """Whether documents wait for their turn."""
        return bool(self._backlog)

    def relieve(self, owner: PartitionHandle, share: int) -> None:
        """Park what a partition has queued here beyond what is sent soon, because its window is full.

        Args:
            owner: The partition.
            share: How many of its documents may stay queued.
        """
        soon = max(self._refilled, int(self._pace * SOON))
        most = max(share, self._sent_soon)
        kept = mine = 0
        surplus: list[WorkItem] = []
        for stream, queue in list(self._queues.items()):
            left: deque[WorkItem] = deque()
            for work in queue:
                own = work.owner is owner
                if own and (kept >= soon or mine >= most) and may_wait(work) and not self._circuits.on_trial(work):
                    surplus.append(work)
                    continue
                left.append(work)
                kept, mine = kept + 1, mine + own
            self._queues[stream] = left
        for work in surplus:
            work.owner.handle(work, Ended(self._backlog.park(work)))

    @property
    def _sent_soon(self) -> int:
        """Number of documents that the company takes within `SOON`, if it goes on as it does now."""
        pace = self._pace
        if self._under_way:
            since = next(iter(self._under_way.values()))
            pace = min(pace, len(self._under_way) / max(self._time.monotonic() - since, 0.001))
        return int(pace * SOON)

    def held(self, owner: PartitionHandle) -> int:
        """Number of records of the partition that are on their way beyond what is sent soon."""
        return max(0, self._records_of(owner) - self._sent_soon)

    def _records_of(self, owner: PartitionHandle) -> int:
        # Documents that came back from the ledger have no record in the partition's window.
        return sum(work.owner is owner and work.life.offset is not None for work in self._under_way)

    def _room(self, owner: PartitionHandle) -> int:
        """Number of further records of the partition that may leave the queue."""
        return max(self._sent_soon - self._records_of(owner), self._others.room(owner) // TAKES)

    def _lacks_room(self, work: WorkItem, rooms: dict[PartitionHandle, int]) -> bool:
        """Whether a document has to wait in the ledger, so that its record does not stay open as long as its request.

        Args:
            work: The document.
            rooms: The room left in each partition. If the document needs none of it, or may take it, it is counted.
        """
        if work.life.offset is None or not work.owner.open or not may_wait(work) or self._circuits.on_trial(work):
            return False
        room = rooms[work.owner] if work.owner in rooms else self._room(work.owner)
        rooms[work.owner] = room - 1
        return room <= 0

    def _ended(self, batch: Iterable[WorkItem]) -> None:
        """Note that documents are no longer under way."""
        for work in batch:
            self._under_way.pop(work, None)

    def resume_backlog(self, blocker: str) -> None:
        """Bring back the documents whose wait for this backlog is durable, in their turn."""
        self._backlog.resume(blocker)
        self._filled.set()

    def _queue(self, work: WorkItem) -> None:
        self._queues.setdefault(_stream(work), deque()).append(work)
        self._filled.set()

    def reconcile(self, work: WorkItem) -> None:
        """Take a document whose claim has no outcome. It is looked up in Sage before anything is sent."""
        self._doubts.add(work)

    def release_partition(self, owner: PartitionHandle) -> None:
        """Drop the documents of a partition that is being released, except those that are on their way to Sage."""
        self._hurry.set()  # end the wait before a resend: some documents of the batch may not be sent any more
        self._hurry = asyncio.Event()
        self._doubts.release_partition(owner)
        for stream, queue in list(self._queues.items()):
            self._queues[stream] = deque(work for work in queue if not self._given_back(work, owner))
        waiting = [self._ready.get_nowait() for _ in range(self._ready.qsize())]
        self._ended([work for work in self._under_way if work.owner is owner])
        for batch in waiting:
            left = [work for work in batch.documents if not self._given_back(work, owner)]
            self._ready.put_nowait(replace(batch, documents=left))

    @staticmethod
    def _given_back(work: WorkItem, owner: PartitionHandle) -> bool:
        if work.owner is not owner:
            return False
        if isinstance(work.life.state, Claimed):
            owner.handle(work, Returned())
        return True

    def is_blocked(self, blocker: str) -> bool:
        """Whether documents still have to wait for this blocker: a circuit is open, or older documents stand before."""
        return blocker in self._circuits or blocker in self._backlog

    def failure(self) -> BaseException | None:
        """The exception that ended one of the lane's tasks, or None: a defect of ours, never an answer of Sage's."""
        for task in (*self._tasks, *self._circuits.tasks()):
            if task.done() and not task.cancelled():
                return task.exception()
        return None

    async def close(self) -> None:
        """Stop at once. A document without an outcome keeps its claim in the ledger."""
        tasks = [*self._tasks, *self._circuits.tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Stage one: parties, terms and existing records, then claims.

    async def _run_claims(self) -> None:
        while True:
            taken = batch = await self._next_batch()
            try:
                login = self._login(batch[0].connection)
                later: list[tuple[WorkItem, SageError]] = []
                if batch[0].plan.step is None:
                    batch, later = await self._prepare(login, batch)
                else:
                    batch, later = await self._inspect(login, batch)
            except CredentialsMissingError as error:
                self._ended(taken)
                self._block(batch, ExportResult(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
                continue
            except SageError as error:
                self._ended(taken)
                await self._not_taken(batch, error)
                continue
            if quick := self._answers_quickly():
                batch = await self._claim(self._admissible(batch))
            self._ended(set(taken).difference(batch))
            if batch:
                await self._ready.put(_Prepared(batch, claimed=quick))
            if later:
                await self._not_taken([work for work, _ in later], later[0][1], others=True)

    async def _next_batch(self) -> list[WorkItem]:
        """The next documents of one stream, in order, without those whose partition was released."""
        while True:
            returned = self._bring_back()
            for stream in list(self._queues):
                if batch := self._take(stream):
                    metrics.QUEUED.labels(self.company_id).set(self.queued)
                    return batch
            self._filled.clear()
            if returned:
                await self._time.until(self._filled, LOOK_AGAIN)
            else:
                await self._filled.wait()

    def _take(self, stream: Stream) -> list[WorkItem]:
        """The first documents of a stream that may share a request. The stream goes behind the others."""
        queue = self._queues.pop(stream)
        batch: list[WorkItem] = []
        keys: set[str] = set()
        rooms: dict[PartitionHandle, int] = {}
        lines = 0
        while queue and len(batch) < self._config.max_documents_per_request:
            if not keys.isdisjoint(names := names_of(queue[0])):
                break  # the same document from two partitions may not be in one request twice
            if self._lacks_room(queue[0], rooms):
                if batch:
                    break
                work = queue.popleft()
                work.owner.handle(work, Ended(self._backlog.park(work)))
                continue
            lines += queue[0].lines
            if batch and lines > self._config.max_lines_per_request:
                break
            work = queue.popleft()
            if work.owner.open:
                batch.append(work)
                keys |= names
                self._under_way[work] = self._time.monotonic()
            elif isinstance(work.life.state, Claimed):
                work.owner.handle(work, Returned())
        if queue:
            self._queues[stream] = queue  # at the end of the dict: the streams of a company take turns
        return batch

    def _bring_back(self) -> int:
        """Bring back documents that wait their turn, if the queue is short. Returns how many came back."""
        returned = 0
        for blocker in self._backlog.blockers():
            room = self._refilled - self.queued
            if room > 0 and connection_of_backlog(blocker) not in self._circuits:
                returned += self._backlog.bring_back(blocker, room)
        return returned

    async def _prepare(
        self, login: Login, batch: Sequence[WorkItem]
    ) -> tuple[list[WorkItem], list[tuple[WorkItem, SageError]]]:
        """Prepare a batch. Documents that cannot be sent get their result here.

        Returns:
            The documents to claim now, and the documents to retry soon, each with the reason. A ready document with an
            existing record is in neither: it is queued so that the record is read first.
        """
        prepared = await self._preparation.prepare(login, batch)
        for work, result in prepared.refused:
            self._circuits.record_unknown(work)
            work.owner.handle(work, Ended(result))
        held = prepared.held_back
        ready = []
        for work in batch:
            if work in held:
                continue
            if work.plan.existing is None:
                ready.append(work)
            else:
                self._look_first(work, work.plan.existing)
        return ready, prepared.retry_later

    def _look_first(self, work: WorkItem, standing: Posted) -> None:
        """Queue the document to read its existing Sage record, in the lane of that record's company.

        Called once everything that the new posting needs is known.
        """
        work.plan = replace(work.plan, step=ReadExisting(standing))
        if work.connection.company_id == self.company_id:
            self._queue(work)
        else:
            self._others.send(work)

    async def _inspect(
        self, login: Login, batch: Sequence[WorkItem]
    ) -> tuple[list[WorkItem], list[tuple[WorkItem, SageError]]]:
        """Read the existing records. The documents that end without a call are handled here.

        Returns:
            The documents whose record is to be changed, and the documents to retry soon, each with the reason.
        """
        ready: list[WorkItem] = []
        later: list[tuple[WorkItem, SageError]] = []
        for work, decision in await self._inspection.inspect(login, batch):
            if isinstance(decision, NotShownYet):
                later.append((work, NotShownError(decision.detail)))
            elif self._may_go(work, decision):
                ready.append(work)
        return ready, later

    def _may_go(self, work: WorkItem, decision: FinalDecision) -> bool:
        match decision:
            case CorrectionRefused():
                self._circuits.record_success(work)
                result = not_corrected(work.plan.existing, work.received.document, decision)
                work.owner.handle(work, Ended(result))
            case NoLongerPosted():
                self._circuits.record_success(work)
                work.owner.handle(work, decision)
            case _:
                work.plan = replace(work.plan, step=decision)
                return True
        return False

    async def _claim(self, batch: Iterable[WorkItem]) -> list[WorkItem]:
        """Write the claims of a batch durably: one transaction per partition, all partitions in parallel."""
        lease_until = self._time.now() + self._config.lease
        begin_by = self._time.monotonic() + self._config.send_deadline.total_seconds()
        by_owner: dict[int, list[tuple[WorkItem, Claim]]] = {}
        for work in batch:
            if work.plan.step is None:
                work.plan = replace(work.plan, document=self._periods.with_posting_date(work))
            claim = claim_of(work, lease_until)
            acknowledged = work.life.history.acknowledged
            if acknowledged is not None and acknowledged.control_id != claim.control_id:
                # The settings changed meanwhile: the document would go out as another call, although Sage says that it
                # has executed the first one.
                work.owner.handle(work, ClaimForbidden(self._config.max_duplicate_answers))
                continue
            self._leases.see(claim)
            by_owner.setdefault(id(work.owner), []).append((work, claim))
        owned = list(by_owner.values())
        durable = await asyncio.gather(*(claims[0][0].owner.claim(claims, begin_by) for claims in owned))
        return [work for claims, kept in zip(owned, durable, strict=True) if kept for work, _ in claims]

    def _answers_quickly(self) -> bool:
        """Whether the company answers so quickly that the next claims are best written during a request.

        Elsewhere a claim waits for its turn: what is claimed when a worker dies has to be looked up by the next.
        """
        running = self._time.monotonic() - self._request_began
        return self._request_took < QUICK and running < QUICK

    # Stage two: the call, and its claims if the company is slow.

    async def _run_posts(self) -> None:
        while True:
            prepared = await self._ready.get()
            taken = prepared.documents
            batch = self._admissible([work for work in taken if not work.owner.gone])
            if not prepared.claimed:  # what was requeued has a claim, but an old one
                batch = await self._claim([work for work in batch if work.owner.open])
            if batch:
                try:
                    login = self._login(batch[0].connection)
                except CredentialsMissingError as error:
                    self._block(batch, ExportResult(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
                else:
                    await self._post_once(login, batch)
            self._ended(taken)

    async def _post_once(self, login: Login, batch: Sequence[WorkItem]) -> None:
        """Post a batch, without the documents that exist in Sage, or may exist, under their other key (`twins`)."""
        if not any(map(has_two_names, batch)):
            await self._post(login, batch)
            return
        async with self._one_of_two_names:
            # Checked before Sage is queried: a doubt that ended in between would be neither here nor in the answer.
            held = dict(held_back(batch, self._doubts.works()))
            for work, result in held.items():
                self._circuits.record_unknown(work)
                work.owner.handle(work, SetAside(self._circuits.open_for_documents(work, result)))
            if not (batch := [work for work in batch if work not in held]):
                return
            try:
                against = dict(await self._twins.against(login, batch))
            except SageError as error:
                await self._not_taken(batch, error)
                return
            for work, result in against.items():
                self._answered(work)
                work.owner.handle(work, Ended(result))
            if left := [work for work in batch if work not in against]:
                await self._post(login, left)

    async def _post(self, login: Login, batch: Sequence[WorkItem]) -> None:
        metrics.REQUESTS.labels(self.company_id, "correct" if batch[0].claimed.corrects else "create").inc()
        metrics.BATCH.observe(len(batch))
        began = self._request_began = self._time.monotonic()
        calls = [call_of(work) for work in batch]
        with metrics.REQUEST_SECONDS.labels(self.company_id).time():
            # The client checks the time right before the bytes leave. A worker that slept, or had to sign in first,
            # must not send once another worker may have proven the document absent.
            soonest = min(work.claimed.lease_until for work in batch)
            ids = {work.claimed.control_id: work.life.history.sent for work in batch}
            resent = frozenset(mine for mine, sent in ids.items() if mine == sent)
            for work in batch:
                work.owner.handle(work, Sending())
            answers = await self._client.post(
                login,
                calls,
                not_after=soonest - self._running_time,
                wanted=lambda: self._still_needed(batch),
                resent=resent,
            )
        not_taken: dict[ErrorCategory | None, list[tuple[SageError, WorkItem]]] = {}
        late: list[WorkItem] = []
        for work, answer in zip(batch, answers, strict=True):
            if isinstance(error := self._settle(work, answer), _AGAIN_AT_ONCE):
                late.append(work)
            elif error is not None:
                not_taken.setdefault(error.kind, []).append((error, work))
        self._requeue(late)  # the claim grew too old while it waited, or the document has a new date: no trouble
        others = any(
            isinstance(answer, Done)
            or (isinstance(answer, Refused) and answer.error.kind in (ErrorCategory.DATA, ErrorCategory.BUG))
            for answer in answers
        )
        if others:
            self._failures, self._failing_since = 0, None
        self._note_pace(len(batch), began)
        self._note_silence(batch[0].connection, answers, began)
        # One kind of trouble is one wait or one alarm, however many functions of the request report it.
        for troubles in not_taken.values():
            await self._not_taken([work for _, work in troubles], troubles[0][0], others=others)

    def _note_pace(self, documents: int, began: float) -> None:
        """Follow how many documents the company takes in a second: half the last request, half those before."""
        took = self._request_took = max(self._time.monotonic() - began, 0.001)
        self._pace = (self._pace + documents * self._config.requests_in_flight / took) / 2

    def _note_silence(self, connection: Connection, answers: Sequence[Answer], began: float) -> None:
        """Open the circuit of a connection that answered nothing for a while, although requests were sent.

        Otherwise all of its backlog would end in doubt. A call that was never sent ends the row, but not the silence.
        """
        if any(map(_is_heard, answers)):
            self._unheard, self._silent_since = 0, None
            return
        if not any(isinstance(answer, Unknown) for answer in answers):
            self._unheard = 0
            return
        self._unheard += 1
        self._silent_since = began if self._silent_since is None else self._silent_since
        silence = self._time.monotonic() - self._silent_since
        if self._unheard >= MOST_UNHEARD or silence >= self._config.open_circuit_after.total_seconds():
            detail = f"{self._unheard} requests in a row had no answer, and none for {silence:.0f} s"
            self._unheard, self._silent_since = 0, None
            self._open_circuit(connection, ExportResult(Outcome.DEFERRED, Code.SAGE_UNAVAILABLE, detail))

    def _still_needed(self, batch: Sequence[WorkItem]) -> bool:
        """Whether the request may still begin: some partition owns its documents, and every claim is young enough.

        Checked with the monotonic clock, in case the wall clock was set back.
        """
        now = self._time.monotonic()
        return any(not work.owner.gone for work in batch) and all(now <= _send_deadline(work) for work in batch)

    def _settle(self, work: WorkItem, answer: Answer) -> SageError | None:
        """Handle Sage's answer to one document.

        Returns:
            The error if the document has to be sent again, or if the company did not take it; else None.
        """
        claim = work.claimed
        match answer:
            case Done():
                self._answered(work)
                self._periods.record_open_day(work)
                work.owner.handle(work, executed(claim, answer.record_no))
            case Refused(error=error) if error.code is Code.SAGE_DUPLICATE_NUMBER and not claim.corrects:
                self._circuits.record_success(work)
                # Perhaps by our own earlier posting, which the ledger no longer knows.
                work.owner.handle(work, Unanswered(number_taken=True))
            case Refused(error=PermissionDeniedError() as error) if claim.corrects:
                # Creating may well be allowed, so the circuit of this kind of documents stays closed.
                self._circuits.record_unknown(work)
                work.owner.handle(work, Ended(self._circuits.open_for_documents(work, not_permitted(error))))
            case Refused(error=error) if (anew := self._dated_anew(work, error)) is not None:
                self._answered(work)
                work.owner.handle(work, anew)
                return error
            case Refused(error=error) if error.kind in (ErrorCategory.DATA, ErrorCategory.BUG):
                document = work.plan.document
                if document is not None:  # None: the existing record is only removed
                    self._preparation.dimensions.refused(document, claim.connection.entity_id)
                self._answered(work)
                self._preparation.refused(work)
                work.owner.handle(work, Ended(refused(document, claim, error)))
            case Refused(error=error):
                return error
            case _:
                self._circuits.record_unknown(work)
                executed_before = isinstance(answer.error, DuplicateCallError)
                work.owner.handle(work, Unanswered(executed_before=executed_before))
        return None

    def _dated_anew(self, work: WorkItem, error: SageError) -> DatedAnew | None:
        """The event that the call gets another date. None if the refusal is final."""
        if work.claimed.corrects:
            return later_day(work.plan.step, work.life.history, error)
        return self._periods.next_attempt(work, error)

    def _answered(self, work: WorkItem) -> None:
        self._leases.forget(work.claimed)
        self._circuits.record_success(work)

    # Trouble.

    async def _not_taken(self, batch: Sequence[WorkItem], error: SageError, *, others: bool = False) -> None:
        """Handle documents that Sage certainly did not take: send them again later, or park them.

        Args:
            batch: The documents, all with the same kind of error.
            error: The error of the first of them.
            others: Whether Sage took other documents of the same request.
        """
        result = ExportResult(Outcome.DEFERRED, error.code, str(error), sage=sage_answer(error))
        # An error on one function alone, even AUTH because a session ended within it, says nothing of the credentials.
        own = error.level is ExchangeLevel.RESULT and error.kind in (ErrorCategory.RETRY, ErrorCategory.AUTH)
        if error.kind not in (ErrorCategory.RETRY, ErrorCategory.THROTTLED) and not own:
            denied = isinstance(error, PermissionDeniedError)
            self._block(batch, result, batch[0].sage_object if denied else None)
            return
        if others or own:
            batch = self._spend_attempt(batch, result)  # the documents' own trouble, not the company's
            if not batch:
                return
            attempt = max(work.life.history.retries for work in batch)
        else:
            now = self._time.monotonic()
            self._failures += 1
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since > self._config.open_circuit_after.total_seconds() or self._circuits.on_trial(
                batch[0]
            ):
                self._block(batch, result)
                return
            attempt = self._failures
        wait = full_jitter(attempt, self._config.backoff, self._config.max_backoff, self._time.random)
        if error.retry_after is not None:
            wait += min(error.retry_after, self._config.retry_after_cap.total_seconds())
        log.warning(
            "sage did not take a request; it is sent again",
            company=self.company_id,
            documents=len(batch),
            wait_seconds=round(wait, 2),
            error=str(error),
        )
        self._requeue(batch)
        await self._time.until(self._hurry, wait)

    def _spend_attempt(self, batch: Sequence[WorkItem], result: ExportResult) -> list[WorkItem]:
        """Count one more retry of each document. Documents with none left are parked; the others are returned."""
        left = []
        for work in batch:
            work.owner.handle(work, NotTaken())
            if work.life.history.retries > self._config.max_attempts or self._circuits.on_trial(work):
                self._circuits.record_unknown(work)
                work.owner.handle(work, SetAside(self._circuits.open_for_documents(work, result)))
            else:
                left.append(work)
        return left

    def _requeue(self, batch: Sequence[WorkItem]) -> None:
        """Put documents that were not taken back at the head of their queue, in their order."""
        for work in reversed(self._admissible(batch)):
            if not work.owner.open:
                self._given_back(work, work.owner)
                continue
            self._queues.setdefault(_stream(work), deque()).appendleft(work)
        if batch:
            self._filled.set()

    def _admissible(self, batch: Sequence[WorkItem]) -> list[WorkItem]:
        """The documents that may go on. The others' circuit opened while they waited: they get their result here."""
        left = []
        for work in batch:
            if (result := self._circuits.refuses(work)) is not None:
                work.owner.handle(work, SetAside(result))
            else:
                left.append(work)
        return left

    def _block(self, batch: Sequence[WorkItem], result: ExportResult, kind: SageObject | None = None) -> None:
        """Open the circuit of a connection or of one kind of its documents. They are parked until a trial succeeds."""
        self._open_circuit(batch[0].connection, result, kind)
        self._admissible(batch)

    def _open_circuit(self, connection: Connection, result: ExportResult, kind: SageObject | None = None) -> None:
        self._circuits.open(connection, result, kind)
        self._failures, self._failing_since = 0, None
        for stream, queue in list(self._queues.items()):  # of every entity: each would get the same answer
            if left := self._admissible(queue):
                self._queues[stream] = deque(left)
            else:
                del self._queues[stream]


def _stream(work: WorkItem) -> Stream:
    return endpoint_of(work.connection), work.sage_object, work.plan.step is not None


def _is_heard(answer: Answer) -> bool:
    """Whether Sage itself gave this answer: it is neither silence nor a call that was never sent."""
    match answer:
        case Done():
            return True
        case Refused(error=error):
            return not isinstance(error, TooLateError | NotConnectedError)
        case _:
            return isinstance(answer.error, DuplicateCallError)


def _send_deadline(work: WorkItem) -> float:
    """Latest time at which the call may begin, in monotonic seconds. Minus infinity if the claim is not held."""
    state = work.life.state
    return state.send_deadline if isinstance(state, Claimed) else -math.inf
