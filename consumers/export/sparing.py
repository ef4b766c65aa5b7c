"""Log lines about what may come thousands of times at once."""

import math

EVERY = 60.0
"""Seconds between two lines."""


class SparingLine:
    """A log line that is written once a minute at most, with the number of its occasions since the last one."""

    def __init__(self) -> None:
        self._untold = 0
        self._again_at = -math.inf

    def count(self, now: float) -> int:
        """Count an occasion. Returns how many to tell of now; 0 if no line is due.

        Args:
            now: The present, in monotonic seconds.
        """
        self._untold += 1
        if now < self._again_at:
            return 0
        told, self._untold, self._again_at = self._untold, 0, now + EVERY
        return told
