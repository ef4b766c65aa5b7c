"""The Kafka clients of the commands, made from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.errors import SettingsError
from app.settings import Settings
from app.variables import variable
from kafka_client.clients import BrokerClients, Brokers, connected_admin
from kafka_client.interface import Admin


def clients_of(settings: Settings) -> BrokerClients:
    """Make the factory of all Kafka clients of this process.

    Raises:
        SettingsError: The file of the certificate authority cannot be read.
    """
    try:
        return BrokerClients(_brokers(settings), check_crcs=settings.check_crcs)
    except OSError as error:
        raise _unreadable(settings, error) from None


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Make the keywords of an aiokafka client, for libraries that build their clients themselves.

    Raises:
        SettingsError: The file of the certificate authority cannot be read.
    """
    try:
        return _brokers(settings).options()
    except OSError as error:
        raise _unreadable(settings, error) from None


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[Admin]:
    """Connect an administration client, and close it at the end of the `async with` block.

    Raises:
        KafkaError: No broker answers.
    """
    async with connected_admin(clients_of(settings)) as admin:
        yield admin


def _brokers(settings: Settings) -> Brokers:
    password = settings.kafka_sasl_password
    return Brokers(
        settings.kafka_bootstrap_servers,
        client_id=settings.client_id,
        security_protocol=settings.kafka_security_protocol,
        ca_file=settings.kafka_ssl_ca_file,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_user=settings.kafka_sasl_user,
        sasl_password=None if password is None else password.get_secret_value(),
    )


def _unreadable(settings: Settings, error: OSError) -> SettingsError:
    name, file = variable("kafka_ssl_ca_file"), settings.kafka_ssl_ca_file
    return SettingsError([f"{name}: {file}: {error.strerror or error}"])
