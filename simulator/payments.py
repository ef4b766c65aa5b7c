"""Payments recorded in Sage: applied to documents, line by line from the first on, and voided.

Source: Sage developer documentation, api/accounts-receivable/ar-payments and accounts-payable/ap-payments; a payment
has one detail row per document line it settles. The record type of a plain receipt is not documented: it is left
empty. The state of a voided AR receipt is not documented either: it reads `Voided`/`V`, as on the AP side where it
is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from simulator.database import Database, Row
from simulator.fields import Value, cents, decimal_text
from simulator.kinds import DocumentKind

_DONE = {"AR": "Complete", "AP": "Posted"}
_PAYABLE = {"Posted", "Partially Paid"}


class PaymentError(ValueError):
    """The payment cannot be applied as asked; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money applied to documents by their record numbers. Without a date: the day of the clock."""

    applied: Mapping[int, str]
    on: date | None = None
    number: str = ""
    method: str = "EFT"


def record(database: Database, kind: DocumentKind, company: str, payment: Payment, now: str) -> int:
    """Record a payment with its details and bring the documents' balances and states up to date."""
    documents = [(_document(database, kind, company, key), _amount(text)) for key, text in payment.applied.items()]
    if not documents:
        raise PaymentError("a payment must be applied to something")
    first, total = documents[0][0], sum(amount for _, amount in documents)
    parties = {document[kind.party_id] for document, _ in documents}
    paid_on = payment.on.isoformat() if payment.on else now[:10]
    row: dict[str, Value] = {
        "STATE": _DONE[kind.side],
        "RAWSTATE": "C",
        kind.party_id: first[kind.party_id] if len(parties) == 1 else None,
        f"{kind.party}NAME": first[f"{kind.party}NAME"] if len(parties) == 1 else None,
        "PAYMENTMETHOD": payment.method,
        "DOCNUMBER": payment.number or None,
        "CURRENCY": first["CURRENCY"],
        "BASECURR": first["BASECURR"],
        "TOTALENTERED": total,
        "TOTALSELECTED": 0,
        "TOTALPAID": total,
        "TOTALDUE": 0,
        "MODULEKEY": kind.module,
        "MEGAENTITYID": first["MEGAENTITYID"],
        "WHENCREATED": paid_on,
        "WHENPAID": paid_on,
        "WHENPOSTED": paid_on,
        "AUWHENCREATED": now,
        "WHENMODIFIED": now,
    }
    number = database.insert(kind.payment, company, row)
    for document, amount in documents:
        for line, share in _waterfall(database, kind, document, amount):
            database.insert(
                kind.payment_detail,
                company,
                {
                    "RECORDKEY": document["RECORDNO"],
                    "ENTRYKEY": line["RECORDNO"],
                    "PAYMENTKEY": number,
                    "PAYMENTDATE": paid_on,
                    "PAYMENTAMOUNT": share,
                    "CURRENCY": document["CURRENCY"],
                    "STATE": _DONE[kind.side],
                    "RAWSTATE": "C",
                    "MODULEKEY": kind.module,
                    "MEGAENTITYID": document["MEGAENTITYID"],
                    "WHENCREATED": now,
                    "WHENMODIFIED": now,
                },
            )
            database.update(kind.line, company, line["RECORDNO"], {"TOTALPAID": line["TOTALPAID"] + share})
        _balance(database, kind, document, amount, paid_on, now)
    return number


def void(database: Database, kind: DocumentKind, company: str, payment: int, now: str) -> None:
    """Void a payment and give its documents their balance back."""
    header = next(iter(database.find(kind.payment, company, RECORDNO=payment)), None)
    if header is None or header["RAWSTATE"] == "V":
        raise PaymentError(f"there is no payment {payment} to void")
    voided: dict[str, Value] = {"STATE": "Voided", "RAWSTATE": "V", "WHENMODIFIED": now}
    database.update(kind.payment, company, payment, voided)
    for detail in database.find(kind.payment_detail, company, PAYMENTKEY=payment):
        database.update(kind.payment_detail, company, detail["RECORDNO"], voided)
        line = database.find(kind.line, company, RECORDNO=detail["ENTRYKEY"])[0]
        amount = detail["PAYMENTAMOUNT"]
        database.update(kind.line, company, line["RECORDNO"], {"TOTALPAID": line["TOTALPAID"] - amount})
        document = database.find(kind.header, company, RECORDNO=detail["RECORDKEY"])[0]
        _balance(database, kind, document, -amount, None, now)


def _document(database: Database, kind: DocumentKind, company: str, number: int) -> Row:
    found = database.find(kind.header, company, RECORDNO=number)
    if not found:
        raise PaymentError(f"there is no {kind.header} {number} in {company}")
    if found[0]["STATE"] not in _PAYABLE:
        raise PaymentError(f"{kind.header} {number} is {found[0]['STATE']}: there is nothing due on it")
    return found[0]


def _amount(text: str) -> int:
    amount = cents(text)
    if amount <= 0:
        raise PaymentError(f"an applied amount must be positive, not {text}")
    return amount


def _waterfall(database: Database, kind: DocumentKind, document: Row, amount: int) -> Iterator[tuple[Row, int]]:
    """Spread an amount over the lines in order. Negative lines make room first, so that the sum always fits."""
    if amount > document["TOTALDUE"]:
        raise PaymentError(f"{decimal_text(amount)} is more than the {decimal_text(document['TOTALDUE'])} due")
    lines = database.find(kind.line, document["COMPANY"], RECORDKEY=document["RECORDNO"])
    for line in lines:
        share = line["AMOUNT"] - line["TOTALPAID"]
        if share < 0:
            amount -= share
            yield line, share
    for line in lines:
        share = min(amount, line["AMOUNT"] - line["TOTALPAID"])
        if share > 0:
            amount -= share
            yield line, share


def _balance(database: Database, kind: DocumentKind, document: Row, amount: int, on: str | None, now: str) -> None:
    paid, due = document["TOTALPAID"] + amount, document["TOTALDUE"] - amount
    state = "Paid" if due == 0 else "Partially Paid" if paid else "Posted"
    values: dict[str, Value] = {
        "TOTALPAID": paid,
        "TOTALDUE": due,
        "STATE": state,
        "RAWSTATE": "A",
        "WHENPAID": on if due == 0 else None,
        "WHENMODIFIED": now,
    }
    database.update(kind.header, document["COMPANY"], document["RECORDNO"], values)
