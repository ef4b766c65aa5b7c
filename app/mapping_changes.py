"""Changes of settings from a file: the whole file is read and checked before anything may be written.

A file is JSON lines, a JSON array or one JSON object of ``{"key": …, "value": {…} | null}``, or CSV with the columns
``subsidiary,side,category,item,account,title``. All errors are collected, each with its line or entry number.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from app.errors import UsageError
from domain.categories import CATEGORY_DEFAULT
from domain.settings.keys import BadKeyError, canonical
from domain.settings.mapping_state import MappingState
from domain.settings.values import InvalidSetting
from producers.mapping_state import MasterDefaultCannotBeCleared, refuse_clearing_a_master

COLUMNS = ("subsidiary", "side", "category", "item", "account")


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One change: set `key` to `value`, or clear it (None). `where` names the line or entry of the file."""

    key: str
    value: Mapping[str, object] | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class ImportFault:
    """An error in one entry of a file."""

    where: str
    reason: str


def read_changes(text: str) -> tuple[list[SettingChange], list[ImportFault]]:
    """Read and check the text of a whole file. If there are faults, no change of the file may be written."""
    changes: list[SettingChange] = []
    faults: list[ImportFault] = []
    seen: dict[str, str] = {}
    for where, entry in _entries(text):
        if isinstance(entry, ImportFault):
            faults.append(entry)
            continue
        change, reason = _change(where, entry)
        if change is not None and (first := seen.setdefault(canonical(change.key), where)) != where:
            reason = f"{change.key} is set twice, first in {first}"
        if reason is not None:
            faults.append(ImportFault(where, reason))
        elif change is not None:
            changes.append(change)
    if not changes and not faults:
        faults.append(ImportFault("the file", "holds no entry"))
    return changes, faults


def _entries(text: str) -> Iterator[tuple[str, object]]:
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        yield from _array(start)
    elif start.startswith("{"):
        yield from _objects(text)
    else:
        yield from _csv(text)


def _array(text: str) -> Iterator[tuple[str, object]]:
    try:
        for number, entry in enumerate(json.loads(text), start=1):
            yield f"entry {number}", entry
    except json.JSONDecodeError as error:
        yield "", ImportFault(f"line {error.lineno}", f"not JSON: {error.msg}")


def _objects(text: str) -> Iterator[tuple[str, object]]:
    try:
        yield "the file", json.loads(text)
    except json.JSONDecodeError:
        pass  # not one object over several lines: try one object per line
    else:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except json.JSONDecodeError as error:
                yield "", ImportFault(f"line {number}", f"not JSON: {error.msg}")


def _csv(text: str) -> Iterator[tuple[str, object]]:
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        yield "", ImportFault("line 1", f"neither JSON nor CSV: no column {', '.join(missing)}")
        return
    for row in rows:
        at = f"line {rows.line_num}"
        cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        key = "{subsidiary}/account/{side}/{category}/".format(**cells).replace("/AR/", "/ar/").replace("/AP/", "/ap/")
        value = {"account": cells["account"]} | ({"title": cells["title"]} if cells.get("title") else {})
        yield at, {"key": key + (cells["item"] or CATEGORY_DEFAULT), "value": value}


def _change(where: str, entry: object) -> tuple[SettingChange | None, str | None]:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
        return None, 'is not of the form {"key": "…", "value": {…} or null}'
    key, value = entry["key"], entry["value"]
    if value is not None and not isinstance(value, dict):
        return None, f"{key}: the value is neither an object nor null"
    change = SettingChange(key, value, where)
    try:
        if value is None:
            refuse_clearing_a_master(key)
            return change, None
    except (BadKeyError, MasterDefaultCannotBeCleared) as error:
        return change, f"{key}: {error}"
    if secret := _secret(value):
        return change, f"{key}: holds {secret!r}; secrets do not belong in mapping-state, name a credential instead"
    reason = unreadable(key, value)
    return change, None if reason is None else f"{key}: {reason}"


def unreadable(key: str, value: Mapping[str, object]) -> str | None:
    """Why the service could not read the setting; None if it can. The check uses the service's own parser."""
    scratch = MappingState()
    scratch.apply(key.encode(), orjson.dumps(value), 0)
    return next(
        (record.value.reason for record in scratch.problems() if isinstance(record.value, InvalidSetting)), None
    )


def readable(change: SettingChange) -> SettingChange:
    """Check that the service can read the new value, and return the change.

    Raises:
        UsageError: The service could not read it.
    """
    if change.value is not None and (reason := unreadable(change.key, change.value)) is not None:
        raise UsageError(f"{change.key}: {reason}")
    return change


def _secret(value: object) -> str | None:
    """Find a field, at any depth, whose name contains `password` or `secret`. None: there is none."""
    if isinstance(value, dict):
        named = (name for name in value if "password" in name.casefold() or "secret" in name.casefold())
        return next(named, None) or next((found for each in value.values() if (found := _secret(each))), None)
    if isinstance(value, list):
        return next((found for each in value if (found := _secret(each))), None)
    return None
