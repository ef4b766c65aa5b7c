"""``alvys-sage custom-fields``: list and map the custom fields of a subsidiary's Sage company.

A mapping is checked against Sage before it is written. A field of an unsupported type is refused, with the name of the
type (requirement 44).
"""

import asyncio
from typing import Annotated

import typer

from app.commands.dimensions import cleared
from app.errors import UsageError
from app.mapping_access import NOBODY, By, read_subsidiary, write
from app.mapping_changes import SettingChange, unreadable
from app.output import Json, show_json, show_line, show_table
from app.sage import sage_of
from domain.attributes import LOAD_REFERENCE, TRIP_REFERENCE, AttributeKind, AttributeName, kind_of
from domain.categories import fold
from domain.settings.custom_fields import FITS, TITLES, FieldObject, FieldType
from domain.settings.setting_table import SettingRecord
from domain.settings.values import CustomFieldSetting, InvalidSetting
from sage_client import CustomField

custom_fields = typer.Typer(
    help="Custom fields: what Sage has, and what their values are taken from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Subsidiary = Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")]
Object = Annotated[str, typer.Argument(metavar="OBJECT", help="arinvoice, arinvoiceitem, apbill or apbillitem.")]
Field = Annotated[str, typer.Argument(metavar="FIELD", help="Its integration name.")]
Format = Annotated[str | None, typer.Option("--format", help="How a date goes into a text: mm/dd/yyyy, …")]


@custom_fields.command("list")
def list_fields(subsidiary: Subsidiary, *, by: By = NOBODY, as_json: Json = False) -> None:
    """Every custom field of the four objects: its type, whether it can be mapped, and what it is mapped to.

    Exit code 1: a field is mapped that cannot be, or one that Sage requires is not mapped.
    """
    rows = asyncio.run(_rows(read_subsidiary(subsidiary), by))
    if as_json:
        show_json({"fields": rows})
    else:
        columns = ("field", "label", "object", "type", "chars", "required", "offered", "mapped")
        show_table([name.upper() for name in columns], [[str(row[name]) for name in columns] for row in rows])
    raise typer.Exit(1 if any(row["wrong"] for row in rows) else 0)


@custom_fields.command()
def sources(*, as_json: Json = False) -> None:
    """Every source, and the types of fields that take it."""
    names = [*AttributeName, f"{LOAD_REFERENCE}NAME", f"{TRIP_REFERENCE}NAME"]
    rows = [(str(name), ", ".join(TITLES[each] for each in FieldType if each in FITS[_kind(name)])) for name in names]
    if as_json:
        show_json([{"source": name, "types": types} for name, types in rows])
    else:
        show_table(("SOURCE", "FIELD TYPES"), rows, whole=True)


@custom_fields.command("set")
def set_field(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: Subsidiary,
    object_name: Object,
    name: Field,
    *,
    source: Annotated[str | None, typer.Option("--source", help="As `sources` lists them.")] = None,
    default: Annotated[str | None, typer.Option("--default", help="Where the event does not give it.")] = None,
    required: Annotated[bool, typer.Option("--required", help="Keep a document back that has no value.")] = False,
    kind: Annotated[FieldType | None, typer.Option("--type", help="textarea, where Sage says Text of both.")] = None,
    max_length: Annotated[
        int | None, typer.Option("--max-length", help="Characters that the field takes: Sage does not tell.")
    ] = None,
    date_format: Format = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set what a custom field takes its value from: a source, a default, or both."""
    on = _object(object_name)

    async def ask() -> SettingChange:
        async with sage_of(read_subsidiary(subsidiary), by, to_change=True) as asked:
            found = _offered(await asked.client.custom_fields(asked.login, on), on, name)
            given = {
                "source": source,
                "type": _type(found, kind),
                "maxLength": max_length,
                "required": True if required or found.required else None,
                "default": default,
                "format": date_format,
            }
            standing = asked.table.state.custom_fields(subsidiary).get((on, found.name.upper()))
            key = f"{subsidiary}/custom-field/{on}/{found.name}" if standing is None else standing.key
            value = {part: each for part, each in given.items() if each is not None}
            if (reason := unreadable(key, value)) is not None:
                raise UsageError(f"{key}: {reason}")
            await write(asked.settings, asked.table, by, [change := SettingChange(key, value)])
            return change

    change = asyncio.run(ask())
    if as_json:
        show_json({"key": change.key, "value": change.value})
    else:
        show_line(f"{change.key}: " + ", ".join(f"{part} {each}" for part, each in (change.value or {}).items()))


@custom_fields.command()
def clear(subsidiary: Subsidiary, object_name: Object, name: Field, *, by: By = NOBODY) -> None:
    """Clear a custom field's mapping. Sage is not asked."""
    asyncio.run(cleared(f"{read_subsidiary(subsidiary)}/custom-field/{_object(object_name)}/{name}", by))


async def _rows(subsidiary: str, by: str) -> list[dict[str, object]]:
    async with sage_of(subsidiary, by) as asked:
        found = await asked.client.custom_fields(asked.login, *FieldObject)
        standing = dict(asked.table.state.custom_fields(subsidiary))
    rows = [_row(each, standing.pop((each.object, each.name.upper()), None)) for each in found]
    for (on, name), record in standing.items():
        gone = {"field": name, "label": "-", "object": on, "type": "-", "chars": "-", "required": "-"}
        rows.append(gone | {"offered": "no: Sage has no such field", "mapped": _words(record), "wrong": True})
    return rows


def _row(field: CustomField, record: SettingRecord[CustomFieldSetting] | None) -> dict[str, object]:
    wrong = record is not None if field.refused else field.required and record is None
    return {
        "field": field.name,
        "label": field.label,
        "object": field.object,
        "type": TITLES[field.type] if field.type else field.data_type,
        "chars": _chars(record),
        "required": "yes" if field.required else "no",
        "offered": "yes" if field.refused is None else f"no: {field.refused}",
        "mapped": _words(record),
        "wrong": wrong,
    }


def _chars(record: SettingRecord[CustomFieldSetting] | None) -> int | str:
    """The longest text, in characters, that the mapping allows; "-" if it sets no limit."""
    if record is None or isinstance(record.value, InvalidSetting) or record.value.max_length is None:
        return "-"
    return record.value.max_length


def _words(record: SettingRecord[CustomFieldSetting] | None) -> str:
    if record is None:
        return "-"
    if isinstance(record.value, InvalidSetting):
        return f"unreadable: {record.value.reason}"
    default = record.value.default
    return ", ".join([part for part in (record.value.source, f"default {default}" if default else None) if part])


def _offered(found: list[CustomField], on: FieldObject, name: str) -> CustomField:
    field = next((each for each in found if fold(each.name) == fold(name)), None)
    if field is None:
        raise UsageError(
            f"{on.object} has no custom field {name!r}: {', '.join(each.name for each in found) or 'none'}"
        )
    if field.refused is not None:
        raise UsageError(f"{on.object} {field.name} cannot be mapped: {field.refused}")
    return field


def _type(field: CustomField, asked: FieldType | None) -> FieldType:
    """Decide the field's type.

    Sage does not tell text from text area, nor number from currency: between these, the person's word decides.

    Raises:
        UsageError: The field has another type in Sage than the person says.
    """
    found = field.type or FieldType.TEXT
    if asked is None or asked is found:
        return found
    if {asked, found} in ({FieldType.TEXT, FieldType.TEXT_AREA}, {FieldType.NUMBER, FieldType.CURRENCY}):
        return asked
    raise UsageError(f"{field.name} is a {TITLES[found]} field in Sage, not {TITLES[asked]}")


def _object(text: str) -> FieldObject:
    try:
        return FieldObject(fold(text))
    except ValueError:
        raise UsageError(f"{text!r} is not an object with custom fields: {', '.join(FieldObject)}") from None


def _kind(name: str) -> AttributeKind:
    return kind_of(name) or AttributeKind.ANY
