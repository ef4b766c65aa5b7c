"""Learn the outcome of a call in doubt by making the same call once more, under its control id. Off by default.

Sage refuses a control id that it has executed, so its answer ends most doubts in seconds instead of a whole lease: a
refusal that names the control id proves the first call, and a success is the document. What no source says is how Sage
behaves while the first call still waits or runs. If it executes both, the document stands twice; nothing here can
prevent that, but the look-up after a success tells it. See docs/decisions/0093, and docs/operation.md for how to
measure it in a sandbox.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from consumers.export import metrics
from consumers.export.config import ExportConfig
from consumers.export.protocol.calls import call_of, may_be_repeated
from consumers.export.protocol.document_state import Claim
from consumers.export.protocol.lifecycle import SaidExecuted
from consumers.export.protocol.reconcile import standing_of
from consumers.export.protocol.results import executed
from consumers.export.sending.leases import Leases
from consumers.export.work_item import WorkItem
from domain.idempotency import marker
from kafka_client.clock import Clock
from sage_client import EXECUTED_BEFORE, DocumentKey, Done, Login, SageClient, SageError, in_a_word

log = structlog.get_logger(__name__)

MOST_PROBES = 3
"""Probes of one call, at most: each renews its lease, and a doubt must come to its end."""


class Probes:
    """The probes of one company.

    Args:
        company_id: The Sage company.
        client: The client.
        leases: The leases of the company's claims.
        config: Sizes and delays.
        time: The clock.
    """

    def __init__(self, company_id: str, client: SageClient, leases: Leases, config: ExportConfig, time: Clock) -> None:
        self._company_id = company_id
        self._client = client
        self._leases = leases
        self._config = config
        self._time = time

    def wait(self, work: WorkItem) -> float | None:
        """Seconds until the call of a document in doubt may be probed. None: it never is."""
        after, doubt = self._config.probe_after, work.doubt
        if after is None or doubt is None or doubt.probes >= MOST_PROBES or not may_be_repeated(work):
            return None
        return max(0.0, after.total_seconds() * 2.0**doubt.probes - self._leases.age(doubt.claim))

    async def ask(self, login: Login, batch: Sequence[WorkItem]) -> None:
        """Make the calls of documents in doubt once more, those whose time has come. Sage was asked for them just now.

        Args:
            login: The login whose session is used.
            batch: Documents of one place and kind, at most one request's worth.
        """
        due = self._fitting([work for work in batch if self.wait(work) == 0])
        lease_until = self._time.now() + self._config.lease
        begin_by = self._time.monotonic() + self._config.send_deadline.total_seconds()
        if not due or not await self._renewed(due, lease_until):
            return
        claims = {work: work.claimed for work in due if work.doubt is not None}
        if len(claims) < len(due):
            return  # a command took the place of one of them meanwhile
        answers = await self._client.post(
            login,
            [call_of(work) for work in due],
            not_after=lease_until - self._config.request_timeout - self._config.max_execution_time,
            wanted=lambda: self._time.monotonic() <= begin_by and all(map(_is_ours, due)),
            resent=frozenset(claim.control_id for claim in claims.values()),
        )
        made = []
        for work, answer in zip(due, answers, strict=True):
            word = in_a_word(answer)
            metrics.PROBES.labels(self._company_id, word).inc()
            if isinstance(answer, Done):
                made.append((work, answer.record_no))
            elif word == EXECUTED_BEFORE:
                work.owner.handle(work, SaidExecuted())
        log.info("calls in doubt were made once more", company=self._company_id, documents=len(due), posted=len(made))
        if made:
            await self._end(login, made, claims)

    def _fitting(self, due: Sequence[WorkItem]) -> list[WorkItem]:
        """The first documents whose lines fit in one request."""
        fitting: list[WorkItem] = []
        lines = 0
        for work in due:
            lines += work.lines
            if fitting and lines > self._config.max_lines_per_request:
                break
            fitting.append(work)
        return fitting

    async def _renewed(self, due: Sequence[WorkItem], lease_until: datetime) -> bool:
        """Write the claims with a new lease: what is sent now may be executed until that ends."""
        by_owner: dict[int, list[tuple[WorkItem, Claim]]] = {}
        for work in due:
            claim = replace(work.claimed, lease_until=lease_until)
            self._leases.see(claim)
            by_owner.setdefault(id(work.owner), []).append((work, claim))
        # One partition after the other: if one cannot write now, the others' leases are longer than they need to be.
        for claims in by_owner.values():
            former = [work.claimed for work, _ in claims]
            if not await claims[0][0].owner.renew(claims):
                return False
            for claim in former:
                self._leases.forget(claim)
        return True

    async def _end(self, login: Login, made: Sequence[tuple[WorkItem, str]], claims: dict[WorkItem, Claim]) -> None:
        """End the documents that a probe posted, except those that Sage now shows more than once."""
        keys = [DocumentKey(claims[work].sage_object, claims[work].number, claims[work].party_id) for work, _ in made]
        try:
            shown = await self._client.find(login, keys)
        except SageError:
            shown = [[] for _ in made]
        for (work, record_no), there in zip(made, shown, strict=True):
            claim = claims[work]
            if len(standing_of(claim, there, marker(work.key))) > 1:
                metrics.PROBES.labels(self._company_id, "posted twice").inc()
                log.error("sage executed a call and its repetition", key=work.key, number=claim.number)
            elif work.doubt is not None:
                work.owner.handle(work, executed(claim, record_no))
                self._leases.forget(claim)


def _is_ours(work: WorkItem) -> bool:
    """Whether the document is still in doubt, and in a partition of this worker's."""
    return work.doubt is not None and work.owner.open
