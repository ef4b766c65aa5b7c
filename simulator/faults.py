"""Faults on demand: failures of the network, of the gateway, and in the middle of a request.

Source of the kinds: Sage developer documentation, web-services/error-handling, and published clients. A fault applies
to one company and one function name (None: any), to a number of requests, and with a probability drawn from a seeded
generator.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

Kind = Literal[
    "latency",  # waits `seconds` before anything is executed
    "slow_answer",  # executes and commits, then waits `seconds` before it answers
    "http_error",  # answers `status` (500, 502, 503, 504); nothing executed
    "http_error_after_commit",  # executes and commits, then answers `status`
    "drop_before_commit",  # closes the connection; nothing executed
    "drop_after_commit",  # executes and commits, then closes the connection
    "drop_midway",  # executes and commits the first half of the functions, then closes the connection
    "truncated",  # executes and commits, then sends half of the answer
    "timeout_524",  # executes and commits, then answers 524 with an HTML page
    "throttled",  # 429 GW-0010, with `retry_after` as a Retry-After header where given; nothing executed
    "throttled_in_200",  # "API rate limit exceeded" within a 200; nothing executed
    "offline",  # "The Service is Temporarily Off-line" within a 200; nothing executed
    "too_many_operations",  # "There are too many operations running ..." in each result; nothing executed
    "session_ended",  # "Session has expired" in each result, as no XML answer is published; nothing executed
    "deadlock",  # a deadlock in each result, in words of our own; nothing executed
    "silent_failure",  # results that failed without an error message; nothing executed
    "shift_pages",  # executes, and gives the oldest payment detail the newest stamp: later pages move up by one row
    "expire_session",  # ends every session of the company before it signs the request in
]


class Fault(BaseModel):
    """One fault. It lets `skip` matching requests pass, then strikes `times` requests (None: until it is removed)."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    company: str | None = None
    function: str | None = None
    times: int | None = Setting(None, ge=1)
    skip: int = Setting(0, ge=0)
    probability: float = Setting(1.0, gt=0, le=1)
    seconds: float = Setting(1.0, ge=0)
    status: int = Setting(500, ge=500, le=599)
    retry_after: int | None = None


@dataclass(slots=True)
class Faults:
    """The faults in force, in the order in which they were added. At most one strikes a request."""

    seed: int = 1
    active: list[Fault] = field(default_factory=list)
    struck: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 -- repeatable on purpose

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self.active.append(fault)

    def clear(self) -> None:
        """Remove every fault."""
        self.active.clear()

    def strike(self, company: str, functions: list[str]) -> Fault | None:
        """Choose the fault that strikes a request, and count it; None: no fault."""
        for fault in self.active:
            if fault.company not in {None, company} or (fault.function and fault.function not in functions):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            self.struck += 1
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self.active.remove(fault)
            return fault
        return None
