"""Which GL account a line goes to, and why: specific item, then category default, then master Default.

Article "Account Mappings", requirements 54, 59, 60 and 63. AP and AR never see each other's accounts, because the side
is part of every key.
"""

from dataclasses import dataclass
from functools import lru_cache

from domain.categories import OWN, Category, Side, item_slot
from domain.documents import Level, Resolution
from domain.keys import AccountKey, master
from domain.mapping_state import MappingState
from domain.settings import AccountSetting, Invalid
from domain.table import Record


@dataclass(frozen=True, slots=True)
class Unmapped:
    """No level answers. Any one of these keys would: most specific first, the master Default last."""

    would_answer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A level that is asked cannot be read; its account is not known, so no other may stand in for it.

    `would_answer` begins with the record itself; the more specific keys would answer before it.
    """

    reason: str
    would_answer: tuple[str, ...]


@lru_cache(maxsize=65536)
def levels(subsidiary_id: str, side: Side, category: Category, item: str) -> tuple[tuple[Level, AccountKey, str], ...]:
    """The levels to ask, in order, each with its key and canonical key.

    The category's own item has nothing more specific; the Default category has nothing but the master.
    """
    keys = [(Level.MASTER, master(subsidiary_id, side))]
    if category is not Category.DEFAULT:
        keys.insert(0, (Level.CATEGORY, AccountKey(subsidiary_id, side, category, OWN)))
        if item_slot(category, item) != OWN:
            keys.insert(0, (Level.SPECIFIC, AccountKey(subsidiary_id, side, category, item)))
    return tuple((level, key, key.canonical) for level, key in keys)


def resolve(
    state: MappingState, subsidiary_id: str, side: Side, category: Category, item: str
) -> Resolution | Unmapped | Unreadable:
    """Choose the GL account of one line: specific item, then category default, then master Default."""
    asked: list[str] = []
    for level, _, canonical in levels(subsidiary_id, side, category, item):
        record = state.account(canonical)
        if record is not None:
            if isinstance(record.value, Invalid):
                return Unreadable(record.value.reason, (canonical, *asked))
            return Resolution(record.value.account, level, record.key, record.offset)
        asked.append(canonical)
    return Unmapped(tuple(asked))


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level as a person is shown it."""

    level: Level
    key: str
    stands: Record[AccountSetting] | None


def explain(
    state: MappingState, subsidiary_id: str, side: Side, category: Category, item: str
) -> tuple[LevelView, ...]:
    """Every level of the walk with what stands there; the first that stands is the one that answers."""
    return tuple(
        LevelView(level, str(key), state.account(canonical))
        for level, key, canonical in levels(subsidiary_id, side, category, item)
    )
