"""What a reversal leaves in the books: the document as it was, and a transaction of its own that takes it back.

Source: Sage's help, Accounts_Payable/Bills/Delete_or_reverse_bills/about-delete-reverse-bill: the document's state is
Reversed; the added transaction has the state Reversal, the number `Reversed - NUMBER`, the negative amount, and the
description that was given with the reversal. Of invoices it says only that a transaction is added that zeroes them out
(Accounts_Receivable/Invoices/Tasks/reverse-invoice), and of both sides the states (`lookup`); the same is read there.
"""

from simulator.database import Database, Row
from simulator.fields import STATE_CODES, Value
from simulator.kinds import DocumentKind

REVERSED, REVERSAL = "Reversed", "Reversal"


def reversed_by(database: Database, kind: DocumentKind, row: Row, on: str, now: str, description: str = "") -> int:
    """Reverse a document as of a day; returns the record number of the added transaction."""
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
