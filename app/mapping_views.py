"""Views of a `MappingState` for ``mappings list`` and ``mappings explain``: rows for people, objects for programs."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.mapping_access import Target, shown
from app.shell import command_line
from domain.categories import CATEGORIES, CATEGORY_DEFAULT, MASTER_ITEMS, Category, Side, fold, item_slot
from domain.documents import MappingLevel, Resolution
from domain.lines.accounts import LevelView, explain, resolve
from domain.settings.keys import AccountKey, BadKeyError, OtherKey, canonical, parse
from domain.settings.mapping_state import MappingState
from domain.settings.setting_table import SettingRecord
from domain.settings.values import AccountSetting, InvalidSetting


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One row of the list: a category's default or one of its items, set or not, and the account in effect.

    `record` is None if the mapping itself is not set.
    """

    key: AccountKey
    record: SettingRecord[AccountSetting] | None
    answer: Resolution | None
    """The account in effect and its level. None: no level has an account, or a level cannot be read."""
    display: str
    """The account in effect, as Alvys shows it."""

    @property
    def required(self) -> bool:
        """The master Default is the one mapping that must be set (requirements 57 and 58)."""
        return self.key.category is Category.DEFAULT

    @property
    def item(self) -> str:
        """The item as Alvys shows it."""
        if self.required:
            return f"{MASTER_ITEMS[self.key.side]} (required)"
        if item_slot(self.key.category, self.key.item) == CATEGORY_DEFAULT:
            return f"{CATEGORIES[self.key.category].default_title} (default)"
        return self.key.item

    def cells(self) -> tuple[str, ...]:
        """The row for `app.output.show_table`."""
        title = CATEGORIES[self.key.category].title
        return self.key.subsidiary_id, title, self.key.side.upper(), self.item, self._account()

    def _account(self) -> str:
        if self.record is not None:
            return shown(self.record)
        if self.required:
            return "not set"
        if self.answer is None:
            return "not set: nothing answers"
        own = f"{CATEGORIES[self.key.category].default_title} (default)"
        return f"not set: falls to {own if self.answer.level is MappingLevel.CATEGORY else 'Default'}: {self.display}"

    def json(self) -> dict[str, object]:
        """The row for a program."""
        value = None if self.record is None or isinstance(self.record.value, InvalidSetting) else self.record.value
        answer = self.answer
        return {
            "subsidiary": self.key.subsidiary_id,
            "category": self.key.category.value,
            "side": self.key.side.value,
            "item": CATEGORY_DEFAULT
            if item_slot(self.key.category, self.key.item) == CATEGORY_DEFAULT
            else self.key.item,
            "required": self.required,
            "key": str(self.key) if self.record is None else self.record.key,
            **_standing(self.record),
            "title": None if value is None else value.title,
            "answer": None if answer is None else {"account": answer.account, "level": answer.level.value},
        }


COLUMNS = ("SUBSIDIARY", "CATEGORY", "SIDE", "ITEM", "GL ACCOUNT")


def subsidiaries(state: MappingState) -> list[str]:
    """The ids of all subsidiaries that have a record, sorted."""
    return sorted({record.key.partition("/")[0] for record in state.records() if _is_key(record.key)})


def rows(state: MappingState, subsidiary: str, side: Side | None, category: Category | None) -> Iterator[MappingRow]:
    """List the nine categories in the order of the article "Account Mappings": first the default, then the items.

    The items of a category are those that the article names, the company's own ones from the catalogue keys, and any
    other item that is set. Items without a setting are listed too.

    Args:
        state: The settings in force.
        subsidiary: The subsidiary.
        side: Only this side; None: both.
        category: Only this category; None: all.
    """
    standing, own = _standing_items(state, subsidiary), _catalogue(state, subsidiary)
    for each, info in CATEGORIES.items():
        if category not in {None, each}:
            continue
        for on in (on for on in Side if on in info.sides and side in {None, on}):
            named = (CATEGORY_DEFAULT, *info.items, *own.get(each, ()), *standing.get((on, each), ()))
            slots = {item_slot(each, item): item for item in reversed(named)}
            last = sorted(slots.keys() - {CATEGORY_DEFAULT, *map(fold, info.items)})
            for slot in (CATEGORY_DEFAULT, *map(fold, info.items), *last):
                yield _row(state, AccountKey(subsidiary, on, each, slots[slot]))


def _standing_items(state: MappingState, subsidiary: str) -> dict[tuple[Side, Category], list[str]]:
    """The items that are set. Of two spellings of an item, the later one is in effect and comes first."""
    found: dict[tuple[Side, Category], list[str]] = {}
    for record in sorted(state.records(), key=lambda record: -record.offset):
        if _is_key(record.key) and isinstance(key := parse(record.key), AccountKey) and key.subsidiary_id == subsidiary:
            found.setdefault((key.side, key.category), []).append(key.item)
    return found


def _catalogue(state: MappingState, subsidiary: str) -> dict[Category, list[str]]:
    """The company's own items by category, taken from its catalogue keys."""
    found: dict[Category, list[str]] = {}
    for record in state.records():
        if _is_key(record.key) and isinstance(key := parse(record.key), OtherKey) and key.subsidiary_id == subsidiary:
            slug, _, item = key.rest.partition("/")
            if key.family == "catalogue" and item.strip() and slug in set(Category):
                found.setdefault(Category(slug), []).append(item.strip())
    return found


def _row(state: MappingState, key: AccountKey) -> MappingRow:
    found = resolve(state, key.subsidiary_id, key.side, key.category, key.item)
    answer = found if isinstance(found, Resolution) else None
    display = "-" if answer is None else shown(state.account(canonical(answer.key)))
    return MappingRow(key, state.account(key.canonical), answer, display)


def problems(state: MappingState) -> list[dict[str, object]]:
    """List the records that cannot be read, and the master Defaults that another program cleared."""
    unreadable: list[dict[str, object]] = [
        {"code": "SETTING_INVALID", "key": record.key, "offset": record.offset, "reason": record.value.reason}
        for record in state.problems()
        if isinstance(record.value, InvalidSetting)
    ]
    cleared: list[dict[str, object]] = [
        {"code": "MASTER_DEFAULT_CLEARED", "key": key, "offset": offset, "reason": "cleared by another writer; set it"}
        for key, offset in sorted(state.cleared_masters().items())
    ]
    return unreadable + cleared


@dataclass(frozen=True, slots=True)
class Explained:
    """The account in effect for an item (None: there is none), and the setting at each level."""

    answers: Resolution | None
    reason: str
    """One sentence for a person."""
    levels: tuple[dict[str, object], ...]

    def json(self) -> dict[str, object]:
        """The explanation as JSON for a program."""
        answer = self.answers
        return {
            "answer": None
            if answer is None
            else {"account": answer.account, "level": answer.level.value, "key": answer.key, "offset": answer.offset},
            "reason": self.reason,
            "levels": list(self.levels),
        }


def explained(state: MappingState, target: Target) -> Explained:
    """Resolve an account over the three levels as an export does, and explain the result."""
    asked = (target.subsidiary, target.side, target.category, target.item)
    views = explain(state, *asked)
    levels = tuple(_level(view) for view in views)
    answer = resolve(state, *asked)
    if isinstance(answer, Resolution):
        record = next(view.stands for view in views if view.stands is not None)
        where = f"level {answer.level}, key {answer.key}, offset {answer.offset}"
        return Explained(answer, f"{shown(record)} answers: {where}", levels)
    keys = " or ".join(answer.missing_keys)
    if any(level["state"] == "unreadable" for level in levels):
        return Explained(None, f"SETTING_INVALID: a level cannot be read; write it again: {keys}", levels)
    fix = command_line("mappings set", target.subsidiary, target.side, CATEGORIES[Category.DEFAULT].title, "ACCOUNT")
    return Explained(None, f"ACCOUNT_UNMAPPED: no level answers; set {keys}. The last by: {fix}", levels)


def _level(view: LevelView) -> dict[str, object]:
    key = view.key if view.stands is None else view.stands.key
    return {"level": view.level.value, "key": key} | _standing(view.stands)


def _standing(record: SettingRecord[AccountSetting] | None) -> dict[str, object]:
    if record is None:
        return {"state": "not set", "account": None, "display": None, "offset": None}
    if isinstance(record.value, InvalidSetting):
        return {"state": "unreadable", "account": None, "display": shown(record), "offset": record.offset}
    return {"state": "set", "account": record.value.account, "display": shown(record), "offset": record.offset}


def _is_key(text: str) -> bool:
    try:
        parse(text)
    except BadKeyError:
        return False
    return True
