"""A document that was taken back in Alvys: `data.withdrawn` in an event of its own type, topic and key.

Such an event has to say which document it is about, and nothing more: a statement that was reverted is not stored in
Alvys, so that its lines may be gone. What else it holds is not read. It is `true`, or an object with a `reason`.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from domain.events.envelope import Envelope, EventKind
from domain.events.fields import Id, StatementNumber, Text, Wire
from domain.events.invoice import Subsidiary

FIELD = "withdrawn"


class Withdrawal(Wire):
    """Why it was taken back, for people."""

    reason: Text | None = None


def _to_withdrawal(value: object) -> object:
    if value is True:
        return {}
    if isinstance(value, dict):
        return value
    raise ValueError("is neither true nor an object")


class Withdrawn(Wire):
    """What the `data` of each has."""

    withdrawn: Annotated[Withdrawal, BeforeValidator(_to_withdrawal)]


class Named(Wire):
    """A document, or its party, by its id."""

    id: Id


class OfSubsidiary(Named):
    """A document that names its subsidiary itself."""

    subsidiary_id: Id


class WithdrawnInvoiceData(Withdrawn):
    """An invoice, intercompany invoices included."""

    subsidiary: Subsidiary
    invoice: Named


class WithdrawnDriverStatement(Wire):
    """A driver's statement by number and driver."""

    number: StatementNumber
    driver: OfSubsidiary


class WithdrawnDriverStatementData(Withdrawn):
    """A driver's statement."""

    settlement_type: Literal["DriverStatement"]
    statement: WithdrawnDriverStatement


class WithdrawnCarrierStatement(Wire):
    """A carrier's statement by number; the carrier stands beside it."""

    number: StatementNumber
    subsidiary_id: Id


class WithdrawnCarrierStatementData(Withdrawn):
    """A carrier's statement."""

    settlement_type: Literal["CarrierStatement"]
    statement: WithdrawnCarrierStatement
    carrier: Named


class WithdrawnTrip(Wire):
    """A trip as its bill's key names it: by id, else by number."""

    id: Text | None = None
    trip_number: Text | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not (self.id or self.trip_number):
            raise ValueError("has neither id nor tripNumber")
        return self


class WithdrawnCarrierBillData(Withdrawn):
    """A carrier's bill for one trip."""

    settlement_type: Literal["CarrierBill"]
    subsidiary: Subsidiary
    trip: WithdrawnTrip


class WithdrawnIntercompanyBillData(Withdrawn):
    """A bill between subsidiaries."""

    settlement_type: Literal["IntercompanyBill"]
    subsidiary: Subsidiary
    bill: Named


class WithdrawnFuelData(Withdrawn):
    """A fuel transaction."""

    fuel: OfSubsidiary


class WithdrawnTollData(Withdrawn):
    """A toll."""

    toll: OfSubsidiary


WithdrawnSettlementData = (
    WithdrawnDriverStatementData
    | WithdrawnCarrierStatementData
    | WithdrawnCarrierBillData
    | WithdrawnIntercompanyBillData
)
WithdrawnData = WithdrawnInvoiceData | WithdrawnSettlementData | WithdrawnFuelData | WithdrawnTollData


class InvoiceWithdrawn(Envelope):
    """An invoice was taken back."""

    data: WithdrawnInvoiceData


class SettlementWithdrawn(Envelope):
    """A settlement was reverted."""

    data: Annotated[WithdrawnSettlementData, Field(discriminator="settlement_type")]


class FuelTransactionWithdrawn(Envelope):
    """A fuel transaction was taken back."""

    data: WithdrawnFuelData


class TollTransactionWithdrawn(Envelope):
    """A toll was taken back."""

    data: WithdrawnTollData


WithdrawnEvent = InvoiceWithdrawn | SettlementWithdrawn | FuelTransactionWithdrawn | TollTransactionWithdrawn
WITHDRAWN: dict[EventKind, type[WithdrawnEvent]] = {
    EventKind.INVOICE: InvoiceWithdrawn,
    EventKind.SETTLEMENT: SettlementWithdrawn,
    EventKind.FUEL: FuelTransactionWithdrawn,
    EventKind.TOLL: TollTransactionWithdrawn,
}
"""By the topic's type. A day's bill is not withdrawn: its rows are."""


def says_withdrawn(raw: dict[str, object]) -> bool:
    """Whether an event says so of its document; null and false say that it stands."""
    data = raw.get("data")
    said = data.get(FIELD) if isinstance(data, dict) else None
    return said is not None and said is not False
