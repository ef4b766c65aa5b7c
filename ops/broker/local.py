"""A single-node Apache Kafka (KRaft) as a child process, from Java and Maven alone."""

# ruff: noqa: S603 - fixed commands, run without a shell that could read anything into their arguments
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from ops.broker.base import START_TIMEOUT, STOP_TIMEOUT, BrokerError, Kind, Progress, RealBroker, quiet
from ops.broker.java import CACHE, HERE, jars, java, kafka_version
from ops.broker.ready import await_metadata, free_ports
from ops.broker.settings import HEAP, JVM, SETTINGS

CLUSTER_ID: Final = "bG9jYWwta2Fma2EtZGVtbw"  # 16 bytes in base64: any will do, the cluster is one node on loopback
LOG_LINES: Final = 30
MEMORY: Final = "/dev/shm"  # noqa: S108 - the broker makes a folder of its own there, with a name that nobody can guess
ROOM: Final = 4 << 30
"""Bytes that have to be free in memory for the broker's data to go there."""


class LocalKafka(RealBroker):
    """Apache Kafka on two free ports of 127.0.0.1, with its data in a temporary folder that `close` removes.

    The folder is in memory where there is room.

    `listeners` are further ones, name to security protocol, each at a port of its own (`address`).

    The broker dies with this process even when this process is killed: a small shell holds the reading end of a pipe,
    and ends the broker and its data when the pipe breaks.
    """

    kind: ClassVar[Kind] = "local"

    def __init__(
        self,
        progress: Progress = quiet,
        settings: Mapping[str, str] | None = None,
        listeners: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(progress)
        self._settings = SETTINGS | dict(settings or {})
        self._listeners = dict(listeners or {})
        self._port, self._controller_port, *more = free_ports(2 + len(self._listeners))
        self._more_ports = dict(zip(self._listeners, more, strict=True))
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Known from the beginning, and the same after every restart."""
        return f"127.0.0.1:{self._port}"

    def address(self, listener: str) -> str:
        """Where one of the other `listeners` is, by its name."""
        return f"127.0.0.1:{self._more_ports[listener]}"

    def prepare(self) -> None:
        """Look for Java, and fetch the jars unless they are in the project's cache.

        Raises:
            BrokerError: No Java of version 17 or newer, no Maven, or the jars could not be fetched.
        """
        java()
        jars(self.progress)

    def start(self) -> None:
        """Format the storage the first time, launch the server, and wait until it answers.

        Raises:
            BrokerError: As `prepare`; or the server did not answer in time, with the end of its log.
        """
        if self._server is not None and self._server.poll() is None:
            return
        run = [java(), *HEAP, *JVM, "-Djava.awt.headless=true"]
        run += [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", f"{jars(self.progress)}/*"]
        self.progress(f"starting Apache Kafka {kafka_version()} at {self.bootstrap}")
        config = self._config(run)
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*run, "kafka.Kafka", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the caller alone, who then stops things in his own order
            )
        self._watch = _end_with_this_process(self._server.pid, self._log.parent)
        try:
            await_metadata(self.bootstrap, START_TIMEOUT, self._still_there)
        except TimeoutError as error:
            tail = self._log_tail()
            self.kill()
            raise BrokerError(f"Apache Kafka did not start: {error}. The end of its log:\n{tail}") from error

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after `STOP_TIMEOUT` seconds. The data stays."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.progress("Apache Kafka did not stop when asked to, and is killed")
        self.kill()

    def kill(self) -> None:
        """SIGKILL; a broker that already ended is fine too. The data stays."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
        if self._watch is not None:
            self._watch.communicate(b"ended\n")
            self._watch = None

    def close(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    @property
    def _log(self) -> Path:
        if self._home is None:
            raise BrokerError("the local Kafka was not started")
        return Path(self._home.name, "server.log")

    def _log_tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    def _still_there(self) -> None:
        if self._server is not None and (code := self._server.poll()) is not None:
            tail = self._log_tail()
            self.kill()
            raise BrokerError(f"Apache Kafka ended with exit code {code} as it started:\n{tail}")

    def _config(self, run: list[str]) -> Path:
        """The path of server.properties; the first call makes the folder and formats the storage."""
        if self._home is not None:
            return Path(self._home.name, "server.properties")
        self._home = tempfile.TemporaryDirectory(prefix="local-kafka-", dir=_in_memory(), ignore_cleanup_errors=True)
        path = Path(self._home.name, "server.properties")
        clients = [f"HOST://{self.bootstrap}", *(f"{name}://{self.address(name)}" for name in self._listeners)]
        protocols = {"HOST": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **self._listeners}
        here = {
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": ",".join([*clients, f"CONTROLLER://127.0.0.1:{self._controller_port}"]),
            "advertised.listeners": ",".join(clients),
            "listener.security.protocol.map": ",".join(f"{name}:{each}" for name, each in protocols.items()),
            "inter.broker.listener.name": "HOST",
            "log.dirs": str(path.with_name("data")),
        }
        path.write_text(
            "".join(f"{name}={value}\n" for name, value in (self._settings | here).items()), encoding="utf-8"
        )
        try:
            _format(run, path, path.with_name("data"))
        except BrokerError:
            self._home.cleanup()
            self._home = None
            raise
        return path


def _format(run: list[str], config: Path, data: Path) -> None:
    """Make the broker's empty storage: with its own tool once, then as a copy, which needs no Java for a second.

    The storage holds nothing of the configuration but the ids of node and cluster, which all local brokers share.

    Raises:
        BrokerError: The tool failed.
    """
    made = CACHE / kafka_version() / "storage"
    if made.is_dir():
        shutil.copytree(made, data)
        return
    command = [*run, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(config)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}".rstrip())
    partial = made.with_name(f"storage.{config.parent.name}")
    shutil.copytree(data, partial)
    try:
        partial.rename(made)  # whole or not at all
    except OSError:
        shutil.rmtree(partial)  # another process was first


def _in_memory() -> str | None:
    """The system's folder in memory, if it has room. None stands for the usual place of temporary files.

    On a disk, the broker's syncs make each new partition cost five times as much, and tests make thousands.
    """
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM and os.access(MEMORY, os.W_OK) else None
    except OSError:
        return None


def _end_with_this_process(pid: int, home: Path) -> subprocess.Popen[bytes]:
    """Start a shell that kills `pid` and deletes `home` when this process ends without a word into the shell's pipe."""
    script = 'read -r ended || { kill -9 "$1"; rm -rf "$2"; }'
    command = ["/bin/sh", "-c", script, "watch", str(pid), str(home)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
