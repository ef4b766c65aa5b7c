"""Which fault comes when: drawn from the seed before anything runs, so a seed repeats the plan.

What a seed cannot repeat: where inside a worker a signal falls, which requests are on their way then, how long the
machine takes. The gateway's faults are drawn from the seed in the order in which requests arrive, which varies too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

Kind = Literal[
    "kill",  # SIGKILL of a worker, and a new one in its place
    "wipe",  # the same, and its local store is deleted while it is dead
    "freeze",  # SIGSTOP past the session time-out, then SIGCONT: a zombie whose partitions are others' by then
    "term",  # SIGTERM, and a new one in its place
    "broker-kill",  # SIGKILL of the broker, and its restart
    "broker-term",  # SIGTERM of the broker, and its restart
    "add",  # a worker more for a while
    "remove",  # a worker less for a while (SIGTERM)
    "account",  # an account mapping is set to another account, or cleared
    "master",  # a master Default is cleared, and set again: documents wait and wake
    "vendor",  # a card provider's vendor is cleared, and set again
    "pause",  # a connection is paused, and resumed
]
MemoryKind = Literal[
    "ledger-replaced-running",  # a ledger topic is deleted and created again under running workers
    "ledger-replaced",  # the same, while none runs
    "ledger-cut",  # the first half of a ledger's records is deleted
    "source-expired",  # source records are deleted before they were read
    "ledger-partitions",  # a ledger gets a partition under running workers
    "source-partitions",  # a source topic gets a partition under running workers
    "cluster-copied",  # all topics are copied to a new cluster, and the workers started there
]
RUNNING: frozenset[MemoryKind] = frozenset({"ledger-replaced-running", "ledger-partitions", "source-partitions"})
"""What is done while workers run; the others come while none does, those of one round together."""
ONCE: frozenset[MemoryKind] = frozenset({"ledger-partitions", "source-partitions", "cluster-copied"})
MEMORY: tuple[MemoryKind, ...] = get_args(MemoryKind)
INVOICE, TOLL = 0, 3
"""The numbers of the topics of invoices and of tolls."""
KILLS: dict[Kind, float] = {
    "kill": 8,
    "wipe": 2,
    "freeze": 3,
    "term": 3,
    "broker-kill": 0.8,
    "broker-term": 0.8,
    "remove": 1,
}
"""What ends or stops a process, with its weight: these count as kills."""
OTHERS: dict[Kind, float] = {"add": 1, "account": 4, "master": 1, "vendor": 1, "pause": 2}
"""What is done besides, with its weight."""
WORKER_KILLS = ("kill", "wipe", "freeze", "term", "remove")
BROKER_KILLS: tuple[Kind, ...] = ("broker-kill", "broker-term")
OTHERS_PER_KILL = 0.7
GAP = (1.0, 7.0)
"""Seconds from one kill to the next: sometimes in the middle of the recovery from the one before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `choice` chooses a worker, a key or a connection; `seconds` is how long it lasts."""

    at: float
    """Seconds since the round began."""
    kind: Kind
    choice: int
    seconds: float

    @property
    def is_kill(self) -> bool:
        """Whether it ends or stops a process."""
        return self.kind in KILLS


@dataclass(frozen=True, slots=True)
class MemoryFault:
    """One fault of the memory; `topic` is the number of the source topic that it is about."""

    kind: MemoryKind
    topic: int


@dataclass(frozen=True, slots=True)
class Round:
    """Steps in their order; `replay` is the number of the source topic that is read again from its beginning after.

    `memory` are the faults of topics that follow, in their order.
    """

    steps: tuple[Step, ...]
    length: float
    replay: int | None
    memory: tuple[MemoryFault, ...] = ()


def plan(
    seed: int | str,
    kills: int,
    rounds: int,
    *,
    session_timeout: float,
    without: Sequence[Kind] = (),
    memory: Sequence[MemoryKind] = (),
) -> list[Round]:
    """So many kills over so many rounds, of all kinds but those in `without`; each once if there are kills enough.

    After each round come the faults of `memory` that can come often; those of `ONCE` come after the last.
    """
    chance = Random(f"plan {seed}")
    allowed = {kind: weight for kind, weight in KILLS.items() if kind not in without}
    drawn: list[Kind] = list(allowed)[:kills]
    drawn += chance.choices(list(allowed), list(allowed.values()), k=kills - len(drawn))
    chance.shuffle(drawn)
    share = -(-kills // rounds)
    planned = [
        _round(chance, drawn[number * share : (number + 1) * share], session_timeout, last=number + 1 == rounds)
        for number in range(rounds)
    ]
    return [
        replace(each, memory=_memory(chance, memory, first=not number, last=each is planned[-1]))
        for number, each in enumerate(planned)
    ]


def _memory(chance: Random, kinds: Sequence[MemoryKind], *, first: bool, last: bool) -> tuple[MemoryFault, ...]:
    """The faults after a round: ledgers of different topics, that of invoices first, whose documents have revisions."""
    often = [kind for kind in kinds if kind not in ONCE]
    once = [kind for kind in kinds if kind in ONCE]
    if not first:
        often = [] if last and once else chance.sample(often, min(2, len(often)))
    topics = [INVOICE, *chance.sample((1, 2), 2)]
    # Invoices are most of the records, so that some are unread when theirs expire.
    of_ledgers = [kind for kind in often if kind != "source-expired"]
    faults = [MemoryFault(kind, topics[number % len(topics)]) for number, kind in enumerate(of_ledgers)]
    faults += [MemoryFault("source-expired", INVOICE)] * ("source-expired" in often)
    # Tolls alone have no later revisions, which may not follow their document to a new topic (docs/operation.md).
    faults += [MemoryFault(kind, TOLL if kind == "source-partitions" else topics[1]) for kind in once if last]
    return tuple(faults)


def _round(chance: Random, kills: Sequence[Kind], session_timeout: float, *, last: bool) -> Round:
    steps, now = [], 0.0
    for kind in kills:
        now += chance.uniform(*GAP)
        steps.append(_step(chance, now, kind, session_timeout))
    for _ in range(round(len(kills) * OTHERS_PER_KILL)):
        [kind] = chance.choices(list(OTHERS), list(OTHERS.values()))
        steps.append(_step(chance, chance.uniform(0, now), kind, session_timeout))
    return Round(tuple(sorted(steps, key=lambda step: step.at)), now + GAP[0], None if last else chance.randrange(4))


def _step(chance: Random, at: float, kind: Kind, session_timeout: float) -> Step:
    seconds = session_timeout + chance.uniform(1, 4) if kind == "freeze" else chance.uniform(2, 8)
    if kind in ("broker-kill", "broker-term"):
        seconds = chance.uniform(0, 3)
    return Step(at, kind, chance.randrange(1_000_000), seconds)
