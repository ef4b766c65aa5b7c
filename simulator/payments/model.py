"""What a payment is, as it is asked for: its parts per document, its state, and what cannot be done.

Source: Sage developer documentation, api/accounts-receivable/ar-payments and accounts-payable/ap-payments, and the
field lists of real companies. What is applied to a document is the sum of several columns of the detail row, which are
not the same on both sides: a bill has no overpayment, and what a negative bill pays stands in its inline columns. The
labels are those that `lookup` lists for DISPLAYSTATE, the codes those that integrators filter by (D draft, S submitted,
A approved, C confirmed, P delivered, V voided). Not published, and read alike here: the labels of STATE, the codes of
AR receipts beyond D, and the state of a detail row, which is its payment's.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.database import Row
from simulator.fields import cents
from simulator.kinds import Side

State = Literal["draft", "submitted", "approved", "posted", "cleared"]
"""How far a payment has come. Posted: it is money. Cleared: the bank has it too."""
PARTS = ("payment", "discount", "adjustment", "negative_invoice", "inline", "advance", "overpayment")
"""The parts of an application. Inline: the document's own negative lines, which use up no other record."""

COLUMNS: dict[Side, dict[str, str]] = {
    "AR": {
        "payment": "PAYMENTAMOUNT",
        "discount": "DISCOUNTAMOUNT",
        "adjustment": "ADJUSTMENTAMOUNT",
        "negative_invoice": "NEGATIVEINVOICEAMOUNT",
        "inline": "INLINEAMOUNT",
        "advance": "POSTEDADVANCEAMOUNT",
        "overpayment": "POSTEDOVERPAYMENTAMOUNT",
    },
    "AP": {
        "payment": "PAYMENTAMOUNT",
        "discount": "DISCOUNTAMOUNT",
        "adjustment": "ADJUSTMENTAMOUNT",
        "negative_invoice": "INLINEAMOUNT",
        "inline": "INLINEAMOUNT",
        "advance": "POSTEDADVANCEAMOUNT",
    },
}
"""The parts that a side has, and the column of a detail row that each is kept in."""

SOURCES: dict[Side, dict[str, str]] = {
    "AR": {
        "adjustment": "ADJUSTMENTKEY",
        "negative_invoice": "NEGATIVEINVOICEKEY",
        "advance": "ADVANCEKEY",
        "overpayment": "OVERPAYMENTKEY",
    },
    "AP": {"adjustment": "ADJUSTMENTKEY", "negative_invoice": "INLINEKEY", "advance": "ADVANCEKEY"},
}
"""The parts that use up another record, and the column that names it."""

_NAMES: dict[Side, dict[State, tuple[str, str]]] = {
    "AR": {"draft": ("Draft", "D"), "posted": ("Complete", "C"), "cleared": ("Reconciled", "P")},
    "AP": {
        "draft": ("Draft", "D"),
        "submitted": ("Submitted", "S"),
        "approved": ("Approved", "A"),
        "posted": ("Confirmed", "C"),
        "cleared": ("Delivered", "P"),
    },
}
POSTED, RESERVED, VOIDED = ("C", "P"), ("S", "A"), "V"
VOID_NAMES: dict[Side, str] = {"AR": "Reversed", "AP": "Voided"}
ORDER: tuple[State, ...] = ("draft", "submitted", "approved", "posted", "cleared")


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

    def amounts(self, side: Side) -> dict[str, int]:
        """The parts that are not zero, in cents; PaymentError where one is negative or the side has no such part."""
        amounts = {name: cents(getattr(self, name)) for name in PARTS}
        if any(amount < 0 for amount in amounts.values()) or not any(amounts.values()):
            raise PaymentError("an applied amount must be positive")
        given = {name: amount for name, amount in amounts.items() if amount}
        if missing := given.keys() - COLUMNS[side].keys():
            raise PaymentError(f"an {side} payment has no {', '.join(sorted(missing))}")
        if len({COLUMNS[side][name] for name in given}) < len(given):
            raise PaymentError(f"an {side} detail holds an inline credit or a negative document, not both")
        return given

    def keys(self, side: Side) -> dict[str, int | None]:
        """The columns that name where the credits come from; PaymentError where one is needed and missing."""
        named: dict[str, int | None] = {}
        for name in self.amounts(side):
            key = getattr(self, f"{name}_key") if name in SOURCES[side] else None
            if key is None and name in {"negative_invoice", "advance", "overpayment"}:
                raise PaymentError(f"{name} needs {name}_key: the record that it uses up")
            if key is not None:
                named[SOURCES[side][name]] = key
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
    if state not in _NAMES[side]:
        raise PaymentError(f"an {side} payment cannot be {state}")
    return _NAMES[side][state]


def applied(side: Side, row: Row) -> int:
    """What a detail row takes off the document it names, in cents."""
    return sum(row[column] or 0 for column in set(COLUMNS[side].values()))


def parts_of(side: Side, row: Row) -> dict[str, int]:
    """The parts of a detail row that are not zero, in cents."""
    parts = {name: row[column] for name, column in COLUMNS[side].items() if row[column]}
    if side == "AP":
        parts.pop("inline" if row[SOURCES[side]["negative_invoice"]] is not None else "negative_invoice", None)
    return parts
