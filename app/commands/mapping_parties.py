"""``alvys-sage mappings vendor``, ``vendors``, ``intercompany``: parties named by settings instead of by the event."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from app.errors import UsageError
from app.mapping_access import NOBODY, By, live_table, read_subsidiary, settings_for_command, write
from app.mapping_changes import SettingChange, readable
from app.mapping_checks import Unchecked, to_write
from app.output import Json, note, show_json, show_line, show_table
from app.roles import may_change, may_see
from domain.settings.keys import IntercompanyKey, Key, Provider, VendorKey, parse
from domain.settings.mapping_state import MappingState
from domain.settings.values import IntercompanySetting, InvalidSetting, VendorSetting

SubsidiaryArgument = Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")]
Clear = Annotated[bool, typer.Option("--clear", help="Clear the mapping instead.")]
COLUMNS = ("SUBSIDIARY", "KIND", "FOR", "CUSTOMER", "VENDOR", "NAME")


def set_vendor(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: SubsidiaryArgument,
    kind: Annotated[Provider, typer.Argument(metavar="fuel|toll")],
    provider: Annotated[
        str, typer.Argument(metavar="PROVIDER", help="The card or toll provider; `default`: the rest.")
    ],
    vendor_id: Annotated[
        str | None, typer.Argument(metavar="[VENDORID]", help="The vendor in Sage Intacct; left out with --clear.")
    ] = None,
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="The vendor's name, for display; left out: as Sage has it.")
    ] = None,
    clear: Clear = False,
    unchecked: Unchecked = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set the vendor whose bills a provider's fuel or tolls become, or clear it. `vendors` lists them.

    Exit code 2: the subsidiary is not connected, or its Sage has no such active vendor. 1: that could not be checked.
    Nothing is written then, but with --unchecked.
    """
    key = VendorKey(read_subsidiary(subsidiary), kind, provider)
    if clear == (vendor_id is not None):
        raise UsageError("give either VENDORID or --clear")
    value = None if vendor_id is None else {"vendorId": vendor_id} | ({} if name is None else {"name": name})
    written = asyncio.run(_write(key, lambda _: value, by, unchecked=unchecked))
    _say(written, str(key), as_json=as_json)


def list_vendors(
    *,
    subsidiary: Annotated[str | None, typer.Option("--subsidiary", help="Only this subsidiary.")] = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """The vendors of card and toll providers, and the parties that other subsidiaries are in these books.

    Exit code 1: a record cannot be read.
    """
    settings = settings_for_command()
    may_see(settings, by)

    async def ask() -> MappingState:
        async with live_table(settings) as table:
            return table.state

    found = [each for each in _rows(asyncio.run(ask())) if subsidiary in {None, each["subsidiary"]}]
    if as_json:
        show_json(found)
    else:
        show_table(COLUMNS, [tuple(str(each[name.lower()] or "-") for name in COLUMNS) for each in found])
    for each in found:
        if each["problem"]:
            note(f"{each['key']}: {each['problem']}")
    raise typer.Exit(1 if any(each["problem"] for each in found) else 0)


def set_intercompany(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: SubsidiaryArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other subsidiary's id in Alvys.")],
    *,
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="The customer that OTHER is in these books.")
    ] = None,
    vendor: Annotated[
        str | None, typer.Option("--vendor", metavar="ID", help="The vendor that OTHER is in these books.")
    ] = None,
    clear: Clear = False,
    unchecked: Unchecked = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set which customer and vendor another subsidiary is in this one's books. What is left out stays as it is.

    Exit code 2: a subsidiary is not connected, or its Sage has no such active record. 1: that could not be checked.
    Nothing is written then, but with --unchecked.
    """
    key = IntercompanyKey(read_subsidiary(subsidiary), read_subsidiary(other))
    if clear == (customer is not None or vendor is not None):
        raise UsageError("give --customer, --vendor or both, or --clear")
    given = {name: each for name, each in (("customerId", customer), ("vendorId", vendor)) if each is not None}

    def value(state: MappingState) -> dict[str, object] | None:
        standing = state.intercompany(key.canonical)
        if clear:
            return None
        if standing is None or not isinstance(standing.value, IntercompanySetting):
            return dict(given)
        return standing.value.model_dump(mode="json", by_alias=True, exclude_none=True) | given

    _say(asyncio.run(_write(key, value, by, unchecked=unchecked)), str(key), as_json=as_json)


async def _write(
    key: Key, value: Callable[[MappingState], dict[str, object] | dict[str, str] | None], by: str, *, unchecked: bool
) -> list[SettingChange]:
    """Set or clear a setting, checked like `mappings set`. Clearing covers every spelling. Returns the changes.

    Args:
        key: The setting's key.
        value: Makes the new value from the settings in force; None: clear the setting.
        by: The person who changes it.
        unchecked: Whether to skip the checks.
    """
    settings = settings_for_command()
    may_change(settings, by)
    async with live_table(settings) as table:
        new = value(table.state)
        standing = [each for each in table.state.records() if _same(each.key, key)]
        if new is None:
            changes = [SettingChange(each.key, None) for each in standing]
            if not standing:
                note(f"note: {key} is not set")
        else:
            answers = max(standing, key=lambda each: each.offset, default=None)
            changes = [readable(SettingChange(str(key) if answers is None else answers.key, new))]
            changes = await to_write(settings, table.state, changes, unchecked=unchecked)
        await write(settings, table, by, changes)
    return changes


def _same(text: str, key: Key) -> bool:
    try:
        return parse(text).canonical == key.canonical
    except ValueError:
        return False


def _rows(state: MappingState) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for record in state.records():
        try:
            key = parse(record.key)
        except ValueError:
            continue
        if not isinstance(key, VendorKey | IntercompanyKey):
            continue
        value = record.value
        row: dict[str, object] = {
            "subsidiary": key.subsidiary_id,
            "kind": key.kind.value if isinstance(key, VendorKey) else "intercompany",
            "for": key.provider if isinstance(key, VendorKey) else key.other_id,
            "customer": value.customer_id if isinstance(value, IntercompanySetting) else None,
            "vendor": value.vendor_id if isinstance(value, VendorSetting | IntercompanySetting) else None,
            "name": value.name if isinstance(value, VendorSetting) else None,
            "key": record.key,
            "problem": value.reason if isinstance(value, InvalidSetting) else None,
        }
        rows.append(row)
    return rows


def _say(changes: list[SettingChange], key: str, *, as_json: bool) -> None:
    value = changes[0].value if changes else None
    if as_json:
        show_json({"key": changes[0].key if changes else key, **(value or {}), **({} if value else {"cleared": True})})
    elif value is None:
        show_line(f"{key}: cleared")
    else:
        show_line(f"{changes[0].key}: " + ", ".join(str(each) for each in value.values()))
