"""``alvys-sage mappings``: the functions of Alvys's Account Mappings tab, on the live mapping-state topic.

Every command first reads the topic to its end. A command that writes returns when the table contains the new value, and
shows the account that is then in effect. The commands on files are in `app.commands.mapping_files`, those on vendors
and intercompany in `app.commands.mapping_parties`, the history in `app.commands.mapping_history`.
"""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from app.commands.mapping_files import export_file, import_file
from app.commands.mapping_history import show_history
from app.commands.mapping_parties import list_vendors, set_intercompany, set_vendor
from app.errors import UsageError
from app.mapping_access import (
    NOBODY,
    By,
    Target,
    is_listed,
    live_table,
    read_category,
    read_side,
    read_subsidiary,
    settings_for_command,
    write,
)
from app.mapping_changes import SettingChange, readable
from app.mapping_checks import Unchecked, to_write
from app.mapping_views import COLUMNS, Explained, explained, problems, rows, subsidiaries
from app.output import Json, note, show_json, show_line, show_table
from app.roles import may_change, may_see
from domain.categories import CATEGORIES, CATEGORY_DEFAULT, Category, Side
from domain.settings.keys import canonical
from domain.settings.mapping_state import MappingState
from producers.mapping_state import refuse_clearing_a_master

mappings = typer.Typer(
    help="GL accounts of the nine categories, as Alvys's Account Mappings tab shows them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
mappings.command("import")(import_file)
mappings.command("export")(export_file)
mappings.command("history")(show_history)
mappings.command("vendor")(set_vendor)
mappings.command("vendors")(list_vendors)
mappings.command("intercompany")(set_intercompany)

SubsidiaryArgument = Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="The subsidiary's id in Alvys.")]
SideArgument = Annotated[str, typer.Argument(metavar="SIDE", help="ar (invoices) or ap (bills).")]
CategoryArgument = Annotated[str, typer.Argument(metavar="CATEGORY", help="Its name in Alvys, or its slug.")]
ItemArgument = Annotated[str, typer.Argument(metavar="[ITEM]", help="The item; left out: the category's own account.")]


@mappings.command("list")
def list_mappings(
    *,
    subsidiary: Annotated[str | None, typer.Option("--subsidiary", help="Only this subsidiary.")] = None,
    side: Annotated[str | None, typer.Option("--side", help="Only ar or ap.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="Only this category.")] = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """The nine categories, each with its own account and every item, set or not, and what answers for it.

    The company's own accessorial, deduction and e-check types are among the items: those that catalogue keys name.

    Exit code 1: a record cannot be read, or another writer cleared a master Default; documents may be waiting for it.
    """
    on = None if side is None else read_side(side)
    only = None if category is None else _any_category(category, on)
    state = asyncio.run(_state(by))
    shown_for = subsidiaries(state) if subsidiary is None else [_with_settings(state, subsidiary)]
    listed = [row for each in shown_for for row in rows(state, each, on, only)]
    wrong = problems(state)
    if as_json:
        show_json({"offset": state.offset, "mappings": [row.json() for row in listed], "problems": wrong})
    else:
        show_table(COLUMNS, [row.cells() for row in listed])
        for problem in wrong:
            note("{code}: {key} at offset {offset}: {reason}".format(**problem))
    raise typer.Exit(1 if wrong else 0)


@mappings.command("set")
def set_mapping(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: SubsidiaryArgument,
    side: SideArgument,
    category: CategoryArgument,
    rest: Annotated[
        list[str], typer.Argument(metavar="[ITEM] ACCOUNT", help="Without ITEM: the category's own account.")
    ],
    *,
    title: Annotated[
        str | None, typer.Option("--title", help="The account's name, for display; left out: as Sage has it.")
    ] = None,
    unchecked: Unchecked = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set the GL account of an item, or of a category. It answers for exports from now on; nothing posted changes.

    Exit code 2: the subsidiary is not connected, or its Sage has no such active account. 1: that could not be checked.
    Nothing is written then, but with --unchecked.
    """
    *item, account = rest
    if len(item) > 1:
        raise UsageError("expected [ITEM] ACCOUNT")
    target = Target.read(subsidiary, side, category, *item)
    if not is_listed(target.category, target.item):
        title_of = CATEGORIES[target.category].title
        note(f"note: {title_of} lists no item {target.item!r}; it is set all the same and answers for that name")
    value = {"account": account} | ({} if title is None else {"title": title})
    _say(asyncio.run(_set(target, value, by, unchecked=unchecked)), as_json=as_json)


@mappings.command()
def clear(
    subsidiary: SubsidiaryArgument,
    side: SideArgument,
    category: CategoryArgument,
    item: ItemArgument = CATEGORY_DEFAULT,
    *,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Clear a mapping; the category's own account answers then, or the Default. Exit code 2: it is the Default."""
    _say(asyncio.run(_clear(Target.read(subsidiary, side, category, item), by)), as_json=as_json)


@mappings.command("explain")
def explain_mapping(
    subsidiary: SubsidiaryArgument,
    side: SideArgument,
    category: CategoryArgument,
    item: ItemArgument = CATEGORY_DEFAULT,
    *,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Which account answers for an item now, and why. Exit code 1: none does, documents with such a line wait."""
    target = Target.read(subsidiary, side, category, item)
    found = explained(asyncio.run(_state(by)), target)
    _say(found, as_json=as_json)
    raise typer.Exit(0 if found.answers is not None else 1)


@mappings.command()
def status(*, by: By = NOBODY, as_json: Json = False) -> None:
    """How the table stands: records, offsets, problems. Exit code 1: some record cannot be read or must be set."""
    settings = settings_for_command()
    may_see(settings, by)

    async def ask() -> dict[str, object]:
        async with live_table(settings) as table:
            return asdict(table.status())

    found = asyncio.run(ask())
    if as_json:
        show_json(found)
    else:
        show_table(("FACT", "VALUE"), [(name.replace("_", " "), str(value)) for name, value in found.items()])
    raise typer.Exit(1 if found["invalid"] or found["cleared_masters"] else 0)


async def _state(by: str) -> MappingState:
    settings = settings_for_command()
    may_see(settings, by)
    async with live_table(settings) as table:
        return table.state


def _with_settings(state: MappingState, subsidiary: str) -> str:
    if read_subsidiary(subsidiary) not in subsidiaries(state):
        raise UsageError(f"subsidiary {subsidiary!r} has neither a connection nor settings")
    return subsidiary


async def _set(target: Target, value: dict[str, str], by: str, *, unchecked: bool) -> Explained:
    settings = settings_for_command()
    may_change(settings, by)
    async with live_table(settings) as table:
        change = readable(SettingChange(str(target.key(table.state)), value))
        await write(settings, table, by, await to_write(settings, table.state, [change], unchecked=unchecked))
        return explained(table.state, target)


async def _clear(target: Target, by: str) -> Explained:
    settings = settings_for_command()
    async with live_table(settings) as table:
        wanted = str(target.key(table.state))
        refuse_clearing_a_master(wanted)
        # Other programs may have written the item in other spellings. All of them are this one setting.
        spellings = [r.key for r in table.state.records() if canonical(r.key) == canonical(wanted)]
        if not spellings:
            note(f"note: {wanted} is not set")
        await write(settings, table, by, [SettingChange(key, None) for key in spellings])
        return explained(table.state, target)


def _any_category(text: str, side: Side | None) -> Category:
    """Parse a category that exists on the given side; without a side, on either one."""
    found: Category | None = None
    for on in [side] if side is not None else list(Side):
        try:
            found = read_category(text, on)
        except UsageError:
            if side is not None:
                raise
    if found is None:
        raise UsageError(f"{text!r} is not a category: {', '.join(info.title for info in CATEGORIES.values())}")
    return found


def _say(found: Explained, *, as_json: bool) -> None:
    if as_json:
        show_json(found.json())
        return
    columns = ("LEVEL", "KEY", "STANDS", "OFFSET")
    names = ("level", "key", "display", "offset")
    cells = [[_cell(level[name]) for name in names] for level in found.levels]
    show_table(columns, cells)
    show_line(found.reason)


def _cell(value: object) -> str:
    return "-" if value is None else str(value)
