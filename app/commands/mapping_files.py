"""``alvys-sage mappings import`` and ``export``: settings of every family as lines of JSON, all or nothing."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from app.errors import CommandError, UsageError
from app.mapping_access import NOBODY, By, live_table, refuse_moves, settings_for_command, write
from app.mapping_changes import Change, read_changes
from app.output import Json, note, show_json, show_json_line, show_table
from domain.keys import canonical
from domain.mapping_state import MappingState
from domain.settings import Invalid, Other, Setting
from domain.table import Record

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, JSON or CSV; - reads standard input.")]


def import_file(
    file: FileArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set and clear many settings: accounts, connections, vendors. Nothing is written unless every entry is valid.

    JSON entries are {"key": …, "value": {…}}; null as value clears. CSV has the columns
    subsidiary,side,category,item,account,title. Exit code 2: the file has faults; each is named with its line.
    """
    changes, faults = read_changes(_read(file))
    if faults:
        for fault in faults:
            note(f"{file}: {fault.where}: {fault.reason}")
        raise UsageError(f"{len(faults)} of the entries cannot be used; nothing was written")
    found = asyncio.run(_import(changes, by, dry_run=dry_run))
    if as_json:
        show_json({"written": not dry_run, "changes": found})
        return
    show_table(("ACTION", "KEY", "BEFORE", "AFTER"), [tuple(str(cell) for cell in row.values()) for row in found])
    done = sum(1 for row in found if row["action"] != "unchanged")
    note(f"{done} settings {'would change' if dry_run else 'changed'}, {len(found) - done} are as they were")


def export_file() -> None:
    """Every setting as JSON lines that import reads back. Exit code 1: some record cannot be read and is left out."""
    state = asyncio.run(_state())
    for record in state.records():
        if not isinstance(record.value, Invalid):
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


async def _state() -> MappingState:
    async with live_table(settings_for_command()) as table:
        return table.state


async def _import(changes: list[Change], by: str, *, dry_run: bool) -> list[dict[str, str]]:
    settings = settings_for_command()
    async with live_table(settings) as table:
        standing = {canonical(record.key): record for record in table.state.records()}
        rows: list[dict[str, str]] = []
        needed: list[Change] = []
        for change in changes:
            before = standing.get(canonical(change.key))
            row = _row(change, before)
            rows.append(row)
            if row["action"] != "unchanged":
                # One setting, one key: written in the spelling that stands, if one does.
                needed.append(Change(change.key if before is None else before.key, change.value, change.where))
        refuse_moves(table.state, needed)  # in a dry run too: it would not be written
        if not dry_run:
            await write(settings, table, by, needed)
        return rows


def _row(change: Change, before: Record[Setting] | None) -> dict[str, str]:
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


def _value(value: Setting | Invalid) -> object:
    if isinstance(value, BaseModel):
        # What was written, no more: defaults of this version are not made settings of the customer.
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Other):
        return value.json
    return f"unreadable: {value.reason}" if isinstance(value, Invalid) else value


def _text(value: object, *, sort: bool = True) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=sort, default=str)
