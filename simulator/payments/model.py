"""What a payment is, as it is asked for: its parts per document, its state, and what cannot be done.

Source: Sage developer documentation, api/accounts-receivable/ar-payments and accounts-payable/ap-payments, and the
field lists of published clients. What is applied to a document is the sum of seven columns of the detail row: cash,
discount, adjustment, negative invoice, inline credit, advance and overpayment. States of AP payments (readByQuery
codes): D draft, S submitted, A approved, C posted, V voided; of AR payments D and C are documented. The state of a
voided AR receipt is not: it reads `Voided`/`V`, as on the AP side where it is.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.database import Row
from simulator.fields import cents
from simulator.kinds import Side

State = Literal["draft", "submitted", "approved", "posted"]

COLUMNS = {
    "payment": "PAYMENTAMOUNT",
    "discount": "DISCOUNTAMOUNT",
    "adjustment": "ADJUSTMENTAMOUNT",
    "negative_invoice": "NEGATIVEINVOICEAMOUNT",
    "inline": "INLINEAMOUNT",
    "advance": "ADVANCEAMOUNT",
    "overpayment": "OVERPAYMENTAMOUNT",
}
"""The parts of an application, and the column of a detail row that each is kept in."""

SOURCES = {
    "adjustment": "ADJUSTMENTKEY",
    "negative_invoice": "NEGATIVEINVOICEKEY",
    "advance": "ADVANCEKEY",
    "overpayment": "OVERPAYMENTKEY",
}
"""The parts that use up another record, and the column that names it."""

_NAMES: dict[State, tuple[str, str]] = {
    "draft": ("Draft", "D"),
    "submitted": ("Submitted", "S"),
    "approved": ("Approved", "A"),
    "posted": ("Posted", "C"),
}
POSTED, RESERVED, VOIDED = "C", ("S", "A"), "V"
ORDER: tuple[State, ...] = ("draft", "submitted", "approved", "posted")


class PaymentError(ValueError):
    """What is asked cannot be done with this payment; nothing was recorded."""


class Parts(BaseModel):
    """What is applied to one document, as amounts in decimal text, and the records that credits come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payment: str = "0"
    discount: str = "0"
    adjustment: str = "0"
    negative_invoice: str = "0"
    inline: str = "0"
    advance: str = "0"
    overpayment: str = "0"
    adjustment_key: int | None = None
    negative_invoice_key: int | None = None
    advance_key: int | None = None
    overpayment_key: int | None = None

    def amounts(self) -> dict[str, int]:
        """The parts that are not zero, in cents; PaymentError where one is negative or nothing is applied."""
        amounts = {name: cents(getattr(self, name)) for name in COLUMNS}
        if any(amount < 0 for amount in amounts.values()) or not any(amounts.values()):
            raise PaymentError("an applied amount must be positive")
        return {name: amount for name, amount in amounts.items() if amount}

    def keys(self) -> dict[str, int | None]:
        """The columns that name where the credits come from; PaymentError where one is needed and missing."""
        named: dict[str, int | None] = {}
        for name in self.amounts():
            key = getattr(self, f"{name}_key") if name in SOURCES else None
            if key is None and name in {"negative_invoice", "advance", "overpayment"}:
                raise PaymentError(f"{name} needs {name}_key: the record that it uses up")
            if key is not None:
                named[SOURCES[name]] = key
        return named


@dataclass(frozen=True, slots=True)
class Payment:
    """Money applied to documents by their record numbers: an amount is cash, Parts is everything else too.

    Without a date: the day of the clock. `unapplied` is money that no document takes yet: an advance where nothing is
    applied, an overpayment otherwise; it can be applied later with `advance_key` or `overpayment_key`.
    """

    applied: "dict[int, str | Parts]"
    on: date | None = None
    number: str = ""
    method: str = "EFT"
    memo: str = ""
    state: State = "posted"
    unapplied: str = "0"


def named(side: Side, state: State) -> tuple[str, str]:
    """The label and the code of a state; AR knows no submitted or approved payment."""
    if side == "AR" and state in {"submitted", "approved"}:
        raise PaymentError(f"an AR payment cannot be {state}")
    label, code = _NAMES[state]
    return ("Complete" if side == "AR" and state == "posted" else label), code


def applied(row: Row) -> int:
    """What a detail row takes off the document it names, in cents."""
    return sum(row[column] or 0 for column in COLUMNS.values())
