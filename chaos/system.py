"""Everything that a run needs, up and down again: broker, gateway, proxy, topics, settings, workers, watch."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos.gateway import ChaosGateway, OtherGateway, OurSimulator
from chaos.mappings import original_settings
from chaos.neighbours import neighbours_settings
from chaos.plan import MemoryKind
from chaos.proxy import KINDS, Proxy
from chaos.sending import EventSender
from chaos.times import TIMES
from chaos.watch import Watch
from chaos.workers import Pool
from demo.events import TOPICS
from demo.processes import SERVICE, command
from demo.rig import environment
from ops.broker import Broker, GivenBroker, LocalKafka

SESSION_TIMEOUT = 3.0
"""Seconds; our own broker's lower limit is set below it. A broker that is given may have Kafka's default limit."""
SESSION_TIMEOUT_GIVEN = 6.0
BROKER = {"group.min.session.timeout.ms": "1000"}
WORKER = {
    "MAX_POLL_INTERVAL_MS": "15000",
    "DRAIN_TIMEOUT_SECONDS": "3",
    "BATCH_SIZE": "20",
}
"""The service's settings besides its time-outs (`chaos.times`), without their prefix: real, but short, so that a run
sees every wait often."""
ANEW = "NEIGHBOURS_ANEW"
"""The credentials that the neighbours' connections name once they answer again."""
LAG = 0.5
"""How far the gateway's queries lag behind its books, as a part of the lease: less than one, as is assumed."""


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
    times: str = "shipped"
    """The time-outs (`chaos.times.TIMES`)."""
    neighbours: bool = True
    """Whether slow and hanging companies are among the others."""
    lag: bool = True
    """Whether the gateway's queries lag behind its books."""
    memory: Sequence[MemoryKind] = ()
    """The faults of topics."""

    @property
    def session_timeout(self) -> float:
        """Seconds of silence after which a worker's partitions are given to others."""
        return SESSION_TIMEOUT_GIVEN if self.bootstrap else SESSION_TIMEOUT


@dataclass(slots=True)
class ExportSystem:
    """What runs."""

    broker: Broker
    env: dict[str, str]
    prefix: str
    pool: Pool
    proxy: Proxy
    watch: Watch
    sender: EventSender
    gateway: ChaosGateway
    say: Callable[[str], None]
    settings: Mapping[str, dict[str, Any]]
    """The settings that the run begins and ends with, by key."""
    wanted: ExportOptions
    folder: Path

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
    running: ExportSystem | None = None
    async with AsyncExitStack() as stack:
        broker: Broker = GivenBroker(wanted.bootstrap) if wanted.bootstrap else LocalKafka(say, BROKER)
        broker.__enter__()
        stack.callback(lambda: running.broker.close() if running else broker.close())
        prefix = f"chaos-{uuid4().hex[:8]}-"
        env = _environment(broker.bootstrap, prefix, wanted)
        gateway: ChaosGateway
        gateway = (
            OtherGateway(wanted.gateway_url, env, neighbours=wanted.neighbours)
            if wanted.gateway_url
            else OurSimulator(env, folder)
        )
        stack.callback(gateway.stop)
        target = gateway.start()
        await gateway.books()
        times = TIMES[wanted.times]
        proxy = Proxy(
            target,
            wanted.seed,
            rate=wanted.fault_rate,
            kinds=wanted.faults,
            patience=times.exchange,
            lease=times.lease,
            lag=LAG * times.lease if wanted.lag else 0.0,
        )
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        env["ALVYS_SAGE_GATEWAY_URL"] = proxy.url
        command(["topics", "--create"], env)
        settings = original_settings() | (neighbours_settings() if wanted.neighbours else {})
        command(["mappings", "import", str(_written(settings, folder)), "--by", "chaos"], env)
        watch = Watch(broker.bootstrap, prefix, f"{prefix}worker", TOPICS, wanted.partitions)
        await watch.__aenter__()

        async def end_watch() -> None:
            await (running.watch if running else watch).__aexit__()

        stack.push_async_callback(end_watch)
        sender = await stack.enter_async_context(EventSender(broker.bootstrap, prefix))
        start = ("chaos.broken", wanted.broken) if wanted.broken else (SERVICE, "worker")
        pool = Pool(wanted.workers, env, folder, say, start)
        stack.callback(pool.kill_all)
        pool.start()
        running = ExportSystem(broker, env, prefix, pool, proxy, watch, sender, gateway, say, settings, wanted, folder)
        yield running


def _written(settings: Mapping[str, dict[str, Any]], folder: Path) -> Path:
    file = folder / "settings.jsonl"
    lines = (json.dumps({"key": key, "value": value}) for key, value in settings.items())
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _environment(bootstrap: str, prefix: str, wanted: ExportOptions) -> dict[str, str]:
    """The demonstration's, with our times; for another gateway the sender and the users are the caller's, if given."""
    env = environment(bootstrap, prefix, real=True)
    ours = {**WORKER, **TIMES[wanted.times].settings()}
    env |= {f"ALVYS_SAGE_{name}": value for name, value in ours.items()}
    for user in ("USER", "PASSWORD"):  # a connection that is written anew names these
        env[f"ALVYS_SAGE_CREDENTIALS__{ANEW}__{user}"] = env[f"ALVYS_SAGE_CREDENTIALS__HIGHLINE__{user}"]
    env["ALVYS_SAGE_SESSION_TIMEOUT_MS"] = str(round(wanted.session_timeout * 1000))
    env["ALVYS_SAGE_PARTITIONS"] = str(wanted.partitions)
    if wanted.gateway_url:
        names = ("ALVYS_SAGE_SENDER_", "ALVYS_SAGE_CREDENTIALS__")
        env |= {name: value for name, value in os.environ.items() if name.startswith(names)}
    return env
