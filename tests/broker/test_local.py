import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.broker import BrokerError, LocalKafka
from ops.broker.java import jars, java, kafka_version
from ops.broker.ready import PORTS, free_ports

ROOT = Path(__file__).parents[2]


@pytest.fixture
def local() -> Iterator[LocalKafka]:
    found = LocalKafka()
    try:
        found.prepare()
    except BrokerError as reason:
        pytest.skip(f"no local broker here: {reason}")
    yield found
    found.close()


def listens(bootstrap: str) -> bool:
    host, port = bootstrap.split(":")
    with closing(socket.socket()) as probe:
        return probe.connect_ex((host, int(port))) == 0


OWNER = """
import ops.broker
kafka = ops.broker.LocalKafka()
kafka.start()
print(kafka.bootstrap, kafka._home.name, flush=True)
input()
"""


def test_the_broker_and_its_data_die_with_the_process_that_started_it(local):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        bootstrap, home = owner.stdout.readline().split()
        assert listens(bootstrap)
        owner.kill()
    deadline = time.monotonic() + 10
    while listens(bootstrap) or Path(home).exists():
        assert time.monotonic() < deadline, "the broker outlived its owner"
        time.sleep(0.05)


def test_a_broker_that_cannot_start_says_why_with_the_end_of_its_log(local):
    with closing(socket.socket()) as squatter:
        squatter.bind(("127.0.0.1", local._port))
        squatter.listen()
        with pytest.raises(BrokerError, match=r"(?s)ended with exit code 1.*Address already in use"):
            local.start()


def test_closing_leaves_no_files_behind(local):
    local.start()
    assert local._home
    home = Path(local._home.name)
    assert home.is_dir()
    local.close()
    assert not home.exists()
    local.close()


def test_ports_are_distinct_and_outside_the_range_of_outgoing_connections():
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(port in PORTS for port in ports)
    assert PORTS.stop <= 32_768


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("ops.broker.java.shutil.which", lambda name: _within(folder, name))
    return folder


def _within(folder: Path, name: str) -> str | None:
    return str(folder / name) if (folder / name).exists() else None


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "no Java"),
        ("echo 'openjdk version \"11.0.2\"' >&2", "Java 11 is older than 17"),
        ("true", "unknown version"),
    ],
)
def test_a_java_that_will_not_do_is_named(bin_dir, script, reason):
    if script:
        program(bin_dir / "java", script)
    with pytest.raises(BrokerError, match=reason):
        java()


def test_an_interrupted_download_is_not_taken_for_a_whole_one(bin_dir, tmp_path):
    into = tmp_path / "cache" / kafka_version()
    fetch = 'for arg; do case $arg in -DoutputDirectory=*) into=${arg#*=};; esac; done; mkdir -p "$into"'
    program(bin_dir / "mvn", f'{fetch}; touch "$into/half.jar"; echo "no route to the repository"; exit 1')
    with pytest.raises(BrokerError, match="no route to the repository"):
        jars(lambda _line: None, tmp_path / "cache")
    assert not (into / "libs").exists()

    program(bin_dir / "mvn", f'{fetch}; touch "$into/kafka_2.13-{kafka_version()}.jar"')
    whole = jars(lambda _line: None, tmp_path / "cache")
    assert [jar.name for jar in whole.iterdir()] == [f"kafka_2.13-{kafka_version()}.jar"]

    (bin_dir / "mvn").unlink()  # what is there needs no Maven
    assert jars(lambda _line: None, tmp_path / "cache") == whole
