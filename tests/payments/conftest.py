"""Books of one's own for every test: topics, a simulator whose clock moves when it is told to, a connection."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator import Simulator
from simulator.seed import Preset
from tests.support.gateway_client import ManualClock
from tests.support.payments import Books


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def preset() -> Preset:
    """What the company has of what real companies have; a module may run against several."""
    return "fullest"


@pytest.fixture
async def books(bootstrap: str, topic_prefix: str, clock: ManualClock, preset: Preset) -> AsyncIterator[Books]:
    async with Simulator(demo=True, clock=clock) as sim, aiohttp.ClientSession() as http:
        sim.store.configure("BLUEMESA", preset=preset)
        books = Books(bootstrap, topic_prefix, sim.url, http)
        books.sim, books.clock = sim, clock
        await books.set_up()
        yield books
