"""Rules for customers and vendors beyond those for every record, and their references to other records.

Source: Sage developer documentation, accounts-receivable/customers and accounts-payable/vendors; the limits of ids were
found by integrators. Not documented, and strict here: a named term or contact must exist, an e-mail address must look
like one (Sage is known to refuse illegal ones), a country code has two letters.
"""

import json
import re
from collections.abc import Mapping

from lxml.etree import _Element as Element

from simulator.call import Call
from simulator.catalogue import ObjectType
from simulator.envelope import text
from simulator.errors import GENERIC, INVALID, refuse
from simulator.fields import Value
from simulator.functions.custom import checked_custom

_ID = re.compile(r"[A-Za-z0-9 ._-]{1,20}")
_NAME_MAX = 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CONTACTS = {
    "CUSTOMER": {"BILLTO": "PAYTOCONTACTNAME", "SHIPTO": "RETURNTOCONTACTNAME"},
    "VENDOR": {"PAYTO": "PAYTOCONTACTNAME", "RETURNTO": "RETURNTOCONTACTNAME"},
}


def checked_field(name: str, value: str) -> None:
    """Check the value of a field that parties and contacts share; raises FunctionError if it is not valid."""
    if name in {"EMAIL1", "EMAIL2"} and value and not _EMAIL.fullmatch(value):
        raise refuse(INVALID, f"Illegal format for Contactversion : Primary Email Address {value}")
    if name == "MAILADDRESS.COUNTRYCODE" and value and not (len(value) == len("US") and value.isupper()):
        raise refuse(INVALID, f"The country code '{value}' is not valid.")


def checked(
    call: Call,
    object_type: ObjectType,
    element: Element,
    row: Mapping[str, Value],
    new_id: str | None,
    present: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """Check a customer or vendor, and make the columns of its custom values and its references to contacts.

    Args:
        call: The function call.
        object_type: CUSTOMER or VENDOR.
        element: The record in the request.
        row: The other columns, checked already.
        new_id: The id of a record to be created; None for an update.
        present: The custom values before an update.

    Raises:
        FunctionError: A rule is broken.
    """
    if new_id is not None and not _ID.fullmatch(new_id):
        raise refuse(INVALID, f"The {object_type.label} ID '{new_id}' is not valid.")
    if len(str(row.get("NAME") or "")) > _NAME_MAX:
        raise refuse(INVALID, f"NAME is longer than {_NAME_MAX} characters.")
    term = row.get("TERMNAME")
    if term:
        found = call.record("ARTERM" if object_type.name == "CUSTOMER" else "APTERM", str(term))
        if found is None or found["STATUS"] != "active":
            raise refuse(GENERIC, f"The term name {term} is invalid")
    more: dict[str, Value] = {}
    for tag, column in _CONTACTS[object_type.name].items():
        name = text(element, f"{tag}/CONTACTNAME")
        if name and call.record("CONTACT", name) is None:
            raise refuse(GENERIC, f"Invalid Contact '{name}' specified.")
        if name:
            more[column] = name
    fields = call.store.setup(call.company).objects[object_type.name].fields
    given = {str(child.tag): (child.text or "").strip() for child in element if _custom(fields.get(str(child.tag)))}
    kept = {name: str(value) for name, value in (present or {}).items()}
    more["CUSTOM"] = json.dumps(checked_custom(call, object_type.name, kept | given))
    return more


def _custom(field: object) -> bool:
    return bool(getattr(field, "custom", False))
