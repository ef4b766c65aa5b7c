"""Checks of mapping changes against Sage Intacct, before anything is written.

The checks cover the subsidiary's connection, GL accounts, and the customers and vendors that mappings name. Each kind
is read in one request per subsidiary. Names that a person left out are filled in from Sage, for display.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from app.connections.connection_records import with_changes
from app.connections.doctor import client_of, login_for
from app.connections.findings import Finding
from app.errors import CommandError, SettingsError, UsageError
from app.mapping_changes import SettingChange
from app.output import note
from app.settings import Settings
from app.shell import command_line
from domain.documents import PartyKind
from domain.parties.matching import PartyRecord
from domain.settings.keys import AccountKey, IntercompanyKey, VendorKey, parse
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, InvalidSetting
from sage_client import Account, Login, SageClient, SageError

Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="Write without looking anything up, in mapping-state or in Sage Intacct.")
]
NOT_CHECKED = "note: not checked: neither the connection nor Sage Intacct was asked"
_PARTIES = {"vendorId": PartyKind.VENDOR, "customerId": PartyKind.CUSTOMER}
"""Fields of vendor and intercompany mappings that hold the id of a party, and the kind of the party."""


@dataclass(slots=True)
class Checked:
    """Result of a check."""

    changes: list[SettingChange]
    """The changes, completed with Sage's names of accounts and vendors where none was given."""
    wrong: list[str] = field(default_factory=list)
    """Errors: a connection, account or party that does not exist or is inactive."""
    unknown: list[str] = field(default_factory=list)
    """Reasons why something could not be checked."""


async def to_write(
    settings: Settings, state: MappingState, changes: Sequence[SettingChange], *, unchecked: bool
) -> list[SettingChange]:
    """Check changes, and return them with names filled in. With `unchecked`, return them as they are.

    Raises:
        UsageError: An account or party of a change does not exist, or cannot be posted to.
        CommandError: Something could not be checked.
    """
    if unchecked:
        note(NOT_CHECKED)
        return list(changes)
    found = await check(settings, state, changes)
    if found.wrong:
        raise UsageError(f"{'; '.join(found.wrong)}. Nothing was written; --unchecked writes it all the same")
    if found.unknown:
        raise CommandError(
            f"could not be checked: {'; '.join(found.unknown)}. Nothing was written; --unchecked writes it all the same"
        )
    return found.changes


async def check(settings: Settings, state: MappingState, changes: Sequence[SettingChange]) -> Checked:
    """Check changes against the connections as they would be after the changes, and against Sage Intacct."""
    future = with_changes(state, changes)
    found = Checked(list(changes))
    by_subsidiary: dict[str, list[int]] = {}
    for number, change in enumerate(changes):
        key = parse(change.key)
        if change.value is None or not isinstance(key, AccountKey | VendorKey | IntercompanyKey):
            continue
        by_subsidiary.setdefault(key.subsidiary_id, []).append(number)
        if isinstance(key, IntercompanyKey) and future.connection(key.other_id) is None:
            found.wrong.append(_unconnected(key.other_id))
    logins = {each: login for each in by_subsidiary if (login := _login(settings, future, each, found)) is not None}
    if logins:
        try:
            async with client_of(settings) as client:
                for subsidiary, login in logins.items():
                    await _look_up(client, login, by_subsidiary[subsidiary], found)
        except SettingsError as error:
            found.unknown.append(str(error))
    return found


def _login(settings: Settings, future: MappingState, subsidiary: str, found: Checked) -> Login | None:
    setting = future.connection(subsidiary)
    if not isinstance(setting, ConnectionSetting):
        unreadable = isinstance(setting, InvalidSetting)
        found.wrong.append(f"the connection of {subsidiary} cannot be read" if unreadable else _unconnected(subsidiary))
        return None
    login = login_for(settings, subsidiary, setting)
    if isinstance(login, Finding):
        found.unknown.append(login.what)
        return None
    return login


async def _look_up(client: SageClient, login: Login, numbers: Sequence[int], found: Checked) -> None:
    try:
        books = await _read(client, login, [found.changes[number] for number in numbers])
    except SageError as error:
        found.unknown.append(f"Sage Intacct: {error}")
        return
    for number in numbers:
        found.changes[number] = books.titled(found.changes[number])
        found.wrong += books.against(found.changes[number])


@dataclass(frozen=True, slots=True)
class _Books:
    """The accounts and parties of a company that the changes name, as read from Sage."""

    accounts: Mapping[str, Account]
    parties: Mapping[PartyKind, Mapping[str, PartyRecord]]

    def titled(self, change: SettingChange) -> SettingChange:
        """The change, completed with Sage's name of the account or vendor if it gives none."""
        value = dict(change.value or {})
        key = parse(change.key)
        if isinstance(key, AccountKey) and "title" not in value:
            account = self.accounts.get(str(value["account"]))
            return replace(change, value=value | {"title": account.title}) if account and account.title else change
        if isinstance(key, VendorKey) and "name" not in value:
            vendor = self.parties[PartyKind.VENDOR].get(str(value["vendorId"]))
            return replace(change, value=value | {"name": vendor.name}) if vendor and vendor.name else change
        return change

    def against(self, change: SettingChange) -> Iterator[str]:
        """List what the change names and Sage does not have, or has as inactive."""
        value = change.value or {}
        if isinstance(parse(change.key), AccountKey):
            number = str(value["account"])
            account = self.accounts.get(number)
            if account is None:
                yield f"{change.key}: GL account {number!r} does not exist in Sage Intacct, or cannot be posted to"
            elif not account.active:
                yield f"{change.key}: GL account {number!r} is inactive in Sage Intacct"
            return
        for name, kind in _PARTIES.items():
            if (party_id := value.get(name)) is None:
                continue
            party = self.parties[kind].get(str(party_id))
            if party is None:
                yield f"{change.key}: {kind} {party_id!r} does not exist in Sage Intacct"
            elif not party.active:
                yield f"{change.key}: {kind} {party_id!r} is inactive in Sage Intacct"


async def _read(client: SageClient, login: Login, changes: Iterable[SettingChange]) -> _Books:
    wanted: dict[PartyKind, set[str]] = {kind: set() for kind in PartyKind}
    any_account = False
    for change in changes:
        value = change.value or {}
        any_account |= "account" in value
        for name, kind in _PARTIES.items():
            if value.get(name) is not None:
                wanted[kind].add(str(value[name]))
    accounts = await client.accounts(login) if any_account else []
    parties = {kind: await client.parties(login, kind, ids=ids) if ids else [] for kind, ids in wanted.items()}
    return _Books(
        {each.number: each for each in accounts},
        {kind: {each.id: each for each in some} for kind, some in parties.items()},
    )


def _unconnected(subsidiary: str) -> str:
    return f"subsidiary {subsidiary!r} has no connection: `{command_line('connect', subsidiary)}` sets it up"
