"""``alvys-sage connections``: show, set, pause and resume the connections of subsidiaries."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from app.commands.doctor import show_findings
from app.commands.measure_repetition import measure_repetition
from app.connections.connection_records import connection_change, with_changes
from app.connections.doctor import examine, healthy
from app.connections.findings import BLIND, errors
from app.connections.words import TITLES, read_assignments, with_assignments
from app.errors import CommandError, UsageError
from app.mapping_access import NOBODY, By, live_table, read_side, read_subsidiary, settings_for_command, write
from app.mapping_history import flat
from app.mapping_views import subsidiaries
from app.output import Json, note, show_json, show_line, show_table
from app.roles import may_change, may_see
from app.settings import Settings
from domain.categories import Side
from domain.events.wire import in_words
from domain.settings.connections import ChangeRefusedError, badge, switched
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, InvalidSetting
from domain.text import single_line

connections = typer.Typer(
    help="Connections: one for each subsidiary, to exactly one place in Sage Intacct.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
connections.command("measure-repetition")(measure_repetition)
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
        show_table(COLUMNS, [_listed(row) for row in rows])
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
        own = [(name, _cell(value), "") for name, value in facts.items() if value is not None]
        there = dict(flat(inner))
        rows = [(name, _cell(there.get(name)), title) for name, title in TITLES.items()] if inner else []
        show_table(("FACT", "VALUE", "MEANING"), own + rows)
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


@connections.command("set")
def set_settings(
    subsidiary: SubsidiaryArgument,
    assignments: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE...", help="Names as `show` lists them; NAME= goes to the default."),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, show what would change, write nothing.")] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not hold it against Sage Intacct.")] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Change settings of a connection, such as `ar.creditMemos=true`. They hold for what is exported from now on.

    What would be wrong in Sage Intacct by the change is refused; what was wrong before does not stop it. Documents that
    wait for the connection, or that it caused to be rejected, are looked at again.

    Exit code 1: not connected, it does not fit Sage, or that could not be checked; nothing was written. 2: bad request.
    """
    settings = settings_for_command()
    may_change(settings, by)
    chosen, wanted = read_subsidiary(subsidiary), read_assignments(assignments)
    changed = asyncio.run(_set(settings, chosen, wanted, by, dry_run=dry_run, unchecked=unchecked))
    if as_json:
        rows = [{"name": name, "title": TITLES[name], "before": was, "after": now} for name, was, now in changed]
        show_json({"subsidiary": chosen, "written": bool(changed) and not dry_run, "changes": rows})
    elif changed:
        show_table(("SETTING", "BEFORE", "AFTER"), [(name, _cell(was), _cell(now)) for name, was, now in changed])
    if not changed:
        note(f"note: it is so already: {chosen}")
    elif dry_run:
        note("This was a dry run: nothing was written.")


Changed = list[tuple[str, object, object]]
"""Changed settings: name, value before, value after."""


async def _set(
    settings: Settings, subsidiary: str, wanted: Mapping[str, object], by: str, *, dry_run: bool, unchecked: bool
) -> Changed:
    async with live_table(settings) as table:
        before = _standing(subsidiary, table.state)
        value = with_assignments(before.model_dump(mode="json", by_alias=True, exclude_unset=True), wanted)
        try:
            after = ConnectionSetting.model_validate(value)
        except ValidationError as error:
            raise UsageError(single_line(in_words(error))) from None
        was, now = (dict(flat(each.model_dump(mode="json", by_alias=True))) for each in (before, after))
        changed = [(name, was.get(name), now.get(name)) for name in wanted if was.get(name) != now.get(name)]
        if not changed:
            return []
        change = connection_change(subsidiary, after)
        if unchecked:
            note("note: it was not held against Sage Intacct; alvys-sage doctor does that")
        else:
            await refuse_new_errors(settings, subsidiary, table.state, with_changes(table.state, [change]))
        if not dry_run:
            await write(settings, table, by, [change])
        return changed


async def refuse_new_errors(settings: Settings, subsidiary: str, now: MappingState, future: MappingState) -> None:
    """Check changed settings against Sage, and refuse errors that the present settings do not have.

    Args:
        settings: Credentials and the sender.
        subsidiary: The subsidiary.
        now: The settings in force.
        future: The settings as they would be after the change.

    Raises:
        CommandError: The change causes new errors (they were shown), or it could not be checked.
    """
    findings = errors(await examine(settings, subsidiary, future))
    if not findings:
        return
    before = {(each.problem, each.what) for each in errors(await examine(settings, subsidiary, now))}
    new = [each for each in findings if (each.problem, each.what) not in before]
    if new:
        show_findings(subsidiary, new)
        raise CommandError(f"{subsidiary} would not fit Sage Intacct as shown; nothing was changed")
    if blind := [each for each in findings if each.problem in BLIND]:
        raise CommandError(
            f"could not be checked: {blind[0].problem}: {blind[0].what}. Nothing was changed; --unchecked changes it "
            "all the same"
        )


def _standing(subsidiary: str, state: MappingState) -> ConnectionSetting:
    before = state.connection(subsidiary)
    if not isinstance(before, ConnectionSetting):
        why = f"cannot be read: {before.reason}" if isinstance(before, InvalidSetting) else "is not connected"
        raise CommandError(f"{subsidiary} {why}")
    return before


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
        before = _standing(subsidiary, table.state)
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
    """Check the future settings against Sage, because a connection with errors must not become Active.

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
        "problem": setting.reason if isinstance(setting, InvalidSetting) else None,
    }


def _listed(facts: Mapping[str, object]) -> tuple[str, ...]:
    """The cells of a connection's row; times are given to the minute, so that the row fits a terminal."""
    *cells, since = tuple(map(_cell, facts.values()))[: len(COLUMNS)]
    if since != "-":
        since = datetime.fromisoformat(since).astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    return *cells, since


def _on(*, on: bool) -> str:
    return "on" if on else "off"


def _cell(value: object) -> str:
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
