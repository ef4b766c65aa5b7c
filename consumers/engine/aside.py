"""Connections that take nothing: set aside with one alarm, tried by a probe, released when it succeeds (promise 5)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from consumers.engine.knobs import Knobs, Time
from consumers.engine.places import CredentialsMissingError, Sage, blocker_of
from consumers.engine.work import Verdict, Work
from domain.documents import Connection
from domain.keys import ConnectionKey
from sage_client import SageError

log = structlog.get_logger(__name__)


def for_work(verdict: Verdict, work: Work) -> Verdict:
    """The verdict with what this document waits for: the connection works again, or is set up otherwise."""
    connection = work.connection
    blocked_by = (blocker_of(connection), ConnectionKey(connection.subsidiary_id).canonical)
    return replace(verdict, blocked_by=blocked_by, parked=True)


class SetAside:
    """The connections of one company that are set aside, and why."""

    def __init__(self, sage: Sage, on_release: Callable[[str], None], knobs: Knobs, time: Time) -> None:
        self._sage = sage
        self._on_release = on_release
        self._knobs = knobs
        self._time = time
        self._why: dict[str, Verdict] = {}
        self._in_a_row: dict[str, int] = {}
        """How often each was set aside without anything having worked in between."""
        self._probes: set[asyncio.Task[None]] = set()

    def __contains__(self, blocker: str) -> bool:
        """Whether documents still have to wait for this connection."""
        return blocker in self._why

    def why(self, connection: Connection) -> Verdict | None:
        """The verdict of every document that comes for the connection; None if it is not set aside."""
        return self._why.get(blocker_of(connection))

    def add(self, connection: Connection, verdict: Verdict) -> None:
        """Set a connection aside, once, with the verdict of its documents but for what they wait for (`for_work`)."""
        blocker = blocker_of(connection)
        if blocker not in self._why:
            log.error("sage connection set aside", blocker=blocker, code=verdict.code, detail=verdict.detail)
            self._why[blocker] = verdict
            self._in_a_row[blocker] = self._in_a_row.get(blocker, 0) + 1
            probe = asyncio.create_task(self._probe(blocker, connection), name=f"probe {blocker}")
            self._probes.add(probe)
            probe.add_done_callback(self._probed)

    def _probed(self, probe: asyncio.Task[None]) -> None:
        if probe.cancelled() or probe.exception() is None:  # one that failed stays, for the lane to report
            self._probes.discard(probe)

    def worked(self, connection: Connection) -> None:
        """A document of the connection was answered."""
        self._in_a_row.pop(blocker_of(connection), None)

    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """The probes that run, and those that failed by a defect of ours."""
        return tuple(self._probes)

    async def _probe(self, blocker: str, connection: Connection) -> None:
        # A probe may succeed where documents are refused, as for want of a permission: then the gaps grow.
        often = min(self._in_a_row[blocker] - 1, 16)
        gap = min(self._knobs.probe_every * 2**often, self._knobs.probe_cap).total_seconds()
        while True:
            await self._time.sleep(gap * (0.9 + 0.2 * self._time.random()))
            try:
                await self._sage.client.probe(self._sage.login(connection))
            except (SageError, CredentialsMissingError) as error:
                log.info("sage connection still set aside", blocker=blocker, error=str(error))
                continue
            log.info("sage connection works again", blocker=blocker)
            del self._why[blocker]
            self._on_release(blocker)
            return
