"""The values of the mapping-state topic that this version reads; fields of later versions are ignored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

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
    """Invoices."""

    active: StrictBool = True
    autopost: StrictBool = True
    """False: invoices arrive in Sage as drafts."""
    po_number: Literal["order", "po"] = "order"
    """Which of a load's numbers becomes the invoice's PO number."""


class ApSettings(Wire):
    """Bills."""

    active: StrictBool = True
    autopost: StrictBool = True
    include_driver_bills: StrictBool = True
    only_1099_drivers: StrictBool = Field(default=False, alias="only1099Drivers")
    include_fuel: StrictBool = True
    include_tolls: StrictBool = True


class ConnectionSetting(Wire):
    """Where a subsidiary's documents go, and which of them."""

    company_id: Id
    entity_id: Id | None = None
    credentials: Id
    """The name of a secret, never the secret."""
    state: ConnectionStatus
    activated_at: Annotated[datetime, BeforeValidator(_to_activation)]
    """Only what was created at or after it is exported (requirement 9)."""
    base_currency: Annotated[Id, AfterValidator(_known_currency)] = "USD"
    location_id: Id | None = None
    """Sent on every line; companies with several entities require it."""
    ar: ArSettings = ArSettings()
    ap: ApSettings = ApSettings()


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
