"""A system for the benches of scale: a stub gateway, topics, settings, a watched worker, a reader of its results."""

import asyncio
import json
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench import scale_records
from bench.scale_records import Pair
from bench.stub_gateway import CONTROL
from demo.processes import Process, command, running
from demo.rig import environment

SOURCE, LEDGER, RESULTS = "invoice-created", "invoice-created.ledger", "sage-export-results"
CALM = 0.25
"""Share of a core below which the worker counts as having nothing left to do."""
LOOK = 0.2


@dataclass(slots=True)
class WatchedWorker:
    """A worker process, what it reports of itself, and its log."""

    process: Process
    report: Path

    def lines(self) -> list[dict[str, Any]]:
        """Everything that it reported, a line a second."""
        self.process.check()
        whole = self.report.read_text(encoding="utf-8").splitlines() if self.report.exists() else []
        return [json.loads(line) for line in whole if line.endswith("}")]

    def events(self) -> list[dict[str, Any]]:
        """Its log lines."""
        text = self.process.log.read_text(encoding="utf-8", errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    async def says(self, event: str) -> None:
        """Wait for a log line."""
        while not any(line.get("event") == event for line in self.events()):
            self.process.check()
            await asyncio.sleep(LOOK)

    async def is_calm(self) -> None:
        """Wait until it had little to do for three seconds."""
        while True:
            last = self.lines()[-3:]
            if len(last) == 3 and all(line["busy"] < CALM for line in last):  # noqa: PLR2004 - as the text says
                return
            await asyncio.sleep(LOOK)

    def blocked(self, since: float = 0.0) -> tuple[float, float, str]:
        """The longest time for which its event loop was blocked, the processor's part of it, and where it was."""
        gaps = [(line["blocked"], line["processor"], line["where"]) for line in self.lines() if line["at"] >= since]
        return max(gaps, default=(0.0, 0.0, ""))

    @property
    def peak(self) -> float:
        """The most memory that it ever had, in MB."""
        return float(self.lines()[-1]["peak"])

    def troubles(self) -> Counter[str]:
        """How many warnings and errors it logged, by text."""
        return Counter(
            f"{line['level']}: {line['event'][:60]}" for line in self.events() if line["level"] in ("warning", "error")
        )


@dataclass(slots=True)
class FollowedResults:
    """The results of each company as they come."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    times: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """When the results of a company with an outcome were written."""
    keys: dict[str, float] = field(default_factory=dict)
    """When the last result of each document was written that is one of `watched`."""
    watched: set[str] = field(default_factory=set)

    since: float = field(default_factory=time.time)
    """What was written before is left out."""

    def take(self, key: bytes, value: bytes, at: float) -> None:
        """Count one result."""
        if at < self.since:
            return
        name = key.decode()
        company = name.removeprefix("invoice/").partition("-")[0]
        outcome = value.partition(b'"outcome":"')[2].partition(b'"')[0].decode()
        self.counts[company][outcome] += 1
        self.times[company, outcome].append(at)
        if name in self.watched:
            self.keys[name] = at

    async def told(self) -> None:
        """Wait for a result of each document that is watched."""
        while len(self.keys) < len(self.watched):  # noqa: ASYNC110 - as below
            await asyncio.sleep(LOOK / 4)

    async def until(self, company: str, outcome: str, count: int) -> None:
        """Wait for so many results."""
        while self.counts[company][outcome] < count:  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(LOOK / 4)


@dataclass(slots=True)
class ScaledSystem:
    """What runs, and how to reach it."""

    bootstrap: str
    prefix: str
    env: dict[str, str]
    folder: Path
    control: str
    partitions: int

    @classmethod
    @contextmanager
    def running(
        cls,
        bootstrap: str,
        settings: str,
        *,
        partitions: int = 1,
        latency_ms: int = 50,
        function_ms: int = 5,
        env: Mapping[str, str] | None = None,
    ) -> Iterator[Self]:
        """A system without a worker."""
        prefix = f"bench-{uuid4().hex[:8]}-"
        wait = ["--latency-ms", str(latency_ms), "--function-ms", str(function_ms)]
        with tempfile.TemporaryDirectory(prefix="alvys-sage-bench-") as name:
            folder = Path(name)
            ours = environment(bootstrap, prefix, real=True) | {
                "ALVYS_SAGE_PARTITIONS": str(partitions),
                "ALVYS_SAGE_PARTITIONER": "crc32",
                "ALVYS_SAGE_CREDENTIALS__BENCH__USER": "u",
                "ALVYS_SAGE_CREDENTIALS__BENCH__PASSWORD": "p",
                "ALVYS_SAGE_LOG_FORMAT": "json",
                **(env or {}),
            }
            with running("stub", wait, ours, folder, "bench.stub_gateway") as stub:
                url = ours["ALVYS_SAGE_GATEWAY_URL"] = stub.first_line().rpartition(" ")[2]
                command(["topics", "--create"], ours)
                file = folder / "settings.jsonl"
                file.write_text(settings, encoding="utf-8")
                command(["mappings", "import", str(file), "--by", "bench"], ours)
                yield cls(bootstrap, prefix, ours, folder, url.partition("/ia/")[0] + CONTROL, partitions)

    def partition_of(self, key: bytes) -> int:
        """The partition of a document."""
        return zlib.crc32(key) % self.partitions

    def behave(self, seconds: Mapping[str, float] | None = None, *, refused: Iterable[str] = ()) -> None:
        """Set how long companies take, and which refuse every sign-in."""
        httpx.post(self.control, json={"seconds": dict(seconds or {}), "refused": list(refused)}, trust_env=False)

    def asked(self, company: str) -> dict[str, int]:
        """How often each function of a company was called so far."""
        told: dict[str, dict[str, int]] = httpx.get(self.control, trust_env=False).json()
        return told.get(company, {})

    async def write(self, topic: str, records: Iterable[Pair]) -> None:
        """Write records in bulk."""
        await scale_records.write(self.bootstrap, self.prefix + topic, records, self.partition_of)

    @contextmanager
    def worker(self) -> Iterator[WatchedWorker]:
        """A worker from here to the end of the block."""
        report = self.folder / f"report-{uuid4().hex[:8]}"
        with running("worker", [str(report)], self.env, self.folder, "bench.watched_worker") as process:
            yield WatchedWorker(process, report)

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        """A producer of single records."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            yield producer

    async def send(self, producer: AIOKafkaProducer, topic: str, record: Pair) -> None:
        """Send one record."""
        number = self.partition_of(record[0]) if topic == SOURCE else None
        await producer.send(self.prefix + topic, record[1], record[0], partition=number)

    @asynccontextmanager
    async def results(self, *watched: str) -> AsyncIterator[FollowedResults]:
        """The results that are written from here to the end of the block."""
        followed = FollowedResults(watched=set(watched))
        async with AIOKafkaConsumer(
            self.prefix + RESULTS,
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer:

            async def follow() -> None:
                while True:
                    for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                        for record in records:
                            followed.take(record.key, record.value, record.timestamp / 1000)

            task = asyncio.create_task(follow())
            try:
                yield followed
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
