"""Recording of a payment: one header, and one detail row for each document line that it settles.

Source: Sage developer documentation, as for `model`. Amounts are spread over a document's lines in order (waterfall).
A receipt for invoices of several customers has no CUSTOMERID. The record types `rr` (advance) and `rp` (overpayment)
are documented; the type of a plain receipt is not, and is left empty.
"""

from collections.abc import Iterator

from simulator.database import Database, Row
from simulator.fields import Value, cents
from simulator.kinds import SageDocumentKind
from simulator.payments import balances
from simulator.payments.model import COLUMNS, POSTED, RESERVED, Parts, Payment, PaymentError, applied, named

_OPEN = {"Posted", "Partially Paid"}
Application = tuple[Row, dict[str, int], dict[str, int | None]]


def record(database: Database, kind: SageDocumentKind, company: str, payment: Payment, now: str) -> int:
    """Record a payment with its details, update the balances, and return the payment's record number."""
    applications = [_application(database, kind, company, *item) for item in payment.applied.items()]
    number = database.insert(kind.payment, company, _header(kind, payment, applications, now))
    for document, amounts, keys in applications:
        for line, shares in _waterfall(database, kind, document, amounts):
            row = _detail(kind, payment, document, now)
            row |= {"ENTRYKEY": line["RECORDNO"], "PAYMENTKEY": number, **keys}
            row |= {COLUMNS[kind.side][name]: share for name, share in shares.items()}
            database.insert(kind.payment_detail, company, row)
    balances.settle(database, kind, company, database.find(kind.payment_detail, company, PAYMENTKEY=number), now)
    balances.unapplied(database, kind, company, number)
    return number


def _application(
    database: Database, kind: SageDocumentKind, company: str, number: int, given: str | Parts
) -> Application:
    parts = Parts(payment=given) if isinstance(given, str) else given
    document = next(iter(database.find(kind.header, company, RECORDNO=number)), None)
    if document is None:
        raise PaymentError(f"there is no {kind.header} {number} in {company}")
    if document["STATE"] not in _OPEN:
        raise PaymentError(f"{kind.header} {number} is {document['STATE']}: there is nothing due on it")
    return document, parts.amounts(kind.side), parts.keys(kind.side)


def _header(kind: SageDocumentKind, payment: Payment, applications: list[Application], now: str) -> dict[str, Value]:
    cash = sum(amounts.get("payment", 0) for _, amounts, _ in applications)
    left = cents(payment.unapplied)
    if left < 0 or not (applications or left):
        raise PaymentError("a payment must be applied to something, or be an advance")
    state, raw = named(kind.side, payment.state)
    documents = [document for document, _, _ in applications]
    first = documents[0] if documents else None
    single = first if len({document[kind.party_id] for document in documents}) == 1 else None
    paid_on = _paid_on(payment, now)
    record_type = None if not left else "rp" if applications else "rr"
    return {
        "RECORDTYPE": record_type,
        "STATE": state,
        "RAWSTATE": raw,
        kind.party_id: single[kind.party_id] if single else None,
        f"{kind.party}NAME": single[f"{kind.party}NAME"] if single else None,
        "PAYMENTMETHOD": payment.method,
        "DOCNUMBER": payment.number or None,
        "DESCRIPTION": payment.memo or None,
        "CURRENCY": first["CURRENCY"] if first else None,
        "BASECURR": first["BASECURR"] if first else None,
        "TOTALENTERED": cash + left,
        "TOTALSELECTED": 0,
        "TOTALPAID": cash,
        "TOTALDUE": left,
        "MEGAENTITYID": first["MEGAENTITYID"] if first else "",
        "WHENCREATED": paid_on,
        "WHENPAID": paid_on,
        "WHENPOSTED": paid_on if raw in POSTED else None,
        "AUWHENCREATED": now,
        "WHENMODIFIED": now,
    }


def _detail(kind: SageDocumentKind, payment: Payment, document: Row, now: str) -> dict[str, Value]:
    state, raw = named(kind.side, payment.state)
    return {
        "RECORDKEY": document["RECORDNO"],
        "PAYMENTDATE": _paid_on(payment, now),
        "PAYMENTAMOUNT": 0,
        "CURRENCY": document["CURRENCY"],
        "STATE": state,
        "RAWSTATE": raw,
        "MODULEKEY": kind.module,
        "MEGAENTITYID": document["MEGAENTITYID"],
        "WHENCREATED": now,
        "WHENMODIFIED": now,
    }


def _paid_on(payment: Payment, now: str) -> str:
    return payment.on.isoformat() if payment.on else now[:10]


def _waterfall(
    database: Database, kind: SageDocumentKind, document: Row, amounts: dict[str, int]
) -> Iterator[tuple[Row, dict[str, int]]]:
    """Spread the parts over the lines in order. Negative lines are settled first; the last line takes any rest."""
    company, remaining = document["COMPANY"], dict(amounts)
    lines = database.find(kind.line, company, RECORDKEY=document["RECORDNO"])
    taken: dict[int, int] = {}
    for row in database.find(kind.payment_detail, company, RECORDKEY=document["RECORDNO"]):
        if row["RAWSTATE"] in {*POSTED, *RESERVED}:
            taken[row["ENTRYKEY"]] = taken.get(row["ENTRYKEY"], 0) + applied(kind.side, row)
    first = next(iter(remaining))
    for line in lines:
        share = line["AMOUNT"] - taken.get(line["RECORDNO"], 0)
        if line["AMOUNT"] < 0 and share < 0:
            remaining[first] -= share
            yield line, {first: share}
    shares: dict[int, dict[str, int]] = {}
    for line in lines:
        room = max(0, line["AMOUNT"] - taken.get(line["RECORDNO"], 0))
        shares[line["RECORDNO"]] = _take(remaining, room)
    rest = _take(remaining, sum(remaining.values()))
    for name, amount in rest.items():
        last = shares[lines[-1]["RECORDNO"]]
        last[name] = last.get(name, 0) + amount
    yield from ((line, shares[line["RECORDNO"]]) for line in lines if shares[line["RECORDNO"]])


def _take(remaining: dict[str, int], room: int) -> dict[str, int]:
    """Take up to `room` cents out of the parts, in their order, and return the amounts taken."""
    taken = {}
    for name, left in remaining.items():
        share = min(left, room)
        if share > 0:
            taken[name] = share
            room -= share
    for name, share in taken.items():
        remaining[name] -= share
    return taken
