"""What a person reads when Kafka cannot be reached, and what a running process does while it is away."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from app.log_thinning import EVERY
from ops.broker import BrokerError, LocalKafka
from ops.broker.java import java
from tests.support.processes import Process

USER, PASSWORD, STORE_PASSWORD = "kim", "right-one", "store-secret"
JAAS = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
PROTOCOL = "ALVYS_SAGE_KAFKA_SECURITY_PROTOCOL"
BEGIN_WITHIN, END_WITHIN = 120.0, 60.0
OUTAGE = 5.0


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A key store with one self-signed certificate, and the certificate as PEM; by the broker's own Java."""
    keytool = Path(java()).resolve().with_name("keytool")
    store, pem = folder / f"{name}.p12", folder / f"{name}.pem"
    common = ["-alias", "broker", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD]
    make = ["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-validity", "30", "-dname", f"CN={name}"]
    subprocess.run(
        [keytool, *make, "-ext", "san=ip:127.0.0.1", *common], check=True, capture_output=True, timeout=BEGIN_WITHIN
    )
    subprocess.run(
        [keytool, "-exportcert", "-rfc", "-file", str(pem), *common], check=True, capture_output=True, timeout=60
    )
    return store, pem


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return Path(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secured(folder) -> Iterator[LocalKafka]:
    """A broker that speaks TLS at one address, wants a sign-in at another, and both at a third."""
    try:
        store, _ = certificate(folder, "broker")
    except (BrokerError, FileNotFoundError) as reason:
        pytest.skip(f"a broker with TLS needs Java and its keytool: {reason}")
    certificate(folder, "other")
    broker = LocalKafka(
        settings={
            "ssl.keystore.location": str(store),
            "ssl.keystore.password": STORE_PASSWORD,
            "ssl.keystore.type": "PKCS12",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.signed.plain.sasl.jaas.config": JAAS,
            "listener.name.both.plain.sasl.jaas.config": JAAS,
        },
        listeners={"TLS": "SSL", "SIGNED": "SASL_PLAINTEXT", "BOTH": "SASL_SSL"},
    )
    broker.start()
    yield broker
    broker.close()


def sign_in(password: str = PASSWORD, protocol: str = "SASL_PLAINTEXT", **more: str) -> dict[str, str]:
    own = {PROTOCOL: protocol, "ALVYS_SAGE_KAFKA_SASL_USER": USER, "ALVYS_SAGE_KAFKA_SASL_PASSWORD": password}
    return own | more


TROUBLES: list[Any] = [
    ("SIGNED", sign_in("wrong-one"), "ALVYS_SAGE_KAFKA_SASL_USER or ALVYS_SAGE_KAFKA_SASL_PASSWORD is wrong"),
    ("SIGNED", sign_in(ALVYS_SAGE_KAFKA_SASL_MECHANISM="SCRAM-SHA-256"), "set ALVYS_SAGE_KAFKA_SASL_MECHANISM"),
    ("SIGNED", {}, f"it wants a sign-in ({PROTOCOL}=SASL_PLAINTEXT)"),
    ("SIGNED", {PROTOCOL: "SSL"}, f"does not speak TLS, and {PROTOCOL} is SSL: PLAINTEXT may be right"),
    ("TLS", {PROTOCOL: "SSL"}, "Set ALVYS_SAGE_KAFKA_SSL_CA_FILE to the PEM file"),
    ("TLS", {PROTOCOL: "SSL", "ALVYS_SAGE_KAFKA_SSL_CA_FILE": "other.pem"}, "Set ALVYS_SAGE_KAFKA_SSL_CA_FILE"),
    ("TLS", {}, f"speaks TLS, and {PROTOCOL} is PLAINTEXT: SSL may be right"),
    ("BOTH", sign_in(), f"speaks TLS, and {PROTOCOL} is SASL_PLAINTEXT: SASL_SSL may be right"),
    ("HOST", {PROTOCOL: "SSL"}, f"does not speak TLS, and {PROTOCOL} is SSL: PLAINTEXT may be right"),
    ("HOST", sign_in(), f"asks nobody to sign in, and {PROTOCOL} is SASL_PLAINTEXT"),
]


@pytest.mark.parametrize(("listener", "variables", "said"), TROUBLES)
def test_a_kafka_setting_that_is_wrong_is_one_line_that_names_it(run, secured, folder, listener, variables, said):
    if "ALVYS_SAGE_KAFKA_SSL_CA_FILE" in variables:
        variables = variables | {"ALVYS_SAGE_KAFKA_SSL_CA_FILE": str(folder / "other.pem")}
    address = secured.bootstrap if listener == "HOST" else secured.address(listener)
    refused = run("topics", KAFKA_BOOTSTRAP_SERVERS=address, **variables)
    assert refused.code == 1
    [line] = [line for line in refused.err.splitlines() if "in the clear" not in line]  # a warning of its own
    assert line.startswith("error: Kafka: ")
    assert said in line
    assert "wrong-one" not in refused.err
    assert PASSWORD not in refused.err


def test_the_right_settings_reach_every_listener(run, secured, folder):
    authority = {"ALVYS_SAGE_KAFKA_SSL_CA_FILE": str(folder / "broker.pem")}
    for address, variables in (
        (secured.bootstrap, {}),
        (secured.address("TLS"), {PROTOCOL: "SSL"} | authority),
        (secured.address("SIGNED"), sign_in()),
        (secured.address("BOTH"), sign_in(protocol="SASL_SSL") | authority),
    ):
        asked = run("topics", KAFKA_BOOTSTRAP_SERVERS=address, **variables)
        assert "TOPIC_MISSING" in asked.out, (address, asked.err)
        assert "error" not in asked.err


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "nothing listens at 127.0.0.1:1"),
        ("no-such-host.invalid:9092", "the host of 'no-such-host.invalid:9092' is not known"),
        ("127.0.0.1:1,no-such-host.invalid", "nothing listens at 127.0.0.1:1"),
    ],
)
@pytest.mark.parametrize("command", [["worker"], ["payments"], ["waiting"], ["mappings", "list"], ["topics"]])
def test_a_broker_that_is_not_there_is_one_line_in_every_command(run, command, address, said):
    variables = {"ALVYS_SAGE_SENDER_ID": "x", "ALVYS_SAGE_SENDER_PASSWORD": "y"}
    refused = run(*command, KAFKA_BOOTSTRAP_SERVERS=address, **variables)
    assert refused.code == 1
    lines = [line for line in refused.err.splitlines() if "no roles" not in line]
    assert len(lines) == 1, refused.err
    assert said in lines[0]
    assert "KAFKA_BOOTSTRAP_SERVERS" in lines[0]


@pytest.fixture
def broker() -> Iterator[LocalKafka]:
    """A broker of its own, which can be taken away."""
    broker = LocalKafka()
    try:
        broker.start()
    except BrokerError as reason:
        pytest.skip(f"no local broker here: {reason}")
    yield broker
    broker.close()


@pytest.fixture
def installed(run, broker) -> dict[str, str]:
    """The environment of an installation whose topics are there."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "ALVYS_SAGE_PARTITIONS": "2",
        "ALVYS_SAGE_SENDER_ID": "x",
        "ALVYS_SAGE_SENDER_PASSWORD": "y",
    }
    made = run("topics", "--create", **environment)
    assert made.code == 0, made.err
    return environment


def test_a_metrics_port_that_is_taken_is_one_line_that_names_it(run, installed):
    with closing(socket()) as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = str(squatter.getsockname()[1])
        refused = run("worker", **installed, ALVYS_SAGE_METRICS_PORT=port, ALVYS_SAGE_METRICS_HOST="127.0.0.1")
    assert refused.code == 1
    assert f"metrics cannot be served at 127.0.0.1:{port}" in refused.err
    assert "ALVYS_SAGE_METRICS_PORT" in refused.err
    assert refused.err.count("\n") == 1


BEGUN = {
    "worker": "partitions open",
    "payments": "payment cursors open",
    "consolidate-bills": "lines of consolidated bills read",
}


@pytest.mark.parametrize("command", ["worker", "payments", "consolidate-bills"])
def test_an_outage_of_the_broker_is_a_line_a_minute_and_a_stop_in_it_is_clean(broker, installed, command):
    process = Process([command], installed)
    try:
        process.until_logged(BEGUN[command], timeout=BEGIN_WITHIN)
        broker.kill()
        process.until_logged("Unable connect to node", "Error sending", "Failed fetch", timeout=BEGIN_WITHIN)
        time.sleep(OUTAGE)  # that nothing is written can only be waited for; tries are 100 ms apart
        assert process.stop(END_WITHIN) == 0, process.log.read_text()
        log = process.log.read_text()
    finally:
        process.close()
    assert "Traceback" not in log
    assert "Unclosed" not in log or "cut off" in log
    kinds = [re.sub(r"[0-9]+", "0", line.partition(" [")[2]) for line in log.splitlines() if "aiokafka" in line]
    repeated = {kind for kind in kinds if kinds.count(kind) > 3}
    assert not repeated, f"within less than {EVERY:.0f} s: {repeated}"
