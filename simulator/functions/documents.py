"""Posting, changing, reversing and deleting documents, for the generic and the object-specific functions.

Source: Sage developer documentation, api/accounts-receivable/invoices and accounts-payable/bills. A document is
refused as a whole, with its first specific error and then the generic one (BL01001973). Not documented, and assumed
because it is safe: a document with payments, or a reversed one, can be neither changed nor deleted.

Reversing and deleting: Sage's help pages (Accounts_Payable/Bills/Delete_or_reverse_bills/about-delete-reverse-bill,
Troubleshooting/troubleshoot-reverse-bills; Accounts_Receivable/Invoices/Tasks/delete-or-reverse). A posted, unpaid
document is reversed if the company enables reversals, from the level that owns the document, and a reversal adds a
transaction. Otherwise the document is deleted. A company that enables reversals cannot delete a posted bill; for posted
invoices the pages contradict each other, so deleting is allowed here. That a closed period forbids deleting is an
assumption.
"""

from collections.abc import Mapping

from simulator.call import Call
from simulator.database import Row
from simulator.errors import (
    ALREADY_PAID,
    ASSUMED_NOT_OWNED_TEXT,
    ASSUMED_RESTRICTED_TEXT,
    ASSUMED_REVERSAL_DATE_TEXT,
    ASSUMED_REVERSAL_OFF_TEXT,
    ASSUMED_REVERSE_INSTEAD_TEXT,
    GENERIC,
    INVALID,
    FunctionError,
    could_not,
    refuse,
)
from simulator.fields import Value
from simulator.functions.inputs import DocumentInput
from simulator.functions.rules import checked, open_period
from simulator.kinds import BILL, SageDocumentKind
from simulator.reversals import reversed_by

_FINAL = {"Reversed", "Reversal", "Selected", "Closed", "Paid", "Partially Paid"}


def post(call: Call, kind: SageDocumentKind, given: DocumentInput) -> int:
    """Check and record a new document, and return its record number."""
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


def revise(call: Call, kind: SageDocumentKind, key: str, given: DocumentInput) -> int:
    """Replace the header and lines of the document `key` by a complete new version."""
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


def reverse(call: Call, kind: SageDocumentKind, key: str, on: str, description: str = "") -> int:
    """Reverse a posted document: it stays, with nothing due, and cannot be paid. A reversing transaction is added."""
    try:
        row = changeable(call, kind, key)
        _may_reverse(call, kind, row)
        if row["STATE"] != "Posted":
            raise refuse(INVALID, f"Only a posted {kind.noun.lower()} can be reversed; this one is {row['STATE']}.")
        open_period(call, on)
        if on < row["WHENPOSTED"] or (call.config.reversal_after_posting and on == row["WHENPOSTED"]):
            raise refuse(INVALID, ASSUMED_REVERSAL_DATE_TEXT.format(noun=kind.noun.lower()))
    except FunctionError as error:
        raise error.followed_by(could_not("reverse", kind.noun)) from error
    added = reversed_by(call.database, kind, row, on, call.now, description)
    audit(call, kind.header, row["RECORDNO"], "M")
    audit(call, kind.header, added, "C")
    return int(row["RECORDNO"])


def _may_reverse(call: Call, kind: SageDocumentKind, row: Row) -> None:
    noun, number = kind.noun.lower(), row["RECORDID"]
    if kind.side not in call.config.reversal_of_unpaid:
        module = "Accounts Receivable" if kind.side == "AR" else "Accounts Payable"
        raise refuse(INVALID, ASSUMED_REVERSAL_OFF_TEXT.format(noun=noun, module=module))
    if row["MEGAENTITYID"] != call.session.entity:
        raise refuse(INVALID, ASSUMED_NOT_OWNED_TEXT.format(noun=noun, number=number))
    if call.session.user in call.config.location_restricted:
        raise refuse(INVALID, ASSUMED_RESTRICTED_TEXT.format(noun=noun, number=number))


def remove(call: Call, kind: SageDocumentKind, key: str) -> int:
    """Delete a document without payments in an open period. Only an audit record remains."""
    try:
        row = changeable(call, kind, key)
        open_period(call, row["WHENPOSTED"])
        if kind is BILL and row["STATE"] == "Posted" and "AP" in call.config.reversal_of_unpaid:
            raise refuse(INVALID, ASSUMED_REVERSE_INSTEAD_TEXT.format(noun="bill", number=row["RECORDID"]))
    except FunctionError as error:
        raise error.followed_by(could_not("delete", kind.noun)) from error
    call.database.delete(kind.line, call.company, row["RECORDNO"], "RECORDKEY")
    call.database.delete(kind.header, call.company, row["RECORDNO"])
    audit(call, kind.header, row["RECORDNO"], "D")
    return int(row["RECORDNO"])


def changeable(call: Call, kind: SageDocumentKind, key: str) -> Row:
    """Find a document that may be changed; FunctionError if it does not exist, has payments, or is in a final state."""
    row = call.document(kind.header, key)
    if row is None:
        raise refuse(GENERIC, "Oops, we can't find this transaction; enter a valid transaction and try again.")
    if row["TOTALPAID"]:
        raise refuse(ALREADY_PAID, f"Transaction '{row['RECORDID']}' is already paid and can't be deleted.")
    if row["STATE"] in _FINAL:
        raise refuse(INVALID, f"The {kind.noun.lower()} {row['RECORDID']} is {row['STATE']} and cannot be changed.")
    return row


def audit(call: Call, object_name: str, key: int, mode: str) -> None:
    """Write an audit record about a change through the API. `mode` is C (created), M (modified) or D (deleted)."""
    row: dict[str, Value] = {"OBJECTTYPE": object_name.lower(), "OBJECTKEY": str(key), "ACCESSMODE": mode}
    row |= {"ACCESSTIME": call.now, "USERID": call.session.user, "SOURCE": "api"}
    row["MEGAENTITYID"] = call.session.entity
    call.database.insert("AUDITHISTORY", call.company, row)


def _insert_lines(
    call: Call, kind: SageDocumentKind, number: int, lines: list[dict[str, Value]], header: Mapping[str, Value]
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
