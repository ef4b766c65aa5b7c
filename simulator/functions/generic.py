"""The generic functions that change records: create, update and delete.

Source: Sage developer documentation, web-services/functions, accounts-receivable/customers, accounts-payable/vendors,
company-console/contacts. A generic create of ARINVOICE is not documented, and is refused. `update` finds a record by
RECORDNO or by the record's own id. A customer or vendor that documents refer to cannot be deleted. Further rules for
customers and vendors are in `party_rules`.
"""

import json

from lxml import etree
from lxml.etree import SubElement
from lxml.etree import _Element as Element

from simulator.call import Call, FunctionSuccess
from simulator.catalogue import ObjectType
from simulator.database import Row
from simulator.envelope import text
from simulator.errors import (
    ALREADY_EXISTS,
    GENERIC,
    INVALID,
    NUMBER_MISSING,
    PARTY_EXISTS,
    PERMISSION,
    FunctionError,
    SageError,
    could_not,
    refuse,
)
from simulator.fields import Value, written
from simulator.functions import bills, documents, party_rules
from simulator.kinds import BY_HEADER

_WRITABLE = {
    *("CUSTOMER", "VENDOR", "CONTACT", "GLACCOUNT", "CLASS", "DEPARTMENT", "PROJECT", "TASK", "COSTTYPE", "EMPLOYEE"),
    *("ITEM", "WAREHOUSE", "CONTRACT", "ARTERM", "APTERM"),
}
_PARTIES = {"CUSTOMER", "VENDOR"}
_READ_ONLY = {"RECORDNO", "WHENCREATED", "WHENMODIFIED", "CREATEDBY", "MODIFIEDBY", "MEGAENTITYID", "MEGAENTITYNAME"}
_CONTACT_MAX = 200


def create(call: Call) -> FunctionSuccess:
    """Create the records of one `<create>`, all or none."""
    keys = [(str(element.tag).lower(), _create(call, element)) for element in call.element]
    return FunctionSuccess(data=_keys(keys))


def update(call: Call) -> FunctionSuccess:
    """Update the records of one `<update>`, all or none."""
    keys = [(str(element.tag).lower(), _update(call, element)) for element in call.element]
    return FunctionSuccess(data=_keys(keys))


def delete(call: Call) -> FunctionSuccess:
    """Delete records by their record numbers."""
    object_type = call.object_type(text(call.element, "object"))
    keys = [key.strip() for key in text(call.element, "keys").split(",") if key.strip()]
    if not keys:
        raise refuse(INVALID, "keys is required.")
    for key in keys:
        if object_type.name in BY_HEADER:
            documents.remove(call, BY_HEADER[object_type.name], key)
        else:
            _delete(call, object_type, key)
    return FunctionSuccess()


def _keys(keys: list[tuple[str, int]]) -> Element:
    data = etree.Element("data", listtype="objects", count=str(len(keys)))
    for tag, number in keys:
        SubElement(SubElement(data, tag), "RECORDNO").text = str(number)
    return data


def _create(call: Call, element: Element) -> int:
    object_type = call.object_type(str(element.tag))
    if object_type.name == "APBILL":
        return bills.create(call, element)
    _writable(object_type)
    try:
        row = _columns(call, object_type, element)
        natural = object_type.natural_column
        for name in object_type.required:
            if not row.get(object_type.fields[name].column or name):
                raise refuse(INVALID, f"{name} is required.")
        if not row.get(natural):
            row[natural] = _next_id(call, object_type)
        if call.database.find(object_type.table, call.company, **{natural: row[natural]}):
            raise _exists(object_type, str(row[natural]))
        if object_type.name in _PARTIES:
            row |= party_rules.checked(call, object_type, element, row, str(row[natural]))
            row["DISPLAYCONTACTNAME"] = _display_contact(call, object_type, element, row, str(row[natural]))
        row = {"STATUS": "active", **row, "MEGAENTITYID": call.session.entity, "CREATEDBY": call.session.user}
        number = call.database.insert(object_type.table, call.company, {**row, "WHENCREATED": call.now})
    except FunctionError as error:
        raise error.followed_by(could_not("create", object_type.label)) from error
    documents.audit(call, object_type.name, number, "C")
    return number


def _update(call: Call, element: Element) -> int:
    object_type = call.object_type(str(element.tag))
    if object_type.name == "APBILL":
        return bills.update(call, element)
    _writable(object_type)
    try:
        present = _present(call, object_type, text(element, "RECORDNO"), text(element, object_type.natural))
        row = _columns(call, object_type, element)
        if object_type.name in _PARTIES:
            row |= party_rules.checked(call, object_type, element, row, None, json.loads(present["CUSTOM"] or "{}"))
        if object_type.name in _PARTIES and element.find("DISPLAYCONTACT") is not None:
            _update_contact(call, present["DISPLAYCONTACTNAME"], element)
        call.database.update(object_type.table, call.company, present["RECORDNO"], row)
    except FunctionError as error:
        raise error.followed_by(could_not("update", object_type.label)) from error
    documents.audit(call, object_type.name, present["RECORDNO"], "M")
    return int(present["RECORDNO"])


def _delete(call: Call, object_type: ObjectType, key: str) -> None:
    _writable(object_type)
    try:
        present = _present(call, object_type, key, "")
        kind = next((kind for kind in BY_HEADER.values() if kind.party == object_type.name), None)
        if kind and call.database.find(kind.header, call.company, **{kind.party_id: present[kind.party_id]}):
            raise refuse(INVALID, f"The {object_type.label} is used by documents; set it to inactive instead.")
    except FunctionError as error:
        raise error.followed_by(could_not("delete", object_type.label)) from error
    call.database.delete(object_type.table, call.company, present["RECORDNO"])
    documents.audit(call, object_type.name, present["RECORDNO"], "D")


def _writable(object_type: ObjectType) -> None:
    if object_type.name not in _WRITABLE:
        raise refuse(PERMISSION, f"The object {object_type.name} cannot be changed with this function.")


def _present(call: Call, object_type: ObjectType, number: str, natural: str) -> Row:
    row = call.document(object_type.table, number) if number else call.record(object_type.name, natural)
    if row is None:
        raise refuse(GENERIC, f"Cannot find {object_type.label} with key '{number or natural}'.")
    return row


def _columns(call: Call, object_type: ObjectType, element: Element) -> dict[str, Value]:
    row: dict[str, Value] = {"MODIFIEDBY": call.session.user, "WHENMODIFIED": call.now}
    for name, value in _leaves(object_type, element):
        known = object_type.fields.get(name) or object_type.sent.get(name)
        if known is None:
            raise refuse(INVALID, f"Field {name} does not exist on object {object_type.name}.")
        if known.column is None or known.custom or name in _READ_ONLY:
            continue
        party_rules.checked_field(name, value)
        if known.kind == "status" and value not in {"active", "inactive"}:
            raise refuse(INVALID, f"{name}: '{value}' is neither active nor inactive.")
        try:
            row[known.column] = written(known.kind, value)
        except ValueError as error:
            raise refuse(INVALID, f"{name}: {error}.") from None
    return row


def _leaves(object_type: ObjectType, element: Element) -> list[tuple[str, str]]:
    """List the given fields; nested ones, as of a contact's address, with dotted names.

    References of a customer or vendor to contacts are left out.
    """
    leaves = []
    for child in element:
        tag = str(child.tag)
        if object_type.name in _PARTIES and (len(child) or tag == "DISPLAYCONTACT"):
            continue
        if len(child):
            leaves += [(f"{tag}.{part.tag}", (part.text or "").strip()) for part in child]
        else:
            leaves.append((tag, (child.text or "").strip()))
    return leaves


def _next_id(call: Call, object_type: ObjectType) -> str:
    sequence = call.config.sequences.get(object_type.name)
    if sequence is None:
        raise refuse(NUMBER_MISSING, f"{object_type.natural} is missing")
    counted = call.database.next_number(call.company, f"{object_type.name} id")
    return f"{sequence.prefix}{counted:0{sequence.digits}d}"


def _exists(object_type: ObjectType, key: str) -> FunctionError:
    label, category = object_type.label.capitalize(), "Duplication Prevention"
    if object_type.name in {"VENDOR", "EMPLOYEE"}:
        return FunctionError(
            SageError(PARTY_EXISTS, f"Another record with the value {key} already exists", category=category)
        )
    text_ = f"Another {label} with the given value(s) {key}  already exists"
    if object_type.name == "GLACCOUNT":
        return FunctionError(
            SageError(GENERIC, f"Duplicate account number {key}", error_id="GL-0493", category=category)
        )
    return FunctionError(SageError(ALREADY_EXISTS, text_, correction="Use a unique value instead.", category=category))


def _display_contact(call: Call, object_type: ObjectType, element: Element, row: dict[str, Value], key: str) -> str:
    contact = element.find("DISPLAYCONTACT")
    if contact is None or not text(contact, "PRINTAS"):
        raise refuse(INVALID, "DISPLAYCONTACT with PRINTAS is required.")
    name = text(contact, "CONTACTNAME") or f"{row['NAME']}({object_type.name[0]}{key})"[:_CONTACT_MAX]
    if call.database.find("CONTACT", call.company, CONTACTNAME=name):
        raise refuse(ALREADY_EXISTS, f"Another Contact with the given value(s) {name} already exists.")
    contact_type = call.store.setup(call.company).objects["CONTACT"]
    columns = _columns(call, contact_type, contact)
    columns |= {"CONTACTNAME": name, "MEGAENTITYID": call.session.entity, "WHENCREATED": call.now}
    call.database.insert("CONTACT", call.company, {"STATUS": "active", **columns})
    return name


def _update_contact(call: Call, name: str, element: Element) -> None:
    contact = element.find("DISPLAYCONTACT")
    found = call.database.find("CONTACT", call.company, CONTACTNAME=name)
    if contact is not None and found:
        contact_type = call.store.setup(call.company).objects["CONTACT"]
        columns = _columns(call, contact_type, contact)
        columns.pop("CONTACTNAME", None)
        call.database.update("CONTACT", call.company, found[0]["RECORDNO"], columns)
