"""Stop of a Kafka client in any state of its connection."""

import asyncio
from typing import Protocol


class Stoppable(Protocol):
    """A consumer or producer of aiokafka."""

    async def stop(self) -> None:
        """Stop the client and release its resources."""


async def stop_client(client: Stoppable) -> None:
    """Stop a client, also while a broker cannot be reached.

    While a broker cannot be reached, a consumer that stops cancels its own sleeping fetch task, awaits it, and lets the
    `CancelledError` escape as if the caller had been cancelled (aiokafka 0.14, `Fetcher.close`). This function swallows
    that error and closes the connections itself. A real cancellation of the caller is passed on.
    """
    try:
        await client.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        if (connections := getattr(client, "_client", None)) is not None:
            await connections.close()
