"""`settlement.finalized`: a driver's statement, a carrier's statement, or one carrier's bill for one trip."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.events.around import Load, Trip, TripFacts
from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Money, StatementNumber, TermDays, Text, Wire
from domain.events.invoice import Mapping, Subsidiary


class Driver(Wire):
    """The driver or owner-operator who is paid."""

    id: Id
    name: Text | None = None
    subsidiary_id: Id
    external_accounting_id: Text | None = None
    tax_category: Text | None = None
    tax_company_name: Text | None = None
    payment_terms_in_days: TermDays | None = None
    subsidiary_name: Text | None = None
    fleet_name: Text | None = None
    contractor_type: Text | None = None
    """Such as Owner Operator; without it `type` tells."""
    kind: Text | None = Field(default=None, alias="type")


class DriverTotals(Wire):
    """Of the many totals only what is paid is read."""

    net_income: Money


class DriverLine(Wire):
    """One line of pay, deduction, fuel or escrow; `category` is a display name without a published list."""

    category: Text
    title: Text | None = None
    policy_name: Text | None = None
    trip_number: Text | None = None
    load_number: Text | None = None
    amount: Money
    mapping: Mapping | None = None
    source_transaction_id: Text | None = None


class DriverStatement(Wire):
    """One pay period of one driver."""

    number: StatementNumber
    statement_date: CalendarDate
    pay_period_title: Text | None = None
    driver: Driver
    totals: DriverTotals
    line_items: list[DriverLine]


class DriverStatementData(Wire):
    """`data` of a driver's statement."""

    settlement_type: Literal["DriverStatement"]
    statement: DriverStatement
    loads: list[Load] | None = None
    trips: list[Trip] | None = None


class ExternalId(Wire):
    """An External Accounting ID of one subsidiary (requirement 41)."""

    subsidiary_id: Text | None = None
    integration_type: Text | None = None
    external_accounting_id: Text | None = None


class Carrier(Wire):
    """The carrier, who is the vendor even where a factoring company is paid."""

    id: Id
    name: Text | None = None
    external_name: Text | None = None
    external_ids: list[ExternalId] | None = None
    terms_in_days: TermDays | None = None


class FactoringCompany(Wire):
    """Whom the carrier sold its invoices to."""

    id: Text | None = None
    name: Text | None = None


class StatementCarrier(Carrier):
    """A carrier as its statement gives it."""

    factoring_company: FactoringCompany | None = None
    factoring_terms_in_days: TermDays | None = None


class CarrierItem(Wire):
    """One amount of a trip. `type` is LineHaul, Accessorial or ECheck."""

    description: Text | None = None
    kind: Text = Field(alias="type")
    amount: Money
    accounting_tag: Text | None = None
    mapping: Mapping | None = None


class CarrierTrip(TripFacts):
    """One trip on a carrier's statement."""

    trip_number: Text | None = None
    invoice_number: Text | None = None
    invoice_due_date: CalendarDate | None = None
    items: list[CarrierItem]


class CarrierStatement(Wire):
    """What a carrier is paid at once, over several trips."""

    number: StatementNumber
    statement_date: CalendarDate
    remittance_date: CalendarDate | None = None
    subsidiary_id: Id
    subsidiary_name: Text | None = None
    net_amount: Money
    trips: list[CarrierTrip]


class CarrierStatementData(Wire):
    """`data` of a carrier's statement."""

    settlement_type: Literal["CarrierStatement"]
    statement: CarrierStatement
    carrier: StatementCarrier
    loads: list[Load] | None = None


class CarrierAccessorial(Wire):
    """An accessorial that the carrier is paid."""

    id: Text | None = None
    kind: Text = Field(alias="type")
    total: Money
    mapping: Mapping | None = None


class CarrierECheck(Wire):
    """An e-check that the carrier has had already: it lowers what is payable."""

    check_number: Text | None = None
    amount: Money
    kind: Text | None = Field(default=None, alias="type")
    mapping: Mapping | None = None


class BilledCarrier(Carrier):
    """A carrier with what it bills for one trip: `totalPayable` = linehaul + accessorials - e-checks."""

    carrier_invoice_number: Text | None = None
    linehaul: Money | None = None
    accessorials_details: list[CarrierAccessorial] | None = None
    e_checks: list[CarrierECheck] | None = None
    total_payable: Money


class BilledTrip(TripFacts):
    """The trip that is billed."""

    id: Text | None = None
    trip_number: Text
    released_at: CalendarDate | None = None
    delivered_at: CalendarDate | None = None
    due_date: CalendarDate | None = None
    carrier: BilledCarrier

    @property
    def day(self) -> date:
        """The bill's date: released to accounting, else delivered, else due; never the day the event was sent."""
        day = self.released_at or self.delivered_at or self.due_date
        if day is None:
            raise ValueError("has none of releasedAt, deliveredAt and dueDate")
        return day

    @model_validator(mode="after")
    def _has_a_day(self) -> Self:
        _ = self.day
        return self


class CarrierBillData(Wire):
    """`data` of a carrier's bill without statement (the two other triggers of the export article)."""

    settlement_type: Literal["CarrierBill"]
    subsidiary: Subsidiary
    trip: BilledTrip
    loads: list[Load] | None = None


SettlementData = Annotated[
    DriverStatementData | CarrierStatementData | CarrierBillData, Field(discriminator="settlement_type")
]


class SettlementFinalized(Envelope):
    """A settlement was finalised in Alvys."""

    data: SettlementData
