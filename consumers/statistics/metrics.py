"""Metrics of the statistics process. `alvys-sage statistics` serves them if a metrics port is set."""

from prometheus_client import Counter

RECORDS = Counter("alvys_sage_statistics_records_total", "Results read for statistics", ["kind"])
SUMMARIES = Counter("alvys_sage_statistics_summaries_total", "Summaries written")
ALERTS = Counter("alvys_sage_statistics_alerts_total", "Alerts in summaries", ["alert"])
FAILURES = Counter("alvys_sage_statistics_failures_total", "Messages that failed here and are in no figure")
