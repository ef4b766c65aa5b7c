"""Choice of the GL account of a line: specific item, then category default, then master Default.

Source: Alvys's article "Account Mappings", requirements 54, 59, 60 and 63. AP and AR never use each other's accounts,
because the side is part of every key.
"""

from dataclasses import dataclass
from functools import lru_cache

from domain.categories import CATEGORY_DEFAULT, Category, Side, item_slot
from domain.documents import MappingLevel, Resolution
from domain.settings.keys import AccountKey, master
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import AccountSetting, InvalidSetting


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Result of a look-up in which no level has an account.

    `missing_keys` lists the canonical keys that were asked, the most specific first and the master Default last. An
    account set under any one of them resolves the line.
    """

    missing_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnreadableMapping:
    """Result of a look-up that met a record which cannot be read.

    The account of that record is not known, so the search stops: a less specific level may not replace it.
    `missing_keys` lists canonical keys: first that of the unreadable record, then the more specific ones, which have
    no record and would take precedence.
    """

    reason: str
    missing_keys: tuple[str, ...]


@lru_cache(maxsize=65536)
def levels(
    subsidiary_id: str, side: Side, category: Category, item: str
) -> tuple[tuple[MappingLevel, AccountKey, str], ...]:
    """List the levels to ask, most specific first, each with its key and its canonical key.

    A line of the category's default item has no specific level. A line of the Default category has the master only.
    """
    keys = [(MappingLevel.MASTER, master(subsidiary_id, side))]
    if category is not Category.DEFAULT:
        keys.insert(0, (MappingLevel.CATEGORY, AccountKey(subsidiary_id, side, category, CATEGORY_DEFAULT)))
        if item_slot(category, item) != CATEGORY_DEFAULT:
            keys.insert(0, (MappingLevel.SPECIFIC, AccountKey(subsidiary_id, side, category, item)))
    return tuple((level, key, key.canonical) for level, key in keys)


def resolve(
    state: MappingState, subsidiary_id: str, side: Side, category: Category, item: str
) -> Resolution | Unmapped | UnreadableMapping:
    """Choose the GL account of one line: specific item, then category default, then master Default.

    Returns:
        The account with the level and the key that gave it; `Unmapped` if no level has an account; `UnreadableMapping`
        if the first level that has a record cannot be read.
    """
    asked: list[str] = []
    for level, _, canonical in levels(subsidiary_id, side, category, item):
        record = state.account(canonical)
        if record is not None:
            if isinstance(record.value, InvalidSetting):
                return UnreadableMapping(record.value.reason, (canonical, *asked))
            return Resolution(record.value.account, level, record.key, record.offset)
        asked.append(canonical)
    return Unmapped(tuple(asked))


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level, for display: its key, and the record under that key (`stands`), or None."""

    level: MappingLevel
    key: str
    stands: SettingRecord[AccountSetting] | None


def explain(
    state: MappingState, subsidiary_id: str, side: Side, category: Category, item: str
) -> tuple[LevelView, ...]:
    """List every level with the record set there. The first level that has a record decides the account."""
    return tuple(
        LevelView(level, str(key), state.account(canonical))
        for level, key, canonical in levels(subsidiary_id, side, category, item)
    )
