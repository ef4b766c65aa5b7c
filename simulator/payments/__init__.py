"""Payments recorded in Sage by its users: received, applied, moved through their states, changed, voided, deleted.

No function of the gateway does any of this: the service only reads payments. Tests and the demonstration play the
accountant through `PaymentDesk` or the admin endpoints.
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
    """The accountant of every company. Each call is one transaction; PaymentError leaves nothing behind.

    `hidden` changes facts without moving any stamp: what a reader that goes by stamps cannot see.
    """

    database: Database
    now: Callable[[str], str]
    """The present stamp of a company's records."""

    def record(self, company: str, side: Side, payment: Payment) -> int:
        """Record a payment; returns its record number."""
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
        """Remove a payment with its details; it leaves an audit record."""
        with self.database.atomic():
            changes.delete(self.database, KINDS[side], company, payment, self.now(company))

    def edit(self, company: str, side: Side, detail: int, asked: Edit, *, hidden: bool = False) -> None:
        """Change amounts and the date of a detail; with neither, only its stamp moves."""
        with self.database.atomic():
            changes.edit(self.database, KINDS[side], company, detail, asked, self._stamp(company, hidden))

    def shift(self, company: str) -> None:
        """Move the oldest detail of each side to the end of what is ordered by stamps."""
        with self.database.atomic():
            for kind in KINDS.values():
                changes.shift(self.database, kind, company, self.now(company))

    def facts(self, companies: list[str]) -> Facts:
        """Every detail and every balance of these companies."""
        return facts(self.database, companies)

    def _stamp(self, company: str, hidden: bool) -> str | None:
        return None if hidden else self.now(company)
