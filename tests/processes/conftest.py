"""A gateway of its own for every test, and a world whose connection is to the simulator's Blue Mesa."""

import pytest

from tests.support.processes import gateway
from tests.support.world import SUBSIDIARY, World


@pytest.fixture
def sage():
    with gateway() as opened:
        yield opened


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    connection = {
        "companyId": "BLUEMESA",
        "entityId": "100",
        "credentials": "bluemesa",
        "state": "active",
        "activatedAt": "2026-01-01T00:00:00Z",
        "locationId": "100",
        "ar": {"creditMemos": True},
    }
    await world.set(f"{SUBSIDIARY}/connection", connection)
    await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "40000"})
    return world
