"""The poller's numbers, each with its reason. `app.settings` gives them environment names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from consumers.export.config import Clock
from consumers.payments.documents import LedgerDocuments
from domain.documents import Connection
from sage_client import Login
from sage_client.payments import Page


@dataclass(frozen=True, slots=True)
class Rules:
    """How often, how far back, how much."""

    interval: timedelta = timedelta(minutes=5)
    """Between two polls of a company."""
    calls_per_hour: int = 240
    """Queries to one company in any hour: with two a poll, ten times what the interval needs."""
    overlap: timedelta = timedelta(minutes=15)
    """How far behind the watermark each poll begins: what Sage committed out of order is met in it."""
    wide_overlap: timedelta = timedelta(hours=26)
    """The same once in `wide_every`: a clock that was set back by an hour or a day leaves no gap."""
    wide_every: timedelta = timedelta(days=1)
    reconcile_every: timedelta = timedelta(days=1)
    """Between two passes of the slow reconciliation."""
    reconcile_slice: int = 1_000
    """Documents of a pass that one poll looks at."""
    backoff: timedelta = timedelta(seconds=30)
    """The first wait after a failure; it doubles."""
    backoff_cap: timedelta = timedelta(hours=1)
    """The longest such wait: whose sign-in is refused is not locked out by us."""


@dataclass(frozen=True, slots=True)
class Around:
    """What all companies of a poller share."""

    documents: LedgerDocuments
    page: Page
    login: Callable[[Connection], Login]
    """The user that a connection names; raises CredentialsMissingError."""
    rules: Rules
    time: Clock
