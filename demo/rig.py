"""The system on this machine: a broker, a Sage of its own, the topics, the settings, one worker. All end together."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from demo.events.world import CARRIERS, CUSTOMERS, DRIVERS, TWIN_IDS, TWINS
from demo.processes import SERVICE, Process, command, running
from demo.screen import Screen
from ops.broker import Broker, MockKafka, find_broker
from simulator.seed import Company, Record, demo_seed

SETTINGS = Path(__file__).with_name("settings.jsonl")
ON_MOCK = "demo.on_mock"
PARTITIONS = 3
"""Few: each partition is a transactional producer to be started, and this is to be quick."""
SENDER_PASSWORD = "sender-secret"  # noqa: S105 - of the fictional companies in the simulator's seed
USER_PASSWORD = "user-secret"  # noqa: S105 - as above
ADMIN_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Rig:
    """What runs, and how to reach it."""

    bootstrap: str
    prefix: str
    admin_url: str
    """Where the simulator's admin endpoints are."""
    worker: Process
    env: dict[str, str]
    real_broker: bool

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return self.prefix + name

    def alvys_sage(self, *arguments: str) -> str:
        """Run a command of the service, as an operator would."""
        return command(list(arguments), self.env, SERVICE if self.real_broker else ON_MOCK)


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """What stands in for Sage: a process that prints `listening on` and its address."""

    name: str
    module: str
    arguments: tuple[str, ...]
    has_admin: bool
    """Whether it has the simulator's admin endpoints."""


SIMULATOR = GatewayProcess("simulator", SERVICE, ("simulator", "--demo", "--port", "0"), has_admin=True)


@contextmanager
def rig(screen: Screen, broker: Broker | None = None, gateway: GatewayProcess = SIMULATOR) -> Iterator[Rig]:
    """Start everything, and stop it again in the opposite order.

    Raises:
        BrokerError, DemoError: Something did not start; what did is stopped.
    """
    broker = broker or find_broker("demo", screen.say)
    with broker, tempfile.TemporaryDirectory(prefix="alvys-sage-demo-") as name:
        folder = Path(name)
        # A name of its own for every run: the broker may be somebody's, with other topics on it.
        prefix = f"demo-{uuid4().hex[:8]}-"
        real = not isinstance(broker, MockKafka)
        env = environment(broker.bootstrap, prefix, real=real)
        service = SERVICE if real else ON_MOCK
        screen.say(f"starting the {gateway.name}, creating the topics {prefix}*")
        with running(gateway.name, list(gateway.arguments), env, folder, gateway.module) as sage:
            command(["topics", "--create"], env, service)
            url = env["ALVYS_SAGE_GATEWAY_URL"] = sage.first_line().rpartition(" ")[2]
            admin_url = url.partition("/ia/")[0] + "/admin"
            if gateway.has_admin:
                add_parties(admin_url)
            screen.say(f"importing {sum(1 for _ in SETTINGS.open())} settings: connections, accounts, vendors")
            command(["mappings", "import", str(SETTINGS), "--by", "demo"], env, service)
            screen.say("starting the worker")
            with running("worker", ["worker"], env, folder, service) as worker:
                yield Rig(broker.bootstrap, prefix, admin_url, worker, env, real)
                screen.say(f"stopping worker, {gateway.name} and broker")


def environment(bootstrap: str, prefix: str, *, real: bool) -> dict[str, str]:
    """This process's environment without settings of the service that somebody left in it, and those of the demo."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALVYS_SAGE_")}
    ours = {
        "TOPIC_PREFIX": prefix,
        "GROUP_ID": f"{prefix}worker",
        "PARTITIONS": str(PARTITIONS),
        "SENDER_ID": "AlvysMPP",
        "SENDER_PASSWORD": SENDER_PASSWORD,
        "CHECK_CRCS": "true" if real else "false",
        **{
            f"CREDENTIALS__{name}__{part}": value
            for name in ("BLUE_MESA", "HIGHLINE")
            for part, value in (("USER", "alvys_ws"), ("PASSWORD", USER_PASSWORD))
        },
    }
    return kept | {"KAFKA_BOOTSTRAP_SERVERS": bootstrap} | {f"ALVYS_SAGE_{name}": value for name, value in ours.items()}


def add_parties(admin_url: str) -> None:
    """Add the customers and vendors of the events to the simulator's companies."""
    with httpx.Client(trust_env=False, timeout=ADMIN_TIMEOUT) as http:
        for company in companies():
            http.post(f"{admin_url}/company", content=company.model_dump_json()).raise_for_status()


def companies() -> list[Company]:
    """The simulator's companies, with the customers and vendors of the events."""
    return [_with_parties(company) for company in demo_seed().companies]


def _with_parties(company: Company) -> Company:
    name = company.company_id
    customers = {party.sage_id: party.name for party in CUSTOMERS[name]}
    if name == "BLUEMESA":
        customers |= dict.fromkeys(TWIN_IDS, TWINS.name)
    vendors = {party.sage_id: party.name for party in (*DRIVERS[name], *CARRIERS[name])}
    return company.model_copy(
        update={
            "customers": _records(company.customers, customers),
            "vendors": _records(company.vendors, vendors),
        }
    )


def _records(there: tuple[Record, ...], wanted: dict[str, str]) -> tuple[Record, ...]:
    known = {record.id for record in there}
    return (*there, *(Record(id=key, name=name) for key, name in wanted.items() if key not in known))
