"""Promise 3 with probes on: a call in doubt is made once more under its control id, and nothing else ends its doubt."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from consumers.export.config import ExportConfig
from sage_client import ExchangeLevel
from sage_client.errors import RefusedError
from tests.support.eventually import until
from tests.support.exported_invoices import once
from tests.support.world import World, key

SHIPPED = ExportConfig()
PROBING = replace(SHIPPED, probe_after=timedelta(seconds=30))
LEASE = SHIPPED.lease.total_seconds()


def seconds() -> float:
    return asyncio.get_running_loop().time()


def answers(answer: str) -> float:
    return REGISTRY.get_sample_value("alvys_sage_probes_total", {"company": "ACME", "answer": answer}) or 0


@pytest.fixture
def counted() -> dict[str, float]:
    """How often each answer came before the test."""
    return {each: answers(each) for each in ("posted", "executed before", "refused", "no answer", "posted twice")}


async def requested(world: World, times: int) -> None:
    """Wait until so many requests have arrived: for two leases at most, which pass in virtual time."""
    await until(lambda: len(world.sage.requests) == times, within=2 * LEASE, every=1)


async def uncertain(world: World, *script: object) -> None:
    world.sage.script.extend(script)
    await world.send_invoices("a")


async def test_a_call_that_never_arrived_is_posted_within_a_minute_and_not_after_its_lease(world, counted):
    await uncertain(world, "vanished")
    began = seconds()
    async with world.worker(config=PROBING):
        await world.until(1, "posted")
    assert seconds() - began < 120
    assert world.sage.requests == [1, 1]
    assert len({call.control_id for call in world.sage.asked_for}) == 1
    assert once(world, ["a"])
    assert answers("posted") == counted["posted"] + 1


async def test_as_shipped_nothing_is_sent_before_the_lease_ends(world):
    await uncertain(world, "vanished")
    began = seconds()
    async with world.worker(config=SHIPPED):
        await requested(world, 2)
        await world.until(1, "posted")
    assert seconds() - began >= LEASE
    assert once(world, ["a"])


async def test_that_sage_refuses_the_repetition_ends_no_doubt_and_the_look_up_does(world, counted):
    world.sage.hidden = True
    await uncertain(world, "lost")
    async with world.worker(config=PROBING):
        await requested(world, 2)
        looked = world.sage.lookups
        await until(lambda: world.sage.lookups >= looked + 5, within=LEASE, every=1)
        assert {each["outcome"] for each in await world.results()} == {"uncertain"}
        world.sage.hidden = False
        await world.until(1, "posted")
    assert world.sage.requests == [1, 1]  # told once that it was executed, the worker does not ask again
    assert once(world, ["a"])
    assert answers("executed before") == counted["executed before"] + 1


async def test_a_refusal_of_the_repetition_says_nothing_of_the_first_call(world):
    await uncertain(world, "vanished")
    began = seconds()
    world.sage.refuse["a"] = RefusedError("the customer is on hold", level=ExchangeLevel.RESULT)
    async with world.worker(config=PROBING):
        await requested(world, 2)
        await requested(world, 5)
        results = await world.until(1, "rejected")
    assert seconds() - began >= LEASE
    assert [each["outcome"] for each in results] == ["uncertain", "rejected"]
    assert not world.sage.booked


async def test_a_repetition_renews_the_lease_for_the_next_worker(world):
    held = asyncio.Event()
    await uncertain(world, "vanished", held)
    async with world.worker(config=PROBING) as running:
        await requested(world, 2)
        probed = seconds()
        before = (await world.ledger())[0][key("a").decode()].claim
        await running.kill()
    assert before is not None
    async with world.worker(config=PROBING):
        await requested(world, 3)
        await world.until(1, "posted")
    assert seconds() - probed >= LEASE
    assert world.sage.requests == [1, 1, 1]
    assert once(world, ["a"])


async def test_a_gateway_that_executes_both_is_told_and_the_document_stays_in_doubt(world, counted):
    class Forgetful(set[str]):
        def __contains__(self, _control_id: object) -> bool:
            return False

    repetition = asyncio.Event()
    world.sage.executed, world.sage.hidden = Forgetful(), True
    await uncertain(world, "lost", repetition)
    async with world.worker(config=PROBING):
        await requested(world, 2)
        world.sage.hidden = False
        repetition.set()
        await until(lambda: answers("posted twice") == counted["posted twice"] + 1, within=60, every=1)
        looked = world.sage.lookups
        await until(lambda: world.sage.lookups >= looked + 2, within=LEASE, every=1)
        assert {each["outcome"] for each in await world.results()} == {"uncertain"}
    assert world.sage.requests == [1, 1]


async def test_a_document_is_probed_three_times_at_most_each_time_later(world):
    await uncertain(world, *["vanished"] * 4)
    moments = []
    async with world.worker(config=PROBING):
        for sent in range(1, 5):
            await requested(world, sent)
            moments.append(seconds())
        await requested(world, 5)
        await world.until(1, "posted")
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits[0] < waits[1] < waits[2] < LEASE
    assert seconds() - moments[-1] >= LEASE
    assert world.sage.requests == [1] * 5
    assert once(world, ["a"])
