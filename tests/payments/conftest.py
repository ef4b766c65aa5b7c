"""Books of one's own for every test: topics, a simulator whose clock moves when it is told to, a connection."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator import Simulator
from tests.simulator.gateway_client import Clock
from tests.support.payments import Books


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def books(bootstrap: str, topic_prefix: str, clock: Clock) -> AsyncIterator[Books]:
    async with Simulator(demo=True, clock=clock) as sim, aiohttp.ClientSession() as http:
        books = Books(bootstrap, topic_prefix, sim.url, http)
        books.sim, books.clock = sim, clock
        await books.set_up()
        yield books
