"""The service's own commands as processes of their own, each with a log that is shown when something fails."""

# ruff: noqa: S603 - fixed commands of this project, run without a shell
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

STOP_TIMEOUT = 20.0
COMMAND_TIMEOUT = 60.0
START_TIMEOUT = 30.0
TAIL = 25
SERVICE = "app"
"""The module of the service's command line, `alvys-sage`."""


class DemoError(RuntimeError):
    """The demonstration cannot go on; the text says why, for a person."""


class Process:
    """A command of `alvys-sage`, or another module, that runs until it is stopped."""

    def __init__(
        self, name: str, arguments: list[str], env: Mapping[str, str], folder: Path, module: str = SERVICE
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                _command(arguments, module),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the demonstration alone, which stops the others in order
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def first_line(self) -> str:
        """Wait for the first line of its output.

        Raises:
            DemoError: It ended, or said nothing in time.
        """
        stdout = self._process.stdout
        if stdout is None or not select.select([stdout], [], [], START_TIMEOUT)[0]:
            raise DemoError(f"the {self.name} said nothing in {START_TIMEOUT:.0f} s:\n{self.tail()}")
        line = stdout.readline().decode(errors="replace").strip()
        if not line:
            raise DemoError(f"the {self.name} did not start:\n{self.tail()}")
        return line

    def check(self) -> None:
        """Raise `DemoError` if it has ended."""
        if (code := self._process.poll()) is not None:
            raise DemoError(f"the {self.name} ended with exit code {code}:\n{self.tail()}")

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {self.name} | {line}" for line in lines[-TAIL:])

    def stop(self) -> int:
        """SIGTERM, then SIGKILL after `STOP_TIMEOUT`; returns the exit code."""
        self._process.terminate()
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()


@contextmanager
def running(
    name: str, arguments: list[str], env: Mapping[str, str], folder: Path, module: str = SERVICE
) -> Iterator[Process]:
    """A process from here to the end of the block, however that comes."""
    process = Process(name, arguments, env, folder, module)
    try:
        yield process
    finally:
        process.stop()


def command(arguments: list[str], env: Mapping[str, str], module: str = SERVICE) -> str:
    """Run a command to its end and return its output.

    Raises:
        DemoError: It failed or took too long; the text holds what it said.
    """
    try:
        done = subprocess.run(
            _command(arguments, module),
            env=dict(env),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise DemoError(f"alvys-sage {' '.join(arguments)}: no end in {COMMAND_TIMEOUT:.0f} s") from None
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip()
        raise DemoError(f"alvys-sage {' '.join(arguments)}: exit code {done.returncode}\n{said}")
    return done.stdout


def _command(arguments: list[str], module: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
