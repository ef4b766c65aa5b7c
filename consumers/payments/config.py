"""Settings of the poller, each with its reason, and what its companies share. `app.settings` names the variables."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from consumers.payments.exported_documents import ExportedDocuments
from domain.documents import Connection
from kafka_client.clock import Clock
from sage_client import Login
from sage_client.payments import Page


@dataclass(frozen=True, slots=True)
class PollConfig:
    """Intervals, overlaps and limits of the poller."""

    interval: timedelta = timedelta(minutes=5)
    """Time between two polls of a company."""
    calls_per_hour: int = 240
    """Queries to one company in any hour. At two queries a poll this is ten times what the interval needs."""
    overlap: timedelta = timedelta(minutes=15)
    """How far before the watermark each poll starts, to catch changes that Sage committed out of order."""
    wide_overlap: timedelta = timedelta(hours=26)
    """The overlap once in `wide_every`: Sage's clock may be set back by an hour or a day without leaving a gap."""
    wide_every: timedelta = timedelta(days=1)
    """Time between two polls with the wide overlap."""
    reconcile_every: timedelta = timedelta(days=1)
    """Time between two passes of the slow reconciliation."""
    reconcile_slice: int = 1_000
    """Documents of a pass that one poll checks."""
    backoff: timedelta = timedelta(seconds=30)
    """The first wait after a failure; it doubles."""
    backoff_cap: timedelta = timedelta(hours=1)
    """The longest wait after a failure, so that our retries do not lock out a user whose sign-in is refused."""


@dataclass(frozen=True, slots=True)
class PollContext:
    """Everything that the companies of a poller share."""

    documents: ExportedDocuments
    page: Page
    login: Callable[[Connection], Login]
    """Finds the Sage user of a connection; raises CredentialsMissingError."""
    rules: PollConfig
    time: Clock
