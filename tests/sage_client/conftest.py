"""What the tests of the client run against: two companies, one that lacks whatever it may and one that has it all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sage_client import SageClient, Timeouts
from simulator import Simulator, demo_seed
from simulator.seed import CustomField, Preset
from tests.support.blue_mesa import connected
from tests.support.javascript_sdk import installed

COMPANIES: tuple[Preset, ...] = ("barest", "fullest")


@pytest.fixture(params=COMPANIES)
def preset(request: pytest.FixtureRequest) -> Preset:
    """What the simulator's companies have of what real companies have."""
    chosen: Preset = request.param
    return chosen


@pytest.fixture
async def simulator(preset: Preset) -> AsyncIterator[Simulator]:
    async with Simulator(demo=True, preset=preset) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[SageClient]:
    timeouts = Timeouts(connect=2, write=2, read=1, total=10)
    async with connected(simulator, timeouts=timeouts) as client:
        yield client


@pytest.fixture
async def marked(preset: Preset) -> AsyncIterator[Simulator]:
    """A company with a custom field for our marker."""
    seed = demo_seed()
    [company] = seed.companies[:1]
    fields = tuple(CustomField(object=name, name="ALVYS_MARKER") for name in ("ARINVOICE", "APBILL"))
    company = company.model_copy(update={"config": company.config.model_copy(update={"custom_fields": fields})})
    async with Simulator(senders=seed.senders, companies=[company], preset=preset) as running:
        yield running


@pytest.fixture(scope="session")
def sdk() -> Path:
    """The `node_modules` folder of Sage's JavaScript SDK."""
    return installed() / "node_modules"
