"""What a customer or vendor is refused for beside what every record is, and its references to others.

Source: Sage developer documentation, accounts-receivable/customers and accounts-payable/vendors; the limits of ids are
what integrators found. Not documented, and read strictly here: a term or a contact that is named must be there, an
e-mail address must look like one (that an illegal one is refused is known), a country code has two letters.
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
    """Refuse the value of a field that is in parties and contacts alike."""
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
    """Further columns of a party: its custom values and its references. `new_id` for one that is made."""
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
