"""The dimensions of Sage Intacct that Alvys maps: eleven standard types, and the company's own (alvys.md 2.8).

A dimension is named in mapping-state by a slug (`location`, `line-of-business`) and in Sage by its object (`LOCATION`,
`LINE_OF_BUSINESS`).
"""

from enum import StrEnum


class Standard(StrEnum):
    """The standard dimensions; the value is the slug, upper case of it Sage's object."""

    LOCATION = "location"
    DEPARTMENT = "department"
    CLASS = "class"
    CUSTOMER = "customer"
    VENDOR = "vendor"
    EMPLOYEE = "employee"
    PROJECT = "project"
    ITEM = "item"
    ASSET = "asset"
    CONTRACT = "contract"
    WAREHOUSE = "warehouse"

    @property
    def object(self) -> str:
        """Sage's object, such as `LOCATION`."""
        return self.value.upper()


STANDARD_OBJECTS = {standard.object: standard for standard in Standard}

UNREADABLE = "Unable to retrieve values for dimension from Sage Intacct."
"""What the product says of a Platform Apps dimension, word for word (requirement 47)."""


def slug_of(object_name: str) -> str:
    """The slug that stands for a dimension in mapping-state: `LINE_OF_BUSINESS` -> `line-of-business`."""
    return object_name.lower().replace("_", "-")
