"""A limit on the calls to one Sage company per hour. Each call is a transaction that Sage may bill."""

from collections import deque
from collections.abc import Callable

HOUR = 3_600.0


class BudgetSpentError(Exception):
    """The calls of this hour are used up. `wait` is the number of seconds until the next call is allowed."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"the calls of this hour are used up; the next may go in {wait:.0f} s")
        self.wait = wait


class Budget:
    """Count the calls to one company over a sliding hour (not the hour of the clock).

    Args:
        per_hour: Calls allowed in any 3,600 seconds.
        monotonic: A clock in seconds that never goes back.
    """

    def __init__(self, per_hour: int, monotonic: Callable[[], float]) -> None:
        self._per_hour = per_hour
        self._monotonic = monotonic
        self._sent: deque[float] = deque()
        self.calls = 0
        """All calls so far."""

    def take(self) -> None:
        """Count one call; invoke this just before the call is sent.

        Raises:
            BudgetSpentError: The call may not be sent now.
        """
        now = self._monotonic()
        while self._sent and self._sent[0] <= now - HOUR:
            self._sent.popleft()
        if len(self._sent) >= self._per_hour:
            raise BudgetSpentError(self._sent[0] + HOUR - now)
        self._sent.append(now)
        self.calls += 1
