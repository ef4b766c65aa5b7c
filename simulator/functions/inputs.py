"""The unchecked content of a document as any function receives it, and the content that an update starts from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from simulator.call import Call
from simulator.database import Row
from simulator.fields import decimal_text, shown
from simulator.kinds import BILL, SageDocumentKind

DIMENSIONS = {
    "LOCATIONID": ("LOCATION", "location", "Location"),
    "DEPARTMENTID": ("DEPARTMENT", "department", "Department"),
    "PROJECTID": ("PROJECT", "project", "Project"),
    "TASKID": ("TASK", "task", "Task"),
    "COSTTYPEID": ("COSTTYPE", "cost type", "Cost type"),
    "CUSTOMERID": ("CUSTOMER", "customer", "Customer"),
    "VENDORID": ("VENDOR", "vendor", "Vendor"),
    "EMPLOYEEID": ("EMPLOYEE", "employee", "Employee"),
    "ITEMID": ("ITEM", "item", "Item"),
    "CLASSID": ("CLASS", "class", "Class"),
    "CONTRACTID": ("CONTRACT", "contract", "Contract"),
    "WAREHOUSEID": ("WAREHOUSE", "warehouse", "Warehouse"),
    "ASSETID": ("FIXEDASSET", "asset", "Asset"),
}


@dataclass(frozen=True, slots=True)
class LineInput:
    """A received line: unchecked texts; "" means not given."""

    account: str = ""
    label: str = ""
    offset_account: str = ""
    amount: str = ""
    memo: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)
    billable: str = ""
    form1099: str = ""


@dataclass(frozen=True, slots=True)
class DocumentInput:
    """A received document: unchecked texts, dates in ISO form; "" means not given."""

    party: str = ""
    created: str = ""
    posted: str = ""
    due: str = ""
    term: str = ""
    action: str = ""
    number: str = ""
    reference: str = ""
    description: str = ""
    external_key: str = ""
    pay_to: str = ""
    return_to: str = ""
    currency: str = ""
    attachment: str = ""
    summary: str = ""
    on_hold: str = ""
    pay_by: str = ""
    priority: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[LineInput, ...] = ()


def as_input(call: Call, kind: SageDocumentKind, row: Row) -> DocumentInput:
    """Convert a stored document into the input that would post it. An update starts from this input."""
    lines = call.database.find(kind.line, call.company, RECORDKEY=row["RECORDNO"])
    bill = kind is BILL
    return DocumentInput(
        party=row[kind.party_id],
        created=row["WHENCREATED"],
        posted=row["WHENPOSTED"] or "",
        due=row["WHENDUE"] or "",
        term=row["TERMNAME"] or "",
        action="Draft" if row["STATE"] == "Draft" else "",
        number=row["RECORDID"] or "",
        reference=row["DOCNUMBER"] or "",
        description=row["DESCRIPTION"] or "",
        external_key=row["EXTERNAL_KEY"] or "",
        pay_to=row["BILLTOPAYTOCONTACTNAME"] or "",
        return_to=row["SHIPTORETURNTOCONTACTNAME"] or "",
        currency=row["CURRENCY"] or "",
        attachment=row["SUPDOCID"] or "",
        summary=row["PRBATCH"] or "",
        on_hold="true" if row["ONHOLD"] else "",
        pay_by=(row["RECPAYMENTDATE"] or "") if bill else "",
        priority=(row["PAYMENTPRIORITY"] or "") if bill else "",
        custom=_texts(call, kind.header, row),
        lines=tuple(_line_as_input(call, kind, line) for line in lines),
    )


def _line_as_input(call: Call, kind: SageDocumentKind, row: Row) -> LineInput:
    return LineInput(
        account=row["ACCOUNTNO"],
        label=row["ACCOUNTLABEL"] or "",
        offset_account=row["OFFSETGLACCOUNTNO"] or "",
        amount=decimal_text(row["AMOUNT"]),
        memo=row["ENTRYDESCRIPTION"] or "",
        dimensions={name: row[name] for name in DIMENSIONS if row[name]},
        custom=_texts(call, kind.line, row),
        billable="true" if row["BILLABLE"] else "",
        form1099="true" if row["FORM1099"] else "",
    )


def _texts(call: Call, object_name: str, row: Row) -> dict[str, str]:
    fields = call.store.setup(call.company).objects[object_name].fields
    return {name: shown(fields[name].kind, value) for name, value in json.loads(row["CUSTOM"] or "{}").items()}


def changed(line: LineInput, new: LineInput) -> LineInput:
    """Merge the fields that an update gives into a line."""
    values = {name: getattr(new, name) for name in LineInput.__slots__ if getattr(new, name)}
    values |= {
        "dimensions": {**line.dimensions, **new.dimensions},
        "custom": {**line.custom, **new.custom},
    }
    if new.account and not new.label:
        values["label"] = ""
    return replace(line, **values)
