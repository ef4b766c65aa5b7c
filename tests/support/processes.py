"""The service's own commands as processes, ended by real signals, and a simulator as one, with Blue Mesa's books."""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.blue_mesa import CUSTOMER
from tests.support.prefork import ForkedProcess
from tests.support.world import World, invoice, key

STAYS = {"ALVYS_SAGE_GROUP_INSTANCE_ID": "pod-0"}
"""Static membership: who comes back under the name of the dead one is given its partitions at once."""


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

    async def ended(self) -> int:
        """Wait for its end, a minute at most, and let the other tasks run meanwhile; the exit code, as of `wait`."""
        async with asyncio.timeout(60):
            return await asyncio.to_thread(self.wait)

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

    def booked(self) -> Counter[str]:
        """How often each number is in its books."""
        return Counter(each["number"] for each in self.documents())

    async def until_booked(self, count: int) -> None:
        """Wait until so many documents are in its books."""
        async with asyncio.timeout(60):
            while len(await asyncio.to_thread(self.documents)) < count:  # noqa: ASYNC110 - the gateway tells nobody
                await asyncio.sleep(0.02)

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


def environment(world: World, sage: Gateway, **more: str) -> dict[str, str]:
    """The settings of a process that works on the world's topics and the gateway."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": world.bootstrap,
        "ALVYS_SAGE_TOPIC_PREFIX": world.prefix,
        "ALVYS_SAGE_GROUP_ID": world.settings.group_id,
        "ALVYS_SAGE_GATEWAY_URL": sage.url,
        "ALVYS_SAGE_SENDER_PASSWORD": "sender-secret",
        "ALVYS_SAGE_CREDENTIALS__BLUEMESA__USER": "alvys_ws",
        "ALVYS_SAGE_CREDENTIALS__BLUEMESA__PASSWORD": "user-secret",
        "ALVYS_SAGE_SESSION_TIMEOUT_MS": "6000",
        "ALVYS_SAGE_SEND_DEADLINE_SECONDS": "2",
        "ALVYS_SAGE_EXECUTION_LIMIT_SECONDS": "4",
        "ALVYS_SAGE_GATEWAY_TIMEOUT_SECONDS": "2",
        "ALVYS_SAGE_CIRCUIT_RETRY_SECONDS": "1",
        "ALVYS_SAGE_BATCH_SIZE": "10",
        **more,
    }


async def connect(world: World, **more: Any) -> None:
    """Connect the world's subsidiary to the simulator's Blue Mesa; `more`: other fields of the connection."""
    await world.connect(company="BLUEMESA", credentials="bluemesa", entityId="100", locationId="100", **more)


async def send(world: World, numbers: Iterable[str], amount: str = "100.00") -> None:
    """Send invoices to a customer of Blue Mesa."""
    await world.send(*((key(number), invoice(number, amount, customer=CUSTOMER)) for number in numbers))
