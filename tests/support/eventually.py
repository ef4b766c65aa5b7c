"""Waiting for what has no event."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within: float = 60, every: float = 0.02) -> None:
    """Wait until a condition is true. It is looked at every so many seconds, and for so many at most."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(every)
