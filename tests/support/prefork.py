"""Processes of this project without the second and a half in which Python imports their libraries.

One process imports the libraries and waits. For each command it forks a child that runs ``python -m MODULE ARGUMENTS``
as a fresh interpreter would: with the environment, folder and streams it is given, signal handlers as at a start, an
exit code or the signal that killed it. Where the start itself is the subject, a test starts an interpreter instead.
"""

import atexit
import gc
import json
import os
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NoReturn, Self

PRELOADED: Final = (
    "aiohttp.web",
    "aiokafka",
    "aiokafka.admin",
    "app.bootstrap",
    "app.connections.doctor",
    "app.payments_poller",
    "app.service",
    "app.topic_checks",
    "consumers.consolidated_bills.job",
    "simulator.server",
    "typer",
)
"""Modules that most commands import. None of them may read its settings from the environment as it is imported."""
ENVIRONMENT_AT_IMPORT: Final = ("FORCE_COLOR", "GITHUB_ACTIONS")
"""Variables that a library reads as it is imported: a command that is given one needs an interpreter of its own."""
STREAMS: Final = 3
REQUEST: Final = 1 << 20
"""Bytes: more than an environment and arguments take."""


class ForkedProcess:
    """A command that runs in a forked child. It has the methods of `subprocess.Popen` that this project's tests use.

    Args:
        module: The module to run, and its first arguments.
        arguments: More arguments.
        environment: All its environment variables.
        folder: Its working directory. None: that of this process.
        stdin: A file descriptor. None: nothing can be read.
        stdout: A file descriptor. None: a pipe, in `stdout`.
        stderr: As `stdout`.
    """

    def __init__(
        self,
        module: Sequence[str],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self.args = [*module, *arguments]
        self.returncode: int | None = None
        request = json.dumps(
            {"words": self.args, "environment": dict(environment), "folder": str(folder or Path.cwd())}
        )
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        if (out := stdout) is None:
            self.stdout, out = _pipe()
        if (err := stderr) is None:
            self.stderr, err = _pipe()
        nothing = os.open(os.devnull, os.O_RDONLY) if stdin is None else None
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.connect(_nursery())
            streams = [nothing if stdin is None and nothing is not None else stdin or 0, out, err]
            socket.send_fds(self._connection, [request.encode()], streams)
            self._connection.shutdown(socket.SHUT_WR)
            self._answers = self._connection.makefile()
            self.pid = int(self._answers.readline())
        finally:
            for mine in (nothing, out if stdout is None else None, err if stderr is None else None):
                if mine is not None:
                    os.close(mine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, or minus the signal that killed it. None: it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return what `poll` does then.

        Raises:
            subprocess.TimeoutExpired: It runs for longer.
        """
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both pipes to their ends, wait for the end, and return the texts.

        Raises:
            subprocess.TimeoutExpired: It runs for longer; it is killed.
        """
        assert self.stdout is not None
        assert self.stderr is not None
        found: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda name=name, stream=stream: found.update({name: stream.read()}), daemon=True)
            for name, stream in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        for reader in readers:
            reader.join()
        return found["out"], found["err"]

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = int(self._answers.readline())
        self._answers.close()
        self._connection.close()


def run(
    module: Sequence[str], arguments: Sequence[str], environment: Mapping[str, str], *, stdin: str = "", timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end.

    Raises:
        subprocess.TimeoutExpired: It runs for longer; it is killed.
    """
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        with ForkedProcess(module, arguments, environment, stdin=given.fileno()) as process:
            out, err = process.communicate(timeout)
    return subprocess.CompletedProcess(process.args, process.wait(), out, err)


def _pipe() -> tuple[IO[str], int]:
    read, write = os.pipe()
    return os.fdopen(read, encoding="utf-8"), write


@cache
def _nursery() -> str:
    """The address of this process's forking process, which ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="prefork-")
    address = f"{folder.name}/s"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ALVYS_SAGE_", "KAFKA_"))}
    for name in ENVIRONMENT_AT_IMPORT:
        clean.pop(name, None)
    command = [sys.executable, "-m", "tests.support.prefork", address]
    nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean)
    assert nursery.stdout is not None
    assert nursery.stdout.readline(), "the forking process did not start"

    def end() -> None:
        assert nursery.stdin is not None
        nursery.stdin.close()
        nursery.wait()
        folder.cleanup()

    atexit.register(end)
    return address


# In the forking process, and below it.


def _serve(address: str) -> None:
    for module in PRELOADED:
        __import__(module)
    gc.collect()
    gc.freeze()  # else each child copies every page as soon as it looks for garbage
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; they end this process
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children of this process
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listening, sys.stdin.buffer], [], [])
            if sys.stdin.buffer in ready:
                return  # the tests have ended
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _watch(connection)
            connection.close()


def _watch(connection: socket.socket) -> NoReturn:
    """Start one command, and tell its pid, and then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(connection, REQUEST, STREAMS)
    while chunk := connection.recv(REQUEST):
        request += chunk
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(json.loads(request), streams)
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # nobody asks any more
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(asked: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    """Run the command as the main program of a fresh interpreter, and end this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    time.tzset()
    random.seed()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open to the end
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115 - as above
    module, *arguments = asked["words"]
    sys.argv = [module, *arguments]
    code: object = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
        if code is not None and not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for text in (sys.stdout, sys.stderr):
        try:
            text.flush()
        except BrokenPipeError:
            code = 120
    os._exit(int(code or 0) if isinstance(code, int) or code is None else 1)


if __name__ == "__main__":
    _serve(sys.argv[1])
