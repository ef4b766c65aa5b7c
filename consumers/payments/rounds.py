"""Polls of one company, one after the other: when the next is due, and what becomes of one that failed.

Whatever is wrong with a company stays in its own task: throttled, signed out, its calls used up, or a defect of ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from consumers.export.sending.sage_access import CredentialsMissingError
from consumers.payments import metrics
from consumers.payments.budget import BudgetSpentError
from consumers.payments.companies import Company
from consumers.payments.partition import CursorPartition, PartitionClosedError
from consumers.payments.poll import CompanyPoll
from consumers.payments.reconcile import Pass
from consumers.payments.rules import Around
from sage_client import Kind, SageError

log = structlog.get_logger(__name__)

HOPELESS = frozenset({Kind.AUTH, Kind.CONFIGURATION, Kind.BUG})
"""What waiting alone will not mend."""


@dataclass(frozen=True, slots=True)
class Polled:
    """How one poll of one company went. Each call is a transaction that Sage counts."""

    company: str
    calls: int
    records: int
    error: str | None = None
    missing: tuple[str, ...] = ()
    """Of a whole pass: keys of documents that we posted and Sage does not show any more."""


class Rounds:
    """The polls of one company of a partition that is open."""

    def __init__(self, company_id: str, partition: CursorPartition, around: Around) -> None:
        self._poll = CompanyPoll(company_id, partition, around)
        self._around = around
        self._wanted = asyncio.Event()
        self._failures = 0
        """In a row."""

    def at_once(self) -> None:
        """Poll as soon as possible."""
        self._wanted.set()

    async def run(self, company: Callable[[str], Company | None]) -> None:
        """Poll until this is cancelled, or the settings in force know the company no more."""
        while (now := company(self._poll.desk.company_id)) is not None:
            self._wanted.clear()
            _, wait = await self.once(now)
            await self._around.time.until(self._wanted, wait)

    async def once(self, company: Company, passing: Pass = Pass.DUE) -> tuple[Polled, float]:
        """One poll, and the seconds until the next.

        Raises:
            PartitionClosedError: the partition is somebody else's.
        """
        desk = self._poll.desk
        calls, records = desk.budget.calls, desk.records
        failure: Exception | None = None
        try:
            await self._poll.poll(company, passing)
        except PartitionClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this company's trouble alone
            failure = error
        wait = self._told(company.id, failure)
        said = None if failure is None else str(failure) or repr(failure)
        missing = tuple(sorted(self._poll.missing)) if passing is not Pass.DUE else ()
        polled = Polled(company.id, desk.budget.calls - calls, desk.records - records, said, missing)
        log.info("payments polled", company=company.id, calls=polled.calls, records=polled.records, well=said is None)
        return polled, wait

    def _told(self, company: str, failure: Exception | None) -> float:
        """Say how it went; the seconds until the next poll."""
        metrics.POLLS.labels(company, "ok" if failure is None else "failed").inc()
        if failure is None:
            self._failures = 0
            metrics.LAST.labels(company).set(self._around.time.now().timestamp())
            return self._around.rules.interval.total_seconds()
        if isinstance(failure, BudgetSpentError):
            log.warning("the payment calls of this hour are used up", company=company, wait_seconds=round(failure.wait))
            return failure.wait
        self._failures += 1
        wait = self._wait(failure)
        facts = {"company": company, "error": str(failure) or repr(failure), "wait_seconds": round(wait)}
        if not isinstance(failure, SageError | CredentialsMissingError | TimeoutError):
            log.error("payments of a company failed unexpectedly", **facts, exc_info=failure)
        elif _hopeless(failure):
            log.error("payments of a company are set aside", **facts)
        else:
            log.warning("payments could not be read; tried again", **facts)
        return wait

    def _wait(self, failure: Exception) -> float:
        rules = self._around.rules
        # What is refused is asked for ever more rarely; what passes by itself, no more rarely than all goes well.
        cap = (rules.backoff_cap if _hopeless(failure) else max(rules.interval, rules.backoff)).total_seconds()
        grown = min(cap, rules.backoff.total_seconds() * 2.0 ** min(self._failures - 1, 16))
        asked = getattr(failure, "retry_after", None) or 0.0
        # Half of it for certain: a sign-in that is refused must not be tried often.
        most = rules.backoff_cap.total_seconds()
        return max(min(asked, most), grown * (0.5 + self._around.time.random() / 2))


def _hopeless(failure: Exception) -> bool:
    """Whether waiting alone will not mend it."""
    return isinstance(failure, CredentialsMissingError) or getattr(failure, "kind", None) in HOPELESS
