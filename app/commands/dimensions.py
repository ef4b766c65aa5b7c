"""``alvys-sage dimensions``: list and map the dimensions of a subsidiary's Sage company.

A mapping is checked against Sage before it is written. Dimensions that cannot be mapped are listed with the reason
(requirements 46 to 48).
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from app.errors import UsageError
from app.mapping_access import NOBODY, By, live_table, read_subsidiary, settings_for_command, write
from app.mapping_changes import SettingChange, unreadable
from app.output import Json, note, show_json, show_line, show_table
from app.sage import SageForPerson, sage_of
from domain.categories import fold
from domain.settings.dimensions import STANDARD_OBJECTS, DimensionSource, slug_of
from domain.settings.keys import BadKeyError, canonical
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import DimensionSetting, InvalidSetting
from sage_client import Dimension, DimensionValue
from sage_client.errors import DimensionUnreadableError, FieldMissingError

dimensions = typer.Typer(
    help="Dimensions: what Sage offers, and what their values are taken from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Subsidiary = Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")]
Name = Annotated[str, typer.Argument(metavar="DIMENSION", help="Its name, as `list` shows it.")]
Source = Annotated[DimensionSource | None, typer.Option("--source", help="The Alvys field it takes its values from.")]


@dimensions.command("list")
def list_dimensions(subsidiary: Subsidiary, *, by: By = NOBODY, as_json: Json = False) -> None:
    """Every dimension of the company: whether it can be mapped, why not, and what it is mapped to.

    Exit code 1: a dimension is mapped that Sage does not offer.
    """
    rows = asyncio.run(_rows(read_subsidiary(subsidiary), by))
    if as_json:
        show_json({"dimensions": rows})
    else:
        columns = ("dimension", "label", "kind", "offered", "mapped")
        show_table([name.upper() for name in columns], [[str(row[name]) for name in columns] for row in rows])
    raise typer.Exit(1 if any(row["setting"] is not None and row["offered"] != "yes" for row in rows) else 0)


@dimensions.command("values")
def list_values(subsidiary: Subsidiary, name: Name, *, by: By = NOBODY, as_json: Json = False) -> None:
    """The values that Sage has, with whether they can be posted to."""

    async def ask() -> list[DimensionValue]:
        async with sage_of(read_subsidiary(subsidiary), by) as asked:
            return await asked.client.dimension_values(asked.login, await _offered(asked, name))

    found = [(each.id, each.name, each.blocked or "can be posted to") for each in asyncio.run(ask())]
    if as_json:
        show_json([{"id": row[0], "name": row[1], "status": row[2]} for row in found])
    else:
        show_table(("ID", "NAME", "STATUS"), found, whole=True)


@dimensions.command("set")
def set_dimension(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: Subsidiary,
    name: Name,
    *,
    source: Source = None,
    default: Annotated[str | None, typer.Option("--default", help="The value's id where no mapping answers.")] = None,
    required: Annotated[bool, typer.Option("--required", help="Keep a document back that has no value.")] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set what a dimension takes its values from: an Alvys field, a default, or both."""

    async def ask() -> SettingChange:
        async with sage_of(read_subsidiary(subsidiary), by, to_change=True) as asked:
            dimension = await _offered(asked, name)
            values = await _values(asked, dimension)
            if default is not None:
                _usable(dimension, values, default)
            given = {"source": source, "default": default, "required": required or None}
            given["userDefined"] = dimension.object if dimension.user_defined else None
            value = {key: each for key, each in given.items() if each is not None}
            slug = slug_of(dimension.object)
            standing = asked.table.state.dimensions(subsidiary).get(slug)
            return await _write(asked, standing.key if standing else f"{subsidiary}/dimension/{slug}", value, by)

    _say(asyncio.run(ask()), as_json=as_json)


@dimensions.command("value")
def set_value(
    subsidiary: Subsidiary,
    name: Name,
    alvys: Annotated[str, typer.Argument(metavar="ALVYS", help="The value in Alvys, such as `West Fleet`.")],
    value_id: Annotated[str, typer.Argument(metavar="ID", help="The value's id in Sage.")],
    *,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set what one value in Alvys is in Sage."""

    async def ask() -> SettingChange:
        async with sage_of(read_subsidiary(subsidiary), by, to_change=True) as asked:
            dimension = await _offered(asked, name)
            found = _usable(dimension, await _values(asked, dimension), value_id)
            key = f"{subsidiary}/dimension/{slug_of(dimension.object)}/{alvys.strip()}"
            value = {"value": found.id} | ({"title": found.name} if found.name else {})
            return await _write(asked, _standing(asked.table.state, key), value, by)

    _say(asyncio.run(ask()), as_json=as_json)


@dimensions.command()
def clear(
    subsidiary: Subsidiary,
    name: Name,
    alvys: Annotated[str, typer.Argument(metavar="[ALVYS]", help="Only the mapping of this value.")] = "",
    *,
    by: By = NOBODY,
) -> None:
    """Clear a dimension, or the mapping of one value. Sage is not asked."""
    wanted = f"{read_subsidiary(subsidiary)}/dimension/{name}" + (f"/{alvys}" if alvys else "")
    asyncio.run(cleared(wanted, by))


async def cleared(wanted: str, by: str) -> None:
    """Clear the records of a key in every spelling.

    Args:
        wanted: The key, in any spelling.
        by: The person who clears it.
    """
    settings = settings_for_command()
    async with live_table(settings) as table:
        spellings = [each.key for each in table.state.records() if canonical(each.key) == canonical(wanted)]
        if not spellings:
            note(f"note: {wanted} is not set")
        await write(settings, table, by, [SettingChange(key, None) for key in spellings])
    for key in spellings:
        show_line(f"{key}: cleared")


async def _rows(subsidiary: str, by: str) -> list[dict[str, object]]:
    async with sage_of(subsidiary, by) as asked:
        found = await asked.client.dimensions(asked.login)
        standing = dict(asked.table.state.dimensions(subsidiary))
        rows = []
        for each in found:
            why = each.withheld or await _unreadable(asked, each)
            rows.append(_row(slug_of(each.object), each, why, standing.pop(slug_of(each.object), None)))
        return rows + [_row(slug, None, "Sage has no such dimension", record) for slug, record in standing.items()]


async def _unreadable(asked: SageForPerson, dimension: Dimension) -> str | None:
    """Sage's error text for the values of a Platform Apps dimension, which shows at set-up that it is one.

    Requirement 47. None if the values can be read.
    """
    if not dimension.user_defined:
        return None
    try:
        await asked.client.dimension_values(asked.login, dimension)
    except DimensionUnreadableError as error:
        return error.message
    return None


def _row(
    slug: str, dimension: Dimension | None, why: str | None, record: SettingRecord[DimensionSetting] | None
) -> dict[str, object]:
    kind = "-" if dimension is None else "user-defined" if dimension.user_defined else "standard"
    return {
        "dimension": slug,
        "label": dimension.label if dimension else "-",
        "kind": kind,
        "offered": "yes" if why is None else f"no: {why}",
        "mapped": _words(record),
        "setting": None if record is None else record.key,
    }


def _words(record: SettingRecord[DimensionSetting] | None) -> str:
    if record is None:
        return "-"
    if isinstance(record.value, InvalidSetting):
        return f"unreadable: {record.value.reason}"
    setting = record.value
    parts = [setting.source or "", f"default {setting.default}" if setting.default else ""]
    return ", ".join([part for part in [*parts, "required" if setting.required else ""] if part])


async def _offered(asked: SageForPerson, name: str) -> Dimension:
    """Find the dimension that a person names.

    Raises:
        UsageError: The company has no such dimension, or it cannot be mapped.
    """
    found = await asked.client.dimensions(asked.login)
    wanted = {slug_of(name.strip()), fold(name)}
    meant = [each for each in found if slug_of(each.object) in wanted or fold(each.label) in wanted]
    if len(meant) != 1:
        offered = ", ".join(slug_of(each.object) for each in found if each.withheld is None)
        raise UsageError(f"{name!r} is not a dimension of this company's Sage: {offered}")
    if meant[0].withheld is not None:
        raise UsageError(f"{slug_of(meant[0].object)} cannot be mapped: {meant[0].withheld}")
    if not meant[0].user_defined and meant[0].object not in STANDARD_OBJECTS:
        raise UsageError(f"{name!r} is not a dimension that can be mapped")
    return meant[0]


async def _values(asked: SageForPerson, dimension: Dimension) -> list[DimensionValue] | None:
    """Read the dimension's values. None if the company does not list their fields, so that no id can be checked."""
    try:
        return await asked.client.dimension_values(asked.login, dimension)
    except FieldMissingError as error:
        note(f"note: not checked against Sage: {error}")
        return None


def _usable(dimension: Dimension, values: list[DimensionValue] | None, value_id: str) -> DimensionValue:
    if values is None:
        return DimensionValue(value_id, "", "")
    found = next((each for each in values if fold(each.id) == fold(value_id)), None)
    if found is None:
        named = [each.id for each in values if fold(each.name) == fold(value_id)]
        hint = f"; the one of that name has the id {named[0]}" if len(named) == 1 else ""
        raise UsageError(f"{slug_of(dimension.object)} has no value {value_id!r} in Sage{hint}")
    if found.blocked is not None:
        raise UsageError(f"{slug_of(dimension.object)} {found.id} {found.blocked} in Sage: nothing can be posted to it")
    return found


def _standing(state: MappingState, key: str) -> str:
    """The key in the spelling of an existing record, if there is one, so that one setting has one key."""
    try:
        record = state.dimension_value(canonical(key))
    except BadKeyError:
        return key
    return key if record is None else record.key


async def _write(asked: SageForPerson, key: str, value: Mapping[str, object], by: str) -> SettingChange:
    if (reason := unreadable(key, value)) is not None:
        raise UsageError(f"{key}: {reason}")
    await write(asked.settings, asked.table, by, [change := SettingChange(key, value)])
    return change


def _say(change: SettingChange, *, as_json: bool) -> None:
    if as_json:
        show_json({"key": change.key, "value": change.value})
    else:
        shown = ", ".join(f"{name} {each}" for name, each in (change.value or {}).items())
        show_line(f"{change.key}: {shown}")
