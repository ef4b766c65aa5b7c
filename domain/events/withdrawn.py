"""Withdrawal of a document in Alvys: `data.withdrawn` in an event of the document's own type, topic and key.

Such an event only has to identify its document, because Alvys does not store a reverted statement, so its lines may be
gone. All other fields are ignored. `withdrawn` is `true`, or an object with a `reason`.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from domain.events.envelope import Envelope, EventKind
from domain.events.fields import Id, StatementNumber, Text, Wire
from domain.events.invoice import Subsidiary

FIELD = "withdrawn"


class Withdrawal(Wire):
    """The reason for the withdrawal, for people."""

    reason: Text | None = None


def _to_withdrawal(value: object) -> object:
    if value is True:
        return {}
    if isinstance(value, dict):
        return value
    raise ValueError("is neither true nor an object")


class Withdrawn(Wire):
    """The field that the `data` of every withdrawal has."""

    withdrawn: Annotated[Withdrawal, BeforeValidator(_to_withdrawal)]


class IdOnly(Wire):
    """The id of a document, or of its party."""

    id: Id


class OfSubsidiary(IdOnly):
    """The ids of a document and of its subsidiary."""

    subsidiary_id: Id


class WithdrawnInvoiceData(Withdrawn):
    """The `data` of a withdrawn invoice or intercompany invoice."""

    subsidiary: Subsidiary
    invoice: IdOnly


class WithdrawnDriverStatement(Wire):
    """The number and the driver of a withdrawn driver's statement."""

    number: StatementNumber
    driver: OfSubsidiary


class WithdrawnDriverStatementData(Withdrawn):
    """The `data` of a withdrawn driver's statement."""

    settlement_type: Literal["DriverStatement"]
    statement: WithdrawnDriverStatement


class WithdrawnCarrierStatement(Wire):
    """The number of a withdrawn carrier's statement. The carrier is in the field next to it."""

    number: StatementNumber
    subsidiary_id: Id


class WithdrawnCarrierStatementData(Withdrawn):
    """The `data` of a withdrawn carrier's statement."""

    settlement_type: Literal["CarrierStatement"]
    statement: WithdrawnCarrierStatement
    carrier: IdOnly


class WithdrawnTrip(Wire):
    """The trip of a withdrawn carrier's bill, identified as in the document key: by id, else by number."""

    id: Text | None = None
    trip_number: Text | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not (self.id or self.trip_number):
            raise ValueError("has neither id nor tripNumber")
        return self


class WithdrawnCarrierBillData(Withdrawn):
    """The `data` of a withdrawn carrier's bill for one trip."""

    settlement_type: Literal["CarrierBill"]
    subsidiary: Subsidiary
    trip: WithdrawnTrip


class WithdrawnIntercompanyBillData(Withdrawn):
    """The `data` of a withdrawn intercompany bill."""

    settlement_type: Literal["IntercompanyBill"]
    subsidiary: Subsidiary
    bill: IdOnly


class WithdrawnFuelData(Withdrawn):
    """The `data` of a withdrawn fuel transaction."""

    fuel: OfSubsidiary


class WithdrawnTollData(Withdrawn):
    """The `data` of a withdrawn toll transaction."""

    toll: OfSubsidiary


WithdrawnSettlementData = (
    WithdrawnDriverStatementData
    | WithdrawnCarrierStatementData
    | WithdrawnCarrierBillData
    | WithdrawnIntercompanyBillData
)
WithdrawnData = WithdrawnInvoiceData | WithdrawnSettlementData | WithdrawnFuelData | WithdrawnTollData


class InvoiceWithdrawn(Envelope):
    """Event: an invoice was withdrawn."""

    data: WithdrawnInvoiceData


class SettlementWithdrawn(Envelope):
    """Event: a settlement was reverted."""

    data: Annotated[WithdrawnSettlementData, Field(discriminator="settlement_type")]


class FuelTransactionWithdrawn(Envelope):
    """Event: a fuel transaction was withdrawn."""

    data: WithdrawnFuelData


class TollTransactionWithdrawn(Envelope):
    """Event: a toll transaction was withdrawn."""

    data: WithdrawnTollData


WithdrawnEvent = InvoiceWithdrawn | SettlementWithdrawn | FuelTransactionWithdrawn | TollTransactionWithdrawn
WITHDRAWN: dict[EventKind, type[WithdrawnEvent]] = {
    EventKind.INVOICE: InvoiceWithdrawn,
    EventKind.SETTLEMENT: SettlementWithdrawn,
    EventKind.FUEL: FuelTransactionWithdrawn,
    EventKind.TOLL: TollTransactionWithdrawn,
}
"""The models of withdrawals by event type. A consolidated bill is not withdrawn itself; its transactions are."""


def says_withdrawn(raw: dict[str, object]) -> bool:
    """Whether an event withdraws its document. A missing, null or false `withdrawn` means that it does not."""
    data = raw.get("data")
    said = data.get(FIELD) if isinstance(data, dict) else None
    return said is not None and said is not False
