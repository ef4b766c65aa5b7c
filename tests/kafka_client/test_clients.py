"""One place builds Kafka clients, so that none can lack the security settings or read what is not committed."""

import ast
from pathlib import Path

import pytest

from kafka_client import clients as module
from kafka_client.clients import BrokerClients, Brokers
from kafka_client.interface import KafkaClients

ROOT = Path(__file__).resolve().parents[2]
BUILT = {
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "AIOKafkaAdminClient",
    "AdminClient",
    "KafkaReader",
    "TolerantKafkaReader",
    "AIOKafkaClient",
}
PASSWORD = "not-for-logs"
SIGN_IN = {
    "bootstrap_servers": "one:9093,two:9093",
    "client_id": "ours",
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_plain_username": "kim",
    "sasl_plain_password": PASSWORD,
}
BROKERS = Brokers(
    "one:9093,two:9093",
    client_id="ours",
    security_protocol="SASL_PLAINTEXT",
    sasl_mechanism="SCRAM-SHA-512",
    sasl_user="kim",
    sasl_password=PASSWORD,
)


def built_in(source: str) -> set[str]:
    """The names of aiokafka's clients that a module calls."""
    called = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = (getattr(each, "id", getattr(each, "attr", "")) for each in called)
    return BUILT & set(names)


@pytest.mark.parametrize("package", ["app", "consumers", "producers", "domain", "sage_client"])
def test_no_other_module_builds_a_client(package):
    built = {str(path.relative_to(ROOT)): built_in(path.read_text()) for path in (ROOT / package).rglob("*.py")}
    assert built
    assert {path: names for path, names in built.items() if names} == {}


def test_the_search_finds_a_client_that_is_built():
    assert built_in("import aiokafka\nx = aiokafka.AIOKafkaConsumer('t')") == {"AIOKafkaConsumer"}
    builders = {"AIOKafkaConsumer", "AIOKafkaProducer", "AdminClient"}
    assert built_in((ROOT / "kafka_client/clients.py").read_text()) == builders


@pytest.fixture
def made(monkeypatch):
    """The keywords of each client that is made, by class."""
    calls: list[tuple[str, dict[str, object]]] = []
    for name in BUILT - {"AIOKafkaClient", "AIOKafkaAdminClient"}:
        monkeypatch.setattr(module, name, lambda name=name, **options: calls.append((name, options)))
    return calls


MAKERS = {
    "reader": lambda clients: clients.reader(),
    "tolerant reader": lambda clients: clients.reader(tolerant=True, offset_reset="none", fetch_bytes=1),
    "member": lambda clients: clients.member("g", session_timeout_ms=30_000),
    "committer": lambda clients: clients.committer("g"),
    "scout": lambda clients: clients.scout(retry_backoff_ms=10),
    "producer": lambda clients: clients.producer(max_request_size=5),
    "transactional producer": lambda clients: clients.transactional_producer("id"),
    "admin": lambda clients: clients.admin(),
}


def test_every_method_of_the_factory_is_looked_at():
    methods = {name for name in vars(KafkaClients) if not name.startswith("_")}
    assert {name.split()[-1] if "tolerant" in name else name.replace(" ", "_") for name in MAKERS} == methods


@pytest.mark.parametrize("kind", MAKERS)
def test_every_client_knows_the_brokers_and_how_to_sign_in(made, kind):
    MAKERS[kind](BrokerClients(BROKERS))
    [(_, options)] = made
    assert {name: options[name] for name in SIGN_IN} == SIGN_IN


@pytest.mark.parametrize("kind", ["reader", "tolerant reader", "member", "committer"])
@pytest.mark.parametrize("checked", [True, False])
def test_every_consumer_reads_committed_records_and_commits_nothing_by_itself(made, kind, checked):
    MAKERS[kind](BrokerClients(BROKERS, check_crcs=checked))
    [(name, options)] = made
    assert name == ("TolerantKafkaReader" if kind == "tolerant reader" else "KafkaReader")
    assert options["isolation_level"] == "read_committed"
    assert options["enable_auto_commit"] is False
    assert options["check_crcs"] is checked


def test_a_scout_counts_open_transactions(made):
    BrokerClients(BROKERS).scout()
    assert made[0][1]["isolation_level"] == "read_uncommitted"


@pytest.mark.parametrize("kind", ["producer", "transactional producer"])
def test_every_producer_waits_for_all_replicas_and_doubles_nothing(made, kind):
    MAKERS[kind](BrokerClients(BROKERS))
    [(_, options)] = made
    assert options["acks"] == "all"
    assert options.get("enable_idempotence") is True or options["transactional_id"] == "id"


def test_a_password_is_not_shown():
    assert PASSWORD not in repr(BROKERS)
