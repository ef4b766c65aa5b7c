"""Which fault comes when: drawn from the seed before anything runs, so a seed repeats the plan.

What a seed cannot repeat: where inside a worker a signal falls, which requests are on their way then, how long the
machine takes. The gateway's faults are drawn from the seed in the order in which requests arrive, which varies too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

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
class Round:
    """Steps in their order; `replay` is the number of the source topic that is read again from its beginning after."""

    steps: tuple[Step, ...]
    length: float
    replay: int | None


def plan(
    seed: int | str, kills: int, rounds: int, *, session_timeout: float, without: Sequence[Kind] = ()
) -> list[Round]:
    """So many kills over so many rounds, of all kinds but those in `without`; each once if there are kills enough."""
    chance = Random(f"plan {seed}")
    allowed = {kind: weight for kind, weight in KILLS.items() if kind not in without}
    drawn: list[Kind] = list(allowed)[:kills]
    drawn += chance.choices(list(allowed), list(allowed.values()), k=kills - len(drawn))
    chance.shuffle(drawn)
    share = -(-kills // rounds)
    return [
        _round(chance, drawn[number * share : (number + 1) * share], session_timeout, last=number + 1 == rounds)
        for number in range(rounds)
    ]


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
