"""``alvys-sage payments``: publish payments recorded in Sage Intacct, until it is stopped or once."""

import asyncio
import signal
from dataclasses import asdict
from typing import Annotated
from uuid import uuid4

import structlog
import typer

from app.errors import CommandError, UsageError
from app.logging import set_up
from app.output import Json, show_json, show_line, show_table
from app.payments_poller import poller_of, stamp_of
from app.service import begin, until_settings_are_wrong, until_stopped
from app.settings import Settings
from consumers.payments.cursor import PaymentReplay
from consumers.payments.schedule import PollReport

log = structlog.get_logger(__name__)

STOP_WITHIN = 20.0
"""Seconds that a stop waits until the payments read so far are published."""


def payments(
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, now, and end.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help="Tell every payment changed since then once more, under the same ids, and end. "
            "2026-11-20 or 2026-11-20T13:05:00, as Sage's own stamps have it.",
        ),
    ] = None,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Hold every document's balance against its payments now, and end.")
    ] = False,
    company: Annotated[
        str | None, typer.Option("--company", metavar="ID", help="With the others: only this Sage company.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read payments from Sage Intacct, write those on documents of ours to sage-payments. Nothing is written to Sage.

    Without an option it runs until SIGTERM or SIGINT, and looks at once on SIGUSR1. With one it takes the place of a
    poller that runs; where that one takes its place back, the two take turns, and it goes on afterwards by itself.

    Exit code 0: stopped as asked, or every company was read. 1: it cannot go on, or a company could not be read; the
    line says why. 2: settings.
    """
    settings = Settings.load()
    set_up(settings)
    ends = once or reconcile or since is not None
    if (company is not None or as_json) and not ends:
        raise UsageError("--company and --json go with --once, --since or --reconcile")
    if not ends:
        asyncio.run(_follow(settings))
        return
    replay = PaymentReplay(uuid4().hex, stamp_of(since)) if since is not None else None
    polled = asyncio.run(_once(settings, replay, company, reconcile=reconcile))
    if company is not None and not polled:
        raise UsageError(f"no active connection names the company {company!r}")
    _show(polled, as_json=as_json)
    raise typer.Exit(1 if any(each.error for each in polled) else 0)


async def _follow(settings: Settings) -> None:
    stop = await begin(settings, _topics(settings))
    guard = until_settings_are_wrong(settings, _topics(settings))
    await until_stopped(_poll(settings, stop), stop, STOP_WITHIN, guard)
    log.info("payments poller stopped")


async def _poll(settings: Settings, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: None)  # ignored during the start: the first poll comes anyway
    async with poller_of(settings) as poller:
        loop.add_signal_handler(signal.SIGUSR1, poller.poll_now)
        log.info("payments poller started", interval_seconds=settings.payments_interval_seconds)
        await poller.run(stop)


async def _once(
    settings: Settings, replay: PaymentReplay | None, company: str | None, *, reconcile: bool
) -> list[PollReport]:
    stop = await begin(settings, _topics(settings))
    async with poller_of(settings) as poller:
        polling = asyncio.create_task(poller.once(replay=replay, only=company, reconcile_all=reconcile))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((polling, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not polling.done():
            polling.cancel()
            await asyncio.wait((polling,))
            raise CommandError("stopped before every company was read; what was told is remembered")
        return await polling


def _topics(settings: Settings) -> frozenset[str]:
    topics = settings.topics
    ledgers = (topics.ledger(source) for source in topics.sources)
    return frozenset({*ledgers, topics.mapping_state, topics.sage_payments, topics.payment_cursor})


def _show(polled: list[PollReport], *, as_json: bool) -> None:
    if as_json:
        show_json({"companies": [asdict(each) for each in polled]})
        return
    rows = [(each.company, str(each.calls), str(each.records), each.error or "ok") for each in polled]
    show_table(("COMPANY", "SAGE TRANSACTIONS", "RECORDS", "STATUS"), rows)
    for each in polled:
        for key in each.missing:
            show_line(f"{each.company}: {key} was posted and is not in Sage any more, or the user may not see it")
