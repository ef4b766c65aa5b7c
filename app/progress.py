"""Progress of a long reading, shown on standard error. A short reading shows nothing."""

import sys
import time
from collections.abc import Callable

from app.output import note

EVERY = 2.0
"""Seconds between two lines, and before the first."""


class Progress:
    """Reporter of the share that was read.

    Args:
        what: What is read, for the line.
        total: The number of offsets to read. Records may be fewer.
        clock: A clock in seconds that never goes back.
        unit: What is counted, for the line.
    """

    def __init__(
        self, what: str, total: int, clock: Callable[[], float] = time.monotonic, *, unit: str = "offsets"
    ) -> None:
        self._what = what
        self._total = total
        self._clock = clock
        self._unit = unit
        self._done = 0
        self._told = clock()

    def add(self, offsets: int) -> None:
        """Count further offsets as read, and print a line if it is time."""
        self._done += offsets
        if (now := self._clock()) - self._told >= EVERY:
            self._told = now
            share = 100 * self._done // max(self._total, 1)
            note(f"{self._what}: {min(share, 100)} % of {self._total:,} {self._unit}")
            sys.stderr.flush()
