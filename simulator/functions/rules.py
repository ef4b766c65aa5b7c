"""The rules that a document must pass before it is recorded.

Source: Sage developer documentation, api/accounts-receivable/invoices and accounts-payable/bills. Not documented, and
assumed because it is safe:

* If the company requires unique numbers, a number is unique per company for invoices and per vendor for bills. Drafts
  and reversed documents count too.
* Without the setting `inter_entity`, a line's location must belong to the entity of the session.
* An adjustment's amounts are all positive or all negative: documented for AP (accounts-payable/ap-adjustments), assumed
  for AR. A vendor that is on hold takes no bill and no adjustment.
* A currency other than the base currency is refused, because it is not simulated.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta

from simulator.call import Call
from simulator.database import Row
from simulator.errors import (
    ACTION,
    BILL_NUMBER_MISSING,
    GENERIC,
    INVALID,
    NUMBER_EXISTS,
    NUMBER_MISSING,
    FunctionError,
    SageError,
    refuse,
)
from simulator.fields import STATE_CODES, Value, cents
from simulator.functions.custom import checked_custom
from simulator.functions.inputs import DIMENSIONS, DocumentInput, LineInput
from simulator.kinds import BILL, SageDocumentKind
from simulator.loading import REQUIRE_FIELDS

_INVALID_VALUE = {
    "LOCATION": "The location '{value}' is invalid.",
    "ITEM": "Item ID '{value}' is not valid",
    "CUSTOMER": "Customer '{value}' specified is not valid.",
    "VENDOR": "Vendor '{value}' specified is not valid.",
}
"""The published error text by object. For other objects the text for Project is used."""


def checked(
    call: Call, kind: SageDocumentKind, given: DocumentInput, present: Row | None
) -> tuple[dict[str, Value], list[dict[str, Value]]]:
    """Check a document, and make the columns of its header and of its lines.

    Args:
        call: The function call.
        kind: The kind of document.
        given: The document as received.
        present: The stored document that an update replaces; None for a new document.

    Raises:
        FunctionError: The first rule that the document breaks.
    """
    party = _party(call, kind, given.party)
    due = _due(call, kind, given)
    posted = given.posted or given.created
    open_period(call, posted)
    _currency(call, given.currency)
    number = _number(call, kind, given, present)
    if not given.lines:
        raise refuse(INVALID, f"A {kind.noun.lower()} needs at least one line.")
    lines = [_line(call, kind, position, line) for position, line in enumerate(given.lines, 1)]
    if kind.adjusts and len({int(line["AMOUNT"] or 0) > 0 for line in lines if line["AMOUNT"]}) > 1:
        raise refuse(INVALID, "The amounts of an adjustment must be all positive or all negative, not mixed.")
    state = _state(call, kind, given.action)
    if present is not None and state == "Draft" != present["STATE"]:
        raise refuse(ACTION, f"A {kind.noun.lower()} that was submitted cannot become a draft again.")
    header: dict[str, Value] = {
        "RECORDID": number,
        "STATE": state,
        "RAWSTATE": STATE_CODES[state],
        kind.party_id: given.party,
        f"{kind.party}NAME": party["NAME"],
        "DOCNUMBER": given.reference or None,
        "DESCRIPTION": given.description or None,
        "TERMNAME": given.term or None,
        "WHENCREATED": given.created,
        "WHENPOSTED": posted,
        "WHENDUE": due or None,
        "BASECURR": call.config.base_currency,
        "CURRENCY": given.currency or call.config.base_currency,
        "TOTALENTERED": sum(int(line["AMOUNT"] or 0) for line in lines),
        "PRBATCH": given.summary or None,
        "SUPDOCID": given.attachment or None,
        "ONHOLD": int(given.on_hold.lower() == "true"),
        "SYSTEMGENERATED": 0,
        "MODULEKEY": kind.module,
        "BILLTOPAYTOCONTACTNAME": given.pay_to or party["PAYTOCONTACTNAME"] or party["DISPLAYCONTACTNAME"],
        "SHIPTORETURNTOCONTACTNAME": given.return_to or party["RETURNTOCONTACTNAME"] or party["DISPLAYCONTACTNAME"],
        "EXTERNAL_KEY": given.external_key or None,
        "CUSTOM": json.dumps(checked_custom(call, kind.header, given.custom)),
        "MODIFIEDBY": call.session.user,
        "WHENMODIFIED": call.now,
    }
    if kind is BILL:
        header |= {"RECPAYMENTDATE": given.pay_by or None, "PAYMENTPRIORITY": given.priority or None}
    return header, lines


def _party(call: Call, kind: SageDocumentKind, party_id: str) -> Row:
    if not party_id:
        raise refuse(INVALID, f"{kind.party.capitalize()} ID is required.")
    row = call.record(kind.party, party_id)
    if row is not None and row["STATUS"] != "active" and kind.side == "AP":
        raise refuse(INVALID, f"Activate the vendor {party_id}, then try again.")
    if row is None or row["STATUS"] != "active":
        raise refuse(GENERIC, f"{kind.party.capitalize()} '{party_id}' specified is not valid.")
    if kind.side == "AP" and row["ONHOLD"]:
        raise refuse(INVALID, f"The vendor '{party_id}' is on hold.", "Remove the hold.")
    return row


def _due(call: Call, kind: SageDocumentKind, given: DocumentInput) -> str:
    if not given.created:
        raise refuse(INVALID, "The transaction date is required.")
    if given.term:
        term = call.record(f"{kind.side}TERM", given.term)
        if term is None or term["STATUS"] != "active":
            raise refuse(GENERIC, f"The term name {given.term} is invalid")
        if not given.due:
            return (date.fromisoformat(given.created) + timedelta(days=term["DUEDATE"])).isoformat()
    if not given.due and given.action.lower() != "draft" and not kind.adjusts:
        raise refuse(INVALID, "A due date or a term is required.")
    if given.due and given.due < given.created:
        raise refuse(INVALID, "Date Due cannot be earlier than date of transaction")
    return given.due


def open_period(call: Call, on: str) -> None:
    """Check that a date is in an open period; raises FunctionError if its books are closed."""
    closed = call.config.books_closed_through
    if closed and on <= closed:
        if call.config.closed_names_first_day:
            first = (date.fromisoformat(closed) + timedelta(days=1)).strftime("%m/%d/%y")
            raise refuse(INVALID, f"Date must be on or after {first}")
        shown = date.fromisoformat(on).strftime("%m/%d/%Y")
        raise refuse(
            INVALID, f"Periods are closed. Your transaction date ({shown}) is within a period that's been closed."
        )


def _currency(call: Call, currency: str) -> None:
    if currency and currency != call.config.base_currency:
        raise refuse(INVALID, f"Currency {currency} is not enabled; the base currency is {call.config.base_currency}.")


def _number(call: Call, kind: SageDocumentKind, given: DocumentInput, present: Row | None) -> str:
    if not given.number:
        sequence = call.config.sequences.get(kind.header)
        if sequence is None and kind is BILL:
            raise refuse(BILL_NUMBER_MISSING, "Enter a Bill number, and try again.")
        if sequence is None:
            raise refuse(NUMBER_MISSING, "Document Number is missing")
        counted = call.database.next_number(call.company, f"{kind.header} number")
        return f"{sequence.prefix}{counted:0{sequence.digits}d}"
    if call.config.refuse_duplicate_numbers:
        scope = {kind.party_id: given.party} if kind.side == "AP" else {}
        same = call.database.find(kind.header, call.company, RECORDID=given.number, **scope)
        if any(present is None or row["RECORDNO"] != present["RECORDNO"] for row in same):
            raise FunctionError(
                SageError(
                    NUMBER_EXISTS,
                    "A transaction with that number already exists",
                    category="Duplication Prevention",
                )
            )
    return given.number


def _state(call: Call, kind: SageDocumentKind, action: str) -> str:
    if action.lower() == "draft":
        return "Draft"
    if action.lower() not in {"", "submit"}:
        raise refuse(ACTION, f"Invalid Action '{action}': expected is Draft or Submit.")
    return "Submitted" if kind is BILL and call.config.approve_bills else "Posted"


def _line(call: Call, kind: SageDocumentKind, position: int, given: LineInput) -> dict[str, Value]:
    account = _account(call, kind, position, given)
    try:
        amount = cents(given.amount)
    except ValueError:
        raise refuse(INVALID, f"Line {position}: the amount '{given.amount}' is not valid.") from None
    _dimensions(call, given.dimensions)
    for dimension, flag in REQUIRE_FIELDS.items():
        if account[flag] and not given.dimensions.get(f"{dimension.upper()}ID"):
            raise refuse(
                INVALID,
                f"The account number '{account['ACCOUNTNO']}' requires a {dimension.capitalize()}.",
            )
    custom = checked_custom(call, kind.line, given.custom, legacy="_" in call.function)
    row: dict[str, Value] = {name: given.dimensions.get(name) or None for name in DIMENSIONS}
    return row | {
        "LINE_NO": position,
        "ACCOUNTNO": account["ACCOUNTNO"],
        "ACCOUNTTITLE": account["TITLE"],
        "ACCOUNTLABEL": given.label or None,
        "OFFSETGLACCOUNTNO": given.offset_account or None,
        "AMOUNT": amount,
        "TOTALPAID": 0,
        "ENTRYDESCRIPTION": given.memo or None,
        "BILLABLE": int(given.billable.lower() == "true"),
        "FORM1099": int(given.form1099.lower() == "true"),
        "CUSTOM": json.dumps(custom),
    }


def _account(call: Call, kind: SageDocumentKind, position: int, given: LineInput) -> Row:
    number = given.account
    if given.label:
        label = call.record(f"{kind.side}ACCOUNTLABEL", given.label)
        if label is None:
            raise refuse(GENERIC, f"Line {position}: Invalid Account label '{given.label}' specified.")
        number = label["GLACCOUNTNO"]
    elif kind.side in call.config.require_account_labels:
        raise refuse(INVALID, f"Line {position}: this company requires an account label instead of a GL account.")
    if not number:
        raise refuse(INVALID, f"Line {position}: a GL account or an account label is required.")
    if given.offset_account:
        _active_account(call, given.offset_account)
    return _active_account(call, number)


def _active_account(call: Call, number: str) -> Row:
    account = call.record("GLACCOUNT", number)
    if account is None:
        raise refuse(GENERIC, f"Account {number} is not valid")
    if account["STATUS"] != "active":
        raise refuse(INVALID, "Account is inactive")
    return account


def _dimensions(call: Call, dimensions: Mapping[str, str]) -> None:
    for name, (object_name, _, label) in DIMENSIONS.items():
        value = dimensions.get(name)
        if not value:
            continue
        row = call.record(object_name, value)
        if row is None or row["STATUS"] != "active":
            raise refuse(
                GENERIC,
                _INVALID_VALUE.get(object_name, "Invalid {label} '{value}' specified.").format(
                    label=label, value=value
                ),
            )
        entity = call.session.entity
        if object_name == "LOCATION" and entity and row["ENTITY"] != entity and not call.config.inter_entity:
            raise refuse(GENERIC, f"The location '{value}' is invalid.")
    if call.config.multi_entity and not dimensions.get("LOCATIONID"):
        raise refuse(INVALID, "Use of empty Location is invalid. A valid Multi-Entity Location must be specified.")
