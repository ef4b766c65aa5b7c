"""Wiring of the worker by hand: settings in, one object graph out. The parts of the export are passed in from here."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from app.errors import SettingsError
from app.kafka import clients_of
from app.roles import refusal
from app.settings import Settings
from consumers.export.config import ExportConfig
from consumers.export.context import ParseRecord
from consumers.export.sending.sage_access import CredentialsMissingError, SageAccess
from consumers.export.worker import Subscription, Worker
from consumers.mapping_state import MappingTable
from consumers.source_topics import SOURCES
from domain.documents import Connection
from domain.translation import parse_record
from kafka_client.clock import Clock, utc_now
from kafka_client.partitioners import Partitioner
from sage_client import Login, RateLimit, SageClient, Timeouts

SYSTEM_TIME = Clock(utc_now, time.monotonic, asyncio.sleep, random.random)


def config_of(settings: Settings) -> ExportConfig:
    """Make the configuration of the export from the settings."""
    return ExportConfig(
        max_documents_per_request=settings.batch_size,
        requests_in_flight=settings.requests_in_flight_per_company,
        max_in_flight=settings.max_in_flight_records,
        max_event_bytes=settings.largest_event_bytes,
        max_lines_per_request=settings.lines_per_request,
        send_deadline=timedelta(seconds=settings.send_deadline_seconds),
        request_timeout=timedelta(seconds=settings.gateway_timeout_seconds),
        max_execution_time=timedelta(seconds=settings.execution_limit_seconds),
        probe_after=timedelta(seconds=settings.doubt_probe_seconds) if settings.doubt_probe_seconds else None,
        open_circuit_after=timedelta(seconds=settings.circuit_open_after_seconds),
        half_open_after=timedelta(seconds=settings.circuit_retry_seconds),
        drain_timeout=timedelta(seconds=settings.drain_timeout_seconds),
    )


def subscription_of(settings: Settings) -> Subscription:
    """Make the worker's subscription: source topics, ledgers, outbound topics and consumer options."""
    topics = settings.topics
    kinds = zip(topics.sources, SOURCES.values(), strict=True)
    sources: dict[str, ParseRecord] = {source: partial(parse_record, kind) for source, kind in kinds}
    options: dict[str, object] = {
        "max_poll_interval_ms": settings.max_poll_interval_ms,
        "rebalance_timeout_ms": settings.max_poll_interval_ms,
    }
    if settings.group_instance_id:
        options["group_instance_id"] = settings.group_instance_id
    return Subscription(
        group_id=settings.group_id,
        sources=sources,
        ledgers={source: topics.ledger(source) for source in sources},
        results=topics.sage_export_results,
        dead_letters=topics.sage_dead_letters,
        commands=topics.export_commands,
        parties=topics.sage_parties,
        rows=topics.consolidated_lines,
        session_timeout_ms=settings.session_timeout_ms,
        partitioners=partitioners_of(settings),
        any_record_key=settings.record_keys == "any",
        consumer_options=options,
        refuses=partial(refusal, settings.roles_file),
        state_dir=settings.state_dir,
    )


def partitioners_of(settings: Settings) -> dict[str, Partitioner]:
    """The partitioning rule of each source topic, as far as the settings give it. Topics without one are left out."""
    names = settings.topics
    ours = {names.consolidated_bill: Partitioner.MURMUR2}  # written by `consolidate-bills`
    if settings.partitioner == "auto":
        return ours
    return {source: Partitioner(settings.partitioner) for source in names.sources} | ours


def login_of(settings: Settings, connection: Connection) -> Login:
    """Make the login of a connection: its company, entity and Sage user.

    Raises:
        CredentialsMissingError: No credentials of that name are configured; the text names the variables to set.
    """
    try:
        credentials = settings.credentials_for(connection.credentials)
    except SettingsError as error:
        raise CredentialsMissingError(str(error)) from None
    return Login(connection.company_id, credentials.user, credentials.password, connection.entity_id)


@asynccontextmanager
async def worker_of(settings: Settings) -> AsyncIterator[Worker]:
    """Build the worker with all its parts, with mapping-state read to its end, ready to run.

    Raises:
        MappingStateUnavailable, SettingsError: The worker cannot start; the text says what to do.
    """
    clients = clients_of(settings)
    client = client_of(settings)
    table = MappingTable(
        settings.topics.mapping_state,
        clients,
        on_policy_mismatch=settings.mapping_state_policy_check,
    )
    async with client, table:
        yield Worker(
            subscription_of(settings),
            clients,
            SageAccess(client, lambda connection: login_of(settings, connection)),
            table,
            config_of(settings),
            SYSTEM_TIME,
        )


def client_of(settings: Settings) -> SageClient:
    """Build the Sage client from the settings. The caller enters it with `async with`.

    Raises:
        SettingsError: The sender's password is not set.
    """
    timeouts = replace(Timeouts(), total=float(settings.gateway_timeout_seconds))
    return SageClient(
        settings.gateway_url,
        settings.sender_id,
        settings.required_sender_password(),
        timeouts=timeouts,
        rate_limit=RateLimit(
            settings.requests_in_flight_per_company,
            settings.requests_per_minute_per_company or None,
            settings.request_burst,
        ),
        marker_field=settings.marker_field,
        endpoint_domain=settings.endpoint_domain,
    )
