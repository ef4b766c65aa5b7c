"""Reversals: the reversed document stays in the books, and a new transaction with the negative amount is added.

Source: Sage's help, Accounts_Payable/Bills/Delete_or_reverse_bills/about-delete-reverse-bill: the document's state is
Reversed; the added transaction has the state Reversal, the number `Reversed - NUMBER`, the negative amount, and the
description that was given with the reversal. For invoices Sage documents only that a transaction is added that zeroes
them out (Accounts_Receivable/Invoices/Tasks/reverse-invoice), and for both sides the states (`lookup`). The simulator
assumes that reversed invoices look like reversed bills.
"""

from simulator.database import Database, Row
from simulator.fields import STATE_CODES, Value
from simulator.kinds import SageDocumentKind

REVERSED, REVERSAL = "Reversed", "Reversal"


def reversed_by(database: Database, kind: SageDocumentKind, row: Row, on: str, now: str, description: str = "") -> int:
    """Reverse a document, and return the record number of the added transaction.

    Args:
        database: The database.
        kind: The kind of the document.
        row: The document.
        on: The date of the reversal, ISO.
        now: The company's present time stamp.
        description: The description of the added transaction.
    """
    company, number = row["COMPANY"], row["RECORDNO"]
    state: dict[str, Value] = {"STATE": REVERSED, "RAWSTATE": STATE_CODES[REVERSED], "TOTALDUE": 0, "WHENMODIFIED": now}
    database.update(kind.header, company, number, state)
    header = _copy(row) | {
        "RECORDID": f"Reversed - {row['RECORDID']}",
        "STATE": REVERSAL,
        "RAWSTATE": STATE_CODES[REVERSAL],
        "TOTALENTERED": -int(row["TOTALENTERED"]),
        "TOTALPAID": 0,
        "TOTALDUE": 0,
        "DESCRIPTION": description or None,
        "WHENCREATED": on,
        "WHENPOSTED": on,
        "CONTROL_ID": None,
        "EXTERNAL_KEY": None,
        "CUSTOM": "{}",
        "AUWHENCREATED": now,
        "WHENMODIFIED": now,
    }
    added = database.insert(kind.header, company, header)
    lines = [
        _copy(line) | {"RECORDKEY": added, "AMOUNT": -int(line["AMOUNT"] or 0), "ENTRY_DATE": on, "CUSTOM": "{}"}
        for line in database.find(kind.line, company, RECORDKEY=number)
    ]
    if lines:
        database.insert_all(kind.line, company, lines)
    return added


def _copy(row: Row) -> dict[str, Value]:
    return {name: row[name] for name in row.keys() if name not in ("COMPANY", "RECORDNO")}  # noqa: SIM118 -- a row is no mapping
