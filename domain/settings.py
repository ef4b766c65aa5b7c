"""The values of the mapping-state topic that this version reads; fields of later versions are ignored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool
from pydantic import model_validator as rule

from domain.events.fields import Id, Text, Wire, to_instant
from domain.money import MINOR_UNITS


def _to_activation(value: object) -> datetime:
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("is not a time with an offset")
    return to_instant(value)


def _known_currency(letters: str) -> str:
    if letters not in MINOR_UNITS:
        raise ValueError("is not a currency this service knows")
    return letters


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
    deductions_as_credits: StrictBool = False
    """Whether deductions on an invoice are exported, as credit lines."""


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
    name_matching: StrictBool = True
    create_vendors: StrictBool = False
    update_vendors: StrictBool = False
    factoring_as: Literal["none", "contact", "vendor"] = "none"
    """What a factoring company becomes when its carrier's vendor is made: a pay-to contact, or a vendor."""
    vendor_credits: StrictBool = False
    """Whether a bill below zero becomes an AP adjustment; else it is refused."""


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
    """What becomes of a custom field's value that is too long for Sage (C13)."""

    @rule(mode="after")
    def _active_since(self) -> Self:
        if self.state is ConnectionStatus.ACTIVE and self.activated_at is None:
            raise ValueError("activatedAt is needed where state is active")
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


Setting = ConnectionSetting | AccountSetting | VendorSetting | Other
