"""The poll loop of one company: it decides when the next poll is due and how long to wait after a failure.

Any trouble of a company stays in its own task: throttling, a refused sign-in, a spent budget, or a defect of ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from consumers.export.sending.sage_access import CredentialsMissingError
from consumers.payments import metrics
from consumers.payments.balances import Pass
from consumers.payments.budget import BudgetSpentError
from consumers.payments.companies import PolledCompany
from consumers.payments.config import PollContext
from consumers.payments.partition import CursorPartition, PartitionClosedError
from consumers.payments.poll import CompanyPoll
from sage_client import ErrorCategory, SageError

log = structlog.get_logger(__name__)

HOPELESS = frozenset({ErrorCategory.AUTH, ErrorCategory.CONFIGURATION, ErrorCategory.BUG})
"""Categories of errors that waiting alone does not cure."""


@dataclass(frozen=True, slots=True)
class PollReport:
    """Report on one poll of one company. `calls` are queries, each a transaction that Sage counts.

    `error` is None if the poll succeeded.
    """

    company: str
    calls: int
    records: int
    error: str | None = None
    missing: tuple[str, ...] = ()
    """Keys of documents that we posted and Sage does not show any more; filled only after a whole reconciliation."""


class PollLoop:
    """The poll loop of one company, whose partition is open.

    Args:
        company_id: The Sage company.
        partition: The partition of the cursor topic that holds its cursor.
        around: What all companies share.
    """

    def __init__(self, company_id: str, partition: CursorPartition, around: PollContext) -> None:
        self._poll = CompanyPoll(company_id, partition, around)
        self._around = around
        self._wanted = asyncio.Event()
        self._failures = 0
        """Failures in a row."""

    def poll_now(self) -> None:
        """Poll as soon as possible."""
        self._wanted.set()

    async def run(self, company: Callable[[str], PolledCompany | None]) -> None:
        """Poll until this is cancelled, or no active connection names the company any more.

        Args:
            company: Looks the company up in the settings in force; None: no longer connected.
        """
        while (now := company(self._poll.publisher.company_id)) is not None:
            self._wanted.clear()
            _, wait = await self.once(now)
            await self._around.time.until(self._wanted, wait)

    async def once(self, company: PolledCompany, passing: Pass = Pass.DUE) -> tuple[PollReport, float]:
        """Poll once. Returns the report, and the seconds until the next poll.

        Raises:
            PartitionClosedError: Another poller owns the partition now.
        """
        publisher = self._poll.publisher
        calls, records = publisher.budget.calls, publisher.records
        failure: Exception | None = None
        try:
            await self._poll.poll(company, passing)
        except PartitionClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - any error concerns this company alone
            failure = error
        wait = self._told(company.id, failure)
        said = None if failure is None else str(failure) or repr(failure)
        missing = tuple(sorted(self._poll.missing)) if passing is not Pass.DUE else ()
        polled = PollReport(company.id, publisher.budget.calls - calls, publisher.records - records, said, missing)
        log.info("payments polled", company=company.id, calls=polled.calls, records=polled.records, well=said is None)
        return polled, wait

    def _told(self, company: str, failure: Exception | None) -> float:
        """Log and count how a poll ended. Returns the seconds until the next poll."""
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
            log.error("circuit opened for the payments of a company", **facts)
        else:
            log.warning("payments could not be read; tried again", **facts)
        return wait

    def _wait(self, failure: Exception) -> float:
        rules = self._around.rules
        # After a lasting refusal the polls become ever rarer. After a passing failure, never rarer than usual polls.
        cap = (rules.backoff_cap if _hopeless(failure) else max(rules.interval, rules.backoff)).total_seconds()
        grown = min(cap, rules.backoff.total_seconds() * 2.0 ** min(self._failures - 1, 16))
        requested = getattr(failure, "retry_after", None) or 0.0
        # At least half of the wait is certain (jitter on the rest): a refused sign-in must not be tried often.
        most = rules.backoff_cap.total_seconds()
        return max(min(requested, most), grown * (0.5 + self._around.time.random() / 2))


def _hopeless(failure: Exception) -> bool:
    """Whether waiting alone will not cure the failure."""
    return isinstance(failure, CredentialsMissingError) or getattr(failure, "kind", None) in HOPELESS
