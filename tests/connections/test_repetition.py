"""The measurement of repeated control ids, against a simulated company that keeps its word, and one that does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from pydantic import SecretStr

from app.bootstrap import SYSTEM_TIME
from app.connections.repetition import NUMBER, RepetitionTest
from app.errors import CommandError
from sage_client import Login, SageClient, equal
from sage_client.query import Query
from simulator import functions
from simulator.call import Call as FunctionCall
from simulator.call import FunctionSuccess
from simulator.faults import Fault
from simulator.gateway import Admitted, Gateway
from simulator.seed import Account, Company, Config, Record, Sender, User
from simulator.server import Simulator
from tests.support.mappings import CARRIER, connected

COMPANY = Company(
    company_id="ACME",
    senders=("AlvysMPP",),
    users=(User(id="ws", password="open-sesame"),),
    config=Config(multi_entity=True),
    entities=(Record(id="100", name="East"),),
    customers=(Record(id="C-1", name="Acme"),),
    accounts=(Account(number="4000", title="Revenue"),),
)
LOGIN = Login("ACME", "ws", SecretStr("open-sesame"), "100")
PLACE = {"companyId": "ACME", "entityId": "100", "locationId": "100"}
RUNNING = 0.2
"""Seconds that the simulator takes for a request."""


@dataclass
class Sandbox:
    sim: Simulator
    test: RepetitionTest
    client: SageClient

    async def drafts(self) -> list[str]:
        """The numbers of the invoices that stand in the company."""
        rows = await self.client.query(LOGIN, Query("ARINVOICE", ("RECORDNO", "RECORDID"), equal("CUSTOMERID", "C-1")))
        return [row["RECORDID"] for row in rows]


@asynccontextmanager
async def sandbox(latency: float = RUNNING, customer: str = "C-1", **settings: object) -> AsyncIterator[Sandbox]:
    async with Simulator(companies=(COMPANY,), senders=(Sender(id="AlvysMPP", password="s"),), latency=latency) as sim:
        secret = SecretStr("s")
        async with SageClient(sim.url, "AlvysMPP", secret) as one, SageClient(sim.url, "AlvysMPP", secret) as two:
            state = connected(**PLACE | settings).state
            test = RepetitionTest((one, two), LOGIN, state, CARRIER, customer, SYSTEM_TIME)
            await test.sign_in()
            yield Sandbox(sim, test, one)


async def test_a_company_that_refuses_repeated_control_ids_has_each_draft_once_and_none_is_left():
    async with sandbox() as company:
        found = await company.test.run(5, after=0.05)
        assert found.overlapped
        assert found.first == {"posted": 5}
        assert found.second == {"executed before": 5}
        assert (found.standing, found.twice, found.left) == ({1: 5}, 0, ())
        assert await company.drafts() == []


async def test_a_company_that_executes_both_is_found_out_and_every_draft_is_deleted():
    async with sandbox() as company:

        def execute(gateway: Gateway, _admitted: Admitted, call: FunctionCall) -> FunctionSuccess:
            return functions.execute(call, gateway.results)

        with patch.object(Gateway, "_once", execute):
            found = await company.test.run(3, after=0.05)
        assert found.second == {"posted": 3}
        assert (found.standing, found.twice, found.left) == ({2: 3}, 3, ())
        assert await company.drafts() == []


async def test_a_repetition_after_the_answer_shows_nothing_of_running_calls():
    async with sandbox(latency=0) as company:
        found = await company.test.run(2, after=0.3)
        assert not found.overlapped
        assert found.second == {"executed before": 2}


async def test_drafts_that_sage_refuses_are_told_with_its_reason():
    async with sandbox(customer="NOBODY") as company:
        found = await company.test.run(2, after=0)
        assert found.first == {"refused": 2}
        assert found.standing == {0: 2}
        assert "NOBODY" in (found.refusal or "")


async def test_drafts_that_cannot_be_deleted_are_named():
    async with sandbox() as company:
        company.sim.faults.add(Fault(kind="offline", function="delete"))
        found = await company.test.run(2, after=0)
        assert len(found.left) == 2
        assert sorted(found.left) == sorted(await company.drafts())
        assert all(each.startswith(NUMBER) for each in found.left)


async def test_a_connection_that_is_paused_is_no_place_to_measure():
    async with sandbox(state="paused") as company:
        with pytest.raises(CommandError, match="can be exported now: CONNECTION_PAUSED"):
            await company.test.run(1, after=0)
