"""Circuit breakers for Sage connections that take nothing (promise 5).

=========  =============================================================================================================
open       one alarm; the connection's documents are parked; a probe, which reads and books nothing, is sent now and
           then
half-open  the probe succeeded, which proves a sign-in but not that documents are taken: one document is the trial, the
           others stay parked and no result is published for them
closed     the trial document was answered: the parked documents are retried. If the trial was not taken or is in doubt,
           the circuit opens again, for longer
=========  =============================================================================================================

A circuit covers a connection, or one kind of its documents if Sage refuses the user a permission: other kinds pass.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace

import structlog

from consumers.export import metrics
from consumers.export.config import ExportConfig
from consumers.export.protocol.export_result import ExportResult
from consumers.export.sending.sage_access import (
    CredentialsMissingError,
    SageAccess,
    blocker_of,
    kind_blocker_of,
    later_blocker_of,
)
from consumers.export.work_item import WorkItem
from domain.documents import Connection, SageObject
from domain.settings.keys import ConnectionKey
from kafka_client.clock import Clock
from sage_client import SageError

log = structlog.get_logger(__name__)

LOOK_AGAIN = 0.02
"""Seconds between two looks for a trial document, while documents are about to be parked."""


@dataclass(frozen=True, slots=True)
class ParkedDocuments:
    """Callbacks that retry parked documents."""

    all: Callable[[str], None]
    """Retry all documents that wait for the blocker."""
    one: Callable[[str], bool]
    """Retry one document that waits for the blocker. Returns False if there is none that can be retried."""
    some: Callable[[str, int], int]
    """Bring back up to so many documents that wait for the blocker, the oldest of each partition first. Returns how
    many came back."""
    left: Callable[[str], bool]
    """Whether documents wait for the blocker that did not come back yet."""
    coming: Callable[[str], bool]
    """Whether documents are about to be parked for the blocker: decided, but not durable yet."""


@dataclass(slots=True, eq=False)
class _Circuit:
    result: ExportResult
    """The result given to every document while the circuit is open (its blocker is filled in per document)."""
    trial: WorkItem | None = None
    """The trial document of a half-open circuit. None if there is none yet, or if it has ended."""
    awaiting_trial: bool = False
    """True while the circuit is half-open without a trial: the next document becomes the trial."""
    trial_done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the trial has ended."""
    trial_passed: bool = False
    """Whether Sage answered the trial document."""


class CircuitBreakers:
    """The open circuits of one company, and the reason of each.

    Args:
        company_id: The Sage company.
        sage: The client and the credentials, for probes.
        wakes: Callbacks that retry parked documents.
        config: Delays between probes.
        time: The clock.
    """

    def __init__(
        self, company_id: str, sage: SageAccess, wakes: ParkedDocuments, config: ExportConfig, time: Clock
    ) -> None:
        self._sage = sage
        self._wakes = wakes
        self._config = config
        self._time = time
        self._circuits: dict[str, _Circuit] = {}
        self._in_a_row: dict[str, int] = {}
        """Times in a row that each circuit opened or failed its trial, without any document answered in between."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._gauge = metrics.OPEN_CIRCUITS.labels(company_id)

    def __contains__(self, blocker: str) -> bool:
        """Whether the circuit of this blocker is open, so that documents still have to wait."""
        return blocker in self._circuits

    def why(self, connection: Connection) -> ExportResult | None:
        """The result that the connection's open circuit gives. None if the connection's circuit is closed."""
        circuit = self._circuits.get(blocker_of(connection))
        return circuit.result if circuit is not None else None

    def refuses(self, work: WorkItem) -> ExportResult | None:
        """Check a document before it goes on. Returns its result if a circuit refuses it; else None, as for a trial."""
        for blocker, circuit in self._of(work):
            if circuit.trial is not work:
                return _blocked_result(circuit.result, work, blocker)
        return None

    def admit(self, work: WorkItem) -> ExportResult | None:
        """Let a document in, or refuse it. In the half-open state the first document let in becomes the trial.

        Returns:
            The result of a refused document; None if the document may go on.
        """
        # A trial document may come twice: between two steps of a correction it is in another queue.
        refusing = [
            (blocker, circuit)
            for blocker, circuit in self._of(work)
            if not circuit.awaiting_trial and circuit.trial is not work
        ]
        if refusing:
            return _blocked_result(refusing[0][1].result, work, refusing[0][0])
        for _, circuit in self._of(work):
            if circuit.awaiting_trial:
                circuit.awaiting_trial, circuit.trial = False, work
        return None

    def on_trial(self, work: WorkItem) -> bool:
        """Whether this document is the trial of a half-open circuit."""
        return any(circuit.trial is work for _, circuit in self._of(work))

    def record_success(self, work: WorkItem) -> None:
        """Record that Sage took this document up: executed it, or refused it for its content. A trial then succeeds."""
        for blocker, circuit in self._of(work):
            self._settle(blocker, circuit, work, worked=True)
        for blocker in (blocker_of(work.connection), kind_blocker_of(work.connection, work.sage_object)):
            if blocker not in self._circuits:
                self._in_a_row.pop(blocker, None)

    def record_unknown(self, work: WorkItem) -> None:
        """Record that Sage did not take this document up, or may not have. A trial then fails."""
        for blocker, circuit in self._of(work):
            self._settle(blocker, circuit, work, worked=False)

    def open(self, connection: Connection, result: ExportResult, kind: SageObject | None = None) -> None:
        """Open the circuit of a connection, or of one kind of its documents. If open, its running trial has failed."""
        blocker = blocker_of(connection) if kind is None else kind_blocker_of(connection, kind)
        if (circuit := self._circuits.get(blocker)) is not None:
            self._settle(blocker, circuit, circuit.trial, worked=False)
            return
        log.error("circuit opened for a sage connection", blocker=blocker, code=result.code, detail=result.detail)
        self._start(blocker, self._try_again(blocker, self._put(blocker, result), connection))

    def open_for_documents(self, work: WorkItem, result: ExportResult) -> ExportResult:
        """The result for a document that cannot be posted now while others can: parked, and retried after a delay."""
        blocker = later_blocker_of(work.connection)
        if blocker not in self._circuits:
            log.warning("others are posted but not these documents; they are parked", blocker=blocker, key=work.key)
            self._put(blocker, result)
            self._start(blocker, self._wait(blocker))
        return _blocked_result(result, work, blocker)

    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """The running probes, and the probes that failed by a defect of ours."""
        return tuple(self._tasks)

    def _of(self, work: WorkItem) -> Iterator[tuple[str, _Circuit]]:
        for blocker in (blocker_of(work.connection), kind_blocker_of(work.connection, work.sage_object)):
            if (circuit := self._circuits.get(blocker)) is not None:
                yield blocker, circuit

    def _put(self, blocker: str, result: ExportResult) -> _Circuit:
        circuit = self._circuits[blocker] = _Circuit(result)
        self._in_a_row[blocker] = self._in_a_row.get(blocker, 0) + 1
        self._gauge.set(len(self._circuits))
        return circuit

    def _settle(self, blocker: str, circuit: _Circuit, work: WorkItem | None, *, worked: bool) -> None:
        if work is not None and circuit.trial is work:
            circuit.trial, circuit.trial_passed = None, worked
            circuit.trial_done.set()
            if worked:
                self._release(blocker)  # at once, so that the next document need not wait for the probe task

    def _release(self, blocker: str) -> None:
        if self._circuits.pop(blocker, None) is not None:
            log.info("sage connection works again", blocker=blocker)
            self._gauge.set(len(self._circuits))
            self._wakes.all(blocker)

    def _start(self, blocker: str, trying: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(trying, name=f"probe {blocker}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:  # a failed task stays in the set, for the lane to report
            self._tasks.discard(task)

    async def _gap(self, blocker: str) -> None:
        often = min(self._in_a_row[blocker] - 1, 16)
        gap = min(self._config.half_open_after * 2**often, self._config.max_half_open_delay).total_seconds()
        await self._time.sleep(gap * (0.9 + 0.2 * self._time.random()))

    async def _wait(self, blocker: str) -> None:
        await self._gap(blocker)
        self._release(blocker)

    async def _try_again(self, blocker: str, circuit: _Circuit, connection: Connection) -> None:
        while True:
            await self._gap(blocker)
            try:
                await self._sage.client.probe(self._sage.login(connection))
            except (SageError, CredentialsMissingError) as error:
                log.info("circuit of a sage connection still open", blocker=blocker, error=str(error))
                continue
            if await self._trial(blocker, circuit):
                return
            self._in_a_row[blocker] += 1
            log.info(
                "circuit of a sage connection still open", blocker=blocker, error="its trial document was not taken"
            )

    async def _trial(self, blocker: str, circuit: _Circuit) -> bool:
        """Let one trial document through. Returns True if the circuit was closed."""
        circuit.trial_done.clear()
        circuit.awaiting_trial, circuit.trial_passed = True, False
        while circuit.awaiting_trial:  # polling: `admit` sets no event
            if self._wakes.one(blocker):
                # The document may now be mapped to another connection, so it is no trial. There may be thousands of
                # these: let heartbeats run in between.
                await asyncio.sleep(0)
            elif self._wakes.coming(blocker):
                # Documents are about to be parked, but Kafka is slower than the probe. If the circuit closed now, the
                # whole backlog would be sent on the strength of a sign-in alone.
                await self._time.sleep(LOOK_AGAIN)
            else:
                break
        if circuit.awaiting_trial:  # no document waits, so there is nothing to try: close the circuit
            circuit.awaiting_trial = False
            self._release(blocker)
            return True
        # If the trial's partition was revoked, no answer will come: wait only as long as a call may take.
        await self._time.until(
            circuit.trial_done, (self._config.send_deadline + self._config.request_timeout).total_seconds()
        )
        circuit.trial = None
        return circuit.trial_passed


def _blocked_result(result: ExportResult, work: WorkItem, blocker: str) -> ExportResult:
    """The result with this document's blockers: the circuit, or a new connection setting, releases the document."""
    blocked_by = (blocker, ConnectionKey(work.connection.subsidiary_id).canonical)
    return replace(result, blocked_by=blocked_by)
