"""How a line of an event finds its category and item: the one table, as data (requirements 64 to 77).

An explicit `mapping` in the event wins. Without one the line's own category answers, by the tables below. Names match
with white space trimmed and case folded. What no table names still has a category, so no line is without an account to
ask for: AR falls to the master Default (requirement 64), a driver's line to Trip or Driver Statement Expenses.
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
    """An item that is not fixed by the table but stands in the line."""

    NAME = "the line's own name: an invoice line's name, a driver line's title, a carrier item's accounting tag"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line belongs."""

    category: Category
    item: str


Rules = dict[str, tuple[Category, str | Item]]


def _rules(*families: tuple[tuple[str, ...], Category, str | Item | None]) -> Rules:
    """Families of (names, category, item); None as item: each name is its own."""
    return {
        fold(name): (category, name if item is None else item) for names, category, item in families for name in names
    }


_LINEHAUL = ("Linehaul", "Line Haul", "Customer Linehaul")

LOAD_ITEMS = {fold(name): "Customer Linehaul" for name in _LINEHAUL}
"""The names a load line has in Alvys where the mapping's item is called otherwise (requirement 65)."""

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
"""Field names of Alvys's pay rates, for lines that carry them instead of the display name."""

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
    # The nine categories have none for these three; a deduction's account is the nearest that a person can set apart.
    (("Reimbursement", "Reimbursements"), Category.DEDUCTIONS, "Reimbursement"),
    (("Credit", "Credits"), Category.DEDUCTIONS, "Credit"),
    (("Escrow",), Category.DEDUCTIONS, "Escrow"),
)

CARRIER_RULES = _rules(
    (("LineHaul", "Line Haul"), Category.TRIP, "Carrier Linehaul"),
    (("Accessorial", "Accessorials"), Category.ACCESSORIALS, Item.NAME),
    (("ECheck", "E-Check", "E-Checks"), Category.E_CHECKS, Item.NAME),
)


def _look_up(rules: Rules, category: str, name: str) -> Place | None:
    found = rules.get(fold(category))
    if found is None:
        return None
    group, item = found
    return Place(group, name if isinstance(item, Item) else item)


@lru_cache(maxsize=4096)
def explicit(side: Side, title: str, item: str | None) -> Place | Rejected:
    """The place that the event itself names, by the category's title as Alvys shows it.

    Returns:
        The place; `CATEGORY_UNKNOWN` for a title that is none of the nine, `CATEGORY_WRONG_SIDE` for one that does not
        exist on this side (requirement 56). No item means the category's own default.
    """
    category = category_titled(title)
    if category is None:
        return Rejected(Code.CATEGORY_UNKNOWN, f"a line's mapping names the category {title!r}")
    if side not in CATEGORIES[category].sides:
        return Rejected(Code.CATEGORY_WRONG_SIDE, f"{CATEGORIES[category].title} does not exist on {side.upper()}")
    return Place(category, item or CATEGORIES[category].own_title)


@lru_cache(maxsize=4096)
def of_invoice_line(category: str, name: str) -> Place:
    """A line of a customer invoice; a category outside the table is answered by the master Revenue account."""
    place = _look_up(INVOICE_RULES, category, name)
    if place is None:
        return Place(Category.DEFAULT, MASTER_ITEMS[Side.AR])
    if place.category is Category.LOAD:
        return Place(Category.LOAD, LOAD_ITEMS.get(fold(name), name))
    return place


INVOICE_DEDUCTIONS = frozenset(map(fold, ("Deduction", "Deductions")))


def is_deduction(category: str) -> bool:
    """Whether a line of a customer invoice is a deduction: the nine categories have none on AR."""
    return fold(category) in INVOICE_DEDUCTIONS


@lru_cache(maxsize=4096)
def of_driver_line(category: str, title: str, *, on_a_trip: bool) -> Place:
    """A line of a driver's statement; an unlisted kind of pay is a trip's if it names one, else the statement's."""
    group = Category.TRIP if on_a_trip else Category.DRIVER_STATEMENT_EXPENSES
    return _look_up(DRIVER_RULES, category, title) or Place(group, category)


@lru_cache(maxsize=4096)
def of_carrier_item(kind: str, tag: str) -> Place:
    """An amount of a carrier's trip; an unlisted kind is a trip's cost under its own tag."""
    return _look_up(CARRIER_RULES, kind, tag) or Place(Category.TRIP, tag or kind)


def of_fuel(fuel_type: str) -> Place:
    """A fuel transaction: the item is the fuel type, not the card provider (C8)."""
    return Place(Category.FUEL, fuel_type or CATEGORIES[Category.FUEL].own_title)


TOLL = Place(Category.TOLL, CATEGORIES[Category.TOLL].own_title)
"""Every toll, whatever the service (requirement 76)."""
