"""``alvys-sage`` on a machine that is busy: Faust reads on while its positions are set, and what was read waits.

The service knows nothing of it: Faust's function that seeks to the committed offsets returns late.
"""

import asyncio

from faust.transport.consumer import Consumer

from app.cli import main
from consumers.statistics.facts import Close, ResultFact, UnreadableResult
from consumers.statistics.worker import _Work

LATE = 1.2
"""Seconds: enough to read what waits."""
SLOW = 0.01
"""Seconds for each record: so that what was read waits in the streams' queues."""

seek, send = Consumer.perform_seek, _Work._send


async def seek_late(self: Consumer) -> None:
    """Seek, and let the others go first."""
    await seek(self)
    await asyncio.sleep(LATE)


async def send_slowly(self: _Work, message: ResultFact | UnreadableResult | Close) -> None:
    """Send it on a moment later."""
    await asyncio.sleep(SLOW)
    await send(self, message)


if __name__ == "__main__":
    Consumer.perform_seek = seek_late  # type: ignore[method-assign]
    _Work._send = send_slowly  # type: ignore[method-assign]
    main()
