"""Shared by the commands on settings: the live mapping-state table, writing with read-back, parsing of arguments."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Self

import typer

from app.errors import UsageError
from app.kafka import clients_of
from app.logging import set_up
from app.mapping_changes import SettingChange
from app.mapping_history import read_history
from app.roles import may_change
from app.settings import Settings
from consumers.mapping_state import MappingTable
from domain.categories import CATEGORIES, CATEGORY_DEFAULT, Category, Side, category_titled, fold, item_slot
from domain.settings.connections import ChangeRefusedError, refuse_moving
from domain.settings.keys import AccountKey, BadKeyError, ConnectionKey, canonical, parse
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import AccountSetting, ConnectionSetting, InvalidSetting
from producers.mapping_state import FormerValue, MappingWriter, WrittenSetting

By = Annotated[str, typer.Option("--by", envvar="USER", help="Who writes, for the record.")]
NOBODY = "unknown"


def settings_for_command() -> Settings:
    """Load the settings and set up logging. Only warnings are logged, unless the environment sets a level."""
    settings = Settings.load()
    quiet = settings.log_level if "ALVYS_SAGE_LOG_LEVEL" in os.environ else "warning"
    set_up(settings.model_copy(update={"log_level": quiet}))
    return settings


@asynccontextmanager
async def live_table(settings: Settings) -> AsyncIterator[MappingTable]:
    """Open the mapping-state table, read to its end.

    Raises:
        MappingStateUnavailable: The topic is missing or the broker does not answer.
    """
    table = MappingTable(
        settings.topics.mapping_state,
        clients_of(settings),
        on_policy_mismatch=settings.mapping_state_policy_check,
    )
    async with table:
        yield table


async def write(
    settings: Settings, table: MappingTable, by: str, changes: Sequence[SettingChange]
) -> list[WrittenSetting]:
    """Write the changes in their order, and wait until the table contains them.

    Every command that changes settings uses this function.

    Args:
        settings: The broker, the topic, and the roles.
        table: The live table.
        by: The person who changes the settings.
        changes: The changes.

    Raises:
        UsageError: The person's role does not allow it (`app.roles`), or a connection may not change like this.
    """
    may_change(settings, by)
    refuse_moves(table.state, changes)
    topic = settings.topics.mapping_state
    before = await _before(settings, [change.key for change in changes])
    async with MappingWriter(topic, clients_of(settings), by=by, clock=lambda: datetime.now(UTC)) as writer:
        written = []
        for change in changes:
            history = before.get(canonical(change.key), ())
            if change.value is None:
                written.append(await writer.clear(change.key, history))
            else:
                written.append(await writer.set(change.key, change.value, history))
    await table.barrier()
    return written


async def _before(settings: Settings, keys: Sequence[str]) -> dict[str, list[FormerValue]]:
    """The former values of these keys, by canonical key, the newest first."""
    if not keys:
        return {}
    history = await read_history(settings)
    wanted = {canonical(key) for key in keys}
    return {key: [each.former for each in reversed(history[key])] for key in wanted & history.keys()}


async def remove(settings: Settings, table: MappingTable, by: str, keys: Sequence[str]) -> None:
    """Clear keys in their order, master Defaults included, as a disconnect does. Wait until the table contains none.

    Raises:
        NotAllowedError: The person's role does not allow it; nothing is written.
    """
    may_change(settings, by)
    topic = settings.topics.mapping_state
    before = await _before(settings, keys)
    async with MappingWriter(topic, clients_of(settings), by=by, clock=lambda: datetime.now(UTC)) as writer:
        for key in keys:
            await writer.remove(key, before.get(canonical(key), ()))
    await table.barrier()


def refuse_moves(state: MappingState, changes: Sequence[SettingChange]) -> None:
    """Refuse changes that would move an existing connection to another company or entity.

    Raises:
        UsageError: A change would; the text says what to do instead.
    """
    for change in changes:
        key = parse(change.key)
        if not isinstance(key, ConnectionKey):
            continue
        after = None if change.value is None else ConnectionSetting.model_validate(change.value)
        try:
            refuse_moving(key.subsidiary_id, state.connection(key.subsidiary_id), after)
        except ChangeRefusedError as error:
            where = f"{change.where}: " if change.where else ""
            raise UsageError(f"{where}{error}") from None


def read_subsidiary(text: str) -> str:
    """Check that a subsidiary's id can be part of a key, and return it.

    Raises:
        UsageError: It cannot.
    """
    try:
        fits = parse(f"{text}/connection") == ConnectionKey(text)
    except BadKeyError:
        fits = False
    if not fits:
        raise UsageError(f"{text!r} is not a subsidiary's id: letters, digits, dashes, dots and underscores")
    return text


def read_side(text: str) -> Side:
    """Parse a side: ``ar`` or ``ap``, in any case; UsageError for other words."""
    try:
        return Side(fold(text))
    except ValueError:
        raise UsageError(f"{text!r} is not a side: ar (invoices) or ap (bills)") from None


def read_category(text: str, side: Side) -> Category:
    """Parse a category, given by its slug or by the name that Alvys shows.

    Raises:
        UsageError: There is no such category, or it does not exist on the side.
    """
    category = next((each for each in Category if each == fold(text)), None) or category_titled(text)
    if category is None:
        raise UsageError(f"{text!r} is not a category: {', '.join(info.title for info in CATEGORIES.values())}")
    sides = CATEGORIES[category].sides
    if side not in sides:
        only = " and ".join(sorted(each.upper() for each in sides))
        raise UsageError(f"{CATEGORIES[category].title} exists on {only} only, not on {side.upper()}")
    return category


@dataclass(frozen=True, slots=True)
class Target:
    """The account mapping that a person names: an item of a category, or the category itself (`CATEGORY_DEFAULT`)."""

    subsidiary: str
    side: Side
    category: Category
    item: str

    @classmethod
    def read(cls, subsidiary: str, side: str, category: str, item: str = CATEGORY_DEFAULT) -> Self:
        """Parse the arguments of a command.

        Raises:
            UsageError: There is no such side or category, or the category does not exist on the side.
        """
        on = read_side(side)
        return cls(read_subsidiary(subsidiary), on, read_category(category, on), item)

    def key(self, state: MappingState) -> AccountKey:
        """The key to write: in the spelling of the existing record, else of the category's list, else as given."""
        slot = item_slot(self.category, self.item)
        listed = next((name for name in CATEGORIES[self.category].items if fold(name) == slot), self.item.strip())
        key = AccountKey(
            self.subsidiary, self.side, self.category, CATEGORY_DEFAULT if slot == CATEGORY_DEFAULT else listed
        )
        standing = state.account(key.canonical)
        # One setting, one key: with two spellings there would be two records, and clearing one would reveal the other.
        return key if standing is None else replace(key, item=standing.key.split("/", 4)[4])


def is_listed(category: Category, item: str) -> bool:
    """Whether the category lists the item, or accepts any item that the company defines."""
    info = CATEGORIES[category]
    return info.dynamic or item_slot(category, item) in {CATEGORY_DEFAULT, *map(fold, info.items)}


def shown(record: SettingRecord[AccountSetting] | None) -> str:
    """The account of a record as Alvys shows it: ``Account ID - Account Name`` (requirement 81); "-" for none."""
    if record is None:
        return "-"
    if isinstance(record.value, InvalidSetting):
        return f"unreadable: {record.value.reason}"
    return record.value.account if record.value.title is None else f"{record.value.account} - {record.value.title}"
