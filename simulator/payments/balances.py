"""Balances of documents, computed from the payment details each time, so that they always agree with them.

Assumptions, as no source covers this: a submitted or approved AP payment changes only TOTALSELECTED of its bills. The
amount paid of a credit (negative invoice, adjustment) is the amount that it has settled. The amount due of an advance
or overpayment is the part that is not applied yet.
"""

from simulator.database import Database, Row
from simulator.fields import Value, decimal_text
from simulator.kinds import SageDocumentKind
from simulator.payments.model import COLUMNS, POSTED, RESERVED, SOURCES, PaymentError, applied

_PAYABLE = {"Posted", "Partially Paid", "Paid"}


def settle(database: Database, kind: SageDocumentKind, company: str, details: list[Row], now: str | None) -> None:
    """Recompute the balance of every record that these details apply to or use up.

    Args:
        database: The database.
        kind: The kind of document.
        company: The company's id.
        details: The detail rows, as before or after the change.
        now: The new time stamp of the records; None: their time stamps are not changed.

    Raises:
        PaymentError: A record cannot take the payment, or has not that much left.
    """
    for document in sorted({row["RECORDKEY"] for row in details}):
        _document(database, kind, company, document, now)
    for name, column in SOURCES[kind.side].items():
        for key in sorted({row[column] for row in details if row[column] is not None}):
            if name == "negative_invoice":
                _document(database, kind, company, key, now)
            elif name == "adjustment":
                _adjustment(database, kind, company, key, now)
            else:
                unapplied(database, kind, company, key)


def unapplied(database: Database, kind: SageDocumentKind, company: str, payment: int) -> None:
    """Recompute the part of an advance or overpayment that is not applied yet."""
    header = next(iter(database.find(kind.payment, company, RECORDNO=payment)), None)
    used = sum(
        _used(database, kind, company, name, payment)
        for name in ("advance", "overpayment")
        if name in SOURCES[kind.side]
    )
    if header is None or header["RAWSTATE"] not in POSTED:
        if used:
            raise PaymentError(f"{kind.payment} {payment} is no posted payment that could be applied")
        return
    own = sum(row["PAYMENTAMOUNT"] or 0 for row in database.find(kind.payment_detail, company, PAYMENTKEY=payment))
    due = header["TOTALENTERED"] - own - used
    if due < 0:
        raise PaymentError(f"{kind.payment} {payment} has not that much left to apply")
    values: dict[str, Value] = {"TOTALPAID": header["TOTALENTERED"] - due, "TOTALDUE": due}
    database.update(kind.payment, company, payment, values)


def _document(database: Database, kind: SageDocumentKind, company: str, number: int, now: str | None) -> None:
    details = database.find(kind.payment_detail, company, RECORDKEY=number)
    posted = [row for row in details if row["RAWSTATE"] in POSTED]
    selected = sum(applied(kind.side, row) for row in details if row["RAWSTATE"] in RESERVED)
    document = next(iter(database.find(kind.header, company, RECORDNO=number)), None)
    if document is None:
        if posted or selected:
            raise PaymentError(f"there is no {kind.header} {number} in {company}")
        return
    total = document["TOTALENTERED"]
    paid = sum(applied(kind.side, row) for row in posted)
    if total < 0:
        paid -= _used(database, kind, company, "negative_invoice", number)
    if not _fits(total, paid + selected):
        left = decimal_text(total - document["TOTALPAID"])
        raise PaymentError(f"{kind.header} {number} cannot take this payment: {left} of it is due")
    if (paid or selected) and document["STATE"] not in _PAYABLE:
        raise PaymentError(f"{kind.header} {number} is {document['STATE']}: there is nothing due on it")
    values: dict[str, Value] = {"TOTALPAID": paid, "TOTALDUE": total - paid, "TOTALSELECTED": selected}
    if document["STATE"] in _PAYABLE:
        whole = paid == total and bool(posted or paid)
        values |= {"STATE": "Paid" if whole else "Partially Paid" if paid else "Posted", "RAWSTATE": "A"}
        values["WHENPAID"] = max((str(row["PAYMENTDATE"]) for row in posted), default=None) if whole else None
    database.update(kind.header, company, number, _stamped(values, now))
    _lines(database, kind, company, number, posted)


def _lines(database: Database, kind: SageDocumentKind, company: str, number: int, posted: list[Row]) -> None:
    for line in database.find(kind.line, company, RECORDKEY=number):
        paid = sum(applied(kind.side, row) for row in posted if row["ENTRYKEY"] == line["RECORDNO"])
        if paid != line["TOTALPAID"]:
            database.update(kind.line, company, line["RECORDNO"], {"TOTALPAID": paid})


def _adjustment(database: Database, kind: SageDocumentKind, company: str, number: int, now: str | None) -> None:
    table = f"{kind.side}ADJUSTMENT"
    credit = next(iter(database.find(table, company, RECORDNO=number)), None)
    used = _used(database, kind, company, "adjustment", number)
    if credit is None:
        raise PaymentError(f"there is no {table} {number} in {company}")
    total = credit["TOTALENTERED"]
    paid = used if total >= 0 else -used
    if not _fits(total, paid):
        raise PaymentError(f"{table} {number} has not that much left to apply")
    state = "Paid" if used and paid == total else "Partially Paid" if used else "Posted"
    values: dict[str, Value] = {"TOTALPAID": paid, "TOTALDUE": total - paid, "STATE": state}
    database.update(table, company, number, _stamped(values, now))


def _used(database: Database, kind: SageDocumentKind, company: str, name: str, key: int) -> int:
    rows = database.find(kind.payment_detail, company, **{SOURCES[kind.side][name]: key})
    return sum(row[COLUMNS[kind.side][name]] or 0 for row in rows if row["RAWSTATE"] in {*POSTED, *RESERVED})


def _fits(total: int, paid: int) -> bool:
    return 0 <= paid <= total if total >= 0 else total <= paid <= 0


def _stamped(values: dict[str, Value], now: str | None) -> dict[str, Value]:
    return values | {"WHENMODIFIED": now} if now else values
