"""The choice of a broker: what the environment names, else the first kind in order of preference that works here."""

import os
from typing import Final

from ops.broker.base import Broker, BrokerError, Kind, Progress, Purpose, quiet
from ops.broker.container import ContainerKafka
from ops.broker.given import VARIABLE, GivenBroker
from ops.broker.local import LocalKafka
from ops.broker.mock import MockKafka

TEST_KIND: Final = "ALVYS_SAGE_TEST_BROKER"
"""Names the kind of broker that the tests are to use, ``local`` or ``container``, and no other."""

# The local server goes first: it starts fastest, and no proxy of Docker's copies each byte. `tests/broker` tries the
# container as well. The mock is no broker for tests: it passes what a real one would fence.
ORDER: Final[dict[Purpose, tuple[Kind, ...]]] = {
    "tests": ("local", "container"),
    "demo": ("local", "container", "mock"),
}
KINDS: Final[dict[Kind, type[LocalKafka | ContainerKafka | MockKafka]]] = {
    "local": LocalKafka,
    "container": ContainerKafka,
    "mock": MockKafka,
}


def find_broker(purpose: Purpose, progress: Progress = quiet) -> Broker:
    """Start the first broker that works on this machine. Whoever gets it closes it.

    A kind that turns out not to work (a Docker daemon without a way to the image) gives way to the next, and
    `progress` says why.

    Args:
        purpose: ``tests`` for a real broker only; ``demo`` where the mock cluster is better than nothing.
        progress: Called with one line per step.

    Raises:
        BrokerError: None is possible; the text says what each would need.
    """
    if os.environ.get(VARIABLE):
        progress(f"using the broker at {os.environ[VARIABLE]} ({VARIABLE})")
        given = GivenBroker(progress=progress)
        given.start()
        return given
    reasons: list[str] = []
    for kind in _order(purpose):
        broker = KINDS[kind](progress)
        try:
            return broker.__enter__()
        except BrokerError as error:
            progress(f"no {kind} broker: {error}")
            reasons.append(f"{kind}: {error}")
    raise BrokerError(
        "no Kafka broker to use. Install Java 17 and Maven (Debian: apt install openjdk-17-jre-headless maven), "
        f"or start Docker, or set {VARIABLE} to a running broker. Tried:\n  " + "\n  ".join(reasons)
    )


def _order(purpose: Purpose) -> tuple[Kind, ...]:
    wanted = os.environ.get(TEST_KIND) if purpose == "tests" else None
    if not wanted:
        return ORDER[purpose]
    chosen = tuple(kind for kind in ORDER["tests"] if kind == wanted)
    if not chosen:
        raise BrokerError(f"{TEST_KIND}={wanted} is none of: {', '.join(ORDER['tests'])}")
    return chosen
