"""The engine with the real client before a simulator, over real HTTP: a world, events, and the books of one company."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from pydantic import SecretStr

from demo.audit import WORTH_NOTHING
from sage_client import SageClient, Timeouts
from simulator import Simulator, demo_seed
from simulator.seed import Company, User
from tests.support.sage import FakeSage
from tests.support.world import MASTER, SUBSIDIARY, World, invoice, key, sample

COMPANY = "HIGHLINE"


def highline() -> Company:
    """The simulator's demo company Highline, with the user that a world signs in as."""
    [company] = [each for each in demo_seed().companies if each.company_id == COMPANY]
    return company.model_copy(update={"users": (User(id="user", password="p"),)})


def customer() -> str:
    """The id of a customer of Highline."""
    return highline().customers[0].id


@asynccontextmanager
async def world_before(
    gateway: Simulator, clock: Callable[[], datetime], bootstrap: str, prefix: str
) -> AsyncIterator[World]:
    """A world whose subsidiary is connected to Highline in this simulator."""
    timeouts = Timeouts(connect=2, write=2, read=0.5, total=2)
    password = SecretStr("sender-secret")
    async with SageClient(gateway.url, "AlvysMPP", password, timeouts=timeouts, clock=clock) as client:
        world = World(bootstrap, prefix, sage=cast(FakeSage, client))
        world.config = replace(world.config, request_timeout=timedelta(seconds=2))
        await world.set_up()
        await world.connect(company=COMPANY)
        await world.set(MASTER, {"account": "40010"})
        await world.set(f"{SUBSIDIARY}/account/ap/default/default", {"account": "50010"})
        yield world


async def send(world: World, *numbers: str, amount: str = "100.00") -> None:
    """Send an invoice for each number."""
    await world.send(*((key(number), invoice(number, amount, customer=customer())) for number in numbers))


async def send_lines(world: World, *amounts: str, number: str = "a", customer_id: str | None = None) -> None:
    """Send one invoice with a line for each amount."""
    made = orjson.loads(invoice(number, "1", customer=customer_id or customer()))
    [line] = made["data"]["invoice"]["lineItems"]
    money = [{"amount": amount, "currency": 840} for amount in amounts]
    made["data"]["invoice"]["lineItems"] = [line | {"id": str(n), "amount": each} for n, each in enumerate(money)]
    made["data"]["invoice"]["total"] = {"amount": str(sum(map(float, amounts))), "currency": 840}
    await world.send((key(number), orjson.dumps(made)))


def fuel(total: float) -> tuple[bytes, bytes]:
    """Key and value of a fuel transaction's event."""
    money = {"amount": total, "currency": 840}
    nothing = money | {"amount": 0}
    made = sample("fuel", "f1") | {"id": f"event-f1-{total}"}
    made["data"]["fuel"] |= {"total": money, "fuelTotal": money, "fees": nothing, "discounts": nothing}
    return b"fuel/f1", orjson.dumps(made)


def creates(gateway: Simulator, function: str = "create_invoice") -> int:
    """How often the gateway was asked for this function."""
    return int(gateway.traffic.counts(0)["functions"].get(function, 0))


def books(gateway: Simulator) -> list[tuple[Any, Any, Any]]:
    """Number, state and total of every record."""
    return [(each["number"], each["state"], each["total"]) for each in gateway.store.documents(COMPANY)]


def standing(gateway: Simulator) -> list[tuple[Any, Any, Any]]:
    """The records that count: neither reversed nor reversals."""
    return [each for each in books(gateway) if each[1] not in WORTH_NOTHING]
