"""The engine with the real client before the simulator, over real HTTP: promise 2 where the wire has a part in it."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from pydantic import SecretStr

from sage_client import Pace, SageClient, Timeouts
from simulator import Fault, Simulator, demo_seed
from simulator.seed import User
from tests.engine.test_reconciliation import until
from tests.support.engine import SUBSIDIARY, World, invoice, key
from tests.support.sage import FakeSage

COMPANY = "HIGHLINE"


@pytest.fixture
async def gateway():
    seed = demo_seed()
    [company] = [each for each in seed.companies if each.company_id == COMPANY]
    company = company.model_copy(update={"users": (User(id="user", password="p"),)})
    async with Simulator(senders=seed.senders, companies=[company]) as running:
        yield running


@pytest.fixture
async def world(bootstrap, topic_prefix, gateway):
    timeouts = Timeouts(connect=2, write=2, read=0.5, pool=2, total=2)
    async with SageClient(
        gateway.url, "AlvysMPP", SecretStr("sender-secret"), timeouts=timeouts, pace=Pace()
    ) as client:
        world = World(bootstrap, topic_prefix, sage=cast(FakeSage, client))
        world.knobs = replace(world.knobs, exchange=timedelta(seconds=2))
        await world.set_up()
        await world.connect(SUBSIDIARY, company=COMPANY)
        await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "40010"})
        yield world


def customer():
    [company] = [each for each in demo_seed().companies if each.company_id == COMPANY]
    return company.customers[0].id


async def send(world, *numbers):
    await world.send(*((key(number), invoice(number, customer=customer())) for number in numbers))


def creates(gateway):
    return gateway.traffic.counts(0)["functions"].get("create_invoice", 0)


@pytest.mark.parametrize("fault", ["slow_answer", "drop_after_commit", "timeout_524", "truncated"])
async def test_a_time_out_after_the_bytes_left_is_looked_up_and_never_sent_again(world, gateway, fault):
    gateway.faults.add(Fault(kind=fault, function="create_invoice", times=1, seconds=3))
    await send(world, "a", "b", "c")
    async with world.worker():
        await world.until(3, "posted")
    assert sorted(each["number"] for each in gateway.store.documents(COMPANY)) == ["a", "b", "c"]
    assert creates(gateway) == 3


async def test_a_number_that_someone_elses_document_carries_is_refused_and_never_adopted(world, gateway):
    gateway.store.configure(COMPANY, refuse_duplicate_numbers=True)
    await send(world, "a")
    async with world.worker():
        await world.until(1, "posted")
        theirs = gateway.store.database
        theirs.execute("UPDATE ARINVOICE SET DESCRIPTION = 'entered by hand', RECORDID = 'b' WHERE RECORDID = 'a'")
        await send(world, "b")
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "SAGE_DUPLICATE_NUMBER"
    assert "which is not ours" in results[-1]["detail"]
    assert len(gateway.store.documents(COMPANY)) == 1


async def test_all_requests_of_the_engine_to_one_company_share_its_limit(world, gateway):
    gateway.store.configure(COMPANY, max_concurrent=1, when_busy="refuse")
    gateway.faults.add(Fault(kind="drop_after_commit", function="create_invoice", probability=0.5, seconds=0))
    await send(world, *(f"n{number}" for number in range(40)))
    async with world.worker(knobs=replace(world.knobs, batch=4)):
        await until(lambda: len(gateway.store.documents(COMPANY)) == 40)
        gateway.faults.clear()
        await world.until(40, "posted")
    counts = gateway.traffic.counts(0)
    assert counts["in_flight_max_by_company"] == {COMPANY: 1}
    assert counts["throttled"] == 0
    assert creates(gateway) == 40
