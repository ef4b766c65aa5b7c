"""Access to a subsidiary's Sage Intacct for commands: the client, the login of its connection, and its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from app.bootstrap import login_of
from app.errors import CommandError, UsageError
from app.mapping_access import live_table, settings_for_command
from app.roles import may_change, may_see
from app.settings import Settings
from consumers.export.sending.sage_access import CredentialsMissingError
from consumers.mapping_state import MappingTable
from domain.documents import Connection
from domain.settings.values import ConnectionSetting, InvalidSetting
from sage_client import Login, RateLimit, SageClient, SageError, Timeouts


@dataclass(frozen=True, slots=True)
class SageForPerson:
    """A client and login for one subsidiary's Sage company, with the settings in force."""

    settings: Settings
    table: MappingTable
    connection: ConnectionSetting
    client: SageClient
    login: Login


@asynccontextmanager
async def sage_of(subsidiary: str, by: str, *, to_change: bool = False) -> AsyncIterator[SageForPerson]:
    """Open access to the Sage company that a subsidiary is connected to.

    Args:
        subsidiary: The subsidiary's id.
        by: The person who asks.
        to_change: Whether the person wants to change mappings, or only to see them.

    Raises:
        NotAllowedError: The person's role does not allow it.
        UsageError: The subsidiary is not connected, or its connection or credentials cannot be read.
        CommandError: Sage refused a request; the text is Sage's own.
    """
    settings = settings_for_command()
    (may_change if to_change else may_see)(settings, by)
    async with live_table(settings) as table:
        connection = table.state.connection(subsidiary)
        if connection is None:
            raise UsageError(f"subsidiary {subsidiary} has no connection")
        if isinstance(connection, InvalidSetting):
            raise UsageError(f"{subsidiary}/connection: {connection.reason}")
        place = Connection(subsidiary, connection.company_id, connection.entity_id, connection.credentials)
        try:
            login = login_of(settings, place)
        except CredentialsMissingError as error:
            raise UsageError(str(error)) from None
        try:
            async with _client(settings) as client:
                yield SageForPerson(settings, table, connection, client, login)
        except SageError as error:
            raise CommandError(str(error)) from None


def _client(settings: Settings) -> SageClient:
    return SageClient(
        settings.gateway_url,
        settings.sender_id,
        settings.required_sender_password(),
        timeouts=replace(Timeouts(), total=float(settings.gateway_timeout_seconds)),
        rate_limit=RateLimit(settings.requests_in_flight_per_company, settings.requests_per_minute_per_company or None),
        endpoint_domain=settings.endpoint_domain,
    )
