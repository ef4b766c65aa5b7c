"""Rate limiter: every request to a company, of whatever kind, waits here for its turn.

Sage counts requests per company, not by kind: sign-ins, postings, look-ups, lists and probes share one limit. Turns are
given first come, first served. So neither many look-ups nor many postings can make a request wait for longer than the
requests before it take.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The rate limit of one company.

    Attributes:
        in_flight: The most requests at the same time. Default 1, the standard level of service (support/faq).
        per_minute: The most requests per minute, on average over a longer time. Default None: no such limit, because
            Sage documents none for this gateway.
        burst: The most requests that may follow each other at once after a pause, if `per_minute` is set. Default 1.
    """

    in_flight: int = 1
    per_minute: float | None = None
    burst: int = 1


@dataclass(slots=True)
class _Company:
    places: asyncio.Semaphore
    tokens: float
    at: float
    """The time for which `tokens` was computed."""
    next: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """The rate limiters of all companies.

    Args:
        rate_limit: The rate limit of each company.
        monotonic: Returns the monotonic time, in seconds.
        sleep: Sleeps for a number of seconds.
    """

    def __init__(
        self,
        rate_limit: RateLimit,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._rate_limit = rate_limit
        self._monotonic = monotonic
        self._sleep = sleep
        self._companies: dict[str, _Company] = {}

    @asynccontextmanager
    async def turn(self, company_id: str) -> AsyncIterator[None]:
        """Wait for a free place and for the rate limit; the place becomes free again when the block ends."""
        company = self._companies.get(company_id)
        if company is None:
            places = asyncio.Semaphore(self._rate_limit.in_flight)  # first come, first served
            company = self._companies[company_id] = _Company(places, self._rate_limit.burst, self._monotonic())
        async with company.places:
            async with company.next:
                await self._token(company)
            yield

    async def _token(self, company: _Company) -> None:
        if self._rate_limit.per_minute is None:
            return
        rate = self._rate_limit.per_minute / 60
        while True:
            now = self._monotonic()
            company.tokens = min(float(self._rate_limit.burst), company.tokens + (now - company.at) * rate)
            company.at = now
            if company.tokens >= 1 - 1e-9:  # tolerance: a computed wait may end early by a rounding error
                company.tokens -= 1
                return
            await self._sleep((1 - company.tokens) / rate)
