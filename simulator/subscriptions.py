"""Subscriptions of a company, which decide the objects and fields that exist in it.

Source: `simulator.reference`, where the complete lists of several real companies differ. The subscription that a field
depends on is inferred from its name and from the companies that lack it. Employees and items as dimensions are company
settings rather than subscriptions; items exist with any of the four subscriptions in `_ITEMS`.
"""

from collections.abc import Collection
from typing import Literal, get_args

Subscription = Literal[
    "Projects",
    "Contracts",
    "Inventory Control",
    "Fixed Assets",
    "Order Entry",
    "Purchasing",
    "Construction",
    "Taxes",
    "Revenue Management",
    "Bill-back",
    "Employee dimension",
]
SUBSCRIPTIONS: tuple[Subscription, ...] = get_args(Subscription)

_ITEMS: tuple[Subscription, ...] = ("Order Entry", "Purchasing", "Inventory Control", "Projects")
_GRANTED_BY: dict[str, tuple[Subscription, ...]] = {
    "Projects": ("Projects",),
    "Projects (project as a dimension)": ("Projects",),
    "Projects (task as a dimension)": ("Projects",),
    "Contracts": ("Contracts",),
    "Contracts (contract as a dimension)": ("Contracts",),
    "Inventory Control": ("Inventory Control",),
    "Inventory Control (warehouse as a dimension)": ("Inventory Control",),
    "Fixed Assets": ("Fixed Assets",),
    "Order Entry, Purchasing, Inventory Control or Projects": _ITEMS,
    "Item as a dimension (Order Entry, Purchasing, Inventory or Projects)": _ITEMS,
    "Construction": ("Construction",),
    "Taxes": ("Taxes",),
    "Revenue Management or prepaid amortisation": ("Revenue Management",),
    "Bill-back (inter-company)": ("Bill-back",),
    "Employee as a dimension": ("Employee dimension",),
}
"""A dependency in the reference's words, and the subscriptions of which any one satisfies it."""
_ALWAYS = {"", "any (dimension)", "user-defined dimensions"}


def granted(needed: str, subscriptions: Collection[Subscription]) -> bool:
    """Whether these subscriptions satisfy a dependency, which is given in the reference's words."""
    return needed in _ALWAYS or any(each in subscriptions for each in _GRANTED_BY[needed])
