"""Connections that take nothing: set aside with one alarm, tried by a probe, released when it works (promise 5).

=========  =============================================================================================================
aside      its documents are parked; a probe, which reads and books nothing, is sent now and then
trial      the probe succeeded, which proves a sign-in but not that documents are taken: one document is let through,
           the others stay parked and are told nothing
released   that document was answered: what is parked comes back. Not taken, or in doubt: aside again, for longer
=========  =============================================================================================================

Set aside is a connection, or one kind of documents of it where Sage refuses the user a permission: the other passes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace

import structlog

from consumers.engine import metrics
from consumers.engine.knobs import Knobs, Time
from consumers.engine.places import CredentialsMissingError, Sage, blocker_of, kind_blocker_of, later_blocker_of
from consumers.engine.work import Verdict, Work
from domain.documents import Connection, SageObject
from domain.keys import ConnectionKey
from sage_client import SageError

log = structlog.get_logger(__name__)

LOOK_AGAIN = 0.02
"""Seconds between two looks for a document that can be the trial, while some are on their way."""


@dataclass(frozen=True, slots=True)
class Wakes:
    """How documents that wait for something are brought back."""

    all: Callable[[str], None]
    """All that wait for the blocker."""
    one: Callable[[str], bool]
    """One of them; False if none is left that could be."""
    coming: Callable[[str], bool]
    """Whether documents are on their way to wait for the blocker: told to, and not durable yet."""


@dataclass(slots=True, eq=False)
class _Aside:
    verdict: Verdict
    """Of every document that comes, but for what it waits for."""
    trial: Work | None = None
    wanted: bool = False
    """True while the next document that comes is let through."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    worked: bool = False


class SetAside:
    """The connections of one company that are set aside, and why."""

    def __init__(self, company_id: str, sage: Sage, wakes: Wakes, knobs: Knobs, time: Time) -> None:
        self._sage = sage
        self._wakes = wakes
        self._knobs = knobs
        self._time = time
        self._asides: dict[str, _Aside] = {}
        self._in_a_row: dict[str, int] = {}
        """How often each was set aside, or failed its trial, without anything having worked in between."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._gauge = metrics.SET_ASIDE.labels(company_id)

    def __contains__(self, blocker: str) -> bool:
        """Whether documents still have to wait for this."""
        return blocker in self._asides

    def why(self, connection: Connection) -> Verdict | None:
        """Why the connection as a whole is set aside; None if it is not."""
        aside = self._asides.get(blocker_of(connection))
        return aside.verdict if aside is not None else None

    def refuses(self, work: Work) -> Verdict | None:
        """The verdict of a document that may not go on now; None for one that may, such as one on trial."""
        for blocker, aside in self._of(work):
            if aside.trial is not work:
                return _for_work(aside.verdict, work, blocker)
        return None

    def admit(self, work: Work) -> Verdict | None:
        """The same for a document that comes; where a trial is wanted, it is the one."""
        # One on trial comes again: between two steps of a correction it was elsewhere.
        refusing = [
            (blocker, aside) for blocker, aside in self._of(work) if not aside.wanted and aside.trial is not work
        ]
        if refusing:
            return _for_work(refusing[0][1].verdict, work, refusing[0][0])
        for _, aside in self._of(work):
            if aside.wanted:
                aside.wanted, aside.trial = False, work
        return None

    def on_trial(self, work: Work) -> bool:
        """Whether much hangs on this document."""
        return any(aside.trial is work for _, aside in self._of(work))

    def answered(self, work: Work) -> None:
        """Sage took this document up: it did, or refused it for what it says."""
        for blocker, aside in self._of(work):
            self._settle(blocker, aside, work, worked=True)
        for blocker in (blocker_of(work.connection), kind_blocker_of(work.connection, work.sage_object)):
            if blocker not in self._asides:
                self._in_a_row.pop(blocker, None)

    def unclear(self, work: Work) -> None:
        """What became of this document is not known: on trial, that is no success."""
        for blocker, aside in self._of(work):
            self._settle(blocker, aside, work, worked=False)

    def add(self, connection: Connection, verdict: Verdict, kind: SageObject | None = None) -> None:
        """Set a connection aside, or one kind of its documents, once; a trial that is running has failed."""
        blocker = blocker_of(connection) if kind is None else kind_blocker_of(connection, kind)
        if (aside := self._asides.get(blocker)) is not None:
            self._settle(blocker, aside, aside.trial, worked=False)
            return
        log.error("sage connection set aside", blocker=blocker, code=verdict.code, detail=verdict.detail)
        self._start(blocker, self._try_again(blocker, self._put(blocker, verdict), connection))

    def later(self, work: Work, verdict: Verdict) -> Verdict:
        """A document that cannot be posted now while others can: its verdict. It comes back after a while."""
        blocker = later_blocker_of(work.connection)
        if blocker not in self._asides:
            log.warning("others are posted but not these documents; they are parked", blocker=blocker, key=work.key)
            self._put(blocker, verdict)
            self._start(blocker, self._wait(blocker))
        return _for_work(verdict, work, blocker)

    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """The probes that run, and those that failed by a defect of ours."""
        return tuple(self._tasks)

    def _of(self, work: Work) -> Iterator[tuple[str, _Aside]]:
        for blocker in (blocker_of(work.connection), kind_blocker_of(work.connection, work.sage_object)):
            if (aside := self._asides.get(blocker)) is not None:
                yield blocker, aside

    def _put(self, blocker: str, verdict: Verdict) -> _Aside:
        aside = self._asides[blocker] = _Aside(verdict)
        self._in_a_row[blocker] = self._in_a_row.get(blocker, 0) + 1
        self._gauge.set(len(self._asides))
        return aside

    def _settle(self, blocker: str, aside: _Aside, work: Work | None, *, worked: bool) -> None:
        if work is not None and aside.trial is work:
            aside.trial, aside.worked = None, worked
            aside.settled.set()
            if worked:
                self._release(blocker)  # at once: what comes next need not wait for the one who waits

    def _release(self, blocker: str) -> None:
        if self._asides.pop(blocker, None) is not None:
            log.info("sage connection works again", blocker=blocker)
            self._gauge.set(len(self._asides))
            self._wakes.all(blocker)

    def _start(self, blocker: str, trying: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(trying, name=f"probe {blocker}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:  # one that failed stays, for the lane to report
            self._tasks.discard(task)

    async def _gap(self, blocker: str) -> None:
        often = min(self._in_a_row[blocker] - 1, 16)
        gap = min(self._knobs.probe_every * 2**often, self._knobs.probe_cap).total_seconds()
        await self._time.sleep(gap * (0.9 + 0.2 * self._time.random()))

    async def _wait(self, blocker: str) -> None:
        await self._gap(blocker)
        self._release(blocker)

    async def _try_again(self, blocker: str, aside: _Aside, connection: Connection) -> None:
        while True:
            await self._gap(blocker)
            try:
                await self._sage.client.probe(self._sage.login(connection))
            except (SageError, CredentialsMissingError) as error:
                log.info("sage connection still set aside", blocker=blocker, error=str(error))
                continue
            if await self._trial(blocker, aside):
                return
            self._in_a_row[blocker] += 1
            log.info("sage connection still set aside", blocker=blocker, error="its trial document was not taken")

    async def _trial(self, blocker: str, aside: _Aside) -> bool:
        """Let one document through; True when the connection was released."""
        aside.settled.clear()
        aside.wanted, aside.worked = True, False
        while aside.wanted:  # nobody sets an event
            if self._wakes.one(blocker):
                # One that was mapped to something else is no trial; there may be thousands, and heartbeats go on.
                await asyncio.sleep(0)
            elif self._wakes.coming(blocker):
                # Kafka is slower than the probe. Released now, the whole backlog would be sent on a sign-in alone.
                await self._time.sleep(LOOK_AGAIN)
            else:
                break
        if aside.wanted:  # nothing waits: what comes first is the trial of what comes next
            aside.wanted = False
            self._release(blocker)
            return True
        # One that was let go with its partition never settles.
        await self._time.until(aside.settled, (self._knobs.send_within + self._knobs.exchange).total_seconds())
        aside.trial = None
        return aside.worked


def _for_work(verdict: Verdict, work: Work, blocker: str) -> Verdict:
    """The verdict with what this document waits for: the connection works again, or is set up otherwise."""
    blocked_by = (blocker, ConnectionKey(work.connection.subsidiary_id).canonical)
    return replace(verdict, blocked_by=blocked_by, parked=True)
