"""Whose request goes next: every request to one company, of whatever kind, waits for its turn here.

Sage counts requests per company, not by what they ask for: sign-ins, postings, look-ups, lists and probes share one
limit. Turns are given in the order they were asked for, so neither a long list of look-ups nor a long backlog of
postings can keep the other waiting for more than the requests that are ahead of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one company may be asked.

    Attributes:
        in_flight: Requests at a time. 1, the standard level of service (support/faq).
        per_minute: Requests a minute, over any longer while. None, no such limit: Sage documents none for this gateway.
        burst: Requests that may go at once after a rest, where there is a limit a minute.
    """

    in_flight: int = 1
    per_minute: float | None = None
    burst: int = 1


@dataclass(slots=True)
class _Company:
    places: asyncio.Semaphore
    tokens: float
    at: float
    """When `tokens` was right."""
    next: asyncio.Lock = field(default_factory=asyncio.Lock)


class Turns:
    """The turns of all companies. `monotonic` and `sleep` are in seconds."""

    def __init__(
        self,
        pace: Pace,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._pace = pace
        self._monotonic = monotonic
        self._sleep = sleep
        self._companies: dict[str, _Company] = {}

    @asynccontextmanager
    async def turn(self, company_id: str) -> AsyncIterator[None]:
        """Wait for a place, and for the rate to allow it; the place is free again when the block ends."""
        company = self._companies.get(company_id)
        if company is None:
            places = asyncio.Semaphore(self._pace.in_flight)  # first come, first served
            company = self._companies[company_id] = _Company(places, self._pace.burst, self._monotonic())
        async with company.places:
            async with company.next:
                await self._token(company)
            yield

    async def _token(self, company: _Company) -> None:
        if self._pace.per_minute is None:
            return
        rate = self._pace.per_minute / 60
        while True:
            now = self._monotonic()
            company.tokens = min(float(self._pace.burst), company.tokens + (now - company.at) * rate)
            company.at = now
            if company.tokens >= 1 - 1e-9:  # a wait computed from a rate ends a rounding error early
                company.tokens -= 1
                return
            await self._sleep((1 - company.tokens) / rate)
