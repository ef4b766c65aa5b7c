"""Promise 3 and 5 in a rebalance: a call that hangs holds up nobody else, and its document stands once all the same."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.eventually import until
from tests.support.world import QUICK, World

PATIENT = replace(QUICK, drain_timeout=timedelta(seconds=100), open_circuit_after=timedelta(hours=1))
"""A worker that would wait long for its calls at a stop."""


@pytest.mark.kafka("both")
async def test_a_call_that_hangs_does_not_hold_up_a_rebalance_and_its_document_stands_once(world: World):
    hangs = asyncio.Event()
    async with world.worker(PATIENT) as first:
        await first.until_open(10)
        world.sage.script.append(hangs)
        await world.send_invoices("a")
        await world.sage.arrived.wait()
        began = asyncio.get_running_loop().time()
        async with world.worker(PATIENT) as second:
            await until(lambda: 0 < len(second.worker.assigned) == 10 - len(first.worker.assigned), within=60)
            took = asyncio.get_running_loop().time() - began
            hangs.set()
            await world.until(1, "posted")
    assert took < PATIENT.drain_timeout.total_seconds() / 3
    assert world.sage.keys["invoice/a"] == 1
    assert len(world.sage.booked) == 1
