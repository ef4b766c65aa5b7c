"""The worker processes, and what is done to them. One that ends by itself is started again."""

import asyncio
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.processes import SERVICE, Process

STATE_VARIABLE = "ALVYS_SAGE_STATE_DIR"
RESTART_AFTER = 0.5
LONGEST_WAIT = 8.0
"""Seconds that a worker which ends at every start waits at most for the next one, as orchestrators make it."""
SOON = 15.0


@dataclass(slots=True, eq=False)
class Slot:
    """A place for a worker: its folder outlives the processes."""

    name: str
    folder: Path
    process: Process | None = None
    busy: bool = False
    """True while something is being done to it."""
    wanted: bool = True
    starts: int = 0
    failures: int = 0
    """Ends by itself in a row, each soon after its start; `not_before` is when the next may start."""
    started: float = 0.0
    not_before: float = 0.0


@dataclass(slots=True)
class Endings:
    """How workers ended that nobody killed, and orderly stops that were not."""

    by_themselves: Counter[int] = field(default_factory=Counter)
    """By exit code."""
    bad_stops: Counter[int] = field(default_factory=Counter)
    """Exit codes other than 0 after SIGTERM."""


class Pool:
    """So many workers, kept alive."""

    def __init__(
        self,
        count: int,
        env: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None],
        start: tuple[str, ...] = (SERVICE, "worker"),
    ) -> None:
        """`start`: the module that a worker is, and its arguments."""
        self._env, self._folder, self._start, self._say = env, folder, start, say
        self.slots = [self._slot(number) for number in range(count)]
        self.endings = Endings()
        self._stopped = False
        """True from `stop_all` to the next `start`: nobody is started again meanwhile."""

    def _slot(self, number: int) -> Slot:
        name = f"worker-{number}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        return Slot(name, folder)

    def start(self) -> None:
        """Start what is wanted and not there."""
        self._stopped = False
        for slot in self.slots:
            if slot.wanted and not slot.busy and slot.process is None and time.monotonic() >= slot.not_before:
                self._launch(slot)

    def tend(self) -> None:
        """Look for workers that ended by themselves, and start them again."""
        for slot in self.slots:
            if slot.busy or slot.process is None or (code := slot.process.ended) is None:
                continue
            self._say(f"{slot.name} ended by itself with exit code {code}")
            self.endings.by_themselves[code] += 1
            slot.process.kill()
            slot.process = None
            slot.failures = slot.failures + 1 if time.monotonic() - slot.started < SOON else 0
            slot.not_before = time.monotonic() + min(RESTART_AFTER * 2**slot.failures, LONGEST_WAIT)
        if not self._stopped:
            self.start()

    def logged(self) -> dict[Path, int]:
        """How much each log holds now."""
        return {log: log.stat().st_size for log in self._folder.glob("worker-*/*.log")}

    def lines_since(self, before: Mapping[Path, int]) -> Iterator[str]:
        """The lines that workers have logged since."""
        for log in self._folder.glob("worker-*/*.log"):
            with log.open("rb") as file:
                file.seek(before.get(log, 0))
                yield from file.read().decode(errors="replace").splitlines()

    async def until_logged(self, *patterns: str) -> None:
        """Wait until each pattern is found in a log of theirs. The caller sets the deadline."""
        left = set(patterns)
        while left:
            for log in self._folder.glob("worker-*/*.log"):
                said = log.read_text(encoding="utf-8", errors="replace")
                left -= {each for each in left if re.search(each, said)}
            await asyncio.sleep(0.1)

    def _launch(self, slot: Slot) -> None:
        slot.starts += 1
        slot.started = time.monotonic()
        state = slot.folder / "state"
        state.mkdir(exist_ok=True)
        env = {**self._env, STATE_VARIABLE: str(state)}
        module, *arguments = self._start
        slot.process = Process(f"run-{slot.starts}", arguments, env, slot.folder, module)

    async def take(self, choice: int) -> Slot:
        """A worker that nothing is being done to, now busy; waits for one."""
        while True:
            free = [slot for slot in self.slots if not slot.busy and slot.wanted and slot.process is not None]
            if free:
                slot = free[choice % len(free)]
                slot.busy = True
                return slot
            await asyncio.sleep(0.1)

    async def kill(self, slot: Slot, *, wipe: bool = False) -> None:
        """SIGKILL; the next one starts a moment later, without the local store if `wipe`."""
        self._end(slot)
        await asyncio.sleep(RESTART_AFTER)
        if wipe:
            shutil.rmtree(slot.folder / "state", ignore_errors=True)
        self._back(slot)

    async def freeze(self, slot: Slot, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so much later."""
        process = slot.process
        if process is not None:
            process.send(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send(signal.SIGCONT)
        slot.busy = False

    async def terminate(self, slot: Slot, *, away: float = 0.0) -> None:
        """SIGTERM; the next one starts when it has ended, `away` seconds later."""
        await self._stop(slot)
        await asyncio.sleep(away)
        self._back(slot)

    async def add(self, seconds: float) -> None:
        """One more for so long."""
        slot = self._slot(len(self.slots))
        slot.busy = True
        self.slots.append(slot)
        self._launch(slot)
        try:
            await asyncio.sleep(seconds)
        finally:
            slot.wanted = False
            await self._stop(slot)

    async def stop_all(self) -> None:
        """SIGTERM to all, and their ends."""
        self._stopped = True
        await asyncio.gather(*(self._stop(slot) for slot in self.slots))

    def without_stores(self) -> None:
        """Everybody has stopped, and starts the next time with another state directory, which is empty."""
        for slot in self.slots:
            shutil.rmtree(slot.folder / "state", ignore_errors=True)

    def kill_all(self) -> None:
        """SIGKILL to all: the run is over."""
        for slot in self.slots:
            self._end(slot)

    def _end(self, slot: Slot) -> None:
        if slot.process is not None:
            slot.process.kill()
            slot.process = None

    async def _stop(self, slot: Slot) -> None:
        process, slot.process = slot.process, None
        if process is None:
            return
        code = await asyncio.to_thread(process.stop)
        if code:
            self._say(f"{slot.name} ended with exit code {code} when it was asked to stop")
            self.endings.bad_stops[code] += 1

    def _back(self, slot: Slot) -> None:
        slot.busy = False
        if slot.wanted:
            self._launch(slot)
