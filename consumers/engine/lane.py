"""A lane per Sage company: its queue, its requests, its troubles. One customer's trouble stays his (promise 5).

Two stages with one batch between them: while a request is on its way, the claims of the next are made durable.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog

from consumers.engine import metrics
from consumers.engine.aside import SetAside, for_work
from consumers.engine.directory import PartyDirectory
from consumers.engine.doubt import Doubts
from consumers.engine.knobs import Knobs, Time, jittered
from consumers.engine.ledger import Claim
from consumers.engine.places import CredentialsMissingError, Place, Sage, place_of
from consumers.engine.verdicts import posted, refused, sage_answer
from consumers.engine.work import Owner, Verdict, Work
from domain.codes import Code
from domain.identity import control_id
from domain.outcomes import Outcome, Rejected
from sage_client import Answer, Call, Done, Kind, Login, Refused, SageError
from sage_client.errors import TooLateError

log = structlog.get_logger(__name__)

CREATE = "create"
"""The operation in a control id; corrections will have names of their own."""


class Lane:
    """Everything that is sent to one Sage company."""

    def __init__(
        self,
        company_id: str,
        sage: Sage,
        on_release: Callable[[str], None],
        knobs: Knobs,
        time: Time,
    ) -> None:
        self.company_id = company_id
        self._client = sage.client
        self._login = sage.login
        self._knobs = knobs
        self._time = time
        self._directory = PartyDirectory(sage.client, knobs, time)
        self._queues: dict[Place, deque[Work]] = {}
        self._filled = asyncio.Event()
        self._claimed: asyncio.Queue[list[Work]] = asyncio.Queue(maxsize=1)
        self._running_time = knobs.exchange + knobs.execution
        """What a lease holds beyond the moment in which its call begins at the latest."""
        self._hurry = asyncio.Event()
        self._failures = 0
        self._failing_since: float | None = None
        self._aside = SetAside(sage, on_release, knobs, time)
        self._doubts = Doubts(sage, self._aside, knobs, time)
        self._tasks = [
            asyncio.create_task(self._run_claims(), name=f"lane {company_id} claims"),
            *(
                asyncio.create_task(self._run_posts(), name=f"lane {company_id} posts")
                for _ in range(knobs.requests_in_flight)
            ),
            asyncio.create_task(self._doubts.run(), name=f"lane {company_id} doubts"),
        ]

    def submit(self, work: Work) -> None:
        """Take a mapped document. It is posted, or parked if the company takes nothing at present."""
        if (verdict := self._aside.why(work.connection)) is not None:
            work.owner.finish(work, for_work(verdict, work))
            return
        self._queues.setdefault(place_of(work.connection), deque()).append(work)
        self._filled.set()

    def doubt(self, work: Work) -> None:
        """Take a document whose claim has no outcome: it is looked up before anything is sent."""
        self._doubts.add(work)

    def give_back(self, owner: Owner) -> None:
        """Drop the owner's documents that are not on their way to Sage: it is being given up."""
        self._hurry.set()  # whoever waits to send again looks up: some of it may not be sent any more
        self._hurry = asyncio.Event()
        for place, queue in list(self._queues.items()):
            kept = deque(work for work in queue if not self._given_back(work, owner))
            self._queues[place] = kept
        waiting = [self._claimed.get_nowait() for _ in range(self._claimed.qsize())]
        for batch in waiting:
            self._claimed.put_nowait([work for work in batch if not self._given_back(work, owner)])

    @staticmethod
    def _given_back(work: Work, owner: Owner) -> bool:
        if work.owner is not owner:
            return False
        if work.claim is not None:
            owner.let_go(work)
        return True

    def holds(self, blocker: str) -> bool:
        """Whether documents still have to wait for this connection."""
        return blocker in self._aside

    def failure(self) -> BaseException | None:
        """What ended one of the lane's tasks, if anything did: a defect of ours, never an answer of Sage's."""
        for task in (*self._tasks, *self._aside.tasks()):
            if task.done() and not task.cancelled():
                return task.exception()
        return None

    async def close(self) -> None:
        """Stop at once; whoever waits for an outcome finds the claim in the ledger."""
        tasks = [*self._tasks, *self._aside.tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Stage one: parties and claims.

    async def _run_claims(self) -> None:
        while True:
            batch = await self._next_batch()
            try:
                login = self._login(batch[0].connection)
                batch = await self._find_parties(login, batch)
            except CredentialsMissingError as error:
                self._block(batch, Verdict(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
                continue
            except SageError as error:
                await self._not_taken(batch, error)
                continue
            if batch := await self._claim(batch):
                await self._claimed.put(batch)

    async def _next_batch(self) -> list[Work]:
        """The next documents of one place, in order, without those whose partition was given up."""
        while True:
            for place in list(self._queues):
                queue = self._queues.pop(place)
                batch: list[Work] = []
                keys: set[str] = set()
                lines = 0
                while queue and len(batch) < self._knobs.batch:
                    if queue[0].key in keys:
                        break  # the same document from two partitions: it may not be in one request twice
                    lines += len(queue[0].mapped.lines)
                    if batch and lines > self._knobs.lines:
                        break
                    work = queue.popleft()
                    if work.owner.open:
                        batch.append(work)
                        keys.add(work.key)
                    elif work.claim is not None:
                        work.owner.let_go(work)
                if queue:
                    self._queues[place] = queue  # at the end: the places of a company take turns
                if batch:
                    metrics.WAITING.labels(self.company_id).set(sum(map(len, self._queues.values())))
                    return batch
            self._filled.clear()
            await self._filled.wait()

    async def _find_parties(self, login: Login, batch: Sequence[Work]) -> list[Work]:
        # All of them first: a list that cannot be read decides nothing, for none of the batch.
        parties = [await self._directory.find(login, work.mapped.party) for work in batch]
        found = []
        for work, party in zip(batch, parties, strict=True):
            if isinstance(party, Rejected):
                work.owner.finish(work, Verdict(Outcome.REJECTED, party.code, party.detail))
            else:
                work.party_id = party
                found.append(work)
        return found

    async def _claim(self, batch: Iterable[Work]) -> list[Work]:
        """Make the claims of a batch durable, each partition's in one transaction, all partitions side by side."""
        lease_until = self._time.now() + self._knobs.send_within + self._running_time
        by_owner: dict[int, list[tuple[Work, Claim]]] = {}
        for work in batch:
            document = work.mapped
            connection = document.connection
            claim = Claim(
                revision=work.received.revision,
                control_id=control_id(
                    connection.company_id,
                    connection.entity_id,
                    work.key,
                    work.received.revision,
                    CREATE,
                    work.attempt,
                ),
                attempt=work.attempt,
                connection=connection,
                sage_object=document.sage_object,
                number=document.number,
                party_id=work.party_id or "",
                total=document.total,
                lease_until=lease_until,
            )
            by_owner.setdefault(id(work.owner), []).append((work, claim))
        owned = list(by_owner.values())
        durable = await asyncio.gather(*(claims[0][0].owner.claim(claims) for claims in owned))
        claimed = []
        for claims, kept in zip(owned, durable, strict=True):
            for work, claim in claims if kept else ():
                work.claim = claim
                claimed.append(work)
        return claimed

    # Stage two: the call.

    async def _run_posts(self) -> None:
        while True:
            batch = [work for work in await self._claimed.get() if not work.owner.gone]
            if not batch:
                continue
            try:
                login = self._login(batch[0].connection)
            except CredentialsMissingError as error:
                self._block(batch, Verdict(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
            else:
                await self._post(login, batch)

    async def _post(self, login: Login, batch: Sequence[Work]) -> None:
        metrics.REQUESTS.labels(self.company_id, CREATE).inc()
        metrics.BATCH.observe(len(batch))
        calls = [Call(work.claimed.control_id, work.mapped, work.claimed.party_id) for work in batch]
        with metrics.REQUEST_SECONDS.labels(self.company_id).time():
            # The client looks at the time right before the bytes leave: a worker that slept, or had to sign in first,
            # must not speak when somebody else may have proven the document absent.
            soonest = min(work.claimed.lease_until for work in batch)
            answers = await self._client.post(login, calls, not_after=soonest - self._running_time)
        not_taken: dict[Kind | None, list[tuple[SageError, Work]]] = {}
        late: list[Work] = []
        for work, answer in zip(batch, answers, strict=True):
            if isinstance(error := self._settle(work, answer), TooLateError):
                late.append(work)
            elif error is not None:
                not_taken.setdefault(error.kind, []).append((error, work))
        self._requeue(late)  # its claim aged while something else was waited for: no trouble of the company's
        if sum(map(len, not_taken.values())) + len(late) < len(batch):
            self._failures, self._failing_since = 0, None
            self._aside.worked(batch[0].connection)
        # One trouble a kind, however many functions of the request tell of it: one wait, or one alarm.
        for troubles in not_taken.values():
            await self._not_taken([work for _, work in troubles], troubles[0][0])

    def _settle(self, work: Work, answer: Answer) -> SageError | None:
        """Give one document its verdict; the error if the company as a whole did not take it."""
        claim = work.claimed
        match answer:
            case Done():
                work.owner.finish(work, posted(claim, answer.record_no))
            case Refused(error=error) if error.code is Code.SAGE_DUPLICATE_NUMBER:
                work.number_taken = True  # by whom? Perhaps by ourselves, before the ledger's memory
                self._doubts.add(work)
            case Refused(error=error) if error.kind in (Kind.DATA, Kind.BUG):
                work.owner.finish(work, refused(claim, error))
            case Refused(error=error):
                return error
            case _:
                self._doubts.add(work)
        return None

    # Trouble.

    async def _not_taken(self, batch: Sequence[Work], error: SageError) -> None:
        """The company took none of these, for certain: wait and send again, or set the company aside."""
        now = self._time.monotonic()
        self._failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        verdict = Verdict(Outcome.DEFERRED, error.code, str(error), sage=sage_answer(error))
        given_up = now - self._failing_since > self._knobs.give_up.total_seconds()
        if given_up or error.kind not in (Kind.RETRY, Kind.THROTTLED):
            self._block(batch, verdict)
            return
        wait = jittered(self._failures, self._knobs.backoff, self._knobs.backoff_cap, self._time.random)
        if error.retry_after is not None:
            wait = max(wait, min(error.retry_after, self._knobs.retry_after_cap.total_seconds()))
        log.warning(
            "sage did not take a request; it is sent again",
            company=self.company_id,
            documents=len(batch),
            wait_seconds=round(wait, 2),
            error=str(error),
        )
        self._requeue(batch)
        await self._time.until(self._hurry, wait)

    def _requeue(self, batch: Sequence[Work]) -> None:
        """Put documents that were not taken back at the head of their queue, in their order."""
        for work in reversed(batch):
            if not work.owner.open:
                work.owner.let_go(work)
                continue
            self._queues.setdefault(place_of(work.connection), deque()).appendleft(work)
        if batch:
            self._filled.set()

    def _block(self, batch: Sequence[Work], verdict: Verdict) -> None:
        """Set a connection aside: its documents are parked until a probe releases them."""
        connection = batch[0].connection
        self._aside.add(connection, verdict)
        self._failures, self._failing_since = 0, None
        queued = self._queues.pop(place_of(connection), deque())
        for work in [*batch, *queued]:
            work.owner.finish(work, for_work(verdict, work))
