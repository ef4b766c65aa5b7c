"""``alvys-sage worker``: the export process. It runs until it is stopped."""

import asyncio

import structlog

from app.bootstrap import worker_of
from app.logging import set_up
from app.service import begin, until_settings_are_wrong, until_stopped
from app.settings import Settings

log = structlog.get_logger(__name__)

MORE = 5.0
"""Seconds, beyond the drain time-out, for leaving the group and closing connections."""


def worker() -> None:
    """Read the source topics, post their documents to Sage Intacct, write what became of them.

    Runs until SIGTERM or SIGINT: then nothing new is begun, what was sent may end, and every outcome is committed.
    Exit code 0: stopped as asked. 1: it cannot go on, the line says why; nothing is lost, start it again. 2: settings.
    """
    settings = Settings.load()
    set_up(settings)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    topics = settings.topics
    ledgers = [topics.ledger(source) for source in topics.sources]
    outbound = {topics.sage_export_results, topics.sage_dead_letters, topics.consolidated_lines}
    used = {*topics.sources, *ledgers, topics.mapping_state, topics.export_commands, *outbound}
    stop = await begin(settings, used)
    guard = until_settings_are_wrong(settings, used)
    await until_stopped(_export(settings, stop), stop, settings.drain_timeout_seconds + MORE, guard)
    log.info("worker stopped")


async def _export(settings: Settings, stop: asyncio.Event) -> None:
    async with worker_of(settings) as running:
        log.info("worker started", group=settings.group_id, gateway=settings.gateway_url)
        await running.run(stop)
