"""``alvys-sage`` on a machine that is busy at one instant: Faust waits for the end of restoring after that has come.

The service knows nothing of it: Faust's function that begins to read returns late.
"""

import asyncio

from faust.transport.consumer import Fetcher

from app.cli import main

LATE = 2.0
"""Seconds: more than reading a table of some records takes."""

begin = Fetcher.maybe_start


async def late(self: Fetcher) -> bool:
    """Begin to read, and let the others go first."""
    begun: bool = await begin(self)
    await asyncio.sleep(LATE)
    return begun


if __name__ == "__main__":
    Fetcher.maybe_start = late  # type: ignore[method-assign,assignment]
    main()
