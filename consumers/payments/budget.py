"""Never more calls than configured per hour and company. Each call is a transaction that Sage may bill."""

from collections import deque
from collections.abc import Callable

HOUR = 3_600.0


class BudgetSpentError(Exception):
    """The hour's calls are used up; `wait` seconds until the next one may go."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"the calls of this hour are used up; the next may go in {wait:.0f} s")
        self.wait = wait


class Budget:
    """Counts the calls of the last hour, over any hour and not by the clock's."""

    def __init__(self, per_hour: int, monotonic: Callable[[], float]) -> None:
        self._per_hour = per_hour
        self._monotonic = monotonic
        self._sent: deque[float] = deque()
        self.calls = 0
        """All calls so far."""

    def take(self) -> None:
        """One call is about to be sent.

        Raises:
            BudgetSpentError: It may not.
        """
        now = self._monotonic()
        while self._sent and self._sent[0] <= now - HOUR:
            self._sent.popleft()
        if len(self._sent) >= self._per_hour:
            raise BudgetSpentError(self._sent[0] + HOUR - now)
        self._sent.append(now)
        self.calls += 1
