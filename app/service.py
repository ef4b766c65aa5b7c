"""Start and stop of the long-running commands: signals, check of the topics, metrics, time limit of the stop."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Container, Coroutine, Iterable

import structlog
from aiokafka.errors import KafkaError
from prometheus_client import start_http_server

from app.errors import CommandError
from app.kafka import admin_of
from app.settings import Settings
from app.topic_checks import SETTINGS, TopicProblem, check_topics
from app.variables import variable
from consumers.mapping_state import MappingStateUnavailable
from kafka_client.stopping import cancel

log = structlog.get_logger(__name__)

YOUNG = 50_000
"""Garbage collection threshold: new objects before a collection of the youngest generation. With Python's default of
700, the records in flight are scanned again and again, which takes a sixth of a worker's time."""


CHECK_EVERY = 15.0
"""Seconds between two looks at the settings of the topics."""
CHECK_WITHIN = 30.0
"""Seconds that a look may take."""
CLEAN_UP = 5.0
"""Seconds for clean-up after the work was cancelled."""


async def begin(settings: Settings, topics: Container[str] | None = None) -> asyncio.Event:
    """Begin a long-running command: handle signals, check the topics, serve metrics if a port is set.

    Args:
        settings: Where the broker and the topics are.
        topics: The full names of the topics that the command uses; None: all.

    Returns:
        The event that SIGTERM and SIGINT set.

    Raises:
        CommandError: A topic is missing or wrongly configured; the text says how to correct it. Or the metrics port
            cannot be used.
    """
    gc.freeze()  # loaded modules and classes never become garbage
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with admin_of(settings) as admin:
        problems = await check_topics(admin, settings)
    _expect_none(problem for problem in problems if topics is None or problem.topic in topics)
    if settings.metrics_port:
        _serve_metrics(settings)
    return stop


def _serve_metrics(settings: Settings) -> None:
    try:
        start_http_server(settings.metrics_port, settings.metrics_host)
    except OSError as error:
        place = f"{settings.metrics_host}:{settings.metrics_port}"
        names = f"{variable('metrics_port')} or {variable('metrics_host')}"
        raise CommandError(f"metrics cannot be served at {place}: {error.strerror}; set {names} to another") from None


async def until_settings_are_wrong(settings: Settings, topics: Container[str]) -> None:
    """Look at the settings of the topics now and then, until one of them would lose records.

    Raises:
        CommandError: It would; the text says how to correct it.
    """
    while True:
        await asyncio.sleep(CHECK_EVERY)
        try:
            async with asyncio.timeout(CHECK_WITHIN), admin_of(settings) as admin:
                problems = await check_topics(admin, settings)
        except (KafkaError, TimeoutError) as error:
            log.warning("topics could not be checked; trying again", error=repr(error))
            continue
        _expect_none(each for each in problems if each.topic in topics and each.fault in SETTINGS)


def _expect_none(problems: Iterable[TopicProblem]) -> None:
    if found := [f"{each.fault}: {each.topic} {each.detail}. {each.fix}" for each in problems]:
        raise CommandError(" ".join(found))


async def until_stopped(
    work: Coroutine[object, object, None],
    stop: asyncio.Event,
    within: float,
    guard: Coroutine[object, object, None] | None = None,
) -> None:
    """Run work that ends soon after `stop` is set. If it does not, because a broker is away, cancel it.

    Nothing is lost by that: claims are in the ledger, and records that were not committed are read again. So a
    requested stop ends with exit code 0, whatever the state of Kafka.

    Args:
        work: The work, which watches `stop` itself.
        stop: Set when a person or an orchestrator asks for the end.
        within: Seconds that an orderly end may take.
        guard: Watches beside the work. If it fails, the work is stopped in order. None: nothing is watched.

    Raises:
        Exception: Any error that ends the work before a stop was requested, or the error of the guard.
    """
    task = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    guarding = asyncio.ensure_future(guard) if guard is not None else None
    try:
        await asyncio.wait({task, stopping, *([guarding] if guarding else [])}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    broken = None
    if guarding is not None and not guarding.done():
        await cancel([guarding])
    elif guarding is not None and (broken := guarding.exception()) is not None:
        log.error("a topic may lose records by its settings; this process ends", detail=str(broken))
        stop.set()
    await _until_ended(task, stop, within)
    if broken is not None:
        raise broken


async def _until_ended(task: "asyncio.Future[None]", stop: asyncio.Event, within: float) -> None:
    if not task.done():
        await asyncio.wait({task}, timeout=within)
    if not task.done():
        log.warning("cut off for want of an orderly end; nothing is lost by it", seconds=within)
        task.cancel()
        await asyncio.wait({task}, timeout=CLEAN_UP)
    if not task.done():
        logging.shutdown()
        os._exit(0)  # hanging tasks would keep the process alive for ever
    try:
        await task
    except (KafkaError, MappingStateUnavailable, TimeoutError) as error:
        if not stop.is_set():
            raise
        log.warning("stopped while kafka could not be reached; nothing is lost by it", error=repr(error))
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
