"""Everything that a run needs, up and down again: broker, gateway, proxy, topics, exported documents, pollers."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

from chaos.payments.accountant import Accountant
from chaos.payments.exports import RunTopics, export, strangers
from chaos.payments.facts import Place
from chaos.payments.player import AdminCall, Player
from chaos.payments.reading import Topic
from chaos.proxy import KINDS, Proxy
from chaos.workers import Pool
from demo.processes import Process, command
from demo.rig import SETTINGS, add_parties, environment
from ops.broker import Broker, GivenBroker, LocalKafka

SESSION_TIMEOUT, SESSION_TIMEOUT_GIVEN = 3.0, 6.0
"""Seconds; our own broker's lower limit is set below the first, a broker that is given may have Kafka's own limit."""
PATIENCE = 2.0
BROKER = {"group.min.session.timeout.ms": "1000"}
COMPANIES = ("BLUEMESA", "HIGHLINE")
OFFSETS = (-7_200, -400, 0, 300, 4_000)
"""Seconds that a company's clock is off, and the minutes that its stamps are from UTC."""
ZONES = (-480, -300, 0, 60, 330)
INTERVAL, OVERLAP = 1, 5
"""Seconds between polls, and how far back one looks: short, so that watermarks pass what is changed later."""
POLLER = {
    "PAYMENTS_INTERVAL_SECONDS": str(INTERVAL),
    "PAYMENTS_OVERLAP_SECONDS": str(OVERLAP),
    "PAYMENTS_CALLS_PER_HOUR": "1000000",
    "GATEWAY_TIMEOUT_SECONDS": str(round(PATIENCE)),
}


@dataclass(frozen=True, slots=True)
class PaymentOptions:
    """What kind of system."""

    seed: int
    documents: int = 150
    pollers: int = 2
    partitions: int = 3
    fault_rate: float = 0.15
    faults: Sequence[str] = KINDS
    bootstrap: str | None = None
    """A broker that runs; None: one of our own."""
    broken: str = ""
    """The guard that pollers lack (`chaos.payments.hurried`)."""


@dataclass(slots=True)
class PaymentSystem:
    """What runs."""

    payments: Topic
    """`sage-payments`, from its beginning."""
    env: Mapping[str, str]
    pool: Pool
    proxy: Proxy
    accountant: Accountant
    exported: Mapping[Place, str]
    say: Callable[[str], None]


@asynccontextmanager
async def system(wanted: PaymentOptions, folder: Path, say: Callable[[str], None]) -> AsyncIterator[PaymentSystem]:
    """Start everything, the pollers last; stop it in the opposite order. `folder` keeps the processes' logs.

    Raises:
        BrokerError, DemoError: Something did not start, or the documents could not be exported.
    """
    async with AsyncExitStack() as stack:
        broker: Broker = GivenBroker(wanted.bootstrap) if wanted.bootstrap else LocalKafka(say, BROKER)
        stack.enter_context(broker)
        topics = RunTopics(broker.bootstrap, f"chaos-{uuid4().hex[:8]}-", wanted.partitions)
        env = _environment(topics, wanted)
        simulator = Process("simulator", ["simulator", "--demo", "--port", "0"], env, folder)
        stack.callback(simulator.stop)
        target = simulator.first_line().rpartition(" ")[2]
        admin_url = target.partition("/ia/")[0] + "/admin"
        add_parties(admin_url)
        proxy = Proxy(
            target, wanted.seed, rate=wanted.fault_rate, kinds=wanted.faults, patience=PATIENCE, lease=PATIENCE
        )
        proxy.on = False
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        env["ALVYS_SAGE_GATEWAY_URL"] = proxy.url
        command(["topics", "--create"], env)
        command(["mappings", "import", str(SETTINGS), "--by", "chaos"], env)
        offsets = await _clocks(wanted.seed, admin_url)
        say(f"clocks off by {offsets} seconds; exporting {wanted.documents} documents")
        exported = await export(wanted.seed, wanted.documents, topics, env, folder)
        await strangers(target, admin_url, wanted.seed)
        accountant = await stack.enter_async_context(Accountant(admin_url, Player(wanted.seed, offsets)))
        start = ("chaos.payments.hurried", *([wanted.broken] if wanted.broken else []))
        pool = Pool(wanted.pollers, env, folder, say, start)
        stack.callback(pool.kill_all)
        payments = await stack.enter_async_context(topics.open("sage-payments"))
        yield PaymentSystem(payments, env, pool, proxy, accountant, exported, say)


async def _clocks(seed: int, admin_url: str) -> dict[str, int]:
    """Put every company's clock and zone off by something."""
    chance = Random(f"clocks {seed}")
    offsets = {company: chance.choice(OFFSETS) for company in COMPANIES}
    async with Accountant(admin_url, Player(0, {})) as accountant:
        for company, seconds in offsets.items():
            changes = {"clock_seconds": seconds, "utc_offset_minutes": chance.choice(ZONES)}
            await accountant.call(AdminCall("PATCH", f"company/{company}", changes))
    return offsets


def _environment(topics: RunTopics, wanted: PaymentOptions) -> dict[str, str]:
    """The demonstration's, with our times."""
    env = environment(topics.bootstrap, topics.prefix, real=True)
    env |= {f"ALVYS_SAGE_{name}": value for name, value in POLLER.items()}
    session = SESSION_TIMEOUT_GIVEN if wanted.bootstrap else SESSION_TIMEOUT
    env["ALVYS_SAGE_SESSION_TIMEOUT_MS"] = str(round(session * 1000))
    env["ALVYS_SAGE_PARTITIONS"] = str(wanted.partitions)
    return env
