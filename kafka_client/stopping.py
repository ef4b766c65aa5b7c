"""Stop of a Kafka client in any state of its connection, and of tasks that use clients."""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

CANCEL_AGAIN = 5.0
"""Seconds after which a task that goes on is cancelled again."""


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


async def cancel(tasks: "Iterable[asyncio.Future[Any]]") -> None:
    """Cancel tasks, and wait until they have ended, however they end.

    A cancellation that arrives while aiokafka stops a client is lost: the client suppresses it with those of its own
    tasks (aiokafka 0.14, `AIOKafkaClient.close` and `Fetcher.close`). So it is repeated.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
        for task in ended:
            if not task.cancelled():
                task.exception()  # retrieved, so that asyncio does not report it
