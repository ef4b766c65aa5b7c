"""The model of a payment: its parts per document, its states, and the errors of impossible requests.

Source: Sage developer documentation, api/accounts-receivable/ar-payments and accounts-payable/ap-payments, and the
field lists of real companies. The amount applied to a document is the sum of several columns of the detail row, which
differ between the sides: a bill has no overpayment, and the amount that a negative bill pays is in the inline columns.
The labels are those that `lookup` lists for DISPLAYSTATE, the codes those that integrators filter by (D draft, S
submitted, A approved, C confirmed, P delivered, V voided). Not published, and assumed to be the same: the labels of
STATE, the codes of AR receipts other than D, and the state of a detail row, which is that of its payment.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.database import Row
from simulator.fields import cents
from simulator.kinds import Side

State = Literal["draft", "submitted", "approved", "posted", "cleared"]
"""The state of a payment. From `posted` on it counts as money; `cleared`: the bank has confirmed it."""
PARTS = ("payment", "discount", "adjustment", "negative_invoice", "inline", "advance", "overpayment")
"""The parts of an amount applied to a document. `inline` stands for the document's own negative lines."""

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
"""The parts that each side has, and the column of a detail row for each part."""

SOURCES: dict[Side, dict[str, str]] = {
    "AR": {
        "adjustment": "ADJUSTMENTKEY",
        "negative_invoice": "NEGATIVEINVOICEKEY",
        "advance": "ADVANCEKEY",
        "overpayment": "OVERPAYMENTKEY",
    },
    "AP": {"adjustment": "ADJUSTMENTKEY", "negative_invoice": "INLINEKEY", "advance": "ADVANCEKEY"},
}
"""The parts that use up another record (a credit), and the column with the number of that record."""

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
    """The request is impossible for this payment; nothing was recorded."""


class Parts(BaseModel):
    """The amounts applied to one document (decimal text, by part), and the numbers of the credits they come from."""

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
        """The parts that are not zero, in cents; raises PaymentError if one is negative or the side lacks it."""
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
        """The columns with the numbers of the credits used; raises PaymentError if a required number is missing."""
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
    """A payment applied to documents by their record numbers. A text is an amount of cash; `Parts` gives all parts.

    `on` None means today. `unapplied` is money that no document takes yet: an advance if nothing is applied, else an
    overpayment. It can be applied later, with `advance_key` or `overpayment_key`.
    """

    applied: "dict[int, str | Parts]"
    on: date | None = None
    number: str = ""
    method: str = "EFT"
    memo: str = ""
    state: State = "posted"
    unapplied: str = "0"


def named(side: Side, state: State) -> tuple[str, str]:
    """The label and the code of a state; raises PaymentError if the side lacks it (AR has no submitted or approved)."""
    if state not in _NAMES[side]:
        raise PaymentError(f"an {side} payment cannot be {state}")
    return _NAMES[side][state]


def applied(side: Side, row: Row) -> int:
    """The amount in cents that a detail row applies to its document."""
    return sum(row[column] or 0 for column in set(COLUMNS[side].values()))


def parts_of(side: Side, row: Row) -> dict[str, int]:
    """The parts of a detail row that are not zero, in cents."""
    parts = {name: row[column] for name, column in COLUMNS[side].items() if row[column]}
    if side == "AP":
        parts.pop("inline" if row[SOURCES[side]["negative_invoice"]] is not None else "negative_invoice", None)
    return parts
