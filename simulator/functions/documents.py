"""Posting, changing, reversing and deleting a document, whichever function asks for it.

Source: Sage developer documentation, api/accounts-receivable/invoices and accounts-payable/bills. A document is
refused whole, with its first specific cause and then the generic wrapper (BL01001973). Not documented, and read
safely here: a document with payments, or a reversed one, can be neither changed nor deleted; a reversal leaves the
document readable, with nothing due on it.
"""

from collections.abc import Mapping

from simulator.call import Call
from simulator.database import Row
from simulator.errors import ALREADY_PAID, GENERIC, INVALID, FunctionError, could_not, refuse
from simulator.fields import STATE_CODES, Value
from simulator.functions.inputs import DocumentInput
from simulator.functions.rules import checked, open_period
from simulator.kinds import DocumentKind

_FINAL = {"Reversed", "Selected", "Closed", "Paid", "Partially Paid"}


def post(call: Call, kind: DocumentKind, given: DocumentInput) -> int:
    """Check and record a new document; returns its record number."""
    try:
        header, lines = checked(call, kind, given, None)
        header |= {"TOTALPAID": 0, "TOTALSELECTED": 0, "TOTALDUE": header["TOTALENTERED"], "AUWHENCREATED": call.now}
        header |= {"CONTROL_ID": call.control_id, "MEGAENTITYID": call.session.entity, "CREATEDBY": call.session.user}
        number = call.database.insert(kind.header, call.company, header)
        _insert_lines(call, kind, number, lines, header)
    except FunctionError as error:
        raise error.followed_by(could_not("create", kind.noun)) from error
    audit(call, kind.header, number, "C")
    return number


def revise(call: Call, kind: DocumentKind, key: str, given: DocumentInput) -> int:
    """Replace a document's header and lines by a complete new version."""
    try:
        row = changeable(call, kind, key)
        header, lines = checked(call, kind, given, row)
        header["TOTALDUE"] = header["TOTALENTERED"]
        call.database.update(kind.header, call.company, row["RECORDNO"], header)
        call.database.delete(kind.line, call.company, row["RECORDNO"], "RECORDKEY")
        _insert_lines(call, kind, row["RECORDNO"], lines, {**dict(row), **header})
    except FunctionError as error:
        raise error.followed_by(could_not("update", kind.noun)) from error
    audit(call, kind.header, row["RECORDNO"], "M")
    return int(row["RECORDNO"])


def reverse(call: Call, kind: DocumentKind, key: str, on: str) -> int:
    """Reverse a posted document: it stays, is worth nothing, and can no longer be paid."""
    try:
        row = changeable(call, kind, key)
        if row["STATE"] != "Posted":
            raise refuse(INVALID, f"Only a posted {kind.noun.lower()} can be reversed; this one is {row['STATE']}.")
        open_period(call, kind, on)
        if on < row["WHENPOSTED"]:
            raise refuse(INVALID, f"The reversal date {on} is before the date of the {kind.noun.lower()}.")
    except FunctionError as error:
        raise error.followed_by(could_not("reverse", kind.noun)) from error
    state: dict[str, Value] = {"STATE": "Reversed", "RAWSTATE": STATE_CODES["Reversed"], "TOTALDUE": 0}
    state["WHENMODIFIED"] = call.now
    call.database.update(kind.header, call.company, row["RECORDNO"], state)
    audit(call, kind.header, row["RECORDNO"], "M")
    return int(row["RECORDNO"])


def remove(call: Call, kind: DocumentKind, key: str) -> int:
    """Delete a document without payments in an open period; it vanishes from reads and leaves an audit record."""
    try:
        row = changeable(call, kind, key)
        open_period(call, kind, row["WHENPOSTED"])
    except FunctionError as error:
        raise error.followed_by(could_not("delete", kind.noun)) from error
    call.database.delete(kind.line, call.company, row["RECORDNO"], "RECORDKEY")
    call.database.delete(kind.header, call.company, row["RECORDNO"])
    audit(call, kind.header, row["RECORDNO"], "D")
    return int(row["RECORDNO"])


def changeable(call: Call, kind: DocumentKind, key: str) -> Row:
    """The document, where it exists and neither payments nor a reversal forbid a change."""
    row = call.document(kind.header, key)
    if row is None:
        raise refuse(GENERIC, "Oops, we can't find this transaction; enter a valid transaction and try again.")
    if row["TOTALPAID"]:
        raise refuse(ALREADY_PAID, f"The {kind.noun.lower()} {row['RECORDID']} is already paid, or paid in part.")
    if row["STATE"] in _FINAL:
        raise refuse(INVALID, f"The {kind.noun.lower()} {row['RECORDID']} is {row['STATE']} and cannot be changed.")
    return row


def audit(call: Call, object_name: str, key: int, mode: str) -> None:
    """Leave an audit record: created, modified or deleted through the API."""
    row: dict[str, Value] = {"OBJECTTYPE": object_name.lower(), "OBJECTKEY": str(key), "ACCESSMODE": mode}
    row |= {"ACCESSTIME": call.now, "USERID": call.session.user, "SOURCE": "api"}
    row["MEGAENTITYID"] = call.session.entity
    call.database.insert("AUDITHISTORY", call.company, row)


def _insert_lines(
    call: Call, kind: DocumentKind, number: int, lines: list[dict[str, Value]], header: Mapping[str, Value]
) -> None:
    shared: dict[str, Value] = {
        "RECORDKEY": number,
        "ENTRY_DATE": header["WHENCREATED"],
        "CURRENCY": header["CURRENCY"],
        "BASECURR": header["BASECURR"],
        "MEGAENTITYID": header["MEGAENTITYID"],
        "AUWHENCREATED": call.now,
        "WHENMODIFIED": call.now,
    }
    call.database.insert_all(kind.line, call.company, [{**shared, **line} for line in lines])
