"""``alvys-sage worker``: export, until it is told to stop."""

import asyncio
import signal

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client import start_http_server

from app.bootstrap import worker_of
from app.errors import CommandError
from app.logging import set_up
from app.settings import Settings, kafka_options
from app.topics import check_topics

log = structlog.get_logger(__name__)


def worker() -> None:
    """Read the source topics, post their documents to Sage Intacct, write what became of them.

    Runs until SIGTERM or SIGINT: then nothing new is begun, what was sent may end, and every outcome is committed.
    Exit code 0: stopped as asked. 1: it cannot go on, the line says why; nothing is lost, start it again. 2: settings.
    """
    settings = Settings.load()
    set_up(settings)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await _check_topics(settings)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)
    async with worker_of(settings) as running:
        log.info("worker started", group=settings.group_id, gateway=settings.gateway_url)
        await running.run(stop)
    log.info("worker stopped")


async def _check_topics(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        problems = await check_topics(admin, settings)
    finally:
        await admin.close()
    topics = settings.topics
    ledgers = [topics.ledger(source) for source in topics.sources]
    used = {*topics.sources, *ledgers, topics.mapping_state, topics.sage_export_results, topics.sage_dead_letters}
    if problems := [problem for problem in problems if problem.topic in used]:
        raise CommandError("; ".join(f"{problem.topic}: {problem.detail}; {problem.fix}" for problem in problems))
