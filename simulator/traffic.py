"""Counters of requests, and the limit on a company's concurrent requests.

The sources on Sage's concurrency disagree about requests above a company's limit: they are queued, or refused. So a
company's configuration chooses (`max_concurrent`, `when_busy`); by default there is no limit. A refusal is answered
like the documented rate limit (429, GW-0010).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypedDict

from simulator.seed import Config


class RequestCounts(TypedDict):
    """Counts of requests and functions since the start."""

    requests: int
    functions: dict[str, int]
    companies: dict[str, int]
    in_flight: int
    in_flight_max: int
    in_flight_max_by_company: dict[str, int]
    throttled: int
    faults: int


class BusyError(Exception):
    """The company has reached its limit of concurrent requests."""


@dataclass(slots=True)
class Traffic:
    """Counters of requests, and the concurrency limit of each company."""

    requests: int = 0
    throttled: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    companies: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    peaks: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    _left: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def passing(self, company: str, functions: list[str], config: Config | None) -> AsyncIterator[None]:
        """Count a request while it is served. If the company is at its limit, wait or raise BusyError.

        Args:
            company: The company's id.
            functions: The names of the request's functions.
            config: The company's configuration; None: unknown company, no limit.
        """
        self.requests += 1
        self.functions.update(functions)
        self.companies[company] += 1
        limit = config.max_concurrent if config else None
        if limit is not None and self.in_flight[company] >= limit:
            if config is None or config.when_busy == "refuse":
                self.throttled += 1
                raise BusyError(company)
            async with self._left:
                await self._left.wait_for(lambda: self.in_flight[company] < limit)
                self._enter(company)
        else:
            self._enter(company)
        try:
            yield
        finally:
            self.in_flight[company] -= 1
            async with self._left:
                self._left.notify_all()

    def counts(self, faults: int) -> RequestCounts:
        """The counts so far."""
        return RequestCounts(
            requests=self.requests,
            functions=dict(self.functions),
            companies=dict(self.companies),
            in_flight=self.in_flight.total(),
            in_flight_max=self.peak,
            in_flight_max_by_company=dict(self.peaks),
            throttled=self.throttled,
            faults=faults,
        )

    def _enter(self, company: str) -> None:
        self.in_flight[company] += 1
        self.peaks[company] = max(self.peaks[company], self.in_flight[company])
        self.peak = max(self.peak, self.in_flight.total())
