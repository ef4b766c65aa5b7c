"""How far a long reading is, on standard error: nothing for a short one, so that a command's errors stand alone."""

import sys
import time
from collections.abc import Callable

from app.output import note

EVERY = 2.0
"""Seconds between two lines; also how long nothing is said."""


class Progress:
    """Tells how much of something was read. `total` is in offsets, so the share is right and the count is not exact."""

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._total = total
        self._clock = clock
        self._done = 0
        self._told = clock()

    def add(self, offsets: int) -> None:
        """So many more were read."""
        self._done += offsets
        if (now := self._clock()) - self._told >= EVERY:
            self._told = now
            share = 100 * self._done // max(self._total, 1)
            note(f"{self._what}: {min(share, 100)} % of {self._total:,} offsets")
            sys.stderr.flush()
