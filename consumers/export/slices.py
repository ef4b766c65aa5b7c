"""Work that may be long, done a slice at a time, so that whoever posts documents always has most of the event loop."""

import asyncio
from collections.abc import Callable

PAUSE = 3.0
"""How long nothing is done after each slice, in times of what the slice took: all such work together takes a quarter of
the event loop's time at most."""


class Slices:
    """The long work of all partitions of a worker. Each does one slice, then the next has its turn.

    Args:
        monotonic: The clock, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._left: dict[Callable[[], bool], None] = {}
        """The functions that do a slice. A dict, used as an ordered set."""
        self._scheduled = False
        self._pause = self._pause_since = 0.0

    def run(self, work: Callable[[], bool]) -> None:
        """Call the function soon, and again until it returns False. To ask while it still runs changes nothing."""
        self._left[work] = None
        self._schedule()

    def _schedule(self) -> None:
        if self._left and not self._scheduled:
            self._scheduled = True
            left = self._pause_since + self._pause - self._monotonic()
            asyncio.get_running_loop().call_later(max(0.0, left), self._next)

    def _next(self) -> None:
        work = next(iter(self._left))
        del self._left[work]  # the work itself may ask to be called again
        began = self._monotonic()
        if work():
            self._left[work] = None
        self._pause_since = self._monotonic()
        self._pause = PAUSE * (self._pause_since - began)
        self._scheduled = False
        self._schedule()
