"""How long to wait before a retry."""

from collections.abc import Callable
from datetime import timedelta


def full_jitter(attempt: int, first: timedelta, cap: timedelta, random: Callable[[], float]) -> float:
    """Seconds to wait before a retry: exponential backoff with full jitter. `attempt` counts from 1."""
    return random() * min(cap.total_seconds(), first.total_seconds() * 2.0 ** min(attempt - 1, 16))
