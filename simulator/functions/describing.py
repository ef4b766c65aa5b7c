"""The functions that describe a company: lookup, inspect, getDimensions, getUserPermissions, getAPISession.

Source: Sage developer documentation, web-services/queries (lookup), platform-services/dimensions, and
api/company-console/api-sessions; published answers of real companies. No answer of `lookup` contains the length of a
field. A required custom field has REQUIRED=true; a custom ENUM lists its VALIDVALUES.
"""

from collections.abc import Iterable

from lxml import etree
from lxml.etree import SubElement
from lxml.etree import _Element as Element

from simulator.auth import open_session
from simulator.call import Call, FunctionSuccess
from simulator.envelope import text
from simulator.fields import Field
from simulator.seed import CustomField
from simulator.subscriptions import granted

_DIMENSIONS = {
    "department": "DEPARTMENT",
    "location": "LOCATION",
    "project": "PROJECT",
    "customer": "CUSTOMER",
    "vendor": "VENDOR",
    "employee": "EMPLOYEE",
    "item": "ITEM",
    "class": "CLASS",
    "contract": "CONTRACT",
    "task": "TASK",
    "warehouse": "WAREHOUSE",
    "cost type": "COSTTYPE",
    "asset": "FIXEDASSET",
}
"""Dimensions and their objects, in the order of a real company's answer. A company without the object lacks the
dimension."""
_INSPECTED = {
    "INTEGER": "integer",
    "DECIMAL": "number",
    "PERCENT": "number",
    "CURRENCY": "currency",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "BOOLEAN": "boolean",
}
"""The names that `inspect` uses for data types; any other type is `string`."""
_AS_DIMENSION = {"EMPLOYEE": "Employee as a dimension"}
"""Dependencies of a dimension beyond the existence of its object."""
_CUSTOM_DATA_TYPES = {
    "number": "DECIMAL",
    "currency": "CURRENCY",  # an assumption: no source shows the type of a currency field
    "date": "DATE",
    "checkbox": "BOOLEAN",
    "percent": "PERCENT",
    "picklist": "ENUM",
    "multipicklist": "ENUM",
    # Not documented: an e-mail, URL, password or sequence field is reported as plain text, which tells the least.
}


def get_api_session(call: Call) -> FunctionSuccess:
    """Open a session at the requested entity.

    An empty `locationid` means the top level; without the element, the session is at the caller's own level.
    """
    asked = call.element.find("locationid")
    entity = call.session.entity if asked is None else (asked.text or "").strip()
    data = etree.Element("data")
    api = SubElement(data, "api")
    _text(api, "sessionid", open_session(call.store, call.session, entity))
    _text(api, "endpoint", call.endpoint)
    _text(api, "locationid", entity)
    return FunctionSuccess(data=data)


def lookup(call: Call) -> FunctionSuccess:
    """Answer with the fields and paths of an object."""
    object_type = call.object_type(text(call.element, "object"))
    custom = {known.name: known for known in call.config.custom_fields if known.object == object_type.name}
    data = etree.Element("data", listtype="All", count="1")
    objects = call.store.setup(call.company).objects
    described = SubElement(data, "Type", Name=object_type.name, DocumentType="")
    fields = SubElement(described, "Fields")
    for known in object_type.fields.values():
        _field(SubElement(fields, "Field"), known, custom.get(known.name), required=object_type.required)
    relationships = SubElement(described, "Relationships")
    for path, related in object_type.related.items():
        if related.object_name not in objects:
            continue
        block = SubElement(relationships, "Relationship")
        _text(block, "OBJECTPATH", path)
        _text(block, "OBJECTNAME", related.object_name)
        _text(block, "LABEL", related.object_name.capitalize())
        _text(block, "RELATIONSHIPTYPE", "MANY2ONE")
        _text(block, "RELATEDBY", related.by)
    return FunctionSuccess(data=data)


def inspect(call: Call) -> FunctionSuccess:
    """Answer with all objects of the company, or with the fields of one object."""
    name = text(call.element, "object")
    data = etree.Element("data", listtype="All")
    if name in {"", "*"}:
        objects = call.store.setup(call.company).objects.values()
        data.set("count", str(len(objects)))
        for object_type in objects:
            SubElement(data, "type", typename=object_type.name).text = object_type.label
        return FunctionSuccess(data=data)
    object_type = call.object_type(name)
    data.set("count", "1")
    fields = SubElement(SubElement(data, "Type", Name=object_type.name), "Fields")
    for known in object_type.fields.values():
        if call.element.get("detail") == "1":
            block = SubElement(fields, "Field")
            _text(block, "Name", known.name)
            _text(block, "externalDataName", _INSPECTED.get(known.data_type, "string"))
            _text(block, "isRequired", "true" if known.required else "false")
        else:
            _text(fields, "Field", known.name)
    return FunctionSuccess(data=data)


def get_dimensions(call: Call) -> FunctionSuccess:
    """Answer with the standard and user-defined dimensions, and whether each is enabled in the GL."""
    data = etree.Element("data")
    dimensions = SubElement(data, "dimensions")
    objects = call.store.setup(call.company).objects
    for key, name in _DIMENSIONS.items():
        if name in objects and granted(_AS_DIMENSION.get(name, ""), call.config.subscriptions):
            in_gl = key not in call.config.dimensions_not_in_gl
            _dimension(dimensions, name, key.capitalize(), user_defined=False, in_gl=in_gl)
    for dimension in call.config.user_dimensions:
        label = dimension.label or dimension.name
        _dimension(dimensions, dimension.name, label, user_defined=True, in_gl=dimension.enabled_in_gl)
    return FunctionSuccess(data=data)


def get_user_permissions(call: Call) -> FunctionSuccess:
    """Answer with the objects that the user's role denies. The format below `permissions` is an assumption."""
    data = etree.Element("data")
    block = SubElement(SubElement(data, "permissions"), "appSubscription")
    _text(block, "applicationName", "Company")
    for denied in sorted(call.session.denied):
        policy = SubElement(SubElement(block, "policies"), "policy")
        _text(policy, "policyName", denied)
        _text(policy, "rights", "")
    return FunctionSuccess(data=data)


def _field(block: Element, known: Field, custom: CustomField | None, *, required: Iterable[str]) -> None:
    _text(block, "ID", known.name)
    _text(block, "LABEL", known.name.replace("_", " ").capitalize())
    _text(block, "DESCRIPTION", "")
    _text(block, "REQUIRED", "true" if known.required or known.name in required else "false")
    read_only = known.read_only or known.name == "RECORDNO" or (custom is not None and custom.type == "sequence")
    _text(block, "READONLY", "true" if read_only else "false")
    _text(block, "DATATYPE", _data_type(known, custom))
    values = custom.values if custom else known.values
    if values:
        valid = SubElement(block, "VALIDVALUES")
        for value in values:
            _text(valid, "VALIDVALUE", value)
    _text(block, "ISCUSTOM", "true" if custom else "false")


def _data_type(known: Field, custom: CustomField | None) -> str:
    if custom is None:
        return known.data_type
    return custom.data_type or _CUSTOM_DATA_TYPES.get(custom.type, "TEXT")


def _dimension(parent: Element, name: str, label: str, *, user_defined: bool, in_gl: bool) -> None:
    block = SubElement(parent, "dimension")
    _text(block, "objectName", name)
    _text(block, "objectLabel", label)
    _text(block, "termLabel", label)
    _text(block, "userDefinedDimension", "true" if user_defined else "false")
    _text(block, "enabledInGL", "true" if in_gl else "false")


def _text(parent: Element, tag: str, value: str) -> None:
    SubElement(parent, tag).text = value or None
