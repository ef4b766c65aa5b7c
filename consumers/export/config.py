"""Sizes and delays of the export, each with its reason. `app.settings` gives them environment names."""

from dataclasses import dataclass
from datetime import timedelta

from kafka_client.size_limits import LARGEST_EVENT


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """Limits: how much at once, and how long to wait."""

    max_documents_per_request: int = 100
    """Maximum number of functions in one request: Sage recommends about 100 objects."""
    requests_in_flight: int = 1
    """Maximum number of concurrent requests for one company: Sage's standard service level runs one job at a time."""
    max_in_flight: int = 1_000
    """High water mark of one partition's records in flight. Above it the partition is paused; polling goes on."""
    max_in_flight_bytes: int = 64 * 1024 * 1024
    """The same in bytes, so that memory holds dozens of large records and not thousands."""
    max_event_bytes: int = LARGEST_EVENT
    """Maximum size of an event's value in bytes. A larger event becomes a dead letter."""
    max_lines_per_request: int = 2_000
    """Maximum number of lines of all documents in one request, and so of one document. Sage documents a limit only for
    asynchronous requests: 500,000 characters, which is about so many lines."""
    send_deadline: timedelta = timedelta(minutes=1)
    """How long after its claim a call may begin. After that the document is claimed again."""
    request_timeout: timedelta = timedelta(minutes=5)
    """How long a call may be in progress once it has begun: the client's own time-out of one exchange."""
    max_execution_time: timedelta = timedelta(minutes=15)
    """How long Sage may execute a request that has arrived: its limit for synchronous requests (web-services/
    sync-vs-async). A claim's lease is the sum of the three; before its end, absence in Sage proves nothing."""
    open_circuit_after: timedelta = timedelta(minutes=5)
    """How long a company may take nothing, or answer no request, before the circuit opens: its documents are
    parked until a probe succeeds. What was sent without an answer is in doubt, and is looked up until its lease ends.
    """
    half_open_after: timedelta = timedelta(minutes=1)
    """First delay before the probe of an open circuit. It doubles each time a trial fails or the circuit opens again,
    until a document is answered."""
    max_half_open_delay: timedelta = timedelta(hours=1)
    """Longest such delay."""
    probe_after: timedelta | None = None
    """How long after its claim a call without an outcome is made once more under its control id, to learn the outcome
    from Sage's answer; twice as long each further time. None: never, since whether Sage executes neither call twice
    while the first one runs is published nowhere (docs/decisions/0093)."""
    max_attempts: int = 10
    """Retries of one document while its company takes others. Then it is parked, and retried later."""
    max_duplicate_answers: int = 2
    """How often Sage may say that it has executed a call although no document is found, before a person is asked.
    Two, because the first time Sage may have meant the call while it was running, and it may have failed since."""
    backoff: timedelta = timedelta(seconds=1)
    """First delay after a failure. It doubles with each failure, with full jitter."""
    max_backoff: timedelta = timedelta(seconds=30)
    """Longest such delay."""
    retry_after_cap: timedelta = timedelta(minutes=2)
    """Longest obeyed delay of a Retry-After header. A jittered delay is added to it."""
    drain_timeout: timedelta = timedelta(seconds=30)
    """How long the calls in progress may take to end when the worker stops. In a rebalance they have seconds."""
    cache_ttl: timedelta = timedelta(minutes=15)
    """How long a list of customers or vendors is trusted after it was read."""
    negative_cache_ttl: timedelta = timedelta(seconds=30)
    """Shortest time between two reads of a list because a name was not found in it."""

    open_period_ttl: timedelta = timedelta(hours=1)
    """How long the first open day after a closed period is remembered. Then a document's own date is tried again."""

    @property
    def lease(self) -> timedelta:
        """Time from a claim until its call can have no further effect."""
        return self.send_deadline + self.request_timeout + self.max_execution_time
