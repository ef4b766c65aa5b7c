"""`settlement.finalized`: a driver's statement, a carrier's statement, a carrier's bill or an intercompany bill."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from domain.events.envelope import Envelope
from domain.events.fields import (
    CalendarDate,
    Id,
    LooseAddress,
    LooseText,
    Money,
    StatementNumber,
    TermDays,
    Text,
    Wire,
    to_loose_object,
)
from domain.events.invoice import Intercompany, Mapping, Subsidiary
from domain.events.load_and_trip import Load, Trip, TripFacts


class TaxCompany(Wire):
    """The company under which a 1099 driver is taxed. This company is the vendor in Sage."""

    name: LooseText = None
    tax_id: LooseText = None
    address: LooseAddress = None
    email: LooseText = None
    phone: LooseText = None


class Driver(Wire):
    """The driver or owner-operator who is paid."""

    id: Id
    name: Text | None = None
    subsidiary_id: Id
    external_accounting_id: Text | None = None
    tax_category: Text | None = None
    tax_company_name: Text | None = None
    payment_terms_in_days: TermDays | None = None
    tax_company: Annotated[TaxCompany | None, BeforeValidator(to_loose_object), Field(exclude=True)] = None
    tax_id: LooseText = None
    name1099: LooseText = None
    form1099_type: LooseText = None
    form1099_box: LooseText = None
    address: LooseAddress = None
    email: LooseText = None
    phone: LooseText = None
    subsidiary_name: Text | None = None
    fleet_name: Text | None = None
    contractor_type: Text | None = None
    """The type of contractor, such as Owner Operator. If it is missing, `type` is used."""
    kind: Text | None = Field(default=None, alias="type")


class DriverTotals(Wire):
    """The totals of a driver's statement, of which only the amount to be paid is read."""

    net_income: Money


class DriverLine(Wire):
    """One line of pay, deduction, fuel or escrow. `category` is a display name; Alvys publishes no list of them."""

    category: Text
    title: Text | None = None
    policy_name: Text | None = None
    trip_number: Text | None = None
    load_number: Text | None = None
    amount: Money
    mapping: Mapping | None = None
    source_transaction_id: Text | None = None


class DriverStatement(Wire):
    """The statement of one driver for one pay period."""

    number: StatementNumber
    statement_date: CalendarDate
    pay_period_title: Text | None = None
    driver: Driver
    totals: DriverTotals
    line_items: list[DriverLine]


class DriverStatementData(Wire):
    """The `data` of a driver's statement."""

    settlement_type: Literal["DriverStatement"]
    statement: DriverStatement
    loads: list[Load] | None = None
    trips: list[Trip] | None = None


class ExternalId(Wire):
    """The External Accounting ID of a carrier for one subsidiary (requirement 41)."""

    subsidiary_id: Text | None = None
    integration_type: Text | None = None
    external_accounting_id: Text | None = None


class Carrier(Wire):
    """The carrier. It is the vendor even if a factoring company is paid."""

    id: Id
    name: Text | None = None
    external_name: Text | None = None
    external_ids: list[ExternalId] | None = None
    terms_in_days: TermDays | None = None
    mc_num: LooseText = None
    us_dot_num: LooseText = None
    tax_id: LooseText = None
    address: LooseAddress = None
    email: LooseText = None
    phone: LooseText = None


class FactoringCompany(Wire):
    """The factoring company to which the carrier sold its invoices."""

    id: Text | None = None
    name: Text | None = None
    external_accounting_id: LooseText = None
    """The External Accounting ID for this subsidiary."""
    address: LooseAddress = None
    email: LooseText = None
    phone: LooseText = None
    tax_id: LooseText = None


class StatementCarrier(Carrier):
    """The carrier of a carrier statement, with its factoring company."""

    factoring_company: FactoringCompany | None = None
    factoring_terms_in_days: TermDays | None = None


class CarrierItem(Wire):
    """One amount of a trip. Its `type` is LineHaul, Accessorial or ECheck."""

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
    """The statement of one payment to a carrier, for several trips."""

    number: StatementNumber
    statement_date: CalendarDate
    remittance_date: CalendarDate | None = None
    subsidiary_id: Id
    subsidiary_name: Text | None = None
    net_amount: Money
    trips: list[CarrierTrip]


class CarrierStatementData(Wire):
    """The `data` of a carrier's statement."""

    settlement_type: Literal["CarrierStatement"]
    statement: CarrierStatement
    carrier: StatementCarrier
    loads: list[Load] | None = None


class CarrierAccessorial(Wire):
    """An accessorial charge that is paid to the carrier."""

    id: Text | None = None
    kind: Text = Field(alias="type")
    total: Money
    mapping: Mapping | None = None


class CarrierECheck(Wire):
    """An e-check that the carrier already received. It reduces the payable amount."""

    check_number: Text | None = None
    amount: Money
    kind: Text | None = Field(default=None, alias="type")
    mapping: Mapping | None = None


class BilledCarrier(Carrier):
    """A carrier with its charges for one trip: `totalPayable` = linehaul + accessorials - e-checks."""

    carrier_invoice_number: Text | None = None
    factoring_company: Annotated[FactoringCompany | None, Field(exclude=True)] = None
    factoring_terms_in_days: Annotated[TermDays | None, Field(exclude=True)] = None
    linehaul: Money | None = None
    accessorials_details: list[CarrierAccessorial] | None = None
    e_checks: list[CarrierECheck] | None = None
    total_payable: Money


class IntercompanyLine(CarrierItem):
    """One amount of an intercompany bill: a carrier's item, with the trip and the load it is for."""

    trip_number: Text | None = None
    load_number: Text | None = None


class Trigger(StrEnum):
    """The event in Alvys that sends a carrier bill, if carrier statements are not exported.

    Source: the table in Alvys's article "Sage Intacct: Transaction Export and Modification".
    """

    CUSTOMER_INVOICE = "customerInvoice"
    CARRIER_INVOICE_UPLOAD = "carrierInvoiceUpload"


class BilledTrip(TripFacts):
    """The trip that is billed."""

    id: Text | None = None
    trip_number: Text
    tender_as: Text | None = None
    """The subsidiary that tendered the load, by id or name."""
    released_at: CalendarDate | None = None
    delivered_at: CalendarDate | None = None
    due_date: CalendarDate | None = None
    carrier: BilledCarrier

    @property
    def day(self) -> date:
        """The date of the bill: the day of release to accounting, else of delivery, else the due date.

        It is never the day on which the event was sent.
        """
        day = self.released_at or self.delivered_at or self.due_date
        if day is None:
            raise ValueError("has none of releasedAt, deliveredAt and dueDate")
        return day

    @model_validator(mode="after")
    def _has_a_day(self) -> Self:
        _ = self.day
        return self


class CarrierBillData(Wire):
    """The `data` of a carrier's bill for one trip, sent without a statement (see `Trigger`)."""

    settlement_type: Literal["CarrierBill"]
    subsidiary: Subsidiary
    trip: BilledTrip
    loads: list[Load] | None = None
    trigger: Trigger | None = None
    """The trigger that made Alvys send the bill; None: the bill counts as sent under the trigger in force."""


class IntercompanyBill(Wire):
    """The bill that another subsidiary charges: the AP side of that subsidiary's intercompany invoice."""

    id: Id
    number: Text
    date: CalendarDate
    due_date: CalendarDate | None = None
    total: Money
    line_items: list[IntercompanyLine]


class IntercompanyVendor(Wire):
    """The vendor record of the other subsidiary, if the event names it."""

    external_accounting_id: Text | None = None


class IntercompanyBillData(Wire):
    """The `data` of the bill from Tender As to Invoice As (cross-subsidiary billing)."""

    settlement_type: Literal["IntercompanyBill"]
    subsidiary: Subsidiary
    intercompany: Intercompany
    vendor: IntercompanyVendor | None = None
    bill: IntercompanyBill


SettlementData = Annotated[
    DriverStatementData | CarrierStatementData | CarrierBillData | IntercompanyBillData,
    Field(discriminator="settlement_type"),
]


class SettlementFinalized(Envelope):
    """Event: a settlement was finalised in Alvys."""

    data: SettlementData
