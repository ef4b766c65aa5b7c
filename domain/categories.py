"""The nine account categories and the two sides (article "Account Mappings", requirements 56 and 64 to 76).

The lists are data and hold the items of the article's numbered edition; the FAQ of its edition of June 2026 names other
trip pay types, and fuel card providers in place of fuel types. Any other item is accepted too. Such an item uses the
default of its category until somebody maps it, so a list that is out of date never stops a document.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Side(StrEnum):
    """AR: customer invoices. AP: bills. Their mappings are independent (requirement 60)."""

    AR = "ar"
    AP = "ap"


class Category(StrEnum):
    """A group of line types that share a default account; the value is its slug in mapping-state keys."""

    DEFAULT = "default"
    LOAD = "load"
    TRIP = "trip"
    DRIVER_STATEMENT_EXPENSES = "driver-statement-expenses"
    ACCESSORIALS = "accessorials"
    E_CHECKS = "e-checks"
    DEDUCTIONS = "deductions"
    FUEL = "fuel"
    TOLL = "toll"


CATEGORY_DEFAULT = "default"
"""The item segment of the key of a category's default account."""

MASTER_ITEMS = {Side.AR: "Revenue", Side.AP: "Expense"}
"""Name of the master Default on each side (requirement 64)."""

TRIP_PAY_TYPES = (
    "Per Trip",
    "% of Trip Value",
    "Total Miles",
    "Loaded Miles",
    "Empty Miles",
    "Per Stop",
    "% of Fuel Surcharge",
    "% of Line Haul",
    "Service Fee",
    "Per Load",
    "Per Customer Stop",
    "Per Hour",
    "Mileage Per Diem",
    "Per Mile",
    "% of Line Haul Deduction",
    "% of Trip Value Deduction",
)
"""The trip-based driver pay types (requirement 67)."""

STATEMENT_PAY_TYPES = ("Minimum Pay", "Bonus", "Per Day", "Daily Per Diem", "Statement Per Diem")
"""The statement-level driver pay types (requirement 68)."""

_DEDUCTIONS = (
    "Cash advance",
    "Cash advance repayment",
    "Insurance",
    "IRP fees",
    "IFTA fees",
    "Equipment lease",
    "Equipment purchase",
    "Fuel card advances",
    "Loan repayments",
    "Occupational accident insurance",
    "Plate fees",
    "ELD fees",
    "Toll charges",
)
_FUEL = (
    "Truck Diesel",
    "Reefer Diesel",
    "Dyed Diesel",
    "Gas",
    "Natural Gas",
    "Propane",
    "DEF Fluid",
    "Oil",
    "Other Fuel",
    "Cash Advance",
    "Cash Advance Fee",
    "Maintenance",
    "Parking",
    "Scales",
    "Misc Truck Expense",
    "Misc Non Truck Expense",
    "Fee",
)


@dataclass(frozen=True, slots=True)
class CategoryInfo:
    """One category as the article describes it."""

    title: str
    """The title as Alvys shows it, and as the explicit `mapping` of an event names it."""
    default_title: str
    """The name of the category's default item: "Load" in "Load (default)"."""
    sides: frozenset[Side]
    items: tuple[str, ...] = ()
    """The predefined items, in the article's order, without the default one."""
    dynamic: bool = False
    """Whether types that the company defined itself belong to this category too (requirements 70 to 73 and 77)."""


_AR, _AP = frozenset({Side.AR}), frozenset({Side.AP})
_BOTH = _AR | _AP

CATEGORIES: dict[Category, CategoryInfo] = {
    Category.DEFAULT: CategoryInfo("Default", "Default", _BOTH),
    Category.LOAD: CategoryInfo("Load", "Load", _AR, ("Customer Linehaul", "Fuel Surcharge")),
    Category.TRIP: CategoryInfo("Trip", "Trip", _AP, ("Carrier Linehaul", "Driver Payment", *TRIP_PAY_TYPES)),
    Category.DRIVER_STATEMENT_EXPENSES: CategoryInfo(
        "Driver Statement Expenses", "Driver Statement Expense", _AP, STATEMENT_PAY_TYPES
    ),
    Category.ACCESSORIALS: CategoryInfo("Accessorials", "Accessorial", _BOTH, dynamic=True),
    Category.E_CHECKS: CategoryInfo("E-checks", "E-Check", _BOTH, dynamic=True),
    Category.DEDUCTIONS: CategoryInfo("Deductions", "Deduction", _AP, _DEDUCTIONS, dynamic=True),
    Category.FUEL: CategoryInfo("Fuel", "Fuel", _AP, _FUEL),
    Category.TOLL: CategoryInfo("Toll", "Toll", _AP),
}


def fold(name: str) -> str:
    """Normalise a name for comparison: without white space at the ends, and without letter case.

    All other differences count. Names are case-insensitive by Alvys's prerequisites article (requirement 38); its
    article "Sage Intacct: Payments and Error Transactions" says the opposite.
    """
    return name.strip().casefold()


_BY_TITLE = {fold(info.title): category for category, info in CATEGORIES.items()}
_OWN_NAMES = {category: {CATEGORY_DEFAULT, fold(info.default_title)} for category, info in CATEGORIES.items()}
_OWN_NAMES[Category.DEFAULT] |= {fold(name) for name in MASTER_ITEMS.values()}


def category_titled(title: str) -> Category | None:
    """Find the category that Alvys shows under this title; None if there is none."""
    return _BY_TITLE.get(fold(title))


@lru_cache(maxsize=4096)
def item_slot(category: Category, item: str) -> str:
    """Normalise an item within its category: its folded name, or `CATEGORY_DEFAULT` for the category's default.

    "Toll" and "default" in the category Toll are the same item, "Toll (default)" (requirement 76); the same holds for
    the other categories. An empty item means the default too.
    """
    folded = fold(item)
    return CATEGORY_DEFAULT if not folded or folded in _OWN_NAMES[category] else folded


@dataclass(frozen=True, slots=True)
class MappableItem:
    """One row of the mapping interface (requirements 78 to 80)."""

    side: Side
    category: Category
    item: str
    title: str
    required: bool
    """True only for the master Default (requirements 57 and 58)."""


def mappable_items() -> Iterator[MappableItem]:
    """List every row (side, category, item) that the article names, in its order, the default of a category first."""
    for category, info in CATEGORIES.items():
        for side in (side for side in Side if side in info.sides):
            if category is Category.DEFAULT:
                yield MappableItem(side, category, CATEGORY_DEFAULT, MASTER_ITEMS[side], required=True)
                continue
            yield MappableItem(side, category, CATEGORY_DEFAULT, f"{info.default_title} (default)", required=False)
            for item in info.items:
                yield MappableItem(side, category, item, item, required=False)
