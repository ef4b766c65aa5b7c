"""Step 6: look a claim without an outcome up in Sage before anything is sent again (`protocol.reconcile` decides)."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count

import structlog

from consumers.export import metrics
from consumers.export.config import ExportConfig
from consumers.export.protocol.correct import Applied, CorrectionProof, reconcile_correction
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.reconcile import (
    Adopt,
    Evidence,
    NeedsPerson,
    NotProvenYet,
    Reconciliation,
    SendAgain,
    reconcile,
)
from consumers.export.protocol.results import proven
from consumers.export.sending.circuit_breaker import CircuitBreakers
from consumers.export.sending.leases import Leases
from consumers.export.sending.probes import Probes
from consumers.export.sending.sage_access import CredentialsMissingError, SageAccess, endpoint_of
from consumers.export.sparing import SparingLine
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.codes import Code
from domain.idempotency import marker
from domain.outcomes import Outcome
from kafka_client.backoff import full_jitter
from kafka_client.clock import Clock
from sage_client import DocumentKey, ErrorCategory, Login, SageError
from sage_client.errors import PermissionDeniedError

log = structlog.get_logger(__name__)


class DoubtResolver:
    """The in-doubt documents of one company: their call may or may not have been executed.

    Args:
        company_id: The Sage company.
        sage: The client and the credentials.
        circuits: The circuit breakers of the company.
        leases: When each claim's lease ends.
        config: Sizes and delays.
        time: The clock.
    """

    def __init__(
        self,
        company_id: str,
        sage: SageAccess,
        circuits: CircuitBreakers,
        leases: Leases,
        config: ExportConfig,
        time: Clock,
    ) -> None:
        self._client = sage.client
        self._login = sage.login
        self._circuits = circuits
        self._leases = leases
        self._config = config
        self._time = time
        self._probes = Probes(company_id, sage.client, leases, config, time)
        self._due: list[tuple[float, int, WorkItem]] = []
        self._order = count()
        self._added = asyncio.Event()
        self._looking: Sequence[WorkItem] = ()
        """The documents that are being looked up now."""
        self._asked: set[WorkItem] = set()
        """Documents that a person was asked about."""
        self._company_id = company_id
        self._warning = SparingLine()
        """Tells of documents whose doubt is new or has a new reason."""
        self._gauge = metrics.NEED_A_PERSON.labels(company_id)

    def add(self, work: WorkItem) -> None:
        """Take a document in doubt, and look it up as soon as possible; later, if it could not be sent again before."""
        self._leases.see(work.claimed)
        looks = _lookups(work)
        wait = full_jitter(looks, self._config.backoff, self._config.half_open_after, self._time.random) if looks else 0
        self._push(work, self._time.monotonic() + wait)

    async def run(self) -> None:
        """Look up the documents that are due, for ever."""
        while True:
            if not self._due:
                self._added.clear()
                await self._added.wait()
            wait = self._due[0][0] - self._time.monotonic()
            if wait > 0:
                self._added.clear()
                await self._time.until(self._added, wait)
                continue
            if batch := self._take():
                self._looking = batch
                await self._look_up(batch)
                self._looking = ()

    def works(self) -> Iterator[WorkItem]:
        """All documents whose outcome is unknown."""
        for work in (*self._looking, *(work for _, _, work in self._due)):
            if not work.owner.gone and work.doubt is not None:
                yield work

    def _push(self, work: WorkItem, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._order), work))
        self._added.set()

    def release_partition(self, owner: PartitionHandle) -> None:
        """Forget the documents of a partition that is being released: from now on its next owner looks them up."""
        self._asked = {work for work in self._asked if work.owner is not owner}
        self._gauge.set(len(self._asked))

    def _take(self) -> list[WorkItem]:
        """The documents due now, of one place and kind, at most one request's worth.

        Documents of a released partition, and documents that a command replaced, are dropped.
        """
        now = self._time.monotonic()
        batch: list[WorkItem] = []
        others = []
        while self._due and self._due[0][0] <= now and len(batch) < self._config.max_documents_per_request:
            entry = heapq.heappop(self._due)
            work = entry[2]
            if work.owner.gone or work.doubt is None:
                self._asked.discard(work)
                self._gauge.set(len(self._asked))
                continue
            if not batch or _stream(work) == _stream(batch[0]):
                batch.append(work)
            else:
                others.append(entry)
        for entry in others:
            heapq.heappush(self._due, entry)
        return batch

    async def _look_up(self, batch: Sequence[WorkItem]) -> None:
        claims = [work.claimed for work in batch]
        connection = batch[0].connection
        if (result := self._circuits.why(connection)) is not None:
            # Every look-up would be a refused sign-in. The probe tries instead, once for all documents.
            self._all_later(
                batch, f"the circuit of its connection is open: {result.detail}", self._config.half_open_after
            )
            return
        # Read before the query: what Sage executes while it answers must not count as "after the lease".
        lease_ended = [self._leases.left(claim) <= 0 for claim in claims]
        try:
            login = self._login(connection)
            proofs = await (self._prove_corrections if claims[0].corrects else self._prove)(login, batch, lease_ended)
        except CredentialsMissingError as error:
            self._circuits.open(connection, ExportResult(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
            self._all_later(batch, f"it could not be looked up: {error}", self._config.half_open_after)
            return
        except SageError as error:
            if error.kind in (ErrorCategory.AUTH, ErrorCategory.CONFIGURATION) and not isinstance(
                error, PermissionDeniedError
            ):
                self._circuits.open(connection, ExportResult(Outcome.DEFERRED, error.code, str(error)))
            self._all_later(batch, f"it could not be looked up: {error}", self._config.backoff)
            return
        for work, proof in zip(batch, proofs, strict=True):
            if work.doubt is not None:  # else a command took its place while Sage answered
                self._decide(work, proof)
        await self._probes.ask(login, batch)

    async def _prove(
        self, login: Login, batch: Sequence[WorkItem], lease_ended: Sequence[bool]
    ) -> Sequence[Reconciliation]:
        claims = [work.claimed for work in batch]
        found = await self._client.find(
            login, [DocumentKey(claim.sage_object, claim.number, claim.party_id) for claim in claims]
        )
        return [
            reconcile(
                claim,
                there,
                Evidence(
                    marker=marker(work.key),
                    lease_ended=over,
                    number_taken=work.doubt is not None and work.doubt.number_taken,
                    same_revision=work.received.revision == claim.revision,
                    budget=self._config.max_duplicate_answers,
                    retired=work.plan.former_records,
                ),
            )
            for work, claim, there, over in zip(batch, claims, found, lease_ended, strict=True)
        ]

    async def _prove_corrections(
        self, login: Login, batch: Sequence[WorkItem], lease_ended: Sequence[bool]
    ) -> Sequence[CorrectionProof]:
        claims = [work.claimed for work in batch]
        there = await self._client.records(login, claims[0].sage_object, [claim.record_no for claim in claims])
        budget = self._config.max_duplicate_answers
        return [
            reconcile_correction(claim, there.get(claim.record_no), lease_ended=over, budget=budget)
            for claim, over in zip(claims, lease_ended, strict=True)
        ]

    def _all_later(self, batch: Sequence[WorkItem], why: str, first: timedelta) -> None:
        """Schedule the next look-up of a whole batch for one moment, so that it stays one request."""
        looks = max(_lookups(work) for work in batch) + 1
        due = self._time.monotonic() + full_jitter(looks, first, self._config.half_open_after, self._time.random)
        for work in batch:
            if work.doubt is not None:
                self._report(work, why)
                self._push(work, due)

    def _decide(self, work: WorkItem, proof: Reconciliation | CorrectionProof) -> None:
        claim = work.claimed
        match proof:
            case NotProvenYet():
                self._later(work, proof.why)
                return
            case NeedsPerson():
                self._ask_person(work, proof.why)
                return
            case Adopt():
                log.info("a document in doubt was found in sage", key=work.key, record_no=proof.record_no)
            case Applied():
                log.info("a correction in doubt was executed", key=work.key, record_no=claim.record_no)
            case SendAgain():
                log.info("a call in doubt is proven not executed and sent again", key=work.key)
        work.owner.handle(work, proven(claim, proof))
        self._leases.forget(claim)
        self._asked.discard(work)
        self._gauge.set(len(self._asked))

    def _later(self, work: WorkItem, why: str) -> None:
        self._report(work, why)
        wait = full_jitter(_lookups(work), self._config.backoff, self._config.half_open_after, self._time.random)
        # The look-up that can prove absence runs right when the lease ends, and a probe's when it is due.
        moments = (self._leases.left(work.claimed), self._probes.wait(work) or 0)
        self._push(work, self._time.monotonic() + min([wait, *(each for each in moments if each > 0)]))

    def _ask_person(self, work: WorkItem, why: str) -> None:
        """Report once that a person has to act, then look up ever more rarely: the document may still appear."""
        claim, often = work.claimed, 0
        if work in self._asked:
            often = _lookups(work)
        else:
            self._asked.add(work)
            self._gauge.set(len(self._asked))
            log.error("a document needs a person", key=work.key, number=claim.number, party=claim.party_id, why=why)
        work.owner.handle(work, NeedsPerson(why))
        gap = min(self._config.half_open_after * 2 ** min(often, 16), self._config.max_half_open_delay).total_seconds()
        self._push(work, self._time.monotonic() + gap * (0.9 + 0.2 * self._time.random()))

    def _report(self, work: WorkItem, why: str) -> None:
        """Report why a document is in doubt. The first report is published, and its record ends."""
        if work.doubt is not None and why != work.doubt.reason:
            self._warn(work, why)
        work.owner.handle(work, NotProvenYet(why))

    def _warn(self, work: WorkItem, why: str) -> None:
        """Warn of documents in doubt at most once a minute: a broken connection may bring thousands at a time."""
        if not (documents := self._warning.count(self._time.monotonic())):
            return
        claim = work.claimed
        log.warning(
            "documents are in doubt",
            company=self._company_id,
            documents=documents,
            key=work.key,
            number=claim.number,
            party=claim.party_id,
            why=why,
        )


def _lookups(work: WorkItem) -> int:
    """Number of look-ups that proved nothing."""
    return work.doubt.lookups if work.doubt is not None else 0


def _stream(work: WorkItem) -> tuple[object, ...]:
    """Key of documents that one look-up may hold: one place, and one kind, because the user may not see every kind."""
    return *endpoint_of(work.connection), work.claimed.sage_object, work.claimed.corrects
