"""Check of a connection against Sage: sign in, read a snapshot, run the checks. Nothing is written anywhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from app.bootstrap import login_of
from app.connections.checks import check, untold
from app.connections.findings import Finding, SetupProblem, errors, finding
from app.connections.settings_in_use import mapped, vendor_ids
from app.connections.sign_in_diagnosis import diagnose
from app.connections.snapshot import CompanySnapshot, SnapshotReader
from app.connections.snapshot_fields import discovered
from app.errors import SettingsError
from app.settings import Settings
from consumers.export.sending.sage_access import CredentialsMissingError
from domain.documents import Connection
from domain.settings.keys import ConnectionKey
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, InvalidSetting
from sage_client import Entity, Login, SageClient, SageError, Timeouts
from sage_client.errors import SignInError

PATIENCE = 60.0
"""Seconds that one request may take, because a person waits for it."""


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[SageClient]:
    """Open a Sage client for a command, with time-outs for a waiting person.

    Raises:
        SettingsError: The sender's password is not set.
    """
    async with client_for_a_person(settings) as client:
        yield client


def client_for_a_person(settings: Settings) -> SageClient:
    """Build a Sage client with time-outs of at most `PATIENCE` seconds; raises SettingsError as `client_of`."""
    timeouts = replace(Timeouts(), total=min(PATIENCE, float(settings.gateway_timeout_seconds)))
    password = settings.required_sender_password()
    return SageClient(
        settings.gateway_url,
        settings.sender_id,
        password,
        timeouts=timeouts,
        endpoint_domain=settings.endpoint_domain,
    )


async def examine(settings: Settings, subsidiary: str, state: MappingState) -> list[Finding]:
    """Check a subsidiary's connection with the settings in `state`, and list all findings."""
    setting = state.connection(subsidiary)
    key = str(ConnectionKey(subsidiary))
    if setting is None:
        return [finding(SetupProblem.NOT_CONNECTED, f"subsidiary {subsidiary} has no connection", key=key)]
    if isinstance(setting, InvalidSetting):
        return [finding(SetupProblem.SETTING_UNREADABLE, f"{key}: {setting.reason}", key=key)]
    try:
        async with client_of(settings) as client:
            return await _examine(settings, client, subsidiary, setting, state)
    except SettingsError as error:
        return [finding(SetupProblem.SENDER_PASSWORD_MISSING, str(error))]


async def _examine(
    settings: Settings, client: SageClient, subsidiary: str, setting: ConnectionSetting, state: MappingState
) -> list[Finding]:
    login = login_for(settings, subsidiary, setting)
    if isinstance(login, Finding):
        return [login]
    if refusals := await signed_in(settings, client, login):
        return refusals
    found = mapped(subsidiary, state)
    reader = SnapshotReader(client, login)
    books = await reader.books(vendor_ids(found), setting.location_id, _carrier_field(setting))
    books = await discovered(reader, books, found)
    return [*check(subsidiary, setting, state, found, books), *untold(setting)]


def _carrier_field(setting: ConnectionSetting) -> str | None:
    return None if setting.ap.link_carriers_by == "external-id" else setting.ap.carrier_number_field


def login_for(settings: Settings, subsidiary: str, setting: ConnectionSetting) -> Login | Finding:
    """Make the login of a connection; a finding if its credentials are missing."""
    connection = Connection(subsidiary, setting.company_id, setting.entity_id, setting.credentials)
    try:
        return login_of(settings, connection)
    except CredentialsMissingError as error:
        return finding(SetupProblem.CREDENTIALS_MISSING, str(error), key=str(ConnectionKey(subsidiary)))


async def signed_in(settings: Settings, client: SageClient, login: Login) -> list[Finding]:
    """Sign in as the workers do. Returns no finding on success, else one that says why it failed.

    There is one attempt, and a second one (at the top level) only if the entity may be the cause, because many refused
    sign-ins lock the user out.
    """
    try:
        await client.probe(login)
    except SageError as error:
        failure = error
    else:
        return []
    if isinstance(failure, SignInError) and login.entity_id is not None:
        top = replace(login, entity_id=None)
        try:
            await client.probe(top)
            return [_entity(login.entity_id, await client.entities(top), failure)]
        except SignInError as error:
            failure = error
        except SageError:
            pass  # the first failure says more
    return [diagnose(failure, settings.sender_id, login.company_id, login.user_id)]


def _entity(entity_id: str, entities: list[Entity], failure: SageError) -> Finding:
    """Explain why the entity refuses a sign-in that the top level accepts."""
    there = next((each for each in entities if each.id == entity_id), None)
    if there is None:
        known = ", ".join(each.id for each in entities) or "none"
        return finding(SetupProblem.ENTITY_NOT_FOUND, f"entity {entity_id} does not exist in Sage; there are: {known}")
    if not there.active:
        return finding(SetupProblem.ENTITY_INACTIVE, f"entity {entity_id} is inactive")
    return finding(SetupProblem.ENTITY_REFUSED, f"the user is not let into entity {entity_id}. Sage says: {failure}")


def healthy(findings: list[Finding]) -> bool:
    """Whether the connection may be active."""
    return not errors(findings)


__all__ = ["CompanySnapshot", "client_of", "examine", "healthy", "login_for", "signed_in"]
