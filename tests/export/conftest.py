"""A world of its own for every test: topics, settings, and a Sage that books in memory or a simulator over HTTP."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import pytest

from kafka_client.clock import utc_now
from simulator import Simulator, demo_seed
from simulator.seed import Company
from tests.support.over_http import highline, world_before
from tests.support.world import World


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    return world


@pytest.fixture
def company() -> Company:
    """The company in the simulator; a module may give it more."""
    return highline()


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The time of the client and the simulator; a module may have another."""
    return utc_now


@pytest.fixture
async def gateway(company: Company, clock: Callable[[], datetime]) -> AsyncIterator[Simulator]:
    async with Simulator(senders=demo_seed().senders, companies=[company], clock=clock) as running:
        yield running


@pytest.fixture
async def world_over_http(
    bootstrap: str, topic_prefix: str, gateway: Simulator, clock: Callable[[], datetime]
) -> AsyncIterator[World]:
    """A world before the simulator, with the real client."""
    async with world_before(gateway, clock, bootstrap, topic_prefix) as world:
        yield world
