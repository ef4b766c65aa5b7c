"""Category and item of each line of an event, as tables (requirements 64 to 77).

An explicit `mapping` in the event takes precedence. Without one, the line's own category is looked up in the tables
below; names match without white space at the ends and without letter case. A line that no table names gets a category
too, so every line has an account to look up: an AR line uses the master Default (requirement 64), a driver's line uses
Trip or Driver Statement Expenses.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from domain.categories import (
    CATEGORIES,
    MASTER_ITEMS,
    STATEMENT_PAY_TYPES,
    TRIP_PAY_TYPES,
    Category,
    Side,
    category_titled,
    fold,
)
from domain.codes import Code
from domain.outcomes import Rejected


class Item(Enum):
    """An item that the table does not fix: it comes from the line."""

    NAME = "the line's own name: an invoice line's name, a driver line's title, a carrier item's accounting tag"


@dataclass(frozen=True, slots=True)
class CategoryItem:
    """The category and the item of a line."""

    category: Category
    item: str


CategoryRules = dict[str, tuple[Category, str | Item]]


def _rules(*families: tuple[tuple[str, ...], Category, str | Item | None]) -> CategoryRules:
    """Build rules from families of (names, category, item). If the item is None, each name is its own item."""
    return {
        fold(name): (category, name if item is None else item) for names, category, item in families for name in names
    }


_LINEHAUL = ("Linehaul", "Line Haul", "Customer Linehaul")

LOAD_ITEMS = {fold(name): "Customer Linehaul" for name in _LINEHAUL}
"""Names of load lines in Alvys that differ from the name of their mapping item (requirement 65)."""

INVOICE_RULES = _rules(
    (("Load",), Category.LOAD, Item.NAME),
    (("Accessorial", "Accessorials"), Category.ACCESSORIALS, Item.NAME),
    (("E-Check", "E-Checks", "ECheck"), Category.E_CHECKS, Item.NAME),
)

_RATE_FIELDS = {
    "TripValuePercentage": "% of Trip Value",
    "TripValuePercentageDeduction": "% of Trip Value Deduction",
    "FuelSurchargePercentage": "% of Fuel Surcharge",
    "CustomerLineHaulPercentage": "% of Line Haul",
    "CustomerLineHaulDeduction": "% of Line Haul Deduction",
    "PerTrip": "Per Trip",
    "ServiceFee": "Service Fee",
    "TotalMiles": "Total Miles",
    "LoadedMiles": "Loaded Miles",
    "EmptyMiles": "Empty Miles",
    "PerStop": "Per Stop",
    "PerLoad": "Per Load",
    "PerCustomerStop": "Per Customer Stop",
    "PerHour": "Per Hour",
    "MileagePerDiem": "Mileage Per Diem",
    "PerMile": "Per Mile",
    "DriverPayment": "Driver Payment",
}
"""Field names of Alvys's pay rates, for lines that have the field name in place of the display name."""

_STATEMENT_FIELDS = {
    "StatementMinimumPay": "Minimum Pay",
    "StatementBonus": "Bonus",
    "StatementPerDiem": "Statement Per Diem",
    "DailyPerDiem": "Daily Per Diem",
    "PerDay": "Per Day",
}

DRIVER_RULES = _rules(
    ((*TRIP_PAY_TYPES, "Driver Payment"), Category.TRIP, None),
    *(((field,), Category.TRIP, item) for field, item in _RATE_FIELDS.items()),
    (STATEMENT_PAY_TYPES, Category.DRIVER_STATEMENT_EXPENSES, None),
    *(((field,), Category.DRIVER_STATEMENT_EXPENSES, item) for field, item in _STATEMENT_FIELDS.items()),
    (("Accessorial", "Accessorials"), Category.ACCESSORIALS, Item.NAME),
    (("E-Check", "E-Checks", "ECheck"), Category.E_CHECKS, Item.NAME),
    (("Fuel",), Category.FUEL, Item.NAME),
    (("Toll", "Tolls"), Category.TOLL, "Toll"),
    (("Deduction", "Deductions"), Category.DEDUCTIONS, Item.NAME),
    # None of the nine categories covers these three. Deductions is the nearest one with items of their own accounts.
    (("Reimbursement", "Reimbursements"), Category.DEDUCTIONS, "Reimbursement"),
    (("Credit", "Credits"), Category.DEDUCTIONS, "Credit"),
    (("Escrow",), Category.DEDUCTIONS, "Escrow"),
)

CARRIER_RULES = _rules(
    (("LineHaul", "Line Haul"), Category.TRIP, "Carrier Linehaul"),
    (("Accessorial", "Accessorials"), Category.ACCESSORIALS, Item.NAME),
    (("ECheck", "E-Check", "E-Checks"), Category.E_CHECKS, Item.NAME),
)


def _look_up(rules: CategoryRules, category: str, name: str) -> CategoryItem | None:
    found = rules.get(fold(category))
    if found is None:
        return None
    group, item = found
    return CategoryItem(group, name if isinstance(item, Item) else item)


@lru_cache(maxsize=4096)
def from_mapping(side: Side, title: str, item: str | None) -> CategoryItem | Rejected:
    """Look up the category and item that the explicit mapping of an event names.

    Args:
        side: AR or AP.
        title: The title of the category, as Alvys shows it.
        item: The item; None or an empty text means the default of the category.

    Returns:
        The category and item; else a `Rejected` with `CATEGORY_UNKNOWN` for a title that is none of the nine, or
        `CATEGORY_WRONG_SIDE` for a category that does not exist on this side (requirement 56).
    """
    category = category_titled(title)
    if category is None:
        return Rejected(Code.CATEGORY_UNKNOWN, f"a line's mapping names the category {title!r}")
    if side not in CATEGORIES[category].sides:
        return Rejected(Code.CATEGORY_WRONG_SIDE, f"{CATEGORIES[category].title} does not exist on {side.upper()}")
    return CategoryItem(category, item or CATEGORIES[category].default_title)


@lru_cache(maxsize=4096)
def for_invoice_line(category: str, name: str) -> CategoryItem:
    """Choose category and item of a customer invoice's line; an unknown category uses the master Revenue account."""
    place = _look_up(INVOICE_RULES, category, name)
    if place is None:
        return CategoryItem(Category.DEFAULT, MASTER_ITEMS[Side.AR])
    if place.category is Category.LOAD:
        return CategoryItem(Category.LOAD, LOAD_ITEMS.get(fold(name), name))
    return place


INVOICE_DEDUCTIONS = frozenset(map(fold, ("Deduction", "Deductions")))


def is_deduction(category: str) -> bool:
    """Whether a line of a customer invoice is a deduction. None of the nine categories covers deductions on AR."""
    return fold(category) in INVOICE_DEDUCTIONS


@lru_cache(maxsize=4096)
def for_driver_line(category: str, title: str, *, on_a_trip: bool) -> CategoryItem:
    """Choose category and item of a line of a driver's statement.

    An unlisted kind of pay belongs to Trip if the line names a trip, else to Driver Statement Expenses.
    """
    group = Category.TRIP if on_a_trip else Category.DRIVER_STATEMENT_EXPENSES
    return _look_up(DRIVER_RULES, category, title) or CategoryItem(group, category)


@lru_cache(maxsize=4096)
def for_carrier_item(kind: str, tag: str) -> CategoryItem:
    """Choose category and item of an amount of a carrier's trip; an unlisted kind is a Trip item named by its tag."""
    return _look_up(CARRIER_RULES, kind, tag) or CategoryItem(Category.TRIP, tag or kind)


def for_fuel(fuel_type: str) -> CategoryItem:
    """Choose category and item of a fuel transaction. The item is the fuel type, not the card provider.

    The numbered edition of Alvys's article "Account Mappings" says so; the FAQ of its edition of June 2026 names the
    provider.
    """
    return CategoryItem(Category.FUEL, fuel_type or CATEGORIES[Category.FUEL].default_title)


TOLL = CategoryItem(Category.TOLL, CATEGORIES[Category.TOLL].default_title)
"""Category and item of every toll, whatever the toll service (requirement 76)."""
