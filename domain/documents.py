"""What the event says (`SourceDocument`) and what Sage Intacct is to book (`Document`).

Amounts are `Decimal` in units of the document's currency. Dates are the calendar dates the event wrote, in its own
offset: "Dates in Sage Intacct do not have associated timezones" (Sage developer FAQ).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.categories import Category, Side
from domain.facts import NO_FACTS, Facts
from domain.profiles import USUAL_RULES, PartyRules, Profile
from domain.terms import DATE_GIVEN, NO_TERMS, AskedTerms, TermRules, TermUse

TAX_1099 = "1099"
"""The tax category of independent drivers, as `SourceDocument.tax_category` gives it."""


class SageObject(StrEnum):
    """The Sage Intacct object a document becomes."""

    AR_INVOICE = "ARINVOICE"
    AP_BILL = "APBILL"
    AR_ADJUSTMENT = "ARADJUSTMENT"
    AP_ADJUSTMENT = "APADJUSTMENT"

    @property
    def adjusts(self) -> bool:
        """Whether it is an adjustment: without due date and terms, and reversed by hand only, by no function."""
        return self in {SageObject.AR_ADJUSTMENT, SageObject.AP_ADJUSTMENT}

    @property
    def side(self) -> Side:
        """Whose books it is in, the customers' or the vendors'."""
        return Side.AR if self in {SageObject.AR_INVOICE, SageObject.AR_ADJUSTMENT} else Side.AP


def becomes(side: Side, total: Decimal) -> SageObject:
    """The object that a document of this side and total becomes: below zero an adjustment."""
    if side is Side.AR:
        return SageObject.AR_ADJUSTMENT if total < 0 else SageObject.AR_INVOICE
    return SageObject.AP_ADJUSTMENT if total < 0 else SageObject.AP_BILL


class SourceKind(StrEnum):
    """What the event is about, in Alvys's words."""

    INVOICE = "invoice"
    DRIVER_STATEMENT = "driver-statement"
    CARRIER_STATEMENT = "carrier-statement"
    CARRIER_BILL = "carrier-bill"
    FUEL = "fuel"
    TOLL = "toll"
    FUEL_DAY = "fuel-day"
    TOLL_DAY = "toll-day"
    INTERCOMPANY_INVOICE = "intercompany-invoice"
    INTERCOMPANY_BILL = "intercompany-bill"


class PartyKind(StrEnum):
    """Who is billed (customer) or paid (vendor)."""

    CUSTOMER = "customer"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class PartyRef:
    """The other party as the event names it; `domain.parties` says how it finds its Sage record.

    An `external_id` that is set is used as it is and never falls back to a name (C4). `names` are tried, in order, only
    without one. `provider` names a fuel card or toll provider, whose vendor stands in mapping-state; `subsidiary_id`
    another subsidiary, whose customer and vendor stand there too.
    """

    kind: PartyKind
    external_id: str | None = None
    names: tuple[str, ...] = ()
    provider: str | None = None
    subsidiary_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of the event, with the category and item that its account is looked up under."""

    category: Category
    item: str
    amount: Decimal
    memo: str
    reference: str | None = None
    """The load, trip or transaction number the line belongs to, if any."""
    facts: Facts = NO_FACTS
    """Those of the line's own load and trip; the document's where it has none of its own."""
    deduction: bool = False
    """True for a deduction on a customer's invoice, which none of the nine categories has on that side."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines of one kind that a setting keeps out of a document: how many, and what they add up to."""

    kind: str
    """The category, or `deductions` on an invoice."""
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document as the event describes it, before any setting was looked at. Its content is the revision."""

    kind: SourceKind
    key: str
    """The document key: unique for ever, the same over all revisions (docs/contract.md)."""
    side: Side
    subsidiary_id: str
    number: str
    party: PartyRef
    created_at: dt.datetime
    """When Alvys created it, with offset: compared with the connection's activation (requirement 9)."""
    date: dt.date
    due: dt.date
    currency: str | None
    """ISO 4217 letters; None where the event leaves it to the company's base currency."""
    total: Decimal
    lines: tuple[SourceLine, ...]
    description: str = ""
    """On one line, of any length; so are the lines' memos."""
    order_numbers: tuple[str, ...] = ()
    """Of its loads, the different ones; `po_numbers` likewise."""
    po_numbers: tuple[str, ...] = ()
    reference: str | None = None
    """The other side's number, such as the carrier's invoice number."""
    number_given: str = ""
    """The number as Alvys has it, of which `number` is made; empty where it is made of more."""
    deducted: bool = False
    """True for fuel and toll rows that reach Sage as lines of the driver's bill (C14)."""
    tax_category: str | None = None
    """"1099" or "W2" on driver statements."""
    profile: Profile | None = None
    """What Alvys knows of the party; no content of the document, as `terms`."""
    terms: AskedTerms = DATE_GIVEN
    trigger: str | None = None
    """What sent a carrier's bill, where the event says so. It is not content."""
    facts: Facts = NO_FACTS
    """What the event says around the document, for dimensions and custom fields."""


class Level(StrEnum):
    """Which of the three levels answered (requirement 54)."""

    SPECIFIC = "specific"
    CATEGORY = "category"
    MASTER = "default"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The GL account of one line, and why: the level that answered, its mapping-state key and that record's offset."""

    account: str
    level: Level
    key: str
    offset: int


class How(StrEnum):
    """How the value of a dimension or custom field was found."""

    MAPPING = "mapping"
    """By the mapping of the value in Alvys."""
    DEFAULT = "default"
    AS_IS = "as is"
    """The value in Alvys itself."""
    SOURCE = "source"
    """A custom field's own source."""


@dataclass(frozen=True, slots=True)
class LineDimension:
    """A dimension of one line, and why: how its value was found, and the mapping-state key that said so."""

    dimension: str
    """Its slug, such as `location`."""
    object: str
    """Its object in Sage, such as `LOCATION`."""
    value: str
    how: How
    key: str
    user_defined: bool = False


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A custom field of a document or line: the text to send, how it was found, and the mapping-state key."""

    field: str
    """Its integration name."""
    value: str
    how: How
    key: str
    cut_from: int | None = None
    """Characters that it had, where it was cut."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text that was cut to what Sage takes: which, and how many characters it had."""

    field: str
    """Its name in a result, such as `reference`."""
    cut_from: int


@dataclass(frozen=True, slots=True)
class Former:
    """How versions before lengths were known would have named a document: what they posted is still the same."""

    number: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line to book, one for one with the event's lines."""

    category: Category
    item: str
    amount: Decimal
    memo: str
    resolution: Resolution
    location_id: str | None = None
    dimensions: tuple[LineDimension, ...] = ()
    """Of them the location is `location_id` too."""
    custom: tuple[CustomValue, ...] = ()
    shortened: tuple[Shortened, ...] = ()

    @property
    def account(self) -> str:
        """The GL account number."""
        return self.resolution.account


@dataclass(frozen=True, slots=True)
class Carried:
    """Lines with what they carry, and the document's own custom fields."""

    lines: tuple[DocumentLine, ...]
    custom: tuple[CustomValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a subsidiary's documents go. `credentials` is the name of a secret, never the secret."""

    subsidiary_id: str
    company_id: str
    entity_id: str | None
    credentials: str


@dataclass(frozen=True, slots=True)
class Document:
    """What Sage Intacct is to book, complete but for the party's id and the control id.

    An AR invoice or an AP bill; one whose total is below zero an AR or AP adjustment, with its amounts as they are.
    """

    source: SourceDocument
    connection: Connection
    number: str
    party: PartyRef
    date: dt.date
    due: dt.date
    currency: str | None
    """ISO 4217 letters where it differs from the company's base currency; else None."""
    total: Decimal
    reference: str | None
    """The PO number of an invoice (`ponumber`), the reference number of a bill (`DOCNUMBER`)."""
    description: str
    draft: bool
    lines: tuple[DocumentLine, ...]
    party_rules: PartyRules = USUAL_RULES
    """How the party is found in Sage, made or kept up; `term_rules` likewise. Before the document is sent."""
    term_rules: TermRules = NO_TERMS
    term: TermUse | None = None
    """The payment term, once Sage's are known; None: none is sent."""
    first_open_day: bool = False
    """Whether it may be posted on the first open day, should its own date be in a closed period (`closedPeriod`)."""
    posting_date: dt.date | None = None
    """Its date in the general ledger where that is not its own date, whose period is closed."""
    left_out: tuple[LeftOut, ...] = ()
    """What the event has and this document, by setting, has not: `total` is without it."""
    custom: tuple[CustomValue, ...] = ()
    """The document's own custom fields."""
    shortened: tuple[Shortened, ...] = ()
    former: Former | None = None
    """None where it is the same."""
    base_currency: str | None = None
    """The company's own, where every document is to say in which currency it is (`sendCurrency`)."""

    @property
    def stated_currency(self) -> str | None:
        """The currency that Sage is told; None: it takes the company's own, or that of the customer or vendor."""
        return self.currency or self.base_currency

    @property
    def sage_object(self) -> SageObject:
        """The object this document becomes."""
        return becomes(self.source.side, self.total)
