"""Stopping a Kafka client, whatever state its connection is in."""

import asyncio
from typing import Protocol


class Stoppable(Protocol):
    """A consumer or producer of aiokafka."""

    async def stop(self) -> None:
        """Let go of everything."""


async def stop_client(client: Stoppable) -> None:
    """Stop a client; a broker that is away does not keep it from stopping.

    While a broker is away a consumer cancels a fetch of its own that sleeps before its next try, waits for it, and lets
    the cancellation out as if somebody had cancelled us (aiokafka 0.14, `Fetcher.close`). That one is no cancellation
    of ours, and the connections are closed all the same.
    """
    try:
        await client.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        if (connections := getattr(client, "_client", None)) is not None:
            await connections.close()
