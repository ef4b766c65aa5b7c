"""``python -m bench.watched_worker REPORT``: the worker of `alvys-sage worker`, watched from inside.

Writes a line of JSON a second: the longest time for which the event loop ran nothing else, where it was then, how much
processor time and memory the process takes, how often partitions were assigned, and how long ledgers took to restore.
"""

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from aiokafka.structs import TopicPartition

from app.commands import worker
from app.logging import set_up
from app.settings import Settings
from consumers.export import worker as export_worker
from consumers.export.ledger.restore import restore
from consumers.export.ledger.store import LedgerStore
from kafka_client.interface import KafkaClients

TICK = 0.01
LATE = 0.3
"""Seconds after which a tick counts as late, so that the place at which the loop is gets noted."""
ROOT = str(Path(__file__).parents[1])


class LoopWatch:
    """What is known of the process; a task ticks, and a thread looks where the loop is if the tick is late."""

    def __init__(self, report: IO[str]) -> None:
        self._report = report
        self._ticked = time.monotonic()
        self._longest = 0.0
        self._processor = 0.0
        """Processor seconds that the process took in the longest gap: the rest of it, others had the processor."""
        self._where = ""
        self._main = threading.main_thread().ident or 0
        self.assigned = 0
        self.restored: list[float] = []

    async def run(self) -> None:
        """Tick, and report every second."""
        threading.Thread(target=self._look, daemon=True).start()
        told = used = 0.0
        while True:
            before, spent = time.monotonic(), time.process_time()
            self._ticked = before
            await asyncio.sleep(TICK)
            now = time.monotonic()
            if now - before - TICK > self._longest:
                self._longest, self._processor = now - before - TICK, time.process_time() - spent
            if now - told >= 1:
                total = time.process_time()
                self._tell((total - used) / (now - told) if told else 0.0)
                told, used, self._longest, self._processor, self._where = now, total, 0.0, 0.0, ""

    def _tell(self, busy: float) -> None:
        line = {
            "at": time.time(),
            "blocked": self._longest,
            "processor": self._processor,
            "where": self._where,
            "busy": round(busy, 2),
            "rss": _resident(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "assigned": self.assigned,
            "restored": self.restored,
            "tasks": len(asyncio.all_tasks()),
        }
        self._report.write(json.dumps(line) + "\n")
        self._report.flush()

    def _look(self) -> None:
        """Note where the loop is, if it has not ticked for a while."""
        while True:
            time.sleep(LATE / 3)
            if (late := time.monotonic() - self._ticked) > LATE and late > self._longest:
                # The main thread may be between two frames.
                with suppress(KeyError):
                    self._where = _places(sys._current_frames()[self._main])  # noqa: SLF001 - there is no other way


def _places(frame: FrameType | None) -> str:
    places = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(ROOT):
            places.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(places[:5])


def _resident() -> float:
    """Resident memory, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _observe(watch: LoopWatch) -> None:
    """Count assignments, and time what restores the ledgers."""
    assigned = export_worker.Worker.on_partitions_assigned

    async def timed(
        clients: KafkaClients, ledgers: Sequence[TopicPartition], *, state_dir: Path | None = None
    ) -> Mapping[TopicPartition, LedgerStore]:
        began = time.monotonic()
        try:
            return await restore(clients, ledgers, state_dir=state_dir)
        finally:
            watch.restored.append(round(time.monotonic() - began, 2))

    async def counted(self: export_worker.Worker, partitions: Iterable[TopicPartition]) -> None:
        watch.assigned += 1
        await assigned(self, partitions)

    setattr(export_worker, "restore", timed)  # noqa: B010 - mypy would ask for one more comment
    setattr(export_worker.Worker, "on_partitions_assigned", counted)  # noqa: B010 - as above


async def _watched(report: IO[str]) -> None:
    watch = LoopWatch(report)
    _observe(watch)
    watching = asyncio.create_task(watch.run())
    settings = Settings.load()
    set_up(settings)
    try:
        await worker._work(settings)  # noqa: SLF001 - the command itself, in a loop that is watched
    finally:
        watching.cancel()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
        asyncio.run(_watched(file))
