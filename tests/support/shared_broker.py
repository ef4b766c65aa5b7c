"""One real broker for all processes of a test run: the first that needs it starts it, and stops it after the last."""

import fcntl
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from typing import Final

from ops.broker import Broker, find_broker
from ops.broker.given import GivenBroker

RUN: Final = "PYTEST_XDIST_TESTRUNUID"
"""Names the run, the same in all its processes. Not set where there is one process alone."""


class SharedBroker:
    """This process's part in the broker of the run. Made when the process starts, closed when it has no more tests.

    Args:
        run: The run's name. None: this process is alone.
    """

    def __init__(self, run: str | None) -> None:
        self._folder = None if run is None else Path(tempfile.gettempdir()) / f"alvys-sage-tests-{run}"
        self._broker: Broker | None = None
        self._ours = ExitStack()
        self._files = ExitStack()
        self._users: int | None = None
        self._started = False
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._users = self._lock("users", fcntl.LOCK_SH)

    def get(self, progress: Callable[[str], None]) -> Broker:
        """Return the broker; start it if no process of the run has.

        Raises:
            BrokerError: None is to be had.
        """
        if self._broker is None:
            self._broker = self._start(progress) if self._folder is None else self._join(self._folder, progress)
        return self._broker

    def close(self) -> None:
        """End this process's part. The process that started the broker waits for the others, and stops it."""
        with self._files:
            with self._ours:
                if self._users is not None and self._started:
                    fcntl.flock(self._users, fcntl.LOCK_EX)
            if self._users is not None and self._folder is not None:
                try:
                    fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return  # others still work
                rmtree(self._folder)

    def _start(self, progress: Callable[[str], None]) -> Broker:
        broker = self._ours.enter_context(find_broker("tests", progress))
        self._started = True
        return broker

    def _join(self, folder: Path, progress: Callable[[str], None]) -> Broker:
        address = folder / "address"
        starting = self._lock("starting", fcntl.LOCK_EX)
        try:
            if address.exists():
                return GivenBroker(address.read_text())
            broker = self._start(progress)
            address.write_text(broker.bootstrap)
            return broker
        finally:
            fcntl.flock(starting, fcntl.LOCK_UN)

    def _lock(self, name: str, kind: int) -> int:
        """Take a lock of the run, and return its file. The system lets go of it when the process ends, however."""
        assert self._folder is not None
        file = self._files.enter_context((self._folder / name).open("w"))
        fcntl.flock(file, kind)
        return file.fileno()


def of_this_run() -> SharedBroker:
    """This process's part in the broker of the run that the environment names."""
    return SharedBroker(os.environ.get(RUN))
