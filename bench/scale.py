"""`scale`: ledgers of a million entries, backlogs of a million documents, a hundred companies that hang, long commands.

opening   a ledger with documents that wait and documents in doubt is opened, from its topic and from its local store,
          while a healthy company's events come; then what they wait for arrives
backlog   a healthy company beside one whose million documents wait, which is slow, or answers nothing
crowd     a healthy company beside a hundred that hang
commands  a mark for one company behind a retry of thousands of another
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from aiokafka import AIOKafkaProducer

from bench import scale_records as made
from bench.measure import BenchResult, Figure, Size, real_broker
from bench.scale_records import Pair
from bench.scaled_system import LEDGER, SOURCE, FollowedResults, ScaledSystem, WatchedWorker
from domain.codes import Code

ENTRIES, WAITING, DOUBTS = 1_000_000, 100_000, 30_000
"""Entries of the ledger; of these, documents that wait, half of them for one setting and half for one company; and
documents in doubt."""
HEALTHY, UNMAPPED, DOWN, DOUBTED = "HEALTHY", "UNMAPPED", "DOWN", "DOUBTED"
FAST = {UNMAPPED: 0.05, DOWN: 0.05}
"""Seconds that these take for a request, whatever it holds."""
SLOW = "SLOW"
PER_SECOND = 20
"""Documents of the healthy company while a ledger is opened."""
BACKLOG = 1_000_000
DOCUMENTS = 3_000
"""Of the healthy company, in one run."""
WARM = 50
TIMES = 3
"""New documents of the slow company for each of the healthy one."""
SLOW_SECONDS, NEVER = 5.0, 3_600.0
CROWD, BURST = 100, 60
"""Companies that answer nothing, and the documents of each before the measured ones."""
RETRIES = ((3_000, 1), (3_000, 5), (50_000, 1))
"""Documents that are tried again, and in how many commands."""
PATIENCE = 180.0
"""Seconds after which a figure is not waited for any more."""


def opening(size: Size) -> BenchResult:
    """Open a large ledger twice, then let everything go that waits."""
    outcome = BenchResult(
        "opening",
        f"Opening a ledger of {size.of(ENTRIES):,} entries: {size.of(WAITING):,} wait, {size.of(DOUBTS):,} in doubt",
    )
    companies = (HEALTHY, UNMAPPED, DOWN, DOUBTED)
    settings = made.settings(companies, unmapped=frozenset({UNMAPPED}))
    with real_broker() as broker:
        retry = {"ALVYS_SAGE_CIRCUIT_RETRY_SECONDS": "5"}
        with ScaledSystem.running(broker.bootstrap, settings, env=retry) as system:
            system.env["ALVYS_SAGE_STATE_DIR"] = str(system.folder / "state")
            system.behave(FAST, refused=[DOWN])
            asyncio.run(system.write(LEDGER, _ledger(size)))
            asyncio.run(_opened(system, outcome, "topic"))
            asyncio.run(_opened(system, outcome, "store", size.of(WAITING) // 2))
    return outcome


def _ledger(size: Size) -> Iterator[Pair]:
    half = size.of(WAITING) // 2
    return made.mixed(
        (made.posted(HEALTHY, -each) for each in range(1, size.of(ENTRIES) - size.of(WAITING) - size.of(DOUBTS) + 1)),
        (made.unmapped(UNMAPPED, each) for each in range(half)),
        (made.set_aside(DOWN, each) for each in range(half)),
        (made.in_doubt(DOUBTED, each) for each in range(size.of(DOUBTS))),
    )


async def _opened(system: ScaledSystem, outcome: BenchResult, place: str, released: int = 0) -> None:
    """One start of the worker; `released`: how many documents each of the two blockers then lets go."""
    async with system.results() as results:
        began = time.time()
        with system.worker() as worker:
            async with _traffic(system, f"{HEALTHY}-{place}"):
                await worker.says("partitions open")
                opened = time.time() - began
                await results.until(HEALTHY, "posted", 1)
                first = min(results.times[HEALTHY, "posted"]) - began
                before = results.counts[HEALTHY]["posted"]
                await worker.is_calm()
                calm = time.time() - began
                _figures(
                    outcome,
                    f"{place}: ",
                    ("ledger restored", worker.lines()[-1]["restored"][-1], "s"),
                    ("partition open, all doubts back", opened, "s"),
                    ("first document of the healthy company", first, "s"),
                    ("nothing left to try", calm, "s"),
                    (
                        "the healthy company meanwhile",
                        (results.counts[HEALTHY]["posted"] - before) / (calm - opened),
                        "documents/s",
                    ),
                )
                _watched(outcome, f"{place}: ", worker)
                if released:
                    await _let_go(system, outcome, worker, results, released)
                _figures(outcome, f"{place}: ", ("assignments", worker.lines()[-1]["assigned"], "times"))
            outcome.notes.append(f"{place}: log: {dict(worker.troubles())}, {len(worker.events())} lines in all")


async def _let_go(
    system: ScaledSystem, outcome: BenchResult, worker: WatchedWorker, results: FollowedResults, released: int
) -> None:
    """The missing setting comes; then the company takes documents again."""
    since, before = time.time(), results.counts[HEALTHY]["posted"]
    asked = system.asked(UNMAPPED).get("requests", 0)
    async with system.producer() as producer:
        key, value = made.account_key(UNMAPPED), json.dumps({"account": "40000"})
        await system.send(producer, "mapping-state", (key.encode(), value.encode()))
        await producer.flush()
        await results.until(UNMAPPED, "posted", released)
    took = time.time() - since
    _figures(
        outcome,
        f"{released:,} waited for a setting: ",
        ("all posted", took, "s"),
        ("requests", system.asked(UNMAPPED)["requests"] - asked, ""),
        ("the healthy company meanwhile", (results.counts[HEALTHY]["posted"] - before) / took, "documents/s"),
    )
    _watched(outcome, f"{released:,} waited for a setting: ", worker, since)
    since, told = time.time(), results.counts[DOWN].total()
    system.behave(FAST)
    await results.until(DOWN, "posted", 1)
    first = min(results.times[DOWN, "posted"])
    await results.until(DOWN, "posted", released)
    [trial, *others] = sorted(results.times[DOWN, "posted"])
    _figures(
        outcome,
        f"{released:,} waited for a company: ",
        ("the trial document posted", first - since, "s"),
        ("the next after it", others[0] - trial if others else 0.0, "s"),
        ("all posted", time.time() - since, "s"),
        ("calls", system.asked(DOWN).get("create_invoice", 0), ""),
        ("results before and beside them", results.counts[DOWN].total() - released, ""),
        ("results at the start", told, ""),
    )
    _watched(outcome, f"{released:,} waited for a company: ", worker, since)


def backlog(size: Size) -> BenchResult:
    """A healthy company alone, beside a slow one with a backlog, beside a silent one with a backlog."""
    title = f"A healthy company beside one with a backlog of {size.of(BACKLOG):,} documents in the same partitions"
    outcome = BenchResult("backlog", title)
    settings = made.settings((HEALTHY, SLOW))
    with real_broker() as broker:
        with ScaledSystem.running(broker.bootstrap, settings, partitions=3) as system:
            asyncio.run(_beside_backlog(system, outcome, "alone", size, 0))
        with ScaledSystem.running(broker.bootstrap, settings, partitions=3) as system:
            system.env["ALVYS_SAGE_STATE_DIR"] = str(system.folder / "state")
            asyncio.run(system.write(LEDGER, (made.behind_others(SLOW, each) for each in range(size.of(BACKLOG)))))
            for name, seconds in (("slow", SLOW_SECONDS), ("silent", NEVER)):
                system.behave({SLOW: seconds})
                asyncio.run(_beside_backlog(system, outcome, name, size, TIMES))
    return outcome


async def _beside_backlog(system: ScaledSystem, outcome: BenchResult, name: str, size: Size, times: int) -> None:
    many = size.of(DOCUMENTS)
    async with system.results() as results:
        with system.worker() as worker:
            await worker.says("partitions open")
            await _run_through(system, results, f"{name}-warm", WARM, 0)
            opened = worker.lines()[-1]["rss"]
            began = time.time()
            rates = [await _run_through(system, results, f"{name}{each}", many, times) for each in range(size.runs)]
            outcome.add(f"{name}: the healthy company", sorted(rates)[len(rates) // 2], "documents/s")
            memory = [line["rss"] for line in worker.lines() if line["at"] >= began]
            if times:
                _figures(
                    outcome,
                    f"{name}: ",
                    ("resident memory when open", opened, "MB"),
                    ("resident memory in the first tenth", max(memory[: len(memory) // 10 + 1]), "MB"),
                    ("resident memory in the last tenth", max(memory[-(len(memory) // 10 + 1) :]), "MB"),
                    ("parked meanwhile", results.counts[SLOW]["deferred"], ""),
                )
            _watched(outcome, f"{name}: ", worker, began)
            outcome.notes.append(f"{name}: log: {dict(worker.troubles())}")


async def _run_through(system: ScaledSystem, results: FollowedResults, name: str, many: int, times: int) -> float:
    """Documents a second of the healthy company, each behind so many of the slow one."""
    had = results.counts[HEALTHY]["posted"]
    records = (
        record
        for each in range(many)
        for record in (
            *(made.invoice(SLOW, f"{name}-{each}-{other}") for other in range(times)),
            made.invoice(HEALTHY, f"{name}-{each}"),
        )
    )
    began = time.time()
    await system.write(SOURCE, records)
    await results.until(HEALTHY, "posted", had + many)
    return many / (max(results.times[HEALTHY, "posted"]) - began)


def crowd(size: Size) -> BenchResult:
    """A healthy company alone, and beside a hundred that answer nothing."""
    crowded = max(5, size.of(CROWD))
    outcome = BenchResult("crowd", f"A healthy company beside {crowded} that answer nothing")
    hanging = [f"HANGS{each}" for each in range(crowded)]
    with real_broker() as broker:
        for name, others in (("alone", []), ("beside them", hanging)):
            with ScaledSystem.running(broker.bootstrap, made.settings((HEALTHY, *hanging)), partitions=3) as system:
                system.behave(dict.fromkeys(others, NEVER))
                asyncio.run(_in_crowd(system, outcome, name, size.of(DOCUMENTS), others))
    return outcome


async def _in_crowd(system: ScaledSystem, outcome: BenchResult, name: str, many: int, others: list[str]) -> None:
    async with system.results() as results:
        with system.worker() as worker:
            await worker.says("partitions open")
            await _run_through(system, results, "warm", WARM, 0)
            # First a burst of each of the others: their requests hang by the time that the measured documents come.
            await system.write(SOURCE, (made.invoice(other, each) for other in others for each in range(BURST)))
            behind = time.time()
            await _run_through(system, results, "behind", WARM, 0)
            behind = time.time() - behind
            began = time.time()
            had = results.counts[HEALTHY]["posted"]
            numbers = count(BURST)
            between = (
                record
                for each in range(many)
                for record in (
                    *(made.invoice(others[each % len(others)], next(numbers)) for _ in range(TIMES if others else 0)),
                    made.invoice(HEALTHY, f"run-{each}"),
                )
            )
            await system.write(SOURCE, between)
            try:
                async with asyncio.timeout(PATIENCE):
                    await results.until(HEALTHY, "posted", had + many)
            except TimeoutError:
                outcome.notes.append(
                    f"{name}: {results.counts[HEALTHY]['posted'] - had} of {many} after {PATIENCE:.0f} s"
                )
            done = results.counts[HEALTHY]["posted"] - had
            ended = max(results.times[HEALTHY, "posted"]) if done == many else time.time()
            outcome.add(f"{name}: the healthy company", done / (ended - began), "documents/s")
            _figures(outcome, f"{name}: ", ("first documents behind a burst of each", behind, "s"))
            _watched(outcome, f"{name}: ", worker, began)
            outcome.notes.append(f"{name}: log: {dict(worker.troubles())}")


def commands(size: Size) -> BenchResult:
    """Marks, retries and events of one company while another's thousands are tried again, at 5 s a request."""
    outcome = BenchResult(
        "commands", f"Company B behind a retry of company A, which takes {SLOW_SECONDS:.0f} s a request"
    )
    with real_broker() as broker:
        for many, parts in RETRIES:
            with ScaledSystem.running(broker.bootstrap, made.settings((HEALTHY, SLOW))) as system:
                system.behave({SLOW: SLOW_SECONDS})
                theirs = (made.rejected(SLOW, each, Code.SAGE_REFUSED) for each in range(size.of(many)))
                ours = (made.rejected(HEALTHY, each, Code.SAGE_ACCOUNT_INVALID) for each in range(2))
                asyncio.run(system.write(LEDGER, made.mixed(theirs, ours)))
                asyncio.run(_commanded(system, outcome, size.of(many), parts))
    return outcome


async def _commanded(system: ScaledSystem, outcome: BenchResult, many: int, parts: int) -> None:
    names = [f"invoice/{SLOW}-{each}" for each in range(many)]
    name = f"{many:,} documents in {parts} commands: " if parts > 1 else f"{many:,} documents: "
    mark, retry, event = f"invoice/{HEALTHY}-0", f"invoice/{HEALTHY}-1", f"invoice/{HEALTHY}-new"
    async with system.results(mark, retry, event) as results, system.producer() as producer:
        with system.worker() as worker:
            await worker.says("partitions open")
            began = time.time()
            if parts == 1:
                await _command(system, producer, "all", action="retry", codes=[Code.SAGE_REFUSED])
            for each in range(parts if parts > 1 else 0):
                await _command(system, producer, f"part {each}", action="retry", documents=names[each::parts])
            await asyncio.wait_for(results.until(SLOW, "posted", 1), PATIENCE)
            asked = time.time()
            await _command(system, producer, "mark", action="mark-synced", documents=[mark], why="entered by hand")
            await _command(system, producer, "retry", action="retry", documents=[retry])
            await system.send(producer, SOURCE, made.invoice(HEALTHY, "new"))
            try:
                async with asyncio.timeout(PATIENCE):
                    await results.told()
            except TimeoutError:
                outcome.notes.append(
                    f"{name}after {PATIENCE:.0f} s there was no answer to {results.watched - results.keys.keys()}"
                )
            never = asked + PATIENCE
            _figures(
                outcome,
                name,
                ("a mark of B", results.keys.get(mark, never) - asked, "s"),
                ("a retry of B", results.keys.get(retry, never) - asked, "s"),
                ("an event of B", results.keys.get(event, never) - asked, "s"),
                ("answered of A by then", results.counts[SLOW]["posted"], ""),
            )
            _watched(outcome, name, worker, began)


async def _command(system: ScaledSystem, producer: AIOKafkaProducer, name: str, **command: object) -> None:
    body = {"schema": 1, "id": name, "by": "bench", "at": datetime.now(UTC).isoformat()} | command
    await system.send(producer, "export-commands", (name.encode(), json.dumps(body).encode()))


def _figures(outcome: BenchResult, prefix: str, *figures: tuple[str, float, str]) -> None:
    outcome.figures += [Figure(prefix + name, value, unit) for name, value, unit in figures]


def _watched(outcome: BenchResult, prefix: str, worker: WatchedWorker, since: float = 0.0) -> None:
    """What the worker says of itself."""
    blocked, processor, where = worker.blocked(since)
    _figures(
        outcome,
        prefix,
        ("event loop blocked at most", blocked * 1000, "ms"),
        ("of that, processor time", processor * 1000, "ms"),
        ("most memory so far", worker.peak, "MB"),
    )
    if where:
        outcome.notes.append(f"{prefix}blocked in {where}")


@asynccontextmanager
async def _traffic(system: ScaledSystem, name: str) -> AsyncIterator[None]:
    """Events of the healthy company, so many a second, from here to the end of the block."""

    async def send() -> None:
        async with system.producer() as producer:
            for number in count():
                company, _, rest = name.partition("-")
                await system.send(producer, SOURCE, made.invoice(company, f"{rest}-{number}"))
                await asyncio.sleep(1 / PER_SECOND)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


SCALE: dict[str, Callable[[Size], BenchResult]] = {
    "opening": opening,
    "backlog": backlog,
    "crowd": crowd,
    "commands": commands,
}
