"""Diagnosis of an unreachable broker, as one line that names the setting to check.

aiokafka reports every failure of the first connection by the same error ("Unable to bootstrap"), and writes the cause
only to its log. So this module connects to the brokers once more and describes the failure.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from app.kafka import kafka_options
from app.settings import BROKERS_VARIABLE, Settings
from app.variables import variable

WITHIN = 5.0
"""Seconds for one attempt with one broker."""
_DEFAULT_PORT = 9092


def is_unreachable(error: BaseException) -> bool:
    """Whether the error says that no connection to a broker could be made."""
    return isinstance(error, KafkaConnectionError)


async def explain(settings: Settings) -> str:
    """Connect to the brokers again. Describe the first failure, and name the setting to check."""
    options = kafka_options(settings)
    servers = str(options.pop("bootstrap_servers"))
    for address in (each.strip() for each in servers.split(",")):
        if address and (found := await _trouble(address, options, settings)) is not None:
            return f"Kafka: {found}"
    return f"Kafka: the connection to {servers} broke; it answers again now"


async def _trouble(address: str, options: Mapping[str, Any], settings: Settings) -> str | None:
    try:
        async with asyncio.timeout(WITHIN):
            connection = await create_conn(*split(address), **options)
            try:
                await connection.send(MetadataRequest([]))  # a broker that requires a sign-in closes it here
            finally:
                connection.close()
    except (KafkaError, OSError, TimeoutError) as error:
        return in_words(error, address, settings) or await _mix_up(address, settings.kafka_security_protocol, error)
    return None


def in_words(error: Exception, address: str, settings: Settings) -> str | None:  # noqa: PLR0911 - one answer per error
    """Describe the error of a first connection. None if the broker closed the connection without a reason."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {address} is not trusted ({error.verify_message}). Set"
                f" {variable('kafka_ssl_ca_file')} to the PEM file of the authority that signed it, and use the host"
                " name that the certificate names"
            )
        case SaslAuthenticationFailed():
            names = f"{variable('kafka_sasl_user')} or {variable('kafka_sasl_password')}"
            return f"{address} refuses the user {settings.kafka_sasl_user!r}: {names} is wrong"
        case UnsupportedSaslMechanismError():
            named = variable("kafka_sasl_mechanism")
            return f"{address} does not offer {settings.kafka_sasl_mechanism}: set {named} to what it offers"
        case IllegalSaslStateError():
            named = variable("kafka_security_protocol")
            return f"{address} asks nobody to sign in, and {named} is {settings.kafka_security_protocol}"
        case socket.gaierror():
            return f"the host of {address!r} is not known ({error.strerror}): check {BROKERS_VARIABLE}"
        case ConnectionRefusedError():
            return f"nothing listens at {address}: is the broker running, and is {BROKERS_VARIABLE} right?"
        case TimeoutError():
            return f"{address} did not answer in {WITHIN:.0f} s: check {BROKERS_VARIABLE}, a firewall, the broker"
        case _:
            return None


async def _mix_up(address: str, protocol: str, error: Exception) -> str:
    """Describe why a broker closed the connection: only one of the two sides uses TLS, or a sign-in is required."""
    named = variable("kafka_security_protocol")
    if protocol.endswith("SSL"):
        return f"{address} does not speak TLS, and {named} is {protocol}: {_without_tls(protocol)} may be right"
    if await _speaks_tls(*split(address)):
        return f"{address} speaks TLS, and {named} is {protocol}: {_with_tls(protocol)} may be right"
    if protocol == "PLAINTEXT":
        return (
            f"{address} closed the connection: either it is no Kafka broker ({BROKERS_VARIABLE}), or it wants a sign-in"
            f" ({named}=SASL_PLAINTEXT)"
        )
    said = " ".join(str(error).split()) or type(error).__name__
    return f"{address} closed the connection ({said}): check {named} and {BROKERS_VARIABLE}"


def _with_tls(protocol: str) -> str:
    return "SASL_SSL" if protocol.startswith("SASL") else "SSL"


def _without_tls(protocol: str) -> str:
    return "SASL_PLAINTEXT" if protocol.startswith("SASL") else "PLAINTEXT"


async def _speaks_tls(host: str, port: int) -> bool:
    """Whether a TLS handshake succeeds. Only the handshake is sent, so any certificate is accepted."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(WITHIN):
            _, writer = await asyncio.open_connection(host, port, ssl=anyone)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def split(address: str) -> tuple[str, int]:
    """Split `host:port`, `[v6]:port` or `host` into host and port; the default port is 9092."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        return address.strip("[]"), _DEFAULT_PORT
    return host.strip("[]"), int(port)
