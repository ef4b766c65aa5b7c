"""The companies that every test of the client runs against: one that lacks whatever it may, and one that has it all."""

import pytest

from simulator.seed import Preset

COMPANIES: tuple[Preset, ...] = ("barest", "fullest")


@pytest.fixture(params=COMPANIES)
def preset(request: pytest.FixtureRequest) -> Preset:
    """What the simulator's companies have of what real companies have."""
    chosen: Preset = request.param
    return chosen
