"""The service's own commands as processes, ended by real signals."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.prefork import ForkedProcess


class Process:
    """One `alvys-sage` command. Its log goes to a file, shown when a test fails."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], module: Sequence[str] = ("app",)) -> None:
        self.name = arguments[0]
        self.log = Path(tempfile.mkstemp(suffix=".log")[1])
        self._file = self.log.open("wb")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ALVYS_SAGE_")}
        self._popen = ForkedProcess(module, arguments, clean | dict(environment), stderr=self._file.fileno())

    def first_line(self) -> str:
        """What it says when it is ready."""
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        assert line, f"it ended before it was ready: {self.log.read_text()}"
        return line

    def wait(self) -> int:
        """Wait for its end; the exit code, or minus the signal that killed it."""
        return self._popen.wait()

    def until_logged(self, *texts: str, timeout: float = 60) -> None:
        """Wait until one of the texts is in its log."""
        end = time.monotonic() + timeout
        while not any(text in (log := self.log.read_text()) for text in texts):
            assert time.monotonic() < end, f"none of {texts} in {log}"
            assert self.running or any(text in self.log.read_text() for text in texts), f"it ended: {log}"
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._popen.kill()
        self._popen.wait()

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM, as an orchestrator does it; the exit code."""
        if self.running:
            self._popen.terminate()
        return self._popen.wait(timeout)

    def close(self) -> None:
        if self.running:
            self.kill()
        self._file.close()
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        print(f"--- {self.name} ---\n{self.log.read_text()[-8000:]}")  # noqa: T201 - pytest shows it on failure
        self.log.unlink()


class Gateway:
    """The simulator, as a process of its own, and what is in its books."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url
        self._admin = httpx.Client(base_url=url.removesuffix("/ia/xml/xmlgw.phtml"), trust_env=False)

    def fault(self, **fault: Any) -> None:
        self._admin.post("/admin/faults", json=fault).raise_for_status()

    def heal(self) -> None:
        self._admin.delete("/admin/faults").raise_for_status()

    def documents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._admin.get("/admin/documents").raise_for_status().json()["documents"]
        return found

    def requests(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._admin.get("/admin/requests").raise_for_status().json()
        return answer

    def close(self) -> None:
        self._admin.close()
        self.process.close()


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A simulator with the demo companies on a free port."""
    process = Process(["simulator", "--demo", "--port", "0"], {})
    try:
        url = process.first_line().split()[-1]
        opened = Gateway(process, url)
    except BaseException:
        process.close()
        raise
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def worker(environment: Mapping[str, str], dying_at: str | None = None) -> Iterator[Process]:
    """A worker process; killed at the end if the test did not stop it. It may kill itself at a point of `crashing`."""
    module = ("app",) if dying_at is None else ("tests.support.crashing", dying_at)
    process = Process(["worker"], environment, module)
    try:
        yield process
    finally:
        process.close()
