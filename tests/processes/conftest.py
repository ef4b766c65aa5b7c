"""A gateway of its own for every test, and a world whose connection is to the simulator's Blue Mesa."""

import pytest

from tests.support.processes import connect, gateway
from tests.support.world import SUBSIDIARY, World


@pytest.fixture
def sage():
    with gateway() as opened:
        yield opened


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    await connect(world, ar={"creditMemos": True})
    await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "40000"})
    return world
