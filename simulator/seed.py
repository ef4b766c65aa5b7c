"""Seeds: the initial companies as JSON, `{"senders": [...], "companies": [...]}`.

A company requires only `company_id`; every list may be left out. Unknown keys are errors. A record that is private to
an entity names the entity in `private_to`. `fields` gives any further field of the object by its Sage name, in Sage's
formats; for a customer or vendor it may also give custom fields.

By default a company has every subscription and every field found in any source, and its `query` returns all of them.
`"preset"` in a `config` selects one of `PRESETS` instead; other keys of the config override the preset.
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
"""Two configurations: the fewest and the most subscriptions and fields that real companies were seen to have."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sender(_Model):
    """A web-services sender: the id and password of the calling application."""

    id: str
    password: str
    active: bool = True


class User(_Model):
    """A Web Services user. `denied` lists what is refused (PL04000005): an object, a function, or `function OBJECT`."""

    id: str
    password: str
    status: Status = "active"
    denied: tuple[str, ...] = ()


class Record(_Model):
    """A master record. `private_to` is the entity that owns it; "" for the top level."""

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
    """A GL account. `requires` lists the dimensions that every line on the account must have."""

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
    """A payment term: a document is due `days` days after its date."""

    name: str
    days: int
    status: Status = "active"


class UserDefinedDimension(_Model):
    """A user-defined dimension. The ids of its values are counted from 10001.

    With `platform_app` the dimension is listed, but reading its values is denied to every user.
    """

    name: str
    label: str = ""
    enabled_in_gl: bool = True
    platform_app: bool = False
    values: tuple[str, ...] = ()


class CustomField(_Model):
    """A custom field of an object, by its integration name.

    `data_type` overrides the type that `lookup` reports, which is not documented for custom fields. `max_length` is
    enforced but never reported, because no published answer of `lookup` contains a length.
    """

    object: CustomObject
    name: str
    type: CustomType = "text"
    required: bool = False
    max_length: int | None = None
    values: tuple[str, ...] = ()
    data_type: str = ""


class Sequence(_Model):
    """A sequence that numbers documents or parties created without a number."""

    prefix: str = ""
    digits: int = 6


class Config(_Model):
    """The part of a company's configuration that affects postings. `web_services` False refuses every sender."""

    web_services: bool = True
    subscriptions: tuple[Subscription, ...] = SUBSCRIPTIONS
    """The subscriptions of the company. Objects and fields that depend on another subscription do not exist."""
    common_fields_only: bool = False
    """Leave out every field that the complete list of any real company lacks."""
    refused_by_query: tuple[str, ...] = ()
    """Fields, as `OBJECT.FIELD`, that `lookup` lists and `query` refuses. In real companies permissions and releases
    cause this."""
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
    """Whether a reversal must be dated after the posting date, as documented for REST; else the same day is allowed."""
    location_restricted: tuple[str, ...] = ()
    """Users who are restricted to locations, and so cannot reverse documents."""
    inter_entity: bool = False
    accept_legacy_user_dimensions: bool = False
    require_account_labels: tuple[Literal["AR", "AP"], ...] = ()
    sequences: dict[str, Sequence] = {}
    dimensions_not_in_gl: tuple[DimensionName, ...] = ()
    user_dimensions: tuple[UserDefinedDimension, ...] = ()
    custom_fields: tuple[CustomField, ...] = ()
    clock_seconds: int = 0
    """Seconds by which the company's clock is ahead (negative: behind)."""
    utc_offset_minutes: int = 0
    """The time zone of the stamps on records. Sage's zone is not documented, so any value is possible."""
    max_concurrent: int | None = None
    when_busy: Literal["refuse", "queue"] = "refuse"

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: object) -> object:
        return with_preset(given) if isinstance(given, dict) else given


def with_preset(given: Mapping[str, object]) -> dict[str, object]:
    """Merge the preset that the settings name into them; ValueError if there is no such preset."""
    settings = dict(given)
    name = settings.pop("preset", None)
    if name is None:
        return settings
    preset = next((values for known, values in PRESETS.items() if known == name), None)
    if preset is None:
        raise ValueError(f"there is no preset '{name}'; there are {', '.join(PRESETS)}")
    return {**preset, **settings}


class Company(_Model):
    """One company with all master records that documents refer to."""

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
    """Add this number of customers `CUST-G000001 …` and of vendors `VEN-G000001 …` to a company."""
    return company.model_copy(
        update={
            "customers": (*company.customers, *_parties("CUST-G", "Generated Shipper", customers)),
            "vendors": (*company.vendors, *_parties("VEN-G", "Generated Carrier", vendors)),
        }
    )


def _parties(prefix: str, name: str, count: int) -> Iterator[Record]:
    for number in range(1, count + 1):
        yield Record(id=f"{prefix}{number:06d}", name=f"{name} {number:06d}")
