"""The Prometheus metrics of the export. `alvys-sage worker` serves them if a metrics port is set."""

from collections.abc import Iterator

from aiokafka.structs import TopicPartition
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from consumers.export.ledger.damage import Damage

RECORDS = Counter("alvys_sage_records_total", "Source records read", ["topic"])
OUTCOMES = Counter("alvys_sage_outcomes_total", "Documents by how they ended", ["topic", "outcome", "code"])
DEAD_LETTERS = Counter("alvys_sage_dead_letters_total", "Records that broke the contract", ["topic", "code"])
COMMANDS_REFUSED = Counter("alvys_sage_commands_refused_total", "Commands of people who may not ask", ["action"])
RESTORED = Counter("alvys_sage_ledger_restored_total", "Ledger records read when partitions were opened", ["topic"])
IN_FLIGHT = Gauge("alvys_sage_records_in_flight", "Records read and not yet ended", ["topic", "partition"])
HELD = Gauge(
    "alvys_sage_partitions_held", "Partitions that wait for a repair of their topics", ["topic", "partition", "code"]
)
QUEUED = Gauge("alvys_sage_queued_documents", "Documents waiting in a company's lane", ["company"])
NEED_A_PERSON = Gauge(
    "alvys_sage_documents_executed_but_not_found", "Documents whose call Sage executed and does not show", ["company"]
)
OPEN_CIRCUITS = Gauge(
    "alvys_sage_circuits_open", "Connections, or kinds of documents of them, whose circuit is open", ["company"]
)
PROBES = Counter(
    "alvys_sage_probes_total", "Calls in doubt that were made once more, by Sage's answer", ["company", "answer"]
)
REQUESTS = Counter("alvys_sage_gateway_requests_total", "Requests to Sage Intacct", ["company", "function"])
REQUEST_SECONDS = Histogram("alvys_sage_gateway_request_seconds", "Time of one request to Sage Intacct", ["company"])
BATCH = Histogram(
    "alvys_sage_gateway_batch_documents", "Documents in one request", buckets=(1, 2, 5, 10, 20, 50, 100, float("inf"))
)
TRANSACTION_SECONDS = Histogram("alvys_sage_transaction_seconds", "Time of one Kafka transaction")

FORMER_NAMES = {"alvys_sage_lane_waiting": QUEUED, "alvys_sage_connections_set_aside": OPEN_CIRCUITS}
"""The gauges that were renamed, by their former names."""


class HeldPartitions:
    """Keeps `HELD` up to date: the partitions that one worker holds, each with the code of its damage."""

    def __init__(self) -> None:
        self._codes: dict[TopicPartition, str] = {}

    def put(self, source: TopicPartition, damage: Damage) -> None:
        """Count a partition as held."""
        if self._codes.get(source) != damage.fault:
            self.remove(source)
            self._codes[source] = damage.fault
            HELD.labels(source.topic, source.partition, damage.fault).set(1)

    def remove(self, source: TopicPartition) -> None:
        """Count a partition as held no longer, if it was."""
        if (code := self._codes.pop(source, None)) is not None:
            HELD.remove(source.topic, source.partition, code)


class FormerNames(Collector):
    """Exports the renamed gauges under their former names too, so that dashboards and alerts go on for one version."""

    def collect(self) -> Iterator[Metric]:
        """Yield each renamed gauge, with its samples, under its former name."""
        for former, gauge in FORMER_NAMES.items():
            for present in gauge.collect():
                copy = Metric(former, f"Deprecated, use {present.name}", present.type)
                copy.samples = [sample._replace(name=former) for sample in present.samples]
                yield copy


REGISTRY.register(FormerNames())
