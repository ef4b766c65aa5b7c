"""Waiting for what has no event."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


async def until(condition: Callable[[], object], within: float = 60, every: float = 0.02) -> None:
    """Wait until a condition is true. It is looked at every so many seconds, and for so many at most."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(every)


@asynccontextmanager
async def counting_turns() -> AsyncIterator[Callable[[], int]]:
    """Count how often another task has its turn meanwhile, as the group's heartbeats need it."""
    turns = 0

    async def heartbeat() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(heartbeat())
    try:
        yield lambda: turns
    finally:
        beating.cancel()
