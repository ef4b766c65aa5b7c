"""Payments as users of Sage record them: received, applied, moved through their states, changed, voided, deleted.

The gateway has no function for this, because the service only reads payments. Tests and the demonstration act as the
accountant, through `PaymentDesk` or the admin endpoints.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.database import Database
from simulator.kinds import KINDS, Side
from simulator.payments import changes, recording
from simulator.payments.changes import Edit
from simulator.payments.facts import Facts, facts
from simulator.payments.model import PARTS, Parts, Payment, PaymentError, State

__all__ = ["PARTS", "Edit", "Facts", "Parts", "Payment", "PaymentDesk", "PaymentError", "State"]


@dataclass(frozen=True, slots=True)
class PaymentDesk:
    """The actions of an accountant. Each call is one transaction; if it raises PaymentError, nothing has changed.

    With `hidden`, facts change but no time stamp does, so a reader that polls by time stamps cannot see the change.
    """

    database: Database
    now: Callable[[str], str]
    """Returns the present time stamp of a company."""

    def record(self, company: str, side: Side, payment: Payment) -> int:
        """Record a payment, and return its record number."""
        with self.database.atomic():
            return recording.record(self.database, KINDS[side], company, payment, self.now(company))

    def move(self, company: str, side: Side, payment: int, state: State) -> None:
        """Move a payment forward to a state."""
        with self.database.atomic():
            changes.move(self.database, KINDS[side], company, payment, state, self.now(company))

    def void(self, company: str, side: Side, payment: int, *, hidden: bool = False) -> None:
        """Void a payment."""
        with self.database.atomic():
            changes.void(self.database, KINDS[side], company, payment, self._stamp(company, hidden))

    def delete(self, company: str, side: Side, payment: int) -> None:
        """Delete a payment with its details. An audit record remains."""
        with self.database.atomic():
            changes.delete(self.database, KINDS[side], company, payment, self.now(company))

    def edit(self, company: str, side: Side, detail: int, asked: Edit, *, hidden: bool = False) -> None:
        """Change amounts and the date of a detail row. If neither is given, only its time stamp changes."""
        with self.database.atomic():
            changes.edit(self.database, KINDS[side], company, detail, asked, self._stamp(company, hidden))

    def shift(self, company: str) -> None:
        """Give the oldest detail row of each side the newest time stamp, so that it moves to the end of the order."""
        with self.database.atomic():
            for kind in KINDS.values():
                changes.shift(self.database, kind, company, self.now(company))

    def facts(self, companies: list[str]) -> Facts:
        """List every payment detail and every balance of these companies."""
        return facts(self.database, companies)

    def _stamp(self, company: str, hidden: bool) -> str | None:
        return None if hidden else self.now(company)
