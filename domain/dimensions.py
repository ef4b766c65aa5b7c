"""The dimensions of Sage Intacct that Alvys maps: eleven standard types, and the company's own (alvys.md 2.8).

A dimension is named in mapping-state by a slug (`location`, `line-of-business`) and in Sage by its object (`LOCATION`,
`LINE_OF_BUSINESS`).
"""

import re
from enum import StrEnum

SAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
"""A name that Sage gives an object or field: it becomes the name of an XML element."""


_OBJECTS = {"asset": "FIXEDASSET"}
"""Sage's object of a dimension, where it is not the slug in upper case (`getDimensions`)."""


class Standard(StrEnum):
    """The standard dimensions; the value is the slug."""

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
        return _OBJECTS.get(self.value, self.value.upper())

    @property
    def id_field(self) -> str:
        """The element of a bill's line that holds a value's id, such as `LOCATIONID`; the id's field in its object."""
        return f"{self.value.upper()}ID"


STANDARD_OBJECTS = {standard.object: standard for standard in Standard}

UNREADABLE = "Unable to retrieve values for dimension from Sage Intacct."
"""What the product says of a Platform Apps dimension, word for word (requirement 47)."""


def slug_of(object_name: str) -> str:
    """The slug that stands for a dimension in mapping-state: `LINE_OF_BUSINESS` -> `line-of-business`."""
    standard = STANDARD_OBJECTS.get(object_name.upper())
    return standard.value if standard is not None else object_name.lower().replace("_", "-")


class DimensionSource(StrEnum):
    """The Alvys fields that a dimension takes its values from (alvys.md 2.8); one for each dimension."""

    SUBSIDIARY = "subsidiary"
    FLEET = "fleet"
    """The load's on invoices and carrier bills, the driver's on driver bills."""
    OFFICE = "office"
    DRIVER = "driver"
    TRUCK = "truck"
    TRAILER = "trailer"
    CONTRACTOR_TYPE = "contractorType"
