"""One run: the system up, faults and events side by side, the end of the faults, the wait, the evidence."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from chaos.audit import DocumentHistory, ExportFindings, audit, documents_of, may_wait, not_exported, to_send_again
from chaos.books import BookedDocument
from chaos.mappings import CHANGED_ACCOUNTS
from chaos.memory_faults import MemoryFaults, MemoryRepairs
from chaos.neighbours import HANGS, HANGS_AT_TIMES, NEIGHBOURS, SLOW, company_class
from chaos.plan import Round, Step
from chaos.proxy import ProxyCounts
from chaos.script import ScriptedRecord, probe, sent_again
from chaos.system import ANEW, ExportSystem
from chaos.watch import WatchedTopics
from chaos.workers import Endings
from demo.events import TOPICS
from demo.events.world import LATE_PROVIDER, LATE_VENDOR, TRANSPORT
from demo.processes import DemoError
from ops.broker import RealBroker

OVERLAP = 2
"""Kills that may be recovered from at the same time."""
RECOVERY = 30.0
"""Seconds after which the next kill comes all the same."""
RESETS, RESET = 12, 15.0
"""Tries to reset a topic's offsets, and seconds for each."""
STARTED = 60.0
"""Seconds that the workers may take at most to open every partition before the first fault."""
ANSWERED = 20.0
"""Seconds that faults go on at most when all was sent."""
IN_WORK = 40
"""Records that are sent right before topics are damaged; fewer where the script is short."""
SETTLED = 60.0
"""Seconds that the answers may take at most after the repair of a topic, before the run goes on."""
RATE = 60.0
"""Seconds that a measurement of throughput may take at most; `WARM` is the part of its documents that go before."""
WARM = 5
FITFUL = (5.0, 15.0)
"""Seconds for which a company hangs, and for which it does not."""
LATE_KEY = f"{TRANSPORT.id}/vendor/fuel/{LATE_PROVIDER}"
"""A setting that comes only at the end: what waits for it has waited through everything."""


@dataclass(slots=True)
class Kill:
    """One that happened: when, in seconds since 1970, and the items of its probes."""

    kind: str
    at: float
    probes: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ExportEvidence:
    """Everything a report is made of."""

    gateway: str
    seconds: float
    documents: int
    findings: ExportFindings
    seen: WatchedTopics
    passed: ProxyCounts
    kills: list[Kill]
    done: Counter[str]
    endings: Endings
    replayed: int
    """Records that were read again because an offset was reset."""
    drained: bool
    left: list[str]
    """What had not ended when the wait was over: unpassed records, documents that wait or are in doubt unexpectedly."""
    waiting: int
    """Documents that wait, as they should."""
    sent_again: int
    """Documents that were refused without a message, and sent again at the end."""
    throughput: Mapping[str, float]
    """Documents a second: of healthy companies alone, then beside the others, and of these."""
    settled: Mapping[str, list[float]]
    """By class of company: seconds from each record to its outcome, over the whole run."""
    memory: MemoryRepairs
    told_and_sent_again: int
    """Records that were told as not exported, or left behind unread, and sent again."""
    hidden: int
    """Rows of documents that queries did not show yet, or showed as before."""


class ExportRun:
    """Does what the plan says to a system, and gathers the evidence."""

    def __init__(
        self,
        system: ExportSystem,
        items: list[ScriptedRecord],
        patience: float,
        compared: tuple[list[ScriptedRecord], list[ScriptedRecord]] = ([], []),
    ) -> None:
        """Take what is to be sent.

        Args:
            system: The running system.
            items: The script.
            patience: Seconds without progress at the end after which the run counts as stuck.
            compared: Documents of healthy companies, and of others, whose throughput is compared before the rounds.
        """
        self._patience = patience
        self._system = system
        self._items = items
        self._may_wait = may_wait(items)
        self._next = 0
        self._compared = compared
        self._extra = len(items) + sum(map(len, compared))
        """The next number for a record that is not in the script."""
        self._sent_again: set[str] = set()
        self._sent: dict[int, ScriptedRecord] = {}
        self._kills: list[Kill] = []
        self._done: Counter[str] = Counter()
        self._replayed = 0
        self._settings = dict(system.settings)
        self._throughput: dict[str, float] = {}
        self._again = 0
        self._in_work = 0
        self._chance = Random(f"manners {system.wanted.seed}")
        self._memory = MemoryFaults(system, patience, self._send_some, self._send_not_exported, self._settle)
        self._slipped = 0.0
        """Seconds by which this round is later than planned."""
        self._broker_busy = asyncio.Lock()
        self._held: Counter[str] = Counter()
        """Keys of mapping-state that are changed for a while, so that no two changes undo each other."""

    async def play(self, rounds: list[Round]) -> ExportEvidence:
        """All rounds, then the end."""
        system, began = self._system, time.monotonic()
        await self._probe_every_partition()
        await self._answered(STARTED)
        if self._compared[0]:
            await self._compare()
        fitful = asyncio.create_task(self._fitful())
        self._in_work = min(IN_WORK, len(self._items) // 5)
        kept_back = self._in_work * sum(len(each.memory) for each in rounds)
        total = sum(each.length for each in rounds)
        sent = 0.0
        for number, each in enumerate(rounds, 1):
            system.say(f"round {number} of {len(rounds)}: {len(each.steps)} steps in {each.length:.0f} s")
            sent += each.length / total
            await self._round(each, round(sent * (len(self._items) - kept_back)))
            if each.replay is not None:
                await self._replay(TOPICS[each.replay])
            if each.memory:
                await self._memory.copy_ledgers()
                await self._damage(each)
        await self._answered(ANSWERED)
        fitful.cancel()
        await self._heal()
        drained, left, waiting = await self._drain()
        await system.pool.stop_all()
        return await self._evidence(time.monotonic() - began, left, waiting, drained=drained)

    # Companies that are slow, or hang.

    async def _compare(self) -> None:
        """How fast healthy companies' documents go, without and with others beside them. No faults otherwise."""
        system, (healthy, ill) = self._system, self._compared
        system.say(f"throughput of {len(healthy) // 2} documents, without and with companies that are slow or hang")
        lag, system.proxy.on, system.proxy.lag = system.proxy.lag, False, 0.0
        half = len(healthy) // 2
        begin = half // WARM  # the first ones sign in and read the lists of parties
        await self._rate(healthy[:begin])
        self._throughput["healthy alone"] = await self._rate(healthy[begin:half])
        system.proxy.manners |= {SLOW.company: "slow", HANGS.company: "hangs", HANGS_AT_TIMES.company: "hangs"}
        await self._put(ill)
        self._throughput["healthy beside others"] = await self._rate(healthy[half + begin :])
        await self._put(healthy[half : half + begin])
        system.proxy.on, system.proxy.lag = True, lag

    async def _rate(self, items: list[ScriptedRecord]) -> float:
        """Send these, wait until they have ended, and return how many ended a second."""
        seen, began = self._system.watch.seen, time.time()
        await self._put(items)

        def ended() -> list[float]:
            places = (seen.by_number.get(each.number) for each in items)
            return [seen.ended[place] for place in places if place in seen.ended]

        tending = asyncio.create_task(self._tend())
        await _until(lambda: len(ended()) == len(items), RATE)
        tending.cancel()
        times = ended()
        return len(times) / (max(times) - began) if times else 0.0

    async def _fitful(self) -> None:
        """One company hangs for some seconds, and then does not for some."""
        manners = self._system.proxy.manners
        while HANGS_AT_TIMES.company in manners:
            await asyncio.sleep(self._chance.uniform(*FITFUL))
            del manners[HANGS_AT_TIMES.company]
            await asyncio.sleep(self._chance.uniform(*FITFUL))
            manners[HANGS_AT_TIMES.company] = "hangs"

    # Faults of topics.

    async def _damage(self, each: Round) -> None:
        tending = asyncio.create_task(self._tend())
        try:
            await self._memory.strike(each.memory)
        finally:
            tending.cancel()
        for fault in each.memory:
            self._done[fault.kind] += 1

    async def _settle(self) -> None:
        """Wait until every partition is open, which probes show, and all that was sent has an answer."""
        await self._probe_every_partition()
        watch = self._system.watch
        await _until(lambda: watch.seen.by_number.keys() >= self._sent.keys() and not watch.unanswered, SETTLED)

    async def _send_some(self) -> None:
        """Some of the next records: they are in work, or unread, when a topic is damaged."""
        until = min(self._next + self._in_work, len(self._items))
        await self._put(self._items[self._next : until])
        self._next = until

    async def _send_not_exported(self, topic: str) -> None:
        """What upstream sends again: records of a topic that were told as not exported, or left behind unread."""
        seen = self._system.watch.seen
        again = [self._sent[number] for number in not_exported(seen.sources, seen.answers)]
        again = [each for each in again if each.topic == topic]
        self._again += len(again)
        await self._put(again)

    # One round.

    async def _round(self, each: Round, upto: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(upto, each.length))
            tending = tasks.create_task(self._tend())
            acting = tasks.create_task(self._act(each))
            await acting
            tending.cancel()

    async def _act(self, each: Round) -> None:
        began, self._slipped = time.monotonic(), 0.0
        async with asyncio.TaskGroup() as steps:
            for step in each.steps:
                await asyncio.sleep(max(0.0, step.at + self._slipped - (time.monotonic() - began)))
                if step.is_kill:
                    await self._room()
                steps.create_task(self._do(step))
            await asyncio.sleep(max(0.0, each.length + self._slipped - (time.monotonic() - began)))

    async def _room(self) -> None:
        """Kills overlap, but not without end: on a slow machine nothing would happen between them any more."""
        began = time.monotonic()
        await _until(lambda: sum(not self._recovered(each) for each in self._kills) < OVERLAP, RECOVERY)
        self._slipped += time.monotonic() - began

    def _recovered(self, kill: Kill) -> bool:
        seen = self._system.watch.seen
        return bool(kill.probes) and all(seen.by_number.get(number) in seen.answered for number in kill.probes)

    async def _send(self, upto: int, length: float) -> None:
        """The round's share, evenly."""
        began, first = time.monotonic(), self._next
        while self._next < upto:
            share = min(1.0, max(0.0, time.monotonic() - began - self._slipped) / length)
            until = first + round(share * (upto - first))
            await self._put(self._items[self._next : until])
            self._next = max(self._next, until)
            await asyncio.sleep(0.1)

    async def _put(self, items: list[ScriptedRecord]) -> None:
        for item in items:
            self._sent[item.number] = item
        if items:
            await self._system.sender.send(items)

    async def _tend(self) -> None:
        last = time.monotonic()
        while True:
            self._system.pool.tend()
            self._system.watch.check()
            if time.monotonic() - last >= 10:  # noqa: PLR2004 - seconds between lines of progress
                last = time.monotonic()
                self._progress()
            await asyncio.sleep(0.2)

    def _progress(self) -> None:
        seen, passed = self._system.watch.seen, self._system.proxy.seen
        self._system.say(
            f"sent {len(seen.sources)}, answered {len(seen.answered)}, kills {len(self._kills)}, "
            f"calls {passed.requests} of which {sum(passed.struck.values())} struck, "
            f"booked unheard {passed.unheard}, past an unfinished record {len(seen.past_unfinished)}"
        )

    # Steps.

    async def _do(self, step: Step) -> None:
        pool = self._system.pool
        self._done[step.kind] += 1
        match step.kind:
            case "kill" | "wipe":
                slot = await pool.take(step.choice)
                await self._killing(step.kind, pool.kill(slot, wipe=step.kind == "wipe"))
            case "freeze":
                await self._killing(step.kind, pool.freeze(await pool.take(step.choice), step.seconds))
            case "term":
                await self._killing(step.kind, pool.terminate(await pool.take(step.choice)))
            case "remove":
                slot = await pool.take(step.choice)
                await self._killing(step.kind, pool.terminate(slot, away=step.seconds))
            case "add":
                await pool.add(step.seconds)
            case "broker-kill" | "broker-term":
                async with self._broker_busy:
                    kill = await self._killing(step.kind, self._break_broker(step))
                    await _until(lambda: self._recovered(kill), RECOVERY)
            case _:
                await self._change_settings(step)

    async def _killing(self, kind: str, act: Coroutine[Any, Any, None]) -> Kill:
        kill = Kill(kind, time.time())
        self._kills.append(kill)
        async with asyncio.TaskGroup() as both:
            both.create_task(act)
            await asyncio.sleep(0.05)  # the probes are sent after the kill
            kill.probes = await self._probe_every_partition()
        return kill

    async def _probe_every_partition(self) -> list[int]:
        probes = []
        for where in self._system.watch.source_partitions:
            name = where.topic.removeprefix(self._system.prefix)
            probes.append(probe(self._extra, name, where.partition))
            self._extra += 1
        await self._put(probes)
        return [each.number for each in probes]

    async def _break_broker(self, step: Step) -> None:
        broker = self._system.broker
        if not isinstance(broker, RealBroker):
            raise TypeError("a broker that was given is not ours to break")
        await asyncio.to_thread(broker.kill if step.kind == "broker-kill" else broker.stop)
        await asyncio.sleep(step.seconds)
        await asyncio.to_thread(broker.start)

    async def _change_settings(self, step: Step) -> None:
        key, changed = self._change(step)
        if self._held[key]:
            return
        self._held[key] += 1
        try:
            await self._system.sender.set(key, changed)
            await asyncio.sleep(step.seconds)
            if step.kind != "account":  # accounts stay as they are until the next change
                await self._system.sender.set(key, self._settings[key])
        finally:
            self._held[key] -= 1

    def _change(self, step: Step) -> tuple[str, dict[str, Any] | None]:
        keys = [key for key in self._settings if _fits(step.kind, key)]
        key = keys[step.choice % len(keys)]
        if step.kind in ("master", "vendor"):
            return key, None
        if step.kind == "pause":
            return key, self._settings[key] | {"state": "paused"}
        accounts = CHANGED_ACCOUNTS["ar" if "/account/ar/" in key else "ap"]
        choice = step.choice // len(keys) % (len(accounts) + 1)
        return key, None if choice == len(accounts) else {"account": accounts[choice]}

    # Between rounds, and the end.

    async def _replay(self, topic: str) -> None:
        """Everybody stops, the group's offsets of one topic go back to the beginning, everybody starts."""
        system = self._system
        system.say(f"replay of {topic} from the beginning")
        await system.pool.stop_all()
        where = [each for each in system.watch.source_partitions if each.topic == system.prefix + topic]
        for _ in range(RESETS):
            consumer = AIOKafkaConsumer(
                bootstrap_servers=system.broker.bootstrap, group_id=system.group, enable_auto_commit=False
            )
            try:
                async with asyncio.timeout(RESET):
                    await consumer.start()
                    consumer.assign(where)
                    before = [await consumer.committed(each) or 0 for each in where]
                    await consumer.commit(dict.fromkeys(where, 0))
                break
            except (KafkaError, TimeoutError):  # a member that was killed is still counted until its session ends
                await asyncio.sleep(1)
            finally:
                await consumer.stop()
        else:
            raise DemoError(f"the offsets of {topic} could not be reset")
        self._replayed += sum(before)
        system.pool.start()

    async def _answered(self, seconds: float) -> None:
        """Wait, faults and all, until all that was sent has an answer, but not longer."""
        watch = self._system.watch
        tending = asyncio.create_task(self._tend())
        await _until(lambda: watch.seen.by_number.keys() >= self._sent.keys() and not watch.unanswered, seconds)
        tending.cancel()

    async def _heal(self) -> None:
        """No more faults; every setting as it was, and the one that comes late; the rest of the events."""
        system = self._system
        system.say("faults end; what is left is sent, and everything has to end")
        system.proxy.on, system.proxy.lag = False, 0.0
        system.proxy.manners.clear()
        for each in NEIGHBOURS if system.wanted.neighbours else ():
            # A person writes the connection anew under another name of the credentials, so that it is tried at once.
            self._settings[f"{each.id}/connection"] |= {"credentials": ANEW}
        for key, value in self._settings.items():
            await system.sender.set(key, value)
        await system.sender.set(LATE_KEY, {"vendorId": LATE_VENDOR, "name": LATE_PROVIDER})
        await self._put(self._items[self._next :])
        self._next = len(self._items)

    async def _drain(self) -> tuple[bool, list[str], int]:
        """Wait until every source record is passed and nothing waits or is in doubt unexpectedly."""
        watch, changed = self._system.watch, time.monotonic()
        tending = asyncio.create_task(self._tend())
        left, waiting = ["nothing was read"], 0
        progress: tuple[int, ...] = ()
        try:
            while left and time.monotonic() < changed + self._patience:
                await asyncio.sleep(0.3)
                settled = not self._system.proxy.held  # what a fault still holds may be executed yet
                try:
                    passed = await watch.look()
                except (KafkaError, TimeoutError):
                    continue
                left, waiting = self._left(passed=passed)
                if again := await self._send_again():
                    left.append(f"{again} documents were sent again, as a person would")
                if not settled:
                    left.append("calls are on their way to the gateway")
                now = (len(watch.seen.answers), len(watch.seen.ledger), self._system.proxy.held)
                if now != progress:
                    progress, changed = now, time.monotonic()
        finally:
            tending.cancel()
        return not left, left, waiting

    async def _send_again(self) -> int:
        """What a failure without a message refused is a person's: once the faults are over, he sends it once more."""
        seen, again = self._system.watch.seen, []
        for answer in to_send_again(seen.answers, self._system.proxy.seen.silenced - self._sent_again):
            again.append(sent_again(self._sent[seen.sources[answer.place]], self._extra))
            self._extra += 1
            self._sent_again.add(answer.control_id or "")
        await self._put(again)
        return len(again)

    def _left(self, *, passed: bool) -> tuple[list[str], int]:
        seen = self._system.watch.seen
        left = [] if passed else ["committed offsets have not passed every source record"]
        waiting = 0
        for each in seen.ledger.values():
            if each.waiting and not each.in_doubt and each.key in self._may_wait:
                waiting += 1
            else:
                left.append(f"{each.key} {'is in doubt' if each.in_doubt else 'waits'}")
        return left, waiting

    def _documents(self) -> list[DocumentHistory]:
        seen = self._system.watch.seen
        return documents_of(seen.sources, self._sent, seen.answers, self._system.sender.floors)

    async def _evidence(self, seconds: float, left: list[str], waiting: int, *, drained: bool) -> ExportEvidence:
        system = self._system
        documents = self._documents()
        standing = await system.gateway.books()
        self._keep(documents, standing)
        return ExportEvidence(
            gateway=system.gateway.name,
            seconds=seconds,
            documents=sum(any(each.item.booking for each in document.emissions) for document in documents),
            findings=audit(documents, standing, system.watch.seen.history),
            seen=system.watch.seen,
            passed=system.proxy.seen,
            kills=self._kills,
            done=self._done,
            endings=system.pool.endings,
            replayed=self._replayed,
            drained=drained,
            left=left,
            waiting=waiting,
            sent_again=len(self._sent_again),
            throughput=self._throughput,
            settled=self._settled(),
            memory=self._memory.repairs,
            told_and_sent_again=self._again,
            hidden=system.proxy.books.hidden,
        )

    def _keep(self, documents: Sequence[DocumentHistory], standing: Sequence[BookedDocument]) -> None:
        """Leave beside the logs what was sent, answered and booked: a finding is looked into with these."""
        kept = {"documents": [asdict(each) for each in documents], "books": [asdict(each) for each in standing]}
        for name, values in kept.items():
            lines = (json.dumps(each, default=str) for each in values)
            (self._system.folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")

    def _settled(self) -> dict[str, list[float]]:
        """Seconds from each record to its outcome, by class of company."""
        seen = self._system.watch.seen
        found: dict[str, list[float]] = {}
        for place, at in seen.ended.items():
            item = self._sent.get(seen.sources.get(place, -1))
            if item is not None and item.booking is not None:
                found.setdefault(company_class(item.booking), []).append(at - seen.sent_at[place])
        return found


async def _until(true: Callable[[], bool], seconds: float) -> None:
    """Return when it is true, or after so long."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:  # noqa: ASYNC110 - what it looks at has no event
        await asyncio.sleep(0.1)


def _fits(kind: str, key: str) -> bool:
    match kind:
        case "account":
            return "/account/" in key and not key.endswith("/default/default")
        case "master":
            return key.endswith("/default/default")
        case "vendor":
            return "/vendor/fuel/" in key
        case _:
            return key.endswith("/connection")
