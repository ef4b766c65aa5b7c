"""A simulator for every test, whose clock moves when it is told to, and clients that are connected to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from sageintacctsdk import SageIntacctSDK

from simulator import Simulator
from tests.support import python_client
from tests.support.gateway_client import GatewayClient, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(demo=True, clock=clock) as running:
        yield running


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[GatewayClient]:
    async with aiohttp.ClientSession() as http:
        yield GatewayClient(http, sim.url)


@pytest.fixture
def connect(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[SageIntacctSDK]]:
    """Signs the published Python client in, as a user of Blue Mesa where nothing else is said."""
    python_client.send_to(sim.url, monkeypatch)

    async def connect(**changes: str | None) -> SageIntacctSDK:
        settings: dict[str, str | None] = {
            "sender_id": "AlvysMPP",
            "sender_password": "sender-secret",
            "user_id": "alvys_ws",
            "company_id": "BLUEMESA",
            "user_password": "user-secret",
            "entity_id": "100",
        }
        return await asyncio.to_thread(SageIntacctSDK, **settings | changes)

    return connect
