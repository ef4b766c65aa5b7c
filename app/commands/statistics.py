"""``alvys-sage statistics``: the process that counts results in time windows and raises alerts, until it is stopped."""

import asyncio
import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from app.errors import CommandError
from app.kafka import kafka_options
from app.logging import set_up
from app.service import begin
from app.settings import Settings
from consumers.statistics.windows import WindowConfig
from consumers.statistics.worker import StatisticsConfig, StatisticsTopics, application, run

log = structlog.get_logger(__name__)

STOP_WITHIN = 10.0
"""Seconds that Faust may take to stop. It can hang; then the process exits at once, which is no worse than a crash."""


def statistics() -> None:
    """Count the results by subsidiary and window; write a summary, with alerts, when a window closes.

    Runs until SIGTERM or SIGINT. Exit code 0: stopped as asked. 1: it cannot go on, the line says why; start it again.
    2: settings. The figures are for people and dashboards: a crash may count a result twice or leave one out.
    """
    settings = Settings.load()
    set_up(settings)
    logging.getLogger("mode").setLevel(logging.getLogger("faust").level)  # the library below Faust
    asyncio.run(_count(settings))


async def _count(settings: Settings) -> None:
    stop = await begin(settings)
    with TemporaryDirectory(prefix="alvys-sage-") as directory:
        config = config_of(settings, Path(directory))
        log.info("statistics started", group=config.group_id, window_seconds=config.rules.seconds)
        ending = await run(application(config), stop, STOP_WITHIN)
    if not ending.in_time:
        log.warning("statistics did not stop in time and are ended", seconds=STOP_WITHIN, crash=repr(ending.crash))
        logging.shutdown()
        os._exit(0 if ending.crash is None else 1)  # threads of Faust that hang would keep the process alive
    if ending.crash is not None:
        raise CommandError(f"statistics ended: {ending.crash!r}; start them again") from ending.crash
    log.info("statistics stopped")


def config_of(settings: Settings, directory: Path) -> StatisticsConfig:
    """Make the configuration of the statistics application from the settings.

    Args:
        settings: The settings.
        directory: A writable directory for Faust.
    """
    names = settings.topics
    return StatisticsConfig(
        group_id=f"{settings.group_id}-statistics",
        topics=StatisticsTopics(
            results=names.sage_export_results,
            summaries=names.sage_export_statistics,
            facts=names.statistics_facts,
            windows=names.statistics_windows,
            waiting=names.statistics_waiting,
        ),
        rules=WindowConfig(
            settings.statistics_window_seconds,
            settings.statistics_grace_seconds,
            settings.statistics_reject_percent,
        ),
        kafka=kafka_options(settings),
        directory=directory,
        check_crcs=settings.check_crcs,
        session_timeout=settings.session_timeout_ms / 1000,
    )
