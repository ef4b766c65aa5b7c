"""Tasks that swallow a cancellation, as aiokafka's clients do while they stop, end all the same."""

import asyncio

from kafka_client import stopping
from kafka_client.stopping import cancel


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(stopping, "CANCEL_AGAIN", 0.01)
    lost = 0

    async def works() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("not of interest any more")

    tasks = [asyncio.create_task(works()), asyncio.create_task(fails())]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await cancel(tasks)
    assert (lost, all(task.done() for task in tasks)) == (3, True)
    await cancel([])
