"""``alvys-sage mappings import`` and ``export``: all settings as lines of JSON. An import writes all or nothing."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from app.errors import CommandError, UsageError
from app.mapping_access import NOBODY, By, live_table, refuse_moves, settings_for_command, write
from app.mapping_changes import SettingChange, read_changes
from app.mapping_checks import to_write
from app.output import Json, note, show_json, show_json_line, show_table
from app.roles import may_change, may_see
from app.settings import Settings
from domain.settings.keys import canonical
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import InvalidSetting, OtherSetting, Setting

NOT_CHECKED = "note: what the entries name was not looked up in Sage Intacct: alvys-sage doctor, or --check, does it"
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, JSON or CSV; - reads standard input.")]


def import_file(
    file: FileArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look accounts, customers and vendors up in Sage first, as `set` does.")
    ] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set and clear many settings: accounts, connections, vendors. Nothing is written unless every entry is valid.

    JSON entries are {"key": …, "value": {…}}; null as value clears. CSV has the columns
    subsidiary,side,category,item,account,title. Exit code 2: the file has faults; each is named with its line.

    Without --check what the entries name is not looked up, so that a copy can be restored anywhere: alvys-sage doctor
    does it afterwards. With it as with `set`: exit code 2 where something does not exist, 1 where that is not known.
    """
    changes, faults = read_changes(_read(file))
    if faults:
        for fault in faults:
            note(f"{file}: {fault.where}: {fault.reason}")
        raise UsageError(f"{len(faults)} of the entries cannot be used; nothing was written")
    found = asyncio.run(_import(changes, by, dry_run=dry_run, check=check))
    if not check:
        note(NOT_CHECKED)
    if as_json:
        show_json({"written": not dry_run, "changes": found})
        return
    show_table(("ACTION", "KEY", "BEFORE", "AFTER"), [tuple(str(cell) for cell in row.values()) for row in found])
    done = sum(1 for row in found if row["action"] != "unchanged")
    note(f"{done} settings {'would change' if dry_run else 'changed'}, {len(found) - done} are as they were")


def export_file(*, by: By = NOBODY) -> None:
    """Every setting as JSON lines that import reads back. Exit code 1: some record cannot be read and is left out."""
    settings = settings_for_command()
    may_see(settings, by)
    state = asyncio.run(_state(settings))
    for record in state.records():
        if not isinstance(record.value, InvalidSetting):
            show_json_line(_line(record.key, record.value))
    unreadable = state.problems()
    for record in unreadable:
        note(f"left out: {record.key} at offset {record.offset} cannot be read")
    if unreadable:
        raise CommandError(f"{len(unreadable)} records cannot be read")


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not text in UTF-8") from None


async def _state(settings: Settings) -> MappingState:
    async with live_table(settings) as table:
        return table.state


async def _import(changes: list[SettingChange], by: str, *, dry_run: bool, check: bool) -> list[dict[str, str]]:
    settings = settings_for_command()
    may_change(settings, by)
    async with live_table(settings) as table:
        if check:
            changes = await to_write(settings, table.state, changes, unchecked=False)
        standing = {canonical(record.key): record for record in table.state.records()}
        rows: list[dict[str, str]] = []
        needed: list[SettingChange] = []
        for change in changes:
            before = standing.get(canonical(change.key))
            row = _row(change, before)
            rows.append(row)
            if row["action"] != "unchanged":
                # One setting, one key: use the spelling of the existing record, if there is one.
                needed.append(SettingChange(change.key if before is None else before.key, change.value, change.where))
        refuse_moves(table.state, needed)  # also in a dry run, because a real one would refuse
        if not dry_run:
            await write(settings, table, by, needed)
        return rows


def _row(change: SettingChange, before: SettingRecord[Setting] | None) -> dict[str, str]:
    was = "-" if before is None else _text(_value(before.value))
    if change.value is None:
        return {"action": "unchanged" if before is None else "clear", "key": change.key, "before": was, "after": "-"}
    scratch = MappingState()
    scratch.apply(change.key.encode(), _text(change.value).encode(), 0)
    after = _text(_value(scratch.records()[0].value))
    action = "unchanged" if was == after else "set"
    return {"action": action, "key": change.key, "before": was, "after": after}


def _line(key: str, value: Setting) -> str:
    return _text({"key": key, "value": _value(value)}, sort=False)


def _value(value: Setting | InvalidSetting) -> object:
    if isinstance(value, BaseModel):
        # Only the fields that were written: defaults of this version do not become settings of the customer.
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, OtherSetting):
        return value.json
    return f"unreadable: {value.reason}" if isinstance(value, InvalidSetting) else value


def _text(value: object, *, sort: bool = True) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=sort, default=str)
