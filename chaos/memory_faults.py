"""Faults of the memory, each followed by what docs/operation.md tells a person to do, by the service's own commands.

A fault counts as noticed when the workers hold every partition that it concerns, or end with the reason. One that is
not noticed is a finding, and nothing is repaired: what follows shows what became of the documents.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.keeper import LedgerKeeper
from chaos.plan import RUNNING, MemoryFault, MemoryKind
from chaos.system import BROKER, ExportSystem
from chaos.topic_faults import TopicFaults, copy_topics
from chaos.watch import EXPIRED, RENAMED, Watch
from demo.events import TOPICS
from demo.processes import DemoError
from ops.broker import LocalKafka

NOTICED, FASTEST = 2.5, 30.0
"""Within how many times the run's patience a fault has to be noticed, and seconds that there are in any case. Workers
look every 10 s; one that is just opening its partitions may wait two minutes for a topic that is gone."""
OF_LEDGERS: dict[MemoryKind, frozenset[str]] = {
    "ledger-replaced-running": frozenset({"LEDGER_EMPTY", "LEDGER_REPLACED"}),
    "ledger-replaced": frozenset({"LEDGER_EMPTY", "LEDGER_REPLACED"}),
    "ledger-cut": frozenset({"LEDGER_RECORDS_EXPIRED"}),
    "cluster-copied": frozenset({"LEDGER_COPIED", "LEDGER_REPLACED", "LEDGER_TRUNCATED"}),
}
"""The codes with which workers may hold a partition for the fault."""


@dataclass(slots=True)
class MemoryRepairs:
    """What happened, for the report."""

    noticed: dict[str, list[float]] = field(default_factory=dict)
    """Seconds until it was noticed, by kind."""
    repaired: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that the repair took, by kind."""
    unnoticed: list[str] = field(default_factory=list)
    read_again: int = 0
    """Partitions of which events were read again, because the restored ledger lacked them."""
    copied: int = 0
    """Records that were copied to another cluster."""


class MemoryFaults:
    """Damages topics, sees that it is noticed, and repairs.

    Args:
        system: The running system.
        patience: The run's patience, in seconds.
        send_some: Sends the next records of the script, so that documents are in work.
        settle: Waits until every partition is open again and has answered what was sent.
        send_again: Sends the records of a source topic again that were told as not exported, or left behind unread.
    """

    def __init__(
        self,
        system: ExportSystem,
        patience: float,
        send_some: Callable[[], Awaitable[None]],
        send_again: Callable[[str], Awaitable[None]],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self.repairs = MemoryRepairs()
        self._system = system
        self._within = max(FASTEST, NOTICED * patience)
        self._send_some, self._send_again, self._settle = send_some, send_again, settle
        self._person = LedgerKeeper(system.env, system.folder, system.say)

    async def copy_ledgers(self) -> None:
        """The copies that repairs use: they lack what is exported after this."""
        await self._person.copy_ledgers()

    async def strike(self, faults: Sequence[MemoryFault]) -> None:
        """First those under running workers, then those between runs together, then the copied cluster."""
        for each in faults:
            if each.kind in RUNNING:
                await self._while_running(each)
                await self._settle()
        between = [each for each in faults if each.kind not in RUNNING and each.kind != "cluster-copied"]
        if between:
            await self._between_runs(between)
            await self._settle()
        if any(each.kind == "cluster-copied" for each in faults):
            await self._copied_cluster()

    def _source(self, fault: MemoryFault) -> str:
        name = TOPICS[fault.topic]
        return self._system.prefix + self._system.sender.renamed.get(name, name)

    @property
    def _faults(self) -> TopicFaults:
        return TopicFaults(self._system.broker.bootstrap)

    # Under running workers.

    async def _while_running(self, fault: MemoryFault) -> None:
        system, source = self._system, self._source(fault)
        system.say(f"{fault.kind} of {source}")
        await self._send_some()
        before, began = system.pool.logged(), time.monotonic()
        async with system.watch.unlooked():
            match fault.kind:
                case "ledger-replaced-running":
                    await self._faults.delete(f"{source}.ledger")
                    await self._person.create_topics()
                    if await self._held(fault.kind, {source}, before, began):
                        await self._restore([fault.kind], [source])
                    await system.watch.made_anew(f"{source}.ledger")
                case "ledger-partitions":
                    await self._faults.add_partition(f"{source}.ledger", system.wanted.partitions)
                    if await self._ended(fault.kind, f"{source}.ledger", before, began):
                        await system.pool.stop_all()
                        await self._restore([fault.kind], [source])
                        system.pool.start()
                        await system.watch.made_anew(f"{source}.ledger")
                case _:
                    await self._faults.add_partition(source, system.wanted.partitions)
                    if await self._ended(fault.kind, source, before, began):
                        await self._give_up(fault, source)

    async def _give_up(self, fault: MemoryFault, source: str) -> None:
        """Go on with a new topic, take the ledger along, and have sent there what was not exported."""
        began = time.monotonic()
        system, name = self._system, TOPICS[fault.topic]
        await system.pool.stop_all()
        await self._person.copy_ledgers()
        now = system.sender.renamed.get(name, name) + RENAMED
        system.env[f"ALVYS_SAGE_TOPIC_{name.upper().replace('-', '_')}"] = now
        await self._person.create_topics()
        await self._person.move_ledger(source, system.prefix + now)
        await system.watch.read_rest()
        await system.watch.replaced(source, system.prefix + now)
        system.sender.renamed[name] = now
        await self._send_again(name)
        system.pool.start()
        self._repaired(fault.kind, began)

    # Between runs.

    async def _between_runs(self, faults: Sequence[MemoryFault]) -> None:
        system = self._system
        system.say(", ".join(f"{each.kind} of {self._source(each)}" for each in faults))
        await system.pool.stop_all()
        await self._send_some()
        await system.watch.look()  # what expires unread has been seen by then
        async with system.watch.unlooked():
            for each in faults:
                await self._damage(each.kind, self._source(each))
            before, began = system.pool.logged(), time.monotonic()
            system.pool.start()
            noticed = [each for each in faults if await self._held(each.kind, {self._source(each)}, before, began)]
            for each in noticed:
                if each.kind == "source-expired":
                    repair = time.monotonic()
                    await self._person.accept(self._source(each))
                    await self._send_again(TOPICS[each.topic])
                    self._repaired(each.kind, repair)
            if ledgers := [each for each in noticed if each.kind != "source-expired"]:
                await self._restore([each.kind for each in ledgers], [self._source(each) for each in ledgers])
            anew = [f"{self._source(each)}.ledger" for each in faults if each.kind != "source-expired"]
            await system.watch.made_anew(*anew)

    async def _damage(self, kind: MemoryKind, source: str) -> None:
        ledger, partitions = f"{source}.ledger", self._system.wanted.partitions
        match kind:
            case "ledger-replaced":
                await self._faults.delete(ledger)
                await self._person.create_topics()
            case "ledger-cut":
                await self._faults.cut(ledger, partitions)
            case _:
                await self._faults.expire(source, partitions)

    # Another cluster.

    async def _copied_cluster(self) -> None:
        """The old cluster is lost; its copy has other offsets and ids, no group's offsets, and lacks ledger records."""
        system = self._system
        await system.pool.stop_all()
        await system.watch.look()
        await self._person.copy_ledgers()
        old = system.broker
        system.broker = LocalKafka(system.say, BROKER)
        await asyncio.to_thread(system.broker.__enter__)
        system.env["KAFKA_BOOTSTRAP_SERVERS"] = system.broker.bootstrap
        await self._person.create_topics()
        topics = await self._faults.named(system.prefix)
        mapping = f"{system.prefix}mapping-state"
        sources = system.watch.sources
        self.repairs.copied = await copy_topics(old.bootstrap, system.broker.bootstrap, topics, sources, mapping)
        system.say(f"copied {self.repairs.copied} records to another cluster")
        await system.watch.__aexit__()
        await system.sender.move_to(system.broker.bootstrap)
        await asyncio.to_thread(old.close)
        names = [each.removeprefix(system.prefix) for each in sources]
        seen, partitions = system.watch.seen, system.wanted.partitions
        system.watch = Watch(system.broker.bootstrap, system.prefix, system.group, names, partitions, seen)
        await system.watch.__aenter__()
        before, began = system.pool.logged(), time.monotonic()
        async with system.watch.unlooked():
            system.pool.start()
            if await self._held("cluster-copied", set(sources), before, began):
                await system.pool.stop_all()
                system.pool.without_stores()  # another cluster needs another state directory
                damaged = {each.source for each in await self._person.damaged()}
                await self._restore(["cluster-copied"], sorted(damaged))
                system.pool.start()
            await system.watch.made_anew(*(f"{each}.ledger" for each in sources))

    # What a person does.

    async def _held(self, kind: MemoryKind, sources: Collection[str], before: dict[Path, int], began: float) -> bool:
        """Wait until the workers have said that they hold all partitions of these sources."""
        codes = OF_LEDGERS.get(kind, frozenset({EXPIRED}))
        wanted = {f"{source}-{number}" for source in sources for number in range(self._system.wanted.partitions)}
        if kind == "source-expired":  # nothing was unread in some partitions, perhaps
            damaged = await self._person.damaged()
            wanted = {f"{each.source}-{each.partition}" for each in damaged if each.code == EXPIRED}

        def all_held() -> bool:
            told = [line for line in self._system.pool.lines_since(before) if "partition is held" in line]
            return bool(wanted) and all(
                any(f"partition={each}" in line and any(code in line for code in codes) for line in told)
                for each in wanted
            )

        return await self._noticed(kind, all_held, began)

    async def _ended(self, kind: MemoryKind, topic: str, before: dict[Path, int], began: float) -> bool:
        """Wait until a worker has ended with the reason."""
        count = self._system.wanted.partitions
        reason = f"{topic} began with {count} partitions and has {count + 1}"
        return await self._noticed(kind, lambda: any(reason in x for x in self._system.pool.lines_since(before)), began)

    async def _noticed(self, kind: MemoryKind, true: Callable[[], bool], began: float) -> bool:
        while not true():
            if time.monotonic() - began > self._within:
                self.repairs.unnoticed.append(f"{kind}: no worker noticed it within {self._within:.0f} s")
                return False
            await asyncio.sleep(0.2)
        self.repairs.noticed.setdefault(kind, []).append(time.monotonic() - began)
        return True

    async def _restore(self, kinds: Sequence[MemoryKind], sources: Sequence[str]) -> None:
        """Keep the wrong records, create the ledgers anew, restore them, and read again what they lack."""
        began = time.monotonic()
        for source in sources:
            await self._person.keep_wrong_records(source)
        await self._faults.delete(*(f"{source}.ledger" for source in sources))
        await self._person.create_topics()
        if again := await self._person.restore(sources):
            self.repairs.read_again += len(again)
            await self._system.pool.stop_all()
            await self._person.replay(again)
            self._system.pool.start()
        if left := [each for each in await self._person.damaged() if each.source in sources and each.code != EXPIRED]:
            raise DemoError(f"the ledgers are damaged after their repair: {left}")
        await self._person.copy_ledgers()
        for kind in kinds:
            self._repaired(kind, began)

    def _repaired(self, kind: MemoryKind, began: float) -> None:
        self.repairs.repaired.setdefault(kind, []).append(time.monotonic() - began)
