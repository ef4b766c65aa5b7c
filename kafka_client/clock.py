"""The clock, the sleep and the random numbers, passed in so that tests need not wait."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of one part of the program, real or simulated."""

    now: Callable[[], datetime]
    """The present time, with a time zone."""
    monotonic: Callable[[], float]
    """Monotonic seconds."""
    sleep: Callable[[float], Awaitable[None]]
    """Sleeps for so many seconds."""
    random: Callable[[], float]
    """A random number between 0 and 1."""

    async def until(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until the event is set, or for so many seconds, whichever comes first."""
        alarm = asyncio.ensure_future(self.sleep(seconds))
        happened = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, happened), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            happened.cancel()


def utc_now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)
