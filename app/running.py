"""What the commands that run until they are told to stop have in common: the stop, the topics, the metrics."""

import asyncio
import gc
import signal
from collections.abc import Container

from prometheus_client import start_http_server

from app.admin import admin_of
from app.errors import CommandError
from app.settings import Settings
from app.topics import check_topics

YOUNG = 50_000
"""New objects before the young ones are looked through for garbage. With Python's 700, the records in flight are looked
through again and again, for a sixth of a worker's time."""


async def begin(settings: Settings, topics: Container[str] | None = None) -> asyncio.Event:
    """Refuse topics that are not as they must be, serve metrics if they are wanted.

    Args:
        settings: Where the broker and the topics are.
        topics: The full names that matter to the command; None: all.

    Returns:
        The event that SIGTERM and SIGINT set.

    Raises:
        CommandError: A topic is not as it must be; the text says how to mend it.
    """
    gc.freeze()  # what the program consists of is no garbage
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with admin_of(settings) as admin:
        problems = await check_topics(admin, settings)
    if matter := [problem for problem in problems if topics is None or problem.topic in topics]:
        raise CommandError("; ".join(f"{problem.topic}: {problem.detail}; {problem.fix}" for problem in matter))
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)
    return stop
