"""The settings in the values of the mapping-state topic. Fields that this version does not know are ignored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints, model_validator

from domain.attributes import AttributeKind, kind_of
from domain.events.fields import Id, Text, Wire, to_instant
from domain.money import MINOR_UNITS
from domain.settings.custom_fields import FITS, TITLES, FieldType, converted
from domain.settings.dimensions import SAGE_NAME, DimensionSource


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
    """The master switch of a connection: whether documents of the subsidiary are exported."""

    ACTIVE = "active"
    PAUSED = "paused"


class AccountSetting(Wire):
    """The GL account of one item."""

    account: Id
    title: Text | None = None
    """The name of the account in Sage, for display as "ID - name" (requirement 81)."""


class VendorSetting(Wire):
    """The Sage vendor for the bills of a fuel card or toll provider."""

    vendor_id: Id
    name: Text | None = None


class IntercompanySetting(Wire):
    """Another subsidiary in the books of this one: the customer it is billed as, and the vendor it bills as."""

    customer_id: Id | None = None
    vendor_id: Id | None = None


class ArSettings(Wire):
    """Settings for customers and their invoices (wizard step 4).

    Source: Alvys's articles "Sage Intacct: Transaction Export and Modification" and "How to Connect Sage Intacct to
    Alvys and Configure Settings".
    """

    active: StrictBool = True
    autopost: StrictBool = True
    """False: invoices arrive in Sage as drafts."""
    po_number: Literal["order", "po"] = "order"
    """The number of a load that becomes the PO number of the invoice: its order number, or its PO number."""
    name_matching: StrictBool = True
    """Whether a customer without an External Accounting ID is looked up by name."""
    create_customers: StrictBool = False
    """Whether the service creates a customer that Sage does not have.

    Alvys's prerequisites article allows it by setting; the limits and FAQ of "Sage Intacct: Transaction Export and
    Modification" say that Alvys never creates records.
    """
    update_customers: StrictBool = False
    """Whether a customer in Sage is updated when its Alvys profile changes."""
    credit_memos: StrictBool = False
    """Whether an invoice with a negative total becomes an AR adjustment. If not, it is refused."""
    include_accessorials: StrictBool = True
    include_e_checks: StrictBool = True
    deductions_as_credits: StrictBool = True
    """Whether deductions on an invoice are exported, as credit lines.

    If not, the customer owes more in Sage than in Alvys.
    """
    correct_posted_by: Literal["reversal", "deletion"] = "reversal"
    """How a posted, unpaid invoice is removed before the corrected one is posted.

    Use `deletion` for a company that does not enable the reversal of unpaid invoices. Sage then keeps no trace of the
    former invoice.
    """


class ApSettings(Wire):
    """Settings for vendors and their bills (wizard step 3).

    Source: Alvys's articles "Sage Intacct: Transaction Export and Modification" and "How to Connect Sage Intacct to
    Alvys and Configure Settings".
    """

    active: StrictBool = True
    autopost: StrictBool = True
    """False: bills arrive in Sage as drafts."""
    include_driver_bills: StrictBool = True
    only_1099_drivers: StrictBool = Field(default=False, alias="only1099Drivers")
    include_fuel: StrictBool = True
    """Whether fuel transactions become bills of their own."""
    include_tolls: StrictBool = True
    fuel_bills: Literal["transaction", "day"] = "transaction"
    """One bill for each transaction, or one consolidated bill for each provider and day. The same for `toll_bills`."""
    toll_bills: Literal["transaction", "day"] = "transaction"
    export_carrier_statements: StrictBool = False
    """Whether carrier bills are made from carrier statements only. If not, they are made from trips' bills only."""
    bill_on_upload: StrictBool = False
    """The trigger of carrier bills without statements.

    True: the upload of the carrier's invoice. False: the customer's invoice.
    """
    include_fuel_lines: StrictBool = True
    """Whether fuel lines of a driver's or carrier's bill are exported. The result reports excluded lines.

    The next three settings do the same for tolls, accessorials and e-checks.
    """
    include_toll_lines: StrictBool = True
    include_accessorials: StrictBool = True
    include_e_checks: StrictBool = True
    link_carriers_by: Literal["external-id", "mc", "dot"] = "external-id"
    """The number that links a carrier without an External Accounting ID, before names are tried."""
    carrier_number_field: Annotated[Id, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The integration name of the vendor field in Sage that holds that number. Sage has no standard field for it."""
    name_matching: StrictBool = True
    create_vendors: StrictBool = False
    update_vendors: StrictBool = False
    factoring_as: Literal["none", "contact", "vendor"] = "none"
    """The record created for a factoring company along with its carrier's vendor: a pay-to contact, or a vendor."""
    vendor_credits: StrictBool = False
    """Whether a bill with a negative total becomes an AP adjustment. If not, it is refused."""
    correct_posted_by: Literal["reversal", "deletion"] = "reversal"
    """How a posted, unpaid bill is removed before the corrected one is posted; see `ArSettings.correct_posted_by`."""


class TermSettings(Wire):
    """Payment terms (wizard step 5), by their names in Sage, such as `Net 30`."""

    default: Text | None = None
    """The term to use if the profile names no days; None: no term is sent."""
    fallback: Text | None = None
    """The term to use, and report, if Sage does not have the wanted one; None: the document is then refused."""


class ConnectionSetting(Wire):
    """The connection of a subsidiary: the company and entity that receive its documents, and the settings for them.

    Each subsidiary has one connection (requirements 26 to 31).
    """

    company_id: Id
    entity_id: Id | None = None
    """The Sage entity; None: the top level. It is permanent: to change it, disconnect and connect again."""
    credentials: Id
    """The name of a secret, never the secret."""
    state: ConnectionStatus
    activated_at: Annotated[datetime, BeforeValidator(_to_activation)] | None = None
    """The time at which the connection first became active; None: never.

    Only documents created at or after this time are exported (requirement 9).
    """
    base_currency: Annotated[Id, AfterValidator(_known_currency)] = "USD"
    location_id: Id | None = None
    """The location that is sent on every line. Companies with several entities require it."""
    ar: ArSettings = ArSettings()
    ap: ApSettings = ApSettings()
    terms: TermSettings = TermSettings()
    cross_subsidiary: StrictBool = False
    """Whether cross-subsidiary billing is on. It takes effect only if both subsidiaries have it on."""
    closed_period: Literal["refuse", "first-open-day"] = "refuse"
    """Treatment of a document dated in a closed period: refuse it, or post it on the first open day."""
    zero_totals: Literal["export", "refuse"] = "export"
    """Treatment of a document whose lines cancel out: its total is zero, but its lines change accounts."""
    long_values: Literal["reject", "truncate"] = "reject"
    """Treatment of a custom field value, PO number or reference that is too long: refuse the document, or cut the text.

    Alvys's articles disagree: "Sage Intacct: Payments and Error Transactions" says error, "How to Configure Dimension
    and Custom Field Mappings for Sage Intacct" says truncated.
    """
    send_currency: Literal["always", "foreign"] = "always"
    """The documents whose currency is sent to Sage: all, or only those that are not in the base currency."""
    invoice_dimensions: Literal["refuse", "leave-out", "custom-field"] = "refuse"
    """Treatment of dimensions that Sage documents for bills only, if they are mapped on an invoice.

    These are user-defined dimensions and Asset. `refuse`: the document waits. `leave-out`: the dimension is not sent.
    `custom-field`: a user-defined dimension is sent as a custom field of the line, which this company's Sage accepts.
    """

    @model_validator(mode="after")
    def _active_since(self) -> Self:
        if self.state is ConnectionStatus.ACTIVE and self.activated_at is None:
            raise ValueError("activatedAt is needed where state is active")
        return self


class DimensionSetting(Wire):
    """The origin of a dimension's values: an Alvys field, a default, or both."""

    source: DimensionSource | None = None
    default: Id | None = None
    """The value to use if the value of the Alvys field is missing or not mapped."""
    required: StrictBool = False
    """Whether a document waits if one of its lines has no value for this dimension."""
    user_defined: Annotated[Id, AfterValidator(_sage_name)] | None = None
    """The Sage object of a user-defined dimension; None: the key names a standard dimension."""

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.source is None and self.default is None:
            raise ValueError("has neither a source nor a default")
        return self


class DimensionValueSetting(Wire):
    """The Sage value for one Alvys value: the id, not the name."""

    value: Id
    title: Text | None = None
    """The value's name in Sage, for people."""


class CustomFieldSetting(Wire):
    """The origin of a custom field's value: a fact of the event, a default, or both."""

    source: Annotated[Id, AfterValidator(_known_fact)] | None = None
    type: FieldType
    max_length: Annotated[StrictInt, Field(gt=0)] | None = None
    """The most characters that Sage accepts; None: not known, so Sage decides."""
    required: StrictBool = False
    default: Text | None = None
    """The value to use if the event does not give the source."""
    format: Literal["mm/dd/yyyy", "dd/mm/yyyy", "yyyy-mm-dd"] | None = None
    """The format of a date in a text field; None means mm/dd/yyyy."""

    @property
    def kind(self) -> AttributeKind:
        """The kind of the source's values. A field with a default alone has free text."""
        return (kind_of(self.source) if self.source else None) or AttributeKind.ANY

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.source is None and not self.default:
            raise ValueError("has neither a source nor a default")
        if self.type not in FITS[self.kind]:
            raise ValueError(f"a {TITLES[self.type]} field does not take {self.kind} values")
        if self.default and converted(self.type, AttributeKind.ANY, (self.default,)) is None:
            raise ValueError(f"the default is no value of a {TITLES[self.type]} field")
        if self.default and self.max_length is not None and len(self.default) > self.max_length:
            raise ValueError("the default is longer than maxLength")
        if self.format and (self.kind is not AttributeKind.DATE or self.type is FieldType.DATE):
            raise ValueError("a format is for a date that goes into a text field")
        return self


@dataclass(frozen=True, slots=True)
class OtherSetting:
    """A setting of a family that this version stores without reading it."""

    json: object


@dataclass(frozen=True, slots=True)
class InvalidSetting:
    """A record that cannot be read.

    It blocks every document that needs its setting: no less specific setting is used in its place.
    """

    reason: str
    """The field and the problem, never the value."""
    offset: int


Setting = (
    ConnectionSetting
    | AccountSetting
    | VendorSetting
    | IntercompanySetting
    | DimensionSetting
    | DimensionValueSetting
    | CustomFieldSetting
    | OtherSetting
)
