"""What ``mappings list`` and ``mappings explain`` show of a `MappingState`: rows for people, objects for programs."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.mapping_access import Target, shown
from domain.accounts import LevelView, explain, resolve
from domain.categories import CATEGORIES, MASTER_ITEMS, OWN, Category, Side, item_slot
from domain.documents import Resolution
from domain.keys import AccountKey, BadKeyError, parse
from domain.mapping_state import MappingState
from domain.settings import AccountSetting, Invalid
from domain.table import Record


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: a category's own account, set or not, or an item that is set."""

    key: AccountKey
    record: Record[AccountSetting] | None

    @property
    def required(self) -> bool:
        """The master Default is the one mapping that must be set (requirements 57 and 58)."""
        return self.key.category is Category.DEFAULT

    @property
    def item(self) -> str:
        """The item as Alvys shows it."""
        if self.required:
            return f"{MASTER_ITEMS[self.key.side]} (required)"
        if item_slot(self.key.category, self.key.item) == OWN:
            return f"{CATEGORIES[self.key.category].own_title} (default)"
        return self.key.item

    def cells(self) -> tuple[str, ...]:
        """The row for `app.output.show_table`."""
        account = shown(self.record)
        if self.record is None:
            account = "not set" if self.required else "not set: falls to Default"
        return self.key.subsidiary_id, CATEGORIES[self.key.category].title, self.key.side.upper(), self.item, account

    def json(self) -> dict[str, object]:
        """The row for a program."""
        value = None if self.record is None or isinstance(self.record.value, Invalid) else self.record.value
        return {
            "subsidiary": self.key.subsidiary_id,
            "category": self.key.category.value,
            "side": self.key.side.value,
            "item": OWN if item_slot(self.key.category, self.key.item) == OWN else self.key.item,
            "required": self.required,
            "key": str(self.key) if self.record is None else self.record.key,
            **_standing(self.record),
            "title": None if value is None else value.title,
        }


COLUMNS = ("SUBSIDIARY", "CATEGORY", "SIDE", "ITEM", "GL ACCOUNT")


def subsidiaries(state: MappingState) -> list[str]:
    """Everyone who has a record."""
    return sorted({record.key.partition("/")[0] for record in state.records() if _is_key(record.key)})


def rows(state: MappingState, subsidiary: str, side: Side | None, category: Category | None) -> Iterator[Row]:
    """The nine categories in the article's order, each with its own account first and then every item that is set."""
    standing: dict[str, AccountKey] = {}
    for record in sorted(state.records(), key=lambda record: record.offset):  # of two spellings the later answers
        if _is_key(record.key) and isinstance(key := parse(record.key), AccountKey) and key.subsidiary_id == subsidiary:
            standing[key.canonical] = key
    for each, info in CATEGORIES.items():
        if category not in {None, each}:
            continue
        for on in (on for on in Side if on in info.sides and side in {None, on}):
            own = AccountKey(subsidiary, on, each, OWN)
            yield Row(own, state.account(own.canonical))
            items = [key for key in standing.values() if (key.side, key.category) == (on, each)]
            for key in sorted(items, key=lambda key: key.item.casefold()):
                if key.canonical != own.canonical:
                    yield Row(key, state.account(key.canonical))


def problems(state: MappingState) -> list[dict[str, object]]:
    """Records that cannot be read, and master Defaults that another writer cleared."""
    unreadable: list[dict[str, object]] = [
        {"code": "SETTING_INVALID", "key": record.key, "offset": record.offset, "reason": record.value.reason}
        for record in state.problems()
        if isinstance(record.value, Invalid)
    ]
    cleared: list[dict[str, object]] = [
        {"code": "MASTER_DEFAULT_CLEARED", "key": key, "offset": offset, "reason": "cleared by another writer; set it"}
        for key, offset in sorted(state.cleared_masters().items())
    ]
    return unreadable + cleared


@dataclass(frozen=True, slots=True)
class Explained:
    """Which account answers for an item, and what stands at each level."""

    answers: Resolution | None
    reason: str
    """One sentence for a person."""
    levels: tuple[dict[str, object], ...]

    def json(self) -> dict[str, object]:
        """For a program."""
        answer = self.answers
        return {
            "answer": None
            if answer is None
            else {"account": answer.account, "level": answer.level.value, "key": answer.key, "offset": answer.offset},
            "reason": self.reason,
            "levels": list(self.levels),
        }


def explained(state: MappingState, target: Target) -> Explained:
    """Walk the three levels as an export does, and say so."""
    asked = (target.subsidiary, target.side, target.category, target.item)
    views = explain(state, *asked)
    levels = tuple(_level(view) for view in views)
    answer = resolve(state, *asked)
    if isinstance(answer, Resolution):
        record = next(view.stands for view in views if view.stands is not None)
        where = f"level {answer.level}, key {answer.key}, offset {answer.offset}"
        return Explained(answer, f"{shown(record)} answers: {where}", levels)
    keys = " or ".join(answer.would_answer)
    if any(level["state"] == "unreadable" for level in levels):
        return Explained(None, f"SETTING_INVALID: a level cannot be read; write it again: {keys}", levels)
    return Explained(None, f"ACCOUNT_UNMAPPED: no level answers; set {keys}", levels)


def _level(view: LevelView) -> dict[str, object]:
    key = view.key if view.stands is None else view.stands.key
    return {"level": view.level.value, "key": key} | _standing(view.stands)


def _standing(record: Record[AccountSetting] | None) -> dict[str, object]:
    if record is None:
        return {"state": "not set", "account": None, "display": None, "offset": None}
    if isinstance(record.value, Invalid):
        return {"state": "unreadable", "account": None, "display": shown(record), "offset": record.offset}
    return {"state": "set", "account": record.value.account, "display": shown(record), "offset": record.offset}


def _is_key(text: str) -> bool:
    try:
        parse(text)
    except BadKeyError:
        return False
    return True
