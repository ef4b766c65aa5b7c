"""What the service writes, serves and offers is described: result fields, headers, topics, commands, metrics, lines."""

import ast
import re
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

import consumers.export.metrics as export_metrics
import consumers.payments.metrics
import consumers.statistics.metrics  # noqa: F401 - they register themselves
from app.cli import COMMANDS
from app.commands.connections import connections
from app.commands.mappings import mappings
from app.settings import Settings
from app.topic_checks import TopicFault, topic_specs
from domain.codes import Code
from domain.outcomes import Outcome
from domain.payments import PaymentKind
from producers.dead_letters import DeadRecord, headers
from tests.support.pages import ROOT

CONTRACT = (ROOT / "docs/contract.md").read_text()
OPERATION = (ROOT / "docs/operation.md").read_text()
LAYERS = ("app", "consumers", "producers", "kafka_client", "sage_client", "domain")


def test_every_header_of_a_dead_letter():
    letter = DeadRecord("t", 0, 0, 0, 0, None, None)
    added = [name for name, _ in headers(letter, Code.MALFORMED_JSON, "", "g")]
    assert re.findall(r"^\| `([\w.-]+)` \|", _section("Dead letters"), re.MULTILINE) == added


def test_every_field_of_a_result():
    emitted = set(re.findall(r'"(\w+)":', (ROOT / "producers/results.py").read_text()))
    emitted |= set(re.findall(r'body\["(\w+)"\]', (ROOT / "producers/results.py").read_text()))
    assert emitted >= {"schema", "fromLedger", "recordNo"}, "the source was not read as meant"
    assert {name for name in emitted if f"`{name}`" not in _section("Results")} == set()


def test_every_field_of_a_payment():
    emitted = set(re.findall(r'"(\w+)":', (ROOT / "producers/payments.py").read_text()))
    assert emitted >= {"schema", "paymentId", "due"}, "the source was not read as meant"
    assert {name for name in emitted if f"`{name}`" not in _section("Payments")} == set()
    assert {kind.value for kind in PaymentKind if f"`{kind}`" not in _section("Payments")} == set()


def test_every_outcome():
    named = re.findall(r"^\| `(\w+)` \|", _section("Results").partition("| field |")[0], re.MULTILINE)
    assert named == [outcome.value for outcome in Outcome]


def test_every_topic():
    section = _section("Topics")
    for topic in topic_specs(Settings()):
        name = topic.topic
        if name.endswith(".ledger"):
            name = "{source}.ledger"
        elif ".facts" in name or ".windows" in name or ".waiting" in name:
            name = name[name.index(".") :]
        assert f"{name}`" in section, topic.topic


def test_the_fault_that_stops_a_worker_is_named():
    assert TopicFault.PARTITIONS.value in CONTRACT
    assert TopicFault.PARTITIONS.value in OPERATION


def test_every_command():
    section = _section("Commands")
    groups = [command.name or command.callback.__name__ for command in mappings.registered_commands if command.callback]
    switches = [
        command.name or command.callback.__name__ for command in connections.registered_commands if command.callback
    ]
    named = [*(f"mappings {name}" for name in groups), *(f"connections {name}" for name in switches)]
    for command in [*COMMANDS.keys() - {"mappings", "connections"}, "version", "simulator", *named]:
        assert re.search(rf"`alvys-sage {command}[` ]", section), command


def test_every_metric():
    ours = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("alvys_sage_")}
    described = {name.removesuffix("_total") for name in re.findall(r"^\| `(alvys_sage_\w+)`", OPERATION, re.MULTILINE)}
    formerly = set(re.findall(r"^\| `alvys_sage_\w+` \(formerly `(alvys_sage_\w+)`\)", OPERATION, re.MULTILINE))
    assert formerly == export_metrics.FORMER_NAMES.keys()
    assert described | formerly == ours


@pytest.mark.parametrize("layer", LAYERS)
def test_every_warning_and_error_line(layer: str):
    section = OPERATION.partition("## Log lines")[2].partition("\n## ")[0]
    assert [line for line in _log_lines(layer) if f"`{line}`" not in section] == []


def test_the_log_lines_are_found():
    assert {"partition failed", "sage exchange failed"} <= {line for layer in LAYERS for line in _log_lines(layer)}


def _section(title: str) -> str:
    return CONTRACT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _log_lines(layer: str) -> Iterator[str]:
    """The fixed part of every text that is logged as a warning or worse."""
    for path in sorted((ROOT / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func) not in {"log.warning", "log.error", "log.exception", "log.critical"}:
                continue
            if isinstance(text := node.args[0], ast.Constant) and isinstance(text.value, str):
                yield text.value.partition(":")[0]
