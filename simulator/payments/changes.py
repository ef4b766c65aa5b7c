"""Later changes of a payment: it changes its state, is voided or deleted, or one of its details is edited.

Source: Sage developer documentation, as for `model`: a void changes the state of the payment and its details, and the
documents become due again. A deleted payment disappears from reads and leaves an audit record. Whether a change always
updates the time stamp of a detail is not documented: with `now=None` the facts change and the time stamps do not, which
no polling can see. A completed AR receipt cannot be deleted in Sage; here it can, to test how the service reacts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from simulator.database import Database, Row
from simulator.fields import Value, cents
from simulator.kinds import SageDocumentKind, Side
from simulator.payments import balances
from simulator.payments.model import COLUMNS, ORDER, POSTED, VOID_NAMES, VOIDED, PaymentError, State, applied, named


def move(database: Database, kind: SageDocumentKind, company: str, payment: int, state: State, now: str) -> None:
    """Move a payment forward in the order of its states. From `posted` on, the payment settles documents."""
    header, details = _payment(database, kind, company, payment)
    label, raw = named(kind.side, state)
    present = next((name for name in ORDER if _code(kind, name) == header["RAWSTATE"]), None)
    if present is None or ORDER.index(state) <= ORDER.index(present):
        raise PaymentError(f"{kind.payment} {payment} is {header['STATE']} and cannot become {label}")
    values: dict[str, Value] = {"STATE": label, "RAWSTATE": raw, "WHENMODIFIED": now}
    posted: dict[str, Value] = {"WHENPOSTED": header["WHENPAID"]} if raw in POSTED and not header["WHENPOSTED"] else {}
    database.update(kind.payment, company, payment, values | posted)
    _rewrite(database, kind, company, details, values, now)


def void(database: Database, kind: SageDocumentKind, company: str, payment: int, now: str | None) -> None:
    """Void a payment, so that its documents are due again."""
    header, details = _payment(database, kind, company, payment)
    if header["RAWSTATE"] == VOIDED:
        raise PaymentError(f"there is no payment {payment} to void")
    voided = _stamped({"STATE": VOID_NAMES[kind.side], "RAWSTATE": VOIDED}, now)
    database.update(kind.payment, company, payment, voided)
    _rewrite(database, kind, company, details, voided, now)
    balances.unapplied(database, kind, company, payment)


def delete(database: Database, kind: SageDocumentKind, company: str, payment: int, now: str) -> None:
    """Delete a payment and its details, and write an audit record."""
    header, details = _payment(database, kind, company, payment)
    database.delete(kind.payment_detail, company, payment, "PAYMENTKEY")
    database.delete(kind.payment, company, payment)
    balances.settle(database, kind, company, details, now)
    balances.unapplied(database, kind, company, payment)
    database.insert(
        "AUDITHISTORY",
        company,
        {
            "OBJECTTYPE": kind.payment.lower(),
            "OBJECTKEY": str(payment),
            "ACCESSMODE": "D",
            "ACCESSTIME": now,
            "USERID": "accountant",
            "SOURCE": "ui",
            "MEGAENTITYID": header["MEGAENTITYID"],
        },
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """New amounts (decimal text, by part) and a new date of a detail row. If empty, only the time stamp changes."""

    amounts: Mapping[str, str] = field(default_factory=dict)
    on: date | None = None

    def columns(self, side: Side) -> dict[str, Value]:
        """The columns to change; raises PaymentError if an amount is negative or the side has no such part."""
        if missing := self.amounts.keys() - COLUMNS[side].keys():
            raise PaymentError(f"an {side} payment has no {', '.join(sorted(missing))}")
        changed: dict[str, Value] = {COLUMNS[side][name]: cents(text) for name, text in self.amounts.items()}
        if any(int(value or 0) < 0 for value in changed.values()):
            raise PaymentError("an applied amount must be positive")
        return changed | ({"PAYMENTDATE": self.on.isoformat()} if self.on else {})


def edit(database: Database, kind: SageDocumentKind, company: str, detail: int, asked: Edit, now: str | None) -> None:
    """Change one detail row, the total of its payment, and the balances that depend on it."""
    row = next(iter(database.find(kind.payment_detail, company, RECORDNO=detail)), None)
    if row is None or row["RAWSTATE"] == VOIDED:
        raise PaymentError(f"there is no {kind.payment_detail} {detail} to change")
    changed = asked.columns(kind.side)
    cash = int(changed.get("PAYMENTAMOUNT", row["PAYMENTAMOUNT"]) or 0) - row["PAYMENTAMOUNT"]
    header, _ = _payment(database, kind, company, row["PAYMENTKEY"])
    entered: dict[str, Value] = {"TOTALENTERED": header["TOTALENTERED"] + cash, "TOTALPAID": header["TOTALPAID"] + cash}
    database.update(kind.payment, company, header["RECORDNO"], _stamped(entered, now))
    _rewrite(database, kind, company, [row], _stamped(changed, now), now)
    (after,) = database.find(kind.payment_detail, company, RECORDNO=detail)
    if applied(kind.side, row) > 0 >= applied(kind.side, after):
        raise PaymentError("a detail must apply something; void or delete the payment instead")


def shift(database: Database, kind: SageDocumentKind, company: str, now: str) -> None:
    """Give the detail row with the oldest time stamp the newest one, so that all later pages shift by one row.

    The newest is that of all rows, where the company's clock was set back: no change may become older by it.
    """
    row = database.one(
        f'SELECT RECORDNO FROM "{kind.payment_detail}" WHERE COMPANY = ? ORDER BY WHENMODIFIED, RECORDNO LIMIT 1',  # noqa: S608 -- the name comes from the catalogue
        (company,),
    )
    newest = database.one(
        f'SELECT max(WHENMODIFIED) AS STAMP FROM "{kind.payment_detail}" WHERE COMPANY = ?',  # noqa: S608 -- as above
        (company,),
    )
    if row is not None and newest is not None:
        database.update(kind.payment_detail, company, row["RECORDNO"], {"WHENMODIFIED": max(now, newest["STAMP"])})


def _stamped(values: dict[str, Value], now: str | None) -> dict[str, Value]:
    """Add a new time stamp to the values, unless `now` is None."""
    return values | {"WHENMODIFIED": now} if now else values


def _code(kind: SageDocumentKind, state: State) -> str | None:
    """The code of a state; None if the side has no such state."""
    try:
        return named(kind.side, state)[1]
    except PaymentError:
        return None


def _payment(database: Database, kind: SageDocumentKind, company: str, payment: int) -> tuple[Row, list[Row]]:
    header = next(iter(database.find(kind.payment, company, RECORDNO=payment)), None)
    if header is None:
        raise PaymentError(f"there is no payment {payment}")
    return header, database.find(kind.payment_detail, company, PAYMENTKEY=payment)


def _rewrite(
    database: Database,
    kind: SageDocumentKind,
    company: str,
    details: list[Row],
    values: Mapping[str, Value],
    now: str | None,
) -> None:
    if values:
        for row in details:
            database.update(kind.payment_detail, company, row["RECORDNO"], values)
    balances.settle(database, kind, company, details, now)
