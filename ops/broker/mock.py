"""librdkafka's mock cluster: a stand-in for a broker that needs pip alone.

The cluster lives in the memory of a process of its own (mock_cluster.py), so that several others can connect, and ends
with it: the process waits for the end of its standard input, which is ours to close.
"""

# ruff: noqa: S603 - fixed commands, run without a shell that could read anything into their arguments
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Final

from ops.broker.base import START_TIMEOUT, STOP_TIMEOUT, Broker, BrokerError, Kind, Progress, quiet
from ops.broker.ready import await_metadata

CLUSTER: Final = Path(__file__).with_name("mock_cluster.py")
LIMITS: Final = """\
This is librdkafka's mock cluster, not Apache Kafka. What is shown works, with these gaps:
  - it does not fence a second worker with the same transactional id;
  - it shows the records of aborted transactions, also to read_committed consumers;
  - it creates topics by itself when they are first used, and neither compacts nor configures them;
  - its batches carry no valid checksum, so aiokafka consumers need check_crcs=False;
  - it forgets everything when it stops.
For the real thing install Java 17 and Maven, or Docker, or set KAFKA_BOOTSTRAP_SERVERS."""


class MockKafka(Broker):
    """One mock broker on a free port of 127.0.0.1. `LIMITS` says what it cannot do, and `start` says so to its user."""

    kind: ClassVar[Kind] = "mock"

    def __init__(self, progress: Progress = quiet) -> None:
        super().__init__(progress)
        self._process: subprocess.Popen[str] | None = None
        self._bootstrap: str | None = None

    @property
    def bootstrap(self) -> str:
        """Known once it was started.

        Raises:
            BrokerError: It was not.
        """
        if self._bootstrap is None:
            raise BrokerError("the mock cluster was not started")
        return self._bootstrap

    def prepare(self) -> None:
        """Nothing to fetch: the library is in the lock file."""

    def start(self) -> None:
        """Start the process, read its address, and name its limits.

        Raises:
            BrokerError: It did not come up.
        """
        if self._process is not None:
            return
        for line in LIMITS.splitlines():
            self.progress(line)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(CLUSTER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._bootstrap = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not self._bootstrap:
            self.stop()
            raise BrokerError("librdkafka's mock cluster did not start; its reason is on standard error")
        await_metadata(self._bootstrap, START_TIMEOUT, lambda: None)

    def stop(self) -> None:
        """Close the process's input, at which it ends; its records are gone."""
        if self._process is not None:
            try:
                self._process.communicate(timeout=STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = self._bootstrap = None
