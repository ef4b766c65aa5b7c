"""``alvys-sage connections``: how each subsidiary is connected, and the switches."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands.doctor import show_findings
from app.connections.doctor import examine, healthy
from app.connections.plan import connection_change, with_changes
from app.errors import CommandError, UsageError
from app.mapping_access import NOBODY, By, live_table, read_side, read_subsidiary, settings_for_command, write
from app.mapping_views import subsidiaries
from app.output import Json, note, show_json, show_line, show_table
from app.roles import may_change, may_see
from app.settings import Settings
from domain.categories import Side
from domain.connections import ChangeRefusedError, badge, switched
from domain.mapping_state import MappingState
from domain.settings import ConnectionSetting, Invalid

connections = typer.Typer(
    help="Connections: one for each subsidiary, to exactly one place in Sage Intacct.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COLUMNS = ("SUBSIDIARY", "STATE", "AR", "AP", "COMPANY", "ENTITY", "ACTIVE SINCE")
SubsidiaryArgument = Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")]
SideOption = Annotated[
    str | None, typer.Option("--side", metavar="ar|ap", help="Only invoices (ar) or bills (ap); left out: the master.")
]


@connections.command("list")
def list_connections(*, by: By = NOBODY, as_json: Json = False) -> None:
    """Every subsidiary that has settings, with its state: Active, Paused or Not Set Up.

    Exit code 1: a connection cannot be read.
    """
    settings = settings_for_command()
    may_see(settings, by)
    state = asyncio.run(_state(settings))
    rows = [_facts(each, state) for each in subsidiaries(state)]
    if as_json:
        show_json(rows)
    else:
        show_table(COLUMNS, [tuple(map(_cell, row.values()))[: len(COLUMNS)] for row in rows])
    raise typer.Exit(1 if any(row["problem"] for row in rows) else 0)


@connections.command()
def show(subsidiary: SubsidiaryArgument, *, by: By = NOBODY, as_json: Json = False) -> None:
    """Everything that is set for a subsidiary's connection, defaults included. Exit code 1: it is not connected."""
    settings = settings_for_command()
    may_see(settings, by)
    chosen = read_subsidiary(subsidiary)
    state = asyncio.run(_state(settings))
    facts = _facts(chosen, state)
    setting = state.connection(chosen)
    inner = setting.model_dump(mode="json", by_alias=True) if isinstance(setting, ConnectionSetting) else {}
    if as_json:
        show_json({**facts, "settings": inner})
    else:
        rows = [(name, _cell(value)) for name, value in (*facts.items(), *_flat(inner)) if value is not None]
        show_table(("FACT", "VALUE"), rows, whole=True)
    raise typer.Exit(0 if setting is not None and not facts["problem"] else 1)


@connections.command()
def pause(subsidiary: SubsidiaryArgument, *, side: SideOption = None, by: By = NOBODY, as_json: Json = False) -> None:
    """Pause a connection, or switch one side off.

    While the connection is paused its documents wait, and go by themselves when it is resumed. What comes while a side
    is off is skipped for good. The last side that is on cannot be switched off: pause the connection.
    """
    _switch(subsidiary, side, by, on=False, as_json=as_json)


@connections.command()
def resume(subsidiary: SubsidiaryArgument, *, side: SideOption = None, by: By = NOBODY, as_json: Json = False) -> None:
    """Resume a connection, or switch one side on: only if the check against Sage finds no error.

    What becomes active for the first time is activated now; only what is created from then on is exported.

    Exit code 1: the check found errors; nothing was changed.
    """
    _switch(subsidiary, side, by, on=True, as_json=as_json)


def _switch(subsidiary: str, side: str | None, by: str, *, on: bool, as_json: bool) -> None:
    settings = settings_for_command()
    may_change(settings, by)
    chosen = read_subsidiary(subsidiary)
    facts = asyncio.run(_switched(settings, chosen, None if side is None else read_side(side), by, on=on))
    if as_json:
        show_json(facts)
    else:
        show_line(f"{chosen}: {facts['state']}, AR {facts['ar']}, AP {facts['ap']}")
        if facts["activatedAt"]:
            show_line(f"active since {facts['activatedAt']}; nothing created before it is exported")


async def _switched(settings: Settings, subsidiary: str, side: Side | None, by: str, *, on: bool) -> dict[str, object]:
    async with live_table(settings) as table:
        before = table.state.connection(subsidiary)
        if not isinstance(before, ConnectionSetting):
            why = f"cannot be read: {before.reason}" if isinstance(before, Invalid) else "is not connected"
            raise CommandError(f"{subsidiary} {why}")
        try:
            after = switched(before, side, on=on, now=_now())
        except ChangeRefusedError as error:
            raise UsageError(str(error)) from None
        if after != before:
            change = connection_change(subsidiary, after)
            if on:
                await refuse_errors(settings, subsidiary, with_changes(table.state, [change]))
            await write(settings, table, by, [change])
        else:
            note(f"note: it is so already: {subsidiary}")
        return _facts(subsidiary, table.state)


async def refuse_errors(settings: Settings, subsidiary: str, future: MappingState) -> None:
    """Hold what is to be written against Sage: nothing becomes Active with an error in it.

    Raises:
        CommandError: There are errors; they were shown.
    """
    findings = await examine(settings, subsidiary, future)
    if not healthy(findings):
        show_findings(subsidiary, findings)
        raise CommandError(f"{subsidiary} does not fit Sage Intacct as shown; nothing was changed")


def _now() -> datetime:
    return datetime.now(UTC)


async def _state(settings: Settings) -> MappingState:
    async with live_table(settings) as table:
        return table.state


def _facts(subsidiary: str, state: MappingState) -> dict[str, object]:
    setting = state.connection(subsidiary)
    whole = setting if isinstance(setting, ConnectionSetting) else None
    return {
        "subsidiary": subsidiary,
        "state": badge(setting).value,
        "ar": None if whole is None else _on(on=whole.ar.active),
        "ap": None if whole is None else _on(on=whole.ap.active),
        "companyId": None if whole is None else whole.company_id,
        "entityId": None if whole is None else (whole.entity_id or "top level"),
        "activatedAt": None if whole is None or whole.activated_at is None else whole.activated_at.isoformat(),
        "problem": setting.reason if isinstance(setting, Invalid) else None,
    }


def _on(*, on: bool) -> str:
    return "on" if on else "off"


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif before or name not in {"companyId", "entityId", "activatedAt", "state"}:
            yield f"{before}{name}", value


def _cell(value: object) -> str:
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
