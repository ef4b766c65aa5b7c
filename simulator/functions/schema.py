"""The exact element order of the object-specific (legacy) functions.

Source: official schema v3.0/api.xsd and the samples of Sage developer documentation. Where Sage's own clients use
another order (`action` before `batchkey`, `onhold` on an invoice, `payto`/`returnto` on an invoice update), both orders
are accepted. A wrong order is refused at the control level, before any function of the request runs: this follows from
the "XML Parse schema error" that is documented for that level.
"""

from itertools import product

from lxml.etree import _Element as Element

from simulator.envelope import Function, expect_order
from simulator.errors import schema_error

_CURRENCY = ("basecurr", "currency", "exchratedate", "exchratetype", "exchrate")
_DATES = {"datecreated", "dateposted", "datedue", "datereversed", "exchratedate", "revrecstartdate", "revrecenddate"}

_LINE_START = ("accountlabel", "glaccountno", "offsetglaccountno", "amount", "allocationid", "memo")
_LINE_END = ("key", "totalpaid", "totaldue", "customfields", "revrectemplate", "defrevaccount", "revrecstartdate")
_LINE_DIMENSIONS = (
    *("revrecenddate", "projectid", "taskid", "costtypeid", "customerid", "vendorid", "employeeid", "itemid"),
    *("classid", "contractid", "warehouseid", "billable", "taxentries"),
)
_LINE = (
    *_LINE_START,
    *("locationid", "departmentid", "item1099", "form1099type", "form1099box"),
    *_LINE_END,
    *_LINE_DIMENSIONS,
)


def _invoice(middle: tuple[str, ...], contacts: tuple[str, ...], items: str) -> tuple[str, ...]:
    return (
        *("customerid", "datecreated", "dateposted", "datedue", "termname", *middle, "invoiceno", "ponumber", "onhold"),
        *("description", "externalid", *contacts, *_CURRENCY, "nogl", "supdocid", "customfields", "taxsolutionid"),
        items,
    )


def _bill(items: str) -> tuple[str, ...]:
    return (
        *("vendorid", "datecreated", "dateposted", "datedue", "termname", "action", "batchkey", "billno", "ponumber"),
        *("onhold", "description", "externalid", "payto", "returnto", *_CURRENCY, "nogl", "supdocid", "customfields"),
        *("taxsolutionid", items),
    )


def _adjustment(party: str, document: str, *custom: str, items: str = "") -> tuple[str, ...]:
    """The element order of an adjustment. The schema allows custom fields on AP adjustments only."""
    items = items or ("aradjustmentitems" if party == "customerid" else "apadjustmentitems")
    return (
        *(party, "datecreated", "dateposted", "batchkey", "adjustmentno", "action", document, "description"),
        *("externalid", *_CURRENCY, "nogl", *custom, "taxsolutionid", items),
    )


_MIDDLES = (("batchkey", "action"), ("action", "batchkey"))
_CONTACTS = (("billto", "shipto"), ("payto", "returnto"))
_ORDERS: dict[str, list[tuple[str, ...]]] = {
    "create_invoice": [_invoice(middle, _CONTACTS[0], "invoiceitems") for middle in _MIDDLES],
    "update_invoice": [_invoice(*parts, "updateinvoiceitems") for parts in product(_MIDDLES, _CONTACTS)],
    "create_bill": [_bill("billitems")],
    "update_bill": [_bill("updatebillitems")],
    "reverse_invoice": [("datereversed", "description")],
    "reverse_bill": [("datereversed", "description")],
    "delete_invoice": [()],
    "delete_bill": [()],
    "create_aradjustment": [_adjustment("customerid", "invoiceno")],
    "create_apadjustment": [_adjustment("vendorid", "billno", "customfields")],
    "update_aradjustment": [_adjustment("customerid", "invoiceno", items="updatearadjustmentitems")],
    "update_apadjustment": [_adjustment("vendorid", "billno", items="updateapadjustmentitems")],
    "delete_aradjustment": [()],
    "delete_apadjustment": [()],
}
_REQUIRED = {
    "create_invoice": ("customerid", "datecreated", "invoiceitems"),
    "create_bill": ("vendorid", "datecreated", "billitems"),
    "create_aradjustment": ("customerid", "datecreated", "aradjustmentitems"),
    "create_apadjustment": ("vendorid", "datecreated", "apadjustmentitems"),
    "reverse_invoice": ("datereversed",),
    "reverse_bill": ("datereversed",),
}
_ITEMS = {
    *("invoiceitems", "billitems", "updateinvoiceitems", "updatebillitems"),
    *("aradjustmentitems", "apadjustmentitems", "updatearadjustmentitems", "updateapadjustmentitems"),
}
LEGACY = frozenset(_ORDERS)


def check(function: Function) -> None:
    """Check an object-specific function against the schema. Generic functions have no fixed order and always pass.

    Raises:
        ControlError: The function does not fit.
    """
    if function.name not in LEGACY:
        return
    element = function.element
    expect_order(element, _ORDERS[function.name])
    for required in _REQUIRED.get(function.name, ()):
        if element.find(required) is None:
            raise schema_error(f"Element '{function.name}': the element {required} is required")
    if not function.name.startswith("create_") and not element.get("key"):
        raise schema_error(f"Element '{function.name}': the attribute key is required")
    for child in element:
        _check_part(child)


def _check_part(element: Element) -> None:
    tag = str(element.tag)
    if tag in _DATES and [child.tag for child in element] != ["year", "month", "day"]:
        raise schema_error(f"Element '{tag}': expected are year, month and day, in this order")
    if tag == "customfields":
        for field in element:
            if [child.tag for child in field] != ["customfieldname", "customfieldvalue"]:
                raise schema_error("Element 'customfield': expected are customfieldname and customfieldvalue")
    if tag in _ITEMS:
        for line in element:
            if line.tag not in {"lineitem", "updatelineitem"}:
                raise schema_error(f"Element '{tag}': This element is not expected: {line.tag}")
            expect_order(line, [_LINE])
            for child in line:
                _check_part(child)
