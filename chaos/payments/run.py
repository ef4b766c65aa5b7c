"""One run: pollers up, plays and kills side by side, the end of the faults, the wait, the audit."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from chaos.payments.audit import PaymentEvidence, PaymentFindings, audit
from chaos.payments.facts import Told, read, truth
from chaos.payments.hurried import RECONCILE
from chaos.payments.system import COMPANIES, INTERVAL, PaymentSystem
from demo.processes import DemoError, command

KILLS = {"kill": 8, "freeze": 3, "term": 3, "once": 2}
"""Kinds and their weights. `once`: a person looks at the same time, and takes the pollers' place for a moment."""
GAP = (1.0, 5.0)
"""Seconds between two kills."""
SESSION = 3.0
FIRST_POLL_WITHIN = 120.0
"""Seconds."""
BURST = 12
"""Plays between two pauses, at most."""


@dataclass(frozen=True, slots=True)
class PaymentRunReport:
    """What a run showed."""

    seconds: float
    settled_after: float
    """Seconds from the end of faults and plays until the audit found nothing, and nothing came any more."""
    told: int
    kinds: Mapping[str, int]
    payments: int
    """Facts that count in the database at the end."""
    documents: int
    hidden: int
    """Documents of which something could not be seen by polling."""
    played: Mapping[str, int]
    refused: Mapping[str, int]
    kills: Mapping[str, int]
    ended: Mapping[int, int]
    requests: Mapping[str, int]
    struck: Mapping[str, int]
    findings: PaymentFindings
    replay: PaymentFindings | None
    """What the audit found after everything was told again; None if that was not asked."""

    @property
    def sound(self) -> bool:
        """Whether every promise that is looked at was kept."""
        return self.findings.sound and (self.replay is None or self.replay.sound)


class PaymentRun:
    """Plays and kills for a while."""

    def __init__(self, system: PaymentSystem, seed: int, patience: float) -> None:
        """`patience`: seconds without a new record after which what is missing counts as missed."""
        self._system = system
        self._patience = patience
        self._chance = Random(f"kills {seed}")
        self._kills: Counter[str] = Counter()
        self._unreadable: list[str] = []
        self._before: Counter[str] = Counter()

    async def play(self, seconds: float, plays: int, kills: int, *, replay: bool) -> PaymentRunReport:
        """All of it."""
        system, began = self._system, time.monotonic()
        self._before = await system.accountant.functions()
        system.pool.start()
        await self._until_polled()
        system.proxy.on = True
        async with asyncio.TaskGroup() as tasks:
            tending = tasks.create_task(self._tend())
            until = time.monotonic() + seconds
            async with asyncio.TaskGroup() as acting:
                acting.create_task(self._kill(kills, seconds))
                acting.create_task(self._account(until, plays))
            system.proxy.on = False
            system.say(f"faults and plays end after {sum(self._kills.values())} kills; everything has to be told now")
            quiet = time.monotonic()
            evidence = await self._settle()
            settled = time.monotonic() - quiet
            tending.cancel()
        await system.pool.stop_all()
        again = await self._again(evidence) if replay else None
        findings = audit(evidence)
        findings.unreadable += self._unreadable
        functions = await system.accountant.functions() - self._before
        return PaymentRunReport(
            seconds=time.monotonic() - began,
            settled_after=settled,
            told=len(evidence.told),
            kinds=Counter(each.kind for each in evidence.told),
            payments=sum(1 for each in evidence.truth.facts.values() if each.place in evidence.exported),
            documents=len(evidence.exported),
            hidden=len(evidence.hidden & evidence.exported.keys()),
            played=system.accountant.played,
            refused=system.accountant.refused,
            kills=self._kills,
            ended=system.pool.endings.by_themselves,
            requests=functions,
            struck=system.proxy.seen.struck,
            findings=findings,
            replay=again,
        )

    async def _until_polled(self) -> None:
        """What comes before the first poll of a company is asked for by document: nothing of it would be hidden."""
        async with asyncio.timeout(FIRST_POLL_WITHIN):
            lines = (rf"payments polled .*company={company} .*well=True" for company in COMPANIES)
            await self._system.pool.until_logged(*lines)

    async def _account(self, until: float, plays: int) -> None:
        """Bursts of plays, so that some share a second, and pauses, so that some do not."""
        while time.monotonic() < until or self._system.accountant.played.total() < plays:
            for _ in range(self._chance.randint(1, BURST)):
                await self._system.accountant.once()
            await asyncio.sleep(self._chance.uniform(0.0, 1.5))

    async def _kill(self, kills: int, seconds: float) -> None:
        chance, pool = Random(self._chance.random()), self._system.pool
        pause = min(GAP[1], max(GAP[0], seconds / (kills + 1)))
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3 * pause, 1.7 * pause))
            [kind] = chance.choices(list(KILLS), list(KILLS.values()))
            self._kills[kind] += 1
            if kind == "once":
                await self._look_by_hand(chance)
                continue
            slot = await pool.take(chance.randrange(1_000))
            match kind:
                case "freeze":
                    await pool.freeze(slot, SESSION + chance.uniform(1, 3))
                case "term":
                    await pool.terminate(slot)
                case _:
                    await pool.kill(slot)

    async def _look_by_hand(self, chance: Random) -> None:
        arguments = ["payments", chance.choice(("--once", "--reconcile"))]
        try:
            await asyncio.to_thread(command, arguments, self._system.env)
        except DemoError as error:  # a fault met it, or a poller took its place back
            self._system.say(str(error).partition("\n")[0])

    async def _tend(self) -> None:
        last = time.monotonic()
        while True:
            self._system.pool.tend()
            if time.monotonic() - last >= 10:  # noqa: PLR2004 - seconds between lines of progress
                last = time.monotonic()
                played = self._system.accountant.played
                self._system.say(f"plays {sum(played.values())}, kills {sum(self._kills.values())}, "
                                 f"calls {self._system.proxy.seen.requests}")  # fmt: skip
            await asyncio.sleep(0.2)

    async def _settle(self) -> PaymentEvidence:
        """Wait until nothing is found and nothing new comes, or until nothing has come for `patience` seconds."""
        changed, seen, sound_at = time.monotonic(), -1, -1
        while True:
            await asyncio.sleep(INTERVAL)
            evidence = await self._look()
            if len(evidence.told) != seen:
                changed, seen = time.monotonic(), len(evidence.told)
            found = audit(evidence)
            sound = found.sound
            # Once more after the next polls and a whole reconciliation: what is right has to stay right.
            if sound and sound_at == seen and time.monotonic() - changed > RECONCILE + 3 * INTERVAL:
                return evidence
            sound_at = seen if sound else -1
            if time.monotonic() - changed > self._patience or found.repeated or found.wrote:
                return evidence  # nothing more comes, or nothing that comes can mend it

    async def _look(self) -> PaymentEvidence:
        accountant = self._system.accountant
        held = truth(await accountant.books())
        told = self._read(await self._system.payments.records())
        functions = await accountant.functions() - self._before
        return PaymentEvidence(told, held, self._system.exported, frozenset(accountant.hidden), functions)

    def _read(self, records: list[tuple[bytes | None, bytes | None]]) -> list[Told]:
        told: list[Told] = []
        self._unreadable = []
        for key, value in records:
            try:
                told.append(read(key, value or b""))
            except (ValueError, LookupError, TypeError, ArithmeticError) as error:
                self._unreadable.append(f"{key!r}: {error!r} in {(value or b'')[:200]!r}")
        return told

    async def _again(self, before: PaymentEvidence) -> PaymentFindings:
        """Everything is told once more: the fold stays what it was, under the same ids."""
        system = self._system
        system.say("everything is to be told once more")
        try:
            await asyncio.to_thread(command, ["payments", "--once", "--since", "2000-01-01"], system.env)
        except DemoError as error:
            return PaymentFindings(missed=[f"the replay failed: {error}"])
        after = await self._look()
        found = audit(
            PaymentEvidence(after.told, after.truth, after.exported, after.hidden, after.functions, replayed=True)
        )
        known = {each.payment_id for each in before.told}
        found.invented += [f"{each.payment_id}: only after the replay" for each in after.told
                           if each.payment_id not in known]  # fmt: skip
        if len(after.told) <= len(before.told):
            found.missed.append("the replay told nothing")
        return found
