"""The dimensions of Sage Intacct that can be mapped: eleven standard types, and user-defined ones of the company.

Source: Alvys's article "How to Configure Dimension and Custom Field Mappings for Sage Intacct". Mapping-state names a
dimension by a slug (`location`, `line-of-business`), Sage names it by its object (`LOCATION`, `LINE_OF_BUSINESS`).
"""

import re
from enum import StrEnum

SAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
"""Valid name of a Sage object or field. Such a name becomes the name of an XML element."""


_OBJECTS = {"asset": "FIXEDASSET"}
"""Sage objects of dimensions whose object is not the slug in upper case (answer of `getDimensions`)."""


class Standard(StrEnum):
    """The eleven standard dimensions; the value is the slug in mapping-state."""

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
        """The Sage object of the dimension, such as `LOCATION`."""
        return _OBJECTS.get(self.value, self.value.upper())

    @property
    def id_field(self) -> str:
        """The name of the id: an element of a bill line, and a field of the Sage object. Example: `LOCATIONID`."""
        return f"{self.value.upper()}ID"


STANDARD_OBJECTS = {standard.object: standard for standard in Standard}

UNREADABLE = "Unable to retrieve values for dimension from Sage Intacct."
"""The message for a Platform Apps dimension, word for word as Alvys shows it (requirement 47)."""


def slug_of(object_name: str) -> str:
    """Convert a Sage object to the slug of mapping-state: `LINE_OF_BUSINESS` -> `line-of-business`."""
    standard = STANDARD_OBJECTS.get(object_name.upper())
    return standard.value if standard is not None else object_name.lower().replace("_", "-")


class DimensionSource(StrEnum):
    """The Alvys fields that can give the value of a dimension; each dimension has one source at most."""

    SUBSIDIARY = "subsidiary"
    FLEET = "fleet"
    """The fleet of the load on invoices and carrier bills, the fleet of the driver on driver bills."""
    OFFICE = "office"
    DRIVER = "driver"
    TRUCK = "truck"
    TRAILER = "trailer"
    CONTRACTOR_TYPE = "contractorType"
