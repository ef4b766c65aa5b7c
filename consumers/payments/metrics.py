"""Metrics of the payments poller. `alvys-sage payments` serves them if a metrics port is set."""

from prometheus_client import Counter, Gauge

CALLS = Counter("alvys_sage_payments_calls_total", "Queries to Sage Intacct, each one transaction of it", ["company"])
RECORDS = Counter("alvys_sage_payments_records_total", "Records written to sage-payments", ["company", "kind"])
POLLS = Counter("alvys_sage_payments_polls_total", "Polls by how they ended", ["company", "result"])
LAST = Gauge("alvys_sage_payments_last_poll_timestamp_seconds", "When the last poll ended well", ["company"])
MISSING = Gauge(
    "alvys_sage_payments_missing_documents",
    "Posted documents that Sage does not show any more",
    ["company"],
)
UNKNOWN_STATES = Counter(
    "alvys_sage_payments_unknown_states_total",
    "Payment rows in a state that is not known, as often as read",
    ["company"],
)
DIFFERENCES = Gauge(
    "alvys_sage_payments_differences", "Documents whose balance Sage's rows do not explain", ["company"]
)
