"""A world of its own for every test: topics, settings, a Sage that books in memory."""

import pytest

from tests.support.world import World


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    return world
