"""Wiring of the payments poller. It gets only the client's query function, so it cannot write to Sage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from app.bootstrap import SYSTEM_TIME, client_of, login_of
from app.errors import UsageError
from app.kafka import clients_of
from app.settings import Settings
from app.topic_reader import partitions_of
from consumers.mapping_state import MappingTable
from consumers.payments.config import PollConfig, PollContext
from consumers.payments.exported_documents import ExportedDocuments
from consumers.payments.partition import Cursors
from consumers.payments.poller import Membership, Poller
from domain.payments import STAMP


def rules_of(settings: Settings) -> PollConfig:
    """Make the poller's configuration from the settings."""
    return PollConfig(
        interval=timedelta(seconds=settings.payments_interval_seconds),
        calls_per_hour=settings.payments_calls_per_hour,
        overlap=timedelta(seconds=settings.payments_overlap_seconds),
        reconcile_every=timedelta(hours=settings.payments_reconcile_hours),
    )


@asynccontextmanager
async def poller_of(settings: Settings) -> AsyncIterator[Poller]:
    """Build the poller with all its parts, with mapping-state and the ledgers read to their ends.

    Raises:
        MappingStateUnavailable, SettingsError, CommandError: The poller cannot start; the text says what to do.
    """
    clients, topics = clients_of(settings), settings.topics
    ledgers = await partitions_of(settings, [topics.ledger(source) for source in topics.sources])
    cursors = await partitions_of(settings, [topics.payment_cursor])
    client = client_of(settings)
    table = MappingTable(topics.mapping_state, clients, on_policy_mismatch=settings.mapping_state_policy_check)
    async with client, table, ExportedDocuments(ledgers, clients) as documents:
        around = PollContext(
            documents=documents,
            page=client.page,
            login=lambda connection: login_of(settings, connection),
            rules=rules_of(settings),
            time=SYSTEM_TIME,
        )
        membership = Membership(
            group_id=f"{settings.group_id}-payments",
            sessions=settings.payments_sessions,
            session_timeout_ms=settings.session_timeout_ms,
        )
        places = Cursors(topics.payment_cursor, topics.sage_payments, len(cursors), clients)
        yield Poller(membership, places, table, around)


def stamp_of(text: str) -> str:
    """Convert a time given as `2026-11-20`, `2026-11-20T13:05:00`, or in Sage's form into Sage's form.

    Raises:
        UsageError: The text has none of these forms.
    """
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", STAMP):
        with suppress(ValueError):
            return datetime.strptime(text, form).strftime(STAMP)  # noqa: DTZ007 - in the zone of Sage's stamps
    raise UsageError(f"{text!r} is no moment: say 2026-11-20 or 2026-11-20T13:05:00, as Sage's stamps have it")
