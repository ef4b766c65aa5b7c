"""The one place that builds aiokafka's clients. Every other module asks the `KafkaClients` that it is given."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.helpers import create_ssl_context

from kafka_client.admin import AdminClient
from kafka_client.interface import Admin, Consumer, KafkaClients, OffsetReset, Producer
from kafka_client.reader import KafkaReader, TolerantKafkaReader
from kafka_client.size_limits import LARGEST_RECORD

HEARTBEATS = 10
"""Heartbeats per session time-out."""


@dataclass(frozen=True, slots=True)
class Brokers:
    """Where the brokers are, and how to sign in."""

    bootstrap_servers: str
    """Addresses as `host:port`, with commas between them."""
    client_id: str = "alvys-sage"
    """The name by which brokers log and limit this process."""
    security_protocol: str = "PLAINTEXT"
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    ca_file: Path | None = None
    """PEM file of the certificate authority. None: the system's authorities."""
    sasl_mechanism: str | None = None
    sasl_user: str | None = None
    sasl_password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Make the keywords that every aiokafka client takes: consumer, producer and admin alike.

        Raises:
            OSError: The file of the certificate authority cannot be read (`ssl.SSLError` is one).
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = create_ssl_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if self.security_protocol.startswith("SASL") and self.sasl_password is not None:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_user
            options["sasl_plain_password"] = self.sasl_password
        return options


class BrokerClients:
    """A `KafkaClients` for real brokers. All its clients share the TLS settings, which are read once.

    Args:
        brokers: Where the brokers are, and how to sign in.
        check_crcs: Whether consumers verify checksums of records. False only for librdkafka's mock cluster.

    Raises:
        OSError: The file of the certificate authority cannot be read.
    """

    def __init__(self, brokers: Brokers, *, check_crcs: bool = True) -> None:
        self._options = brokers.options()
        self._check_crcs = check_crcs

    def reader(
        self, *, tolerant: bool = False, offset_reset: OffsetReset = "earliest", fetch_bytes: int | None = None
    ) -> Consumer:
        """See `KafkaClients`."""
        more = {} if fetch_bytes is None else {"max_partition_fetch_bytes": fetch_bytes}
        return self._consumer(tolerant=tolerant, auto_offset_reset=offset_reset, **more)

    def member(
        self,
        group_id: str,
        *,
        session_timeout_ms: int,
        tolerant: bool = False,
        offset_reset: OffsetReset = "earliest",
        options: Mapping[str, object] | None = None,
    ) -> Consumer:
        """See `KafkaClients`."""
        return self._consumer(
            tolerant=tolerant,
            group_id=group_id,
            auto_offset_reset=offset_reset,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=session_timeout_ms // HEARTBEATS,
            **(options or {}),
        )

    def committer(self, group_id: str) -> Consumer:
        """See `KafkaClients`."""
        return self._consumer(group_id=group_id)

    def scout(self, *, retry_backoff_ms: int | None = None) -> Consumer:
        """See `KafkaClients`."""
        more = {} if retry_backoff_ms is None else {"retry_backoff_ms": retry_backoff_ms}
        # Of uncommitted records, because otherwise `end_offsets` are the last stable offsets.
        scout: Consumer = AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, isolation_level="read_uncommitted", **more
        )
        return scout

    def producer(self, *, max_request_size: int | None = None) -> Producer:
        """See `KafkaClients`."""
        more = {} if max_request_size is None else {"max_request_size": max_request_size}
        producer: Producer = AIOKafkaProducer(**self._options, acks="all", enable_idempotence=True, **more)
        return producer

    def transactional_producer(self, transactional_id: str, *, timeout_ms: int | None = None) -> Producer:
        """See `KafkaClients`."""
        more = {} if timeout_ms is None else {"transaction_timeout_ms": timeout_ms}
        producer: Producer = AIOKafkaProducer(
            **self._options,
            transactional_id=transactional_id,
            acks="all",
            linger_ms=0,
            max_request_size=LARGEST_RECORD,
            **more,
        )
        return producer

    def admin(self) -> Admin:
        """See `KafkaClients`."""
        admin: Admin = AdminClient(**self._options)
        return admin

    def _consumer(self, *, tolerant: bool = False, **options: object) -> Consumer:
        kind = TolerantKafkaReader if tolerant else KafkaReader
        consumer: Consumer = kind(
            **self._options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            check_crcs=self._check_crcs,
            **options,
        )
        return consumer


@asynccontextmanager
async def connected_admin(clients: KafkaClients) -> AsyncIterator[Admin]:
    """Connect an administration client, and close it at the end of the `async with` block.

    Raises:
        KafkaError: No broker answers.
    """
    admin = clients.admin()
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
