"""An event loop whose clock jumps to the next timer when nothing is ready: leases, delays and time-outs take no time.

The clock stands still while code computes, so a slow machine makes no deadline pass. `time.monotonic` and `time.time`
follow the loop that runs in the calling thread, and elsewhere tell the real time. `datetime.now` cannot follow: code
that is tested with this loop is given `now`.
"""

import asyncio
import selectors
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, Final

from tests.support.loopback import End, end_of, on_the_way

TICK: Final = 20e-6
"""Seconds that one turn of the loop takes, so that a loop over `asyncio.sleep(0)` sees the time pass."""
LOOK_AGAIN: Final = 0.001
"""Real seconds between two looks at what is on its way between two sockets of this process."""
ARRIVES: Final = 0.1
"""Real seconds after which nothing is on its way any more, whatever it looks like."""
STUCK: Final = 20.0
"""Real seconds without a ready callback, a timer or an event, after which the test waits for something impossible."""

_real_monotonic: Final = time.monotonic
_real_time: Final = time.time


class StuckError(RuntimeError):
    """Every task waits, and nothing is left that could wake one of them."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, for tests without a peer outside of this process."""

    def __init__(self) -> None:
        self._now = _real_monotonic()
        self._wall = _real_time() - self._now
        self._jobs = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds, on no particular scale."""
        return self._now

    def wall_time(self) -> float:
        """Virtual seconds since 1970: the time of day at the loop's start, and what passed in the loop since."""
        return self._wall + self._now

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass at once, although timers may be due in them."""
        self._now += seconds

    @property
    def waits_for_threads(self) -> bool:
        """Whether another thread works for this loop, which takes real time."""
        return self._jobs > 0

    def run_in_executor(  # type: ignore[override]  # typeshed's is generic over the arguments
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: "asyncio.Future[Any]") -> None:
        self._jobs -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no timer: if no socket is ready, the clock moves on to the time of the next timer."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._ends: dict[int, End] = {}
        """The TCP connections that are or were watched, by file descriptor: who does not read for now is not closed."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        if (end := end_of(key.fd)) is not None:
            self._ends[key.fd] = end
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.pass_time(TICK)
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self._loop.waits_for_threads:
            began = _real_monotonic()
            ready = super().select(timeout)
            self._loop.pass_time(_real_monotonic() - began)
            return ready
        ready = super().select(0)
        looked_until = _real_monotonic() + ARRIVES
        while not ready and self._something_comes() and _real_monotonic() < looked_until:
            ready = super().select(LOOK_AGAIN)
        if ready:
            return ready
        if timeout is None:
            ready = super().select(STUCK)
            if not ready:
                raise StuckError("every task waits, and neither a timer nor a socket will wake one")
            return ready
        self._loop.pass_time(timeout)
        return []

    def _something_comes(self) -> bool:
        """Whether a socket of this loop connects, or something is on its way to one."""
        watched = self.get_map()
        if len(watched) == 1:  # the loop's own, by which other threads wake it
            return False
        return any(key.events & selectors.EVENT_WRITE for key in watched.values()) or on_the_way(self._ends)


def now() -> datetime:
    """The time of day in UTC, as the running loop sees it."""
    return datetime.fromtimestamp(time.time(), UTC)


def install() -> None:
    """Let `time.monotonic` and `time.time` follow a virtual loop, where one runs in the calling thread.

    Call it before the modules under test are imported: some keep the function itself.
    """
    time.monotonic, time.time = _monotonic, _time


def _monotonic() -> float:
    loop = _running()
    return loop.time() if loop is not None else _real_monotonic()


def _time() -> float:
    loop = _running()
    return loop.wall_time() if loop is not None else _real_time()


def _running() -> VirtualTimeLoop | None:
    loop: AbstractEventLoop | None = asyncio._get_running_loop()
    return loop if isinstance(loop, VirtualTimeLoop) else None
