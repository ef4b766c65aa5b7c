"""``alvys-sage consolidate-bills``: the process that makes one bill of a day's fuel or tolls, until it is stopped."""

import asyncio
from datetime import time
from typing import Annotated

import structlog
import typer

from app.bootstrap import SYSTEM_TIME
from app.kafka import clients_of
from app.logging import set_up
from app.service import begin, until_settings_are_wrong, until_stopped
from app.settings import Settings
from consumers.consolidated_bills.groups import Schedule
from consumers.consolidated_bills.job import Job

log = structlog.get_logger(__name__)

STOP_WITHIN = 20.0
"""Seconds that a stop waits for the commit of a bill that is being sent."""


def consolidate_bills(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Every day that is over, without waiting for its time; then end.")
    ] = False,
) -> None:
    """Send the consolidated bills of fuel and tolls (`fuelBills`, `tollBills`: `day`) to the worker.

    Every day at their times (ALVYS_SAGE_FUEL_BILLS_AT, ALVYS_SAGE_TOLL_BILLS_AT) the days that are over become bills,
    and bills whose rows changed since are sent anew. One process is enough: a second one takes over from the first.

    Runs until SIGTERM or SIGINT. Exit code 0: stopped as asked. 1: it cannot go on; nothing is lost, start it again.
    """
    settings = Settings.load()
    set_up(settings)
    asyncio.run(_work(settings, now=now))


def job_of(settings: Settings) -> Job:
    """Make the job from the settings."""
    return Job(
        rows=settings.topics.consolidated_lines,
        bills=settings.topics.consolidated_bill,
        clients=clients_of(settings),
        schedule=Schedule(time.fromisoformat(settings.fuel_bills_at), time.fromisoformat(settings.toll_bills_at)),
        time=SYSTEM_TIME,
        largest_event=settings.largest_event_bytes,
    )


async def _work(settings: Settings, *, now: bool) -> None:
    used = {settings.topics.consolidated_lines, settings.topics.consolidated_bill}
    stop = await begin(settings, used)
    log.info("grouping bills", fuel_at=settings.fuel_bills_at, toll_at=settings.toll_bills_at)
    guard = until_settings_are_wrong(settings, used)
    await until_stopped(_group(settings, stop, now=now), stop, STOP_WITHIN, guard)


async def _group(settings: Settings, stop: asyncio.Event, *, now: bool) -> None:
    sent = await job_of(settings).run(stop, now=now)
    log.info("grouping stopped", sent=sent)
