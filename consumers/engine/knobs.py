"""The engine's numbers, each with its reason. `app.settings` gives them environment names."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumers.engine.sizes import LARGEST_EVENT


@dataclass(frozen=True, slots=True)
class Knobs:
    """How much at once, how long to wait."""

    batch: int = 100
    """Functions in one request: Sage recommends about 100 objects."""
    requests_in_flight: int = 1
    """Requests at a time for one company: the standard level of service is one job at a time."""
    window: int = 1_000
    """Records of one partition in flight; beyond it the partition pauses while polling goes on."""
    window_bytes: int = 64 * 1024 * 1024
    """The same by the records' size, so that large ones are held in memory by the dozen and not by the thousand."""
    largest_event: int = LARGEST_EVENT
    """Bytes of an event's value; a larger one is a dead letter."""
    lines: int = 2_000
    """Lines of all documents of one request, so of one document too. What Sage takes is documented nowhere but for
    asynchronous requests, 500,000 characters: about so many lines."""
    send_within: timedelta = timedelta(minutes=1)
    """How long after its claim a call may begin; later it is claimed anew."""
    exchange: timedelta = timedelta(minutes=5)
    """How long a call may be on its way once it has begun: the client's own limit of one exchange."""
    execution: timedelta = timedelta(minutes=15)
    """How long Sage may execute what has arrived: its own limit of a synchronous request (web-services/
    sync-vs-async). A claim's lease is all three: that a document is absent proves nothing before its end."""
    unheard: int = 3
    """Requests in a row without any answer, after which a connection is set aside: what they held is in doubt, and each
    document in doubt is looked up until its lease has ended."""
    give_up: timedelta = timedelta(minutes=5)
    """A company that takes nothing for so long is set aside: its documents are parked until a probe succeeds."""
    probe_every: timedelta = timedelta(minutes=1)
    """How soon a connection that was set aside is tried; twice as late if it fails again before anything worked."""
    probe_cap: timedelta = timedelta(hours=1)
    """The longest wait for such a try."""
    tries: int = 10
    """Plain retries of one document while its company takes others; then it is parked, and tried again later."""
    repeats: int = 2
    """How often Sage may say that it has executed a call although no document is found, before a person is asked.
    Twice: the first may have met the call while it was running, and that may have failed."""
    backoff: timedelta = timedelta(seconds=1)
    """The first wait after a failure; it doubles, with full jitter."""
    backoff_cap: timedelta = timedelta(seconds=30)
    """The longest such wait."""
    retry_after_cap: timedelta = timedelta(minutes=2)
    """The longest that a server's Retry-After is obeyed; a jittered wait comes on top."""
    drain: timedelta = timedelta(seconds=30)
    """How long a partition that is being given up may finish what was sent."""
    party_refresh: timedelta = timedelta(minutes=15)
    """How long a read list of customers or vendors is trusted."""
    party_recheck: timedelta = timedelta(seconds=30)
    """A name that was not found is looked for in a fresh list at most so often."""

    open_day_for: timedelta = timedelta(hours=1)
    """How long the first open day after a closed period is taken as known; then a document's own date is tried again.
    """

    @property
    def lease(self) -> timedelta:
        """From a claim to the end of what its call may do."""
        return self.send_within + self.exchange + self.execution


@dataclass(frozen=True, slots=True)
class Time:
    """The clock, the sleep and the chance that the engine is given."""

    now: Callable[[], datetime]
    """The present, with offset."""
    monotonic: Callable[[], float]
    """Seconds that never go back."""
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    """Between 0 and 1."""

    async def until(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for the event or for so long, whichever comes first."""
        alarm = asyncio.ensure_future(self.sleep(seconds))
        happened = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((alarm, happened), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            happened.cancel()


def utc_now() -> datetime:
    """The present in UTC."""
    return datetime.now(UTC)


def jittered(attempt: int, first: timedelta, cap: timedelta, random: Callable[[], float]) -> float:
    """Seconds to wait before retry `attempt`, from 1 on: any part of a time that doubles (full jitter)."""
    return random() * min(cap.total_seconds(), first.total_seconds() * 2.0 ** min(attempt - 1, 16))
