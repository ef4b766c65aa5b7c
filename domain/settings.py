"""The values of the mapping-state topic that this version reads; fields of later versions are ignored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints, model_validator

from domain.custom_fields import FITS, TITLES, FieldType, converted
from domain.dimensions import SAGE_NAME, DimensionSource
from domain.events.fields import Id, Text, Wire, to_instant
from domain.facts import Kind, kind_of
from domain.money import MINOR_UNITS


def _to_activation(value: object) -> datetime:
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("is not a time with an offset")
    return to_instant(value)


def _known_currency(letters: str) -> str:
    if letters not in MINOR_UNITS:
        raise ValueError("is not a currency this service knows")
    return letters


def _sage_name(text: str) -> str:
    if not SAGE_NAME.fullmatch(text):
        raise ValueError("is not letters, digits and underscores")
    return text


def _known_fact(name: str) -> str:
    if kind_of(name) is None:
        raise ValueError("is none of the sources")
    return name


class ConnectionStatus(StrEnum):
    """Whether documents of the subsidiary flow."""

    ACTIVE = "active"
    PAUSED = "paused"


class AccountSetting(Wire):
    """The GL account of one item."""

    account: Id
    title: Text | None = None
    """The account's name in Sage, for people: accounts show as "ID - name" (requirement 81)."""


class VendorSetting(Wire):
    """The vendor in Sage whose bills a provider's fuel or tolls become."""

    vendor_id: Id
    name: Text | None = None


class IntercompanySetting(Wire):
    """Another subsidiary in this one's books: the customer it is billed as, the vendor it bills as."""

    customer_id: Id | None = None
    vendor_id: Id | None = None


class ArSettings(Wire):
    """Customers and their invoices (wizard step 4; alvys.md 2.4)."""

    active: StrictBool = True
    autopost: StrictBool = True
    """False: invoices arrive in Sage as drafts."""
    po_number: Literal["order", "po"] = "order"
    """Which of a load's numbers becomes the invoice's PO number."""
    name_matching: StrictBool = True
    """Whether a customer without an External Accounting ID is looked for by name."""
    create_customers: StrictBool = False
    """Whether a customer that Sage does not have is made there (C1)."""
    update_customers: StrictBool = False
    """Whether a customer in Sage follows the profile in Alvys."""
    credit_memos: StrictBool = False
    """Whether an invoice below zero becomes an AR adjustment; else it is refused."""
    include_accessorials: StrictBool = True
    include_e_checks: StrictBool = True
    deductions_as_credits: StrictBool = True
    """Whether deductions on an invoice are exported, as credit lines. Off, more is owed in Sage than in Alvys."""
    correct_posted_by: Literal["reversal", "deletion"] = "reversal"
    """How a posted, unpaid invoice is taken back to be corrected. `deletion`: for a company that does not enable the
    reversal of unpaid invoices; Sage keeps no trace of what stood there."""


class ApSettings(Wire):
    """Vendors and their bills (wizard step 3; alvys.md 2.3)."""

    active: StrictBool = True
    autopost: StrictBool = True
    """False: bills arrive in Sage as drafts."""
    include_driver_bills: StrictBool = True
    only_1099_drivers: StrictBool = Field(default=False, alias="only1099Drivers")
    include_fuel: StrictBool = True
    """Whether fuel transactions become bills of their own."""
    include_tolls: StrictBool = True
    fuel_bills: Literal["transaction", "day"] = "transaction"
    """One bill for each transaction, or one for each provider and day."""
    toll_bills: Literal["transaction", "day"] = "transaction"
    export_carrier_statements: StrictBool = False
    """Whether carrier bills come from carrier statements only; else from the trips' own bills only."""
    bill_on_upload: StrictBool = False
    """Without statements: a carrier's bill goes when its invoice is uploaded, else with the customer's invoice."""
    include_fuel_lines: StrictBool = True
    """Lines of a driver's or carrier's bill, by kind; what is left out is reported."""
    include_toll_lines: StrictBool = True
    include_accessorials: StrictBool = True
    include_e_checks: StrictBool = True
    link_carriers_by: Literal["external-id", "mc", "dot"] = "external-id"
    """What links a carrier without an External Accounting ID before names are tried."""
    carrier_number_field: Annotated[Id, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The field of a vendor in Sage that holds that number, by its integration name; no field of Sage's own does."""
    name_matching: StrictBool = True
    create_vendors: StrictBool = False
    update_vendors: StrictBool = False
    factoring_as: Literal["none", "contact", "vendor"] = "none"
    """What a factoring company becomes when its carrier's vendor is made: a pay-to contact, or a vendor."""
    vendor_credits: StrictBool = False
    """Whether a bill below zero becomes an AP adjustment; else it is refused."""
    correct_posted_by: Literal["reversal", "deletion"] = "reversal"
    """The same as on the AR side, of bills."""


class TermSettings(Wire):
    """Payment terms (wizard step 5). The names are Sage's, such as `Net 30`."""

    default: Text | None = None
    """Where the profile names no days."""
    fallback: Text | None = None
    """Where Sage does not have `Net N` of the profile; its use is told in the result."""


class ConnectionSetting(Wire):
    """Where a subsidiary's documents go, and which of them. One of them for each subsidiary (requirements 26 to 31)."""

    company_id: Id
    entity_id: Id | None = None
    """The Sage entity; None: the top level. Permanent: to change it is to disconnect and connect anew."""
    credentials: Id
    """The name of a secret, never the secret."""
    state: ConnectionStatus
    activated_at: Annotated[datetime, BeforeValidator(_to_activation)] | None = None
    """When it became active first; only what was created at or after it is exported (requirement 9). None: never."""
    base_currency: Annotated[Id, AfterValidator(_known_currency)] = "USD"
    location_id: Id | None = None
    """Sent on every line; companies with several entities require it."""
    ar: ArSettings = ArSettings()
    ap: ApSettings = ApSettings()
    terms: TermSettings = TermSettings()
    cross_subsidiary: StrictBool = False
    """Cross-subsidiary billing; it takes effect where both sides have it on."""
    closed_period: Literal["refuse", "first-open-day"] = "refuse"
    """What becomes of a document whose date is in a closed period."""
    long_values: Literal["reject", "truncate"] = "reject"
    """What becomes of a custom field's value, a PO number or a reference that is too long for Sage (C13)."""
    send_currency: Literal["always", "foreign"] = "always"
    """Whether Sage is told the currency of every document, or only of those that are not in the base currency."""
    invoice_dimensions: Literal["refuse", "leave-out", "custom-field"] = "refuse"
    """What becomes, on an invoice, of a dimension that Sage documents for bills only: user-defined ones, and Asset.
    `custom-field`: this company's Sage takes a user-defined one as a custom field of the line."""

    @model_validator(mode="after")
    def _active_since(self) -> Self:
        if self.state is ConnectionStatus.ACTIVE and self.activated_at is None:
            raise ValueError("activatedAt is needed where state is active")
        return self


class DimensionSetting(Wire):
    """What a dimension takes its values from: an Alvys field, a default, or both."""

    source: DimensionSource | None = None
    default: Id | None = None
    """Where the field's value is not mapped."""
    required: StrictBool = False
    """Whether a line without a value keeps the document back."""
    user_defined: Annotated[Id, AfterValidator(_sage_name)] | None = None
    """The user-defined dimension's object in Sage; None: the key names a standard one."""

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.source is None and self.default is None:
            raise ValueError("has neither a source nor a default")
        return self


class DimensionValueSetting(Wire):
    """What one value in Alvys is in Sage: the id, not the name."""

    value: Id
    title: Text | None = None
    """The value's name in Sage, for people."""


class CustomFieldSetting(Wire):
    """What a custom field takes its value from: a fact of the event, a default, or both."""

    source: Annotated[Id, AfterValidator(_known_fact)] | None = None
    type: FieldType
    max_length: Annotated[StrictInt, Field(gt=0)] | None = None
    """Characters that Sage takes; None: not known, so Sage decides."""
    required: StrictBool = False
    default: Text | None = None
    """Where the event does not give the source."""
    format: Literal["mm/dd/yyyy", "dd/mm/yyyy", "yyyy-mm-dd"] | None = None
    """How a date is written into a text field; without it mm/dd/yyyy."""

    @property
    def kind(self) -> Kind:
        """What the source's values are; a default is free text."""
        return (kind_of(self.source) if self.source else None) or Kind.ANY

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.source is None and not self.default:
            raise ValueError("has neither a source nor a default")
        if self.type not in FITS[self.kind]:
            raise ValueError(f"a {TITLES[self.type]} field does not take {self.kind} values")
        if self.default and converted(self.type, Kind.ANY, (self.default,)) is None:
            raise ValueError(f"the default is no value of a {TITLES[self.type]} field")
        if self.default and self.max_length is not None and len(self.default) > self.max_length:
            raise ValueError("the default is longer than maxLength")
        if self.format and (self.kind is not Kind.DATE or self.type is FieldType.DATE):
            raise ValueError("a format is for a date that goes into a text field")
        return self


@dataclass(frozen=True, slots=True)
class Other:
    """A setting of a family that this version keeps as it came."""

    json: object


@dataclass(frozen=True, slots=True)
class Invalid:
    """A record that cannot be read. It blocks what it stands for: nothing falls through past it."""

    reason: str
    """Which field and why, never its value."""
    offset: int


Setting = (
    ConnectionSetting
    | AccountSetting
    | VendorSetting
    | IntercompanySetting
    | DimensionSetting
    | DimensionValueSetting
    | CustomFieldSetting
    | Other
)
