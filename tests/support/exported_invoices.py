"""Invoices that were exported, or refused, before a test begins; and what became of them."""

from collections.abc import Iterable
from typing import Any

import orjson

from sage_client.errors import RefusedError
from tests.support.world import World, invoice


def told(results: list[dict[str, Any]]) -> list[tuple[Any, Any, Any]]:
    """Outcome, code and Sage's record of each result."""
    return [(each["outcome"], each.get("code"), each.get("sage", {}).get("recordNo")) for each in results]


def answers(results: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    """Outcome and code of each result."""
    return [(each["outcome"], each.get("code")) for each in results]


def stands(world: World) -> list[tuple[str, str]]:
    """Number and total of everything that counts in the books."""
    return sorted((each.number, str(each.total)) for each in world.sage.standing_now)


async def posted(world: World, amount: str = "100.00", *, draft: bool = False) -> None:
    """Invoice a is in Sage, and no worker runs."""
    if draft:
        await drafts(world)
    await world.send_invoices("a", amount=amount)
    async with world.worker():
        await world.until(1, "posted")


async def drafts(world: World, **more: Any) -> None:
    """Set that invoices are posted as drafts."""
    await world.connect(ar={"autopost": False}, **more)


async def rejected(world: World, *numbers: str) -> None:
    """Documents that Sage refused and would take by now."""
    world.sage.refuse = {number: RefusedError("Invalid customer") for number in numbers}
    await world.send_invoices(*numbers)
    async with world.worker():
        await world.until(len(numbers), "rejected")
    world.sage.refuse.clear()


def delivered(number: str, day: str) -> bytes:
    """The invoice of `invoice`, whose load was delivered that day: nothing that is booked."""
    event = orjson.loads(invoice(number))
    event["data"]["loads"] = [{"loadNumber": number, "deliveredAt": f"{day}T00:00:00Z"}]
    return orjson.dumps(event)


def once(world: World, numbers: Iterable[str]) -> bool:
    """Whether these invoices, and nothing else, are in the books, each once."""
    return world.sage.keys == {f"invoice/{number}": 1 for number in numbers}
