"""What a company looks like at the start, as JSON: `{"senders": [...], "companies": [...]}`.

Only `company_id` is needed of a company; every list may be left out. Unknown keys are errors. A record that is
private to an entity names it in `entity`; `fields` gives any further field of the object by its Sage name, in Sage's
formats; of a customer or vendor also its custom fields.

A company that says nothing about it has every subscription, every field that any source has, and a `query` that gives
all of them. `"preset"` in a `config` names one of `PRESETS` instead; what the config says besides goes before it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Setting

from simulator.reference import reference
from simulator.subscriptions import SUBSCRIPTIONS, Subscription

Status = Literal["active", "active non-posting", "inactive"]
CustomObject = Literal["ARINVOICE", "ARINVOICEITEM", "APBILL", "APBILLITEM", "CUSTOMER", "VENDOR"]
CustomType = Literal[
    "text",
    "textarea",
    "number",
    "currency",
    "date",
    "picklist",
    "multipicklist",
    "checkbox",
    "email",
    "percent",
    "url",
    "password",
    "sequence",
]
RequiredDimension = Literal[
    "location",
    "department",
    "project",
    "task",
    "customer",
    "vendor",
    "employee",
    "item",
    "class",
    "contract",
    "warehouse",
]
DimensionName = RequiredDimension | Literal["asset", "cost type"]
Preset = Literal["barest", "fullest"]
PRESETS: Mapping[Preset, Mapping[str, object]] = {
    "barest": {
        "subscriptions": (),
        "common_fields_only": True,
        "refused_by_query": tuple(
            f"{known.name}.{name}"
            for known in reference().objects.values()
            for name, facts in known.fields.items()
            if facts.refused_by_query
        ),
    },
    "fullest": {"subscriptions": SUBSCRIPTIONS, "common_fields_only": False, "refused_by_query": ()},
}
"""The company that has the least, and the one that has the most, of what real companies were seen to have."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sender(_Model):
    """A web-services sender: the id and password of the calling application."""

    id: str
    password: str
    active: bool = True


class User(_Model):
    """A web-services user. `denied`: object names, function names, or `function OBJECT`, that answer PL04000005."""

    id: str
    password: str
    status: Status = "active"
    denied: tuple[str, ...] = ()


class Record(_Model):
    """Any master record. `private_to`: the entity that owns it, empty for the top level."""

    id: str
    name: str = ""
    status: Status = "active"
    private_to: str = ""
    fields: dict[str, str] = {}


class Location(Record):
    """A location below an entity."""

    entity: str = ""
    parent: str = ""


class Account(_Model):
    """A GL account. `requires`: the dimensions that every line on it must carry."""

    number: str
    title: str
    type: Literal["incomestatement", "balancesheet"] = "incomestatement"
    normal_balance: Literal["debit", "credit"] = "debit"
    status: Status = "active"
    requires: tuple[RequiredDimension, ...] = ()


class AccountLabel(_Model):
    """A label that stands for a GL account on one side."""

    label: str
    account: str
    side: Literal["AR", "AP"]


class Term(_Model):
    """A payment term: due so many days after the document date."""

    name: str
    days: int
    status: Status = "active"


class UserDefinedDimension(_Model):
    """A Platform object that is a dimension; the ids of its values are counted from 10001.

    `platform_app`: it is listed, and reading its values is denied, whatever the user's role.
    """

    name: str
    label: str = ""
    enabled_in_gl: bool = True
    platform_app: bool = False
    values: tuple[str, ...] = ()


class CustomField(_Model):
    """A custom field of an object, by its integration name.

    `data_type`: what `lookup` says of it, where that is not what its type gives: not documented for custom fields.
    `max_length` is kept to, and told nowhere: no published answer of `lookup` has a length.
    """

    object: CustomObject
    name: str
    type: CustomType = "text"
    required: bool = False
    max_length: int | None = None
    values: tuple[str, ...] = ()
    data_type: str = ""


class Sequence(_Model):
    """Numbers documents or parties that come without one."""

    prefix: str = ""
    digits: int = 6


class Config(_Model):
    """How a company is set up, as far as it decides about postings. `web_services`: whether it lets any sender in."""

    web_services: bool = True
    subscriptions: tuple[Subscription, ...] = SUBSCRIPTIONS
    """What the company has bought; objects and fields that depend on anything else do not exist."""
    common_fields_only: bool = False
    """Leave out every field that the complete list of any real company lacks."""
    refused_by_query: tuple[str, ...] = ()
    """`OBJECT.FIELD` that `lookup` lists and `query` refuses, as permissions or releases make it in a real company."""
    multi_entity: bool = False
    base_currency: str = "USD"
    session_minutes: int = 120
    books_closed_through: str | None = Setting(None, pattern=r"^\d{4}-\d\d-\d\d$")
    closed_names_first_day: bool = False
    refuse_duplicate_numbers: bool = False
    approve_bills: bool = False
    reversal_of_unpaid: tuple[Literal["AR", "AP"], ...] = ("AR", "AP")
    """The sides on which Configure Accounts Receivable, or Payable, enables the reversal of unpaid documents."""
    reversal_after_posting: bool = False
    """Whether a reversal has to be dated after the posting date, as REST documents it; else on it or after it."""
    location_restricted: tuple[str, ...] = ()
    """The users who are restricted to locations: they cannot reverse."""
    inter_entity: bool = False
    accept_legacy_user_dimensions: bool = False
    require_account_labels: tuple[Literal["AR", "AP"], ...] = ()
    sequences: dict[str, Sequence] = {}
    dimensions_not_in_gl: tuple[DimensionName, ...] = ()
    user_dimensions: tuple[UserDefinedDimension, ...] = ()
    custom_fields: tuple[CustomField, ...] = ()
    clock_seconds: int = 0
    """How far the company's clock is ahead (negative: behind)."""
    utc_offset_minutes: int = 0
    """The zone of the stamps on its records: not documented, so any is possible."""
    max_concurrent: int | None = None
    when_busy: Literal["refuse", "queue"] = "refuse"

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: object) -> object:
        return with_preset(given) if isinstance(given, dict) else given


def with_preset(given: Mapping[str, object]) -> dict[str, object]:
    """The settings with those of the preset that they name; ValueError where there is no such preset."""
    settings = dict(given)
    name = settings.pop("preset", None)
    if name is None:
        return settings
    preset = next((values for known, values in PRESETS.items() if known == name), None)
    if preset is None:
        raise ValueError(f"there is no preset '{name}'; there are {', '.join(PRESETS)}")
    return {**preset, **settings}


class Company(_Model):
    """One company with everything that documents refer to."""

    company_id: str
    name: str = ""
    senders: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    config: Config = Config()
    entities: tuple[Record, ...] = ()
    locations: tuple[Location, ...] = ()
    customers: tuple[Record, ...] = ()
    vendors: tuple[Record, ...] = ()
    contacts: tuple[Record, ...] = ()
    ar_terms: tuple[Term, ...] = ()
    ap_terms: tuple[Term, ...] = ()
    accounts: tuple[Account, ...] = ()
    account_labels: tuple[AccountLabel, ...] = ()
    departments: tuple[Record, ...] = ()
    classes: tuple[Record, ...] = ()
    projects: tuple[Record, ...] = ()
    tasks: tuple[Record, ...] = ()
    cost_types: tuple[Record, ...] = ()
    employees: tuple[Record, ...] = ()
    items: tuple[Record, ...] = ()
    warehouses: tuple[Record, ...] = ()
    assets: tuple[Record, ...] = ()
    contracts: tuple[Record, ...] = ()


class Seed(_Model):
    """Senders and companies."""

    senders: tuple[Sender, ...] = ()
    companies: tuple[Company, ...] = ()


def load_seed(path: Path) -> Seed:
    """Read a seed file; a pydantic ValidationError names every wrong key."""
    return Seed.model_validate_json(path.read_bytes())


def demo_seed() -> Seed:
    """Two fictional transport companies: BLUEMESA with two entities, HIGHLINE without."""
    return load_seed(Path(__file__).parent / "seeds" / "demo.json")


def with_many_parties(company: Company, customers: int = 0, vendors: int = 0) -> Company:
    """The company with so many more customers `CUST-G000001 …` and vendors `VEN-G000001 …`."""
    return company.model_copy(
        update={
            "customers": (*company.customers, *_parties("CUST-G", "Generated Shipper", customers)),
            "vendors": (*company.vendors, *_parties("VEN-G", "Generated Carrier", vendors)),
        }
    )


def _parties(prefix: str, name: str, count: int) -> Iterator[Record]:
    for number in range(1, count + 1):
        yield Record(id=f"{prefix}{number:06d}", name=f"{name} {number:06d}")
