"""``alvys-sage disconnect``: remove a subsidiary's connection, settings and mappings; nothing is deleted in Sage."""

import asyncio
from typing import Annotated

import typer

from app.command_requests import Execute
from app.connections.connection_records import to_disconnect
from app.errors import CommandError
from app.mapping_access import NOBODY, By, live_table, read_subsidiary, remove, settings_for_command
from app.output import Json, note, show_json, show_table
from app.roles import may_change
from app.settings import Settings
from domain.settings.keys import ConnectionKey
from domain.settings.values import ConnectionSetting

DRY_RUN = "This was a dry run: nothing was removed. --execute does it; it cannot be taken back."
NEVER = "{subsidiary} is not connected to Sage Intacct; only settings that were left for it are concerned."
DONE = (
    "Disconnected. Nothing was deleted in Sage Intacct. What was on its way ends in the books it was sent to; keep the "
    "credentials {credentials!r} until `alvys-sage waiting` shows no document in doubt."
)


def disconnect(
    subsidiary: Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")],
    *,
    execute: Execute = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Remove a connection with all its settings and mappings, the master Defaults too; then it can be connected anew.

    The connection goes first, so nothing is exported by half of its mappings. Documents that wait are skipped as not
    connected. `alvys-sage mappings export` keeps a copy of the settings. Without --execute nothing is changed.

    Exit code 1: there is nothing of that subsidiary.
    """
    settings = settings_for_command()
    may_change(settings, by)
    chosen = read_subsidiary(subsidiary)
    keys, credentials = asyncio.run(_disconnect(settings, chosen, by, execute=execute))
    if as_json:
        show_json({"executed": execute, "connected": credentials is not None, "keys": keys})
    else:
        show_table(("KEY",), [(key,) for key in keys], whole=True)
    if credentials is None:
        note(NEVER.format(subsidiary=chosen))
    if not execute:
        note(DRY_RUN)
    elif credentials is not None:
        note(DONE.format(credentials=credentials))


async def _disconnect(settings: Settings, subsidiary: str, by: str, *, execute: bool) -> tuple[list[str], str | None]:
    async with live_table(settings) as table:
        keys = to_disconnect(subsidiary, table.state)
        alarmed = any(key.startswith(f"{subsidiary}/") for key in table.state.cleared_masters())
        if not keys and not alarmed:
            raise CommandError(f"{subsidiary} has neither a connection nor settings")
        setting = table.state.connection(subsidiary)
        if execute:
            # Clear the connection first, even if there is none: without one, a cleared master Default is no problem.
            own = str(ConnectionKey(subsidiary))
            await remove(settings, table, by, list(dict.fromkeys((own, *keys))))
    if setting is None:
        return keys, None
    return keys, setting.credentials if isinstance(setting, ConnectionSetting) else "of its connection"
