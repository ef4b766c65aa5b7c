"""``alvys-sage accounts``: list a company's GL accounts in the form of Alvys's dropdown."""

import asyncio
from typing import Annotated

import typer

from app.connections.account_list import grouped, titled
from app.connections.doctor import client_of, login_for
from app.connections.findings import Finding
from app.errors import CommandError
from app.mapping_access import NOBODY, By, live_table, read_subsidiary, settings_for_command
from app.output import Json, show_json, show_table
from app.roles import may_see
from app.settings import Settings
from app.shell import command_line
from domain.settings.values import ConnectionSetting
from sage_client import Account, SageError


def accounts(
    subsidiary: Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that are not active too.")] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """The GL accounts of a subsidiary's company in Sage, `Account ID - Account Name`, grouped by account type.

    Exit code 1: the subsidiary is not connected, or Sage does not answer.
    """
    settings = settings_for_command()
    may_see(settings, by)
    found = asyncio.run(_read(settings, read_subsidiary(subsidiary)))
    shown = [each for each in found if everything or each.active]
    if as_json:
        show_json(
            [
                {"account": each.number, "title": each.title, "type": kind, "active": each.active}
                for kind, group in grouped(shown).items()
                for each in group
            ]
        )
        return
    rows = [
        (kind, titled(each), "active" if each.active else "inactive")
        for kind, group in grouped(shown).items()
        for each in group
    ]
    show_table(("ACCOUNT TYPE", "GL ACCOUNT", "STATUS"), rows)


async def _read(settings: Settings, subsidiary: str) -> list[Account]:
    async with live_table(settings) as table:
        setting = table.state.connection(subsidiary)
    if not isinstance(setting, ConnectionSetting):
        raise CommandError(f"{subsidiary} is not connected; set it up: {command_line('connect', subsidiary)}")
    login = login_for(settings, subsidiary, setting)
    if isinstance(login, Finding):
        raise CommandError(login.what)
    async with client_of(settings) as client:
        try:
            return await client.accounts(login)
        except SageError as error:
            more = command_line("doctor", subsidiary)
            raise CommandError(f"Sage Intacct: {error}; this says more: {more}") from None
