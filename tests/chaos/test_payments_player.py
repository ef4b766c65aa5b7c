"""The accountant of the payments harness: plays everything, the books stay in balance, a seed repeats it."""

from decimal import Decimal
from random import Random

import aiohttp
import pytest

from chaos.payments.accountant import Accountant
from chaos.payments.player import Player
from simulator import Simulator
from tests.support.gateway_client import LINE, GatewayClient, bill, invoice

COMPANIES = {"BLUEMESA": 0}


@pytest.fixture
async def gateway():
    async with Simulator(demo=True) as sim, aiohttp.ClientSession() as http:
        client = GatewayClient(http, sim.url)
        numbers = Random(1)
        for number in range(40):
            amount = f"{numbers.randint(500, 900_000) / 100:.2f}" if number % 8 else "-75.00"
            await client.ok(invoice(f"I{number}", LINE.replace("2450.00", amount)), bill(f"B{number}", amount=amount))
        yield sim


async def played(sim, seed, plays):
    async with Accountant(f"{sim.base_url}/admin", Player(seed, COMPANIES)) as accountant:
        told = [await accountant.once() for _ in range(plays)]
        return accountant, told, await accountant.books()


async def test_every_kind_of_play_is_played_and_the_balances_follow_from_the_details(gateway):
    accountant, _, books = await played(gateway, 3, 400)
    assert set(accountant.played) == set(Player(0, COMPANIES).kinds)
    assert sum(accountant.refused.values()) < 60, accountant.refused
    for document in books["documents"]:
        final = [row for row in books["details"] if row["final"] and row["side"] == document["side"]]
        paid = Decimal(0)
        for row in final:
            paid += sum(map(Decimal, row["amounts"].values())) if row["document"] == document["recordno"] else 0
            used = row["sources"].get("negative_invoice") == document["recordno"]
            paid -= Decimal(row["amounts"]["negative_invoice"]) if used else 0
        assert (Decimal(document["paid"]), Decimal(document["due"])) == (paid, Decimal(document["total"]) - paid)


async def test_a_seed_repeats_what_is_drawn(gateway):
    _, _, books = await played(gateway, 1, 30)
    first, second = Player("x", COMPANIES), Player("x", COMPANIES)
    assert [first.next(books) for _ in range(50)] == [second.next(books) for _ in range(50)]
