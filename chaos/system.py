"""Everything that a run needs, up and down again: broker, gateway, proxy, topics, settings, workers, watch."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from chaos.gateway import ChaosGateway, OtherGateway, OurSimulator
from chaos.proxy import KINDS, Proxy
from chaos.sending import EventSender
from chaos.watch import Watch
from chaos.workers import Pool
from demo.events import TOPICS
from demo.processes import SERVICE, command
from demo.rig import SETTINGS, environment
from ops.broker import Broker, GivenBroker, LocalKafka

SESSION_TIMEOUT = 3.0
"""Seconds; our own broker's lower limit is set below it. A broker that is given may have Kafka's default limit."""
SESSION_TIMEOUT_GIVEN = 6.0
PATIENCE, SEND_WITHIN, EXECUTION = 2, 2, 3
"""Seconds: the worker's limit of one exchange, of the time from claim to call, and what Sage may take. Together they
are the lease."""
BROKER = {"group.min.session.timeout.ms": "1000"}
WORKER = {
    "MAX_POLL_INTERVAL_MS": "15000",
    "DRAIN_TIMEOUT_SECONDS": "3",
    "SEND_DEADLINE_SECONDS": str(SEND_WITHIN),
    "EXECUTION_LIMIT_SECONDS": str(EXECUTION),
    "GATEWAY_TIMEOUT_SECONDS": str(PATIENCE),
    "CIRCUIT_RETRY_SECONDS": "1",
    "CIRCUIT_OPEN_AFTER_SECONDS": "10",
    "BATCH_SIZE": "20",
}
"""The service's settings, without their prefix: real, but short, so that a run sees every wait often."""
LEASE = float(SEND_WITHIN + PATIENCE + EXECUTION)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What kind of system."""

    seed: int | str
    workers: int = 3
    partitions: int = 3
    fault_rate: float = 0.15
    faults: Sequence[str] = KINDS
    bootstrap: str | None = None
    """A broker that runs, and is not broken; None: one of our own."""
    gateway_url: str | None = None
    """None: our simulator."""
    broken: str | None = None
    """The guard that workers lack (`chaos.broken`)."""

    @property
    def session_timeout(self) -> float:
        """Seconds of silence after which a worker's partitions are given to others."""
        return SESSION_TIMEOUT_GIVEN if self.bootstrap else SESSION_TIMEOUT


@dataclass(slots=True)
class ExportSystem:
    """What runs."""

    broker: Broker
    env: Mapping[str, str]
    prefix: str
    pool: Pool
    proxy: Proxy
    watch: Watch
    sender: EventSender
    gateway: ChaosGateway
    say: Callable[[str], None]

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.prefix}worker"


@asynccontextmanager
async def system(wanted: ExportOptions, folder: Path, say: Callable[[str], None]) -> AsyncIterator[ExportSystem]:
    """Start everything; stop it in the opposite order. `folder` keeps the workers' logs.

    Raises:
        BrokerError, DemoError, SageError: Something did not start, or the gateway's books cannot be read.
    """
    async with AsyncExitStack() as stack:
        broker: Broker = GivenBroker(wanted.bootstrap) if wanted.bootstrap else LocalKafka(say, BROKER)
        stack.enter_context(broker)
        prefix = f"chaos-{uuid4().hex[:8]}-"
        env = _environment(broker.bootstrap, prefix, wanted)
        gateway: ChaosGateway
        gateway = OtherGateway(wanted.gateway_url, env) if wanted.gateway_url else OurSimulator(env, folder)
        stack.callback(gateway.stop)
        target = gateway.start()
        await gateway.books()
        proxy = Proxy(target, wanted.seed, rate=wanted.fault_rate, kinds=wanted.faults, patience=PATIENCE, lease=LEASE)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        env["ALVYS_SAGE_GATEWAY_URL"] = proxy.url
        command(["topics", "--create"], env)
        command(["mappings", "import", str(SETTINGS), "--by", "chaos"], env)
        watch = await stack.enter_async_context(
            Watch(broker.bootstrap, prefix, f"{prefix}worker", TOPICS, wanted.partitions)
        )
        sender = await stack.enter_async_context(EventSender(broker.bootstrap, prefix))
        start = ("chaos.broken", wanted.broken) if wanted.broken else (SERVICE, "worker")
        pool = Pool(wanted.workers, env, folder, say, start)
        stack.callback(pool.kill_all)
        pool.start()
        yield ExportSystem(broker, env, prefix, pool, proxy, watch, sender, gateway, say)


def _environment(bootstrap: str, prefix: str, wanted: ExportOptions) -> dict[str, str]:
    """The demonstration's, with our times; for another gateway the sender and the users are the caller's, if given."""
    env = environment(bootstrap, prefix, real=True)
    env |= {f"ALVYS_SAGE_{name}": value for name, value in WORKER.items()}
    env["ALVYS_SAGE_SESSION_TIMEOUT_MS"] = str(round(wanted.session_timeout * 1000))
    env["ALVYS_SAGE_PARTITIONS"] = str(wanted.partitions)
    if wanted.gateway_url:
        names = ("ALVYS_SAGE_SENDER_", "ALVYS_SAGE_CREDENTIALS__")
        env |= {name: value for name, value in os.environ.items() if name.startswith(names)}
    return env
