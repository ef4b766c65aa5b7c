"""The document as its event describes it (`SourceDocument`), and as Sage Intacct should book it (`Document`).

Amounts are `Decimal` in units of the document's currency. Dates are the calendar dates that the event wrote, in the
event's own UTC offset: "Dates in Sage Intacct do not have associated timezones" (Sage developer FAQ).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.attributes import NO_ATTRIBUTES, Attributes
from domain.categories import Category, Side
from domain.parties.profiles import DEFAULT_PARTY_RULES, PartyRules, Profile
from domain.terms import DATE_GIVEN, NO_TERMS, ChosenTerm, RequestedTerms, TermRules

TAX_1099 = "1099"
"""The value of `SourceDocument.tax_category` for independent drivers."""


class SageObject(StrEnum):
    """The Sage Intacct object a document becomes."""

    AR_INVOICE = "ARINVOICE"
    AP_BILL = "APBILL"
    AR_ADJUSTMENT = "ARADJUSTMENT"
    AP_ADJUSTMENT = "APADJUSTMENT"

    @property
    def adjusts(self) -> bool:
        """Whether the object is an adjustment. Adjustments have no due date and no terms.

        No function of Sage's gateway reverses an adjustment; only a person can.
        """
        return self in {SageObject.AR_ADJUSTMENT, SageObject.AP_ADJUSTMENT}

    @property
    def side(self) -> Side:
        """The side of the object: AR (customers) or AP (vendors)."""
        return Side.AR if self in {SageObject.AR_INVOICE, SageObject.AR_ADJUSTMENT} else Side.AP


AP_OBJECTS = frozenset({SageObject.AP_BILL, SageObject.AP_ADJUSTMENT})


def becomes(side: Side, total: Decimal) -> SageObject:
    """Choose the Sage object for a document: an adjustment if the total is negative, else an invoice or a bill."""
    if side is Side.AR:
        return SageObject.AR_ADJUSTMENT if total < 0 else SageObject.AR_INVOICE
    return SageObject.AP_ADJUSTMENT if total < 0 else SageObject.AP_BILL


class SourceKind(StrEnum):
    """The kind of a source document, in Alvys's words."""

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
    """The kind of the other party: the customer who is billed, or the vendor who is paid."""

    CUSTOMER = "customer"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class PartyRef:
    """The other party as the event names it. `domain.parties.matching` describes how its Sage record is found.

    Attributes:
        kind: Customer or vendor.
        external_id: The External Accounting ID. If set, only this id is used, and names are never tried (Alvys's
            article "Sage Intacct: Transaction Export and Modification").
        names: Names to try, in this order, if there is no `external_id`.
        provider: The fuel card or toll provider. Mapping-state names its vendor.
        subsidiary_id: The other subsidiary of an intercompany document. Mapping-state names its customer and vendor.
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
    facts: Attributes = NO_ATTRIBUTES
    """The facts of the line's load and trip; the facts of the document if the line has none of its own."""
    deduction: bool = False
    """True for a deduction on a customer's invoice. None of the nine categories covers deductions on AR."""


@dataclass(frozen=True, slots=True)
class ExcludedLines:
    """The lines of one kind that a setting excludes from a document: their number and the sum of their amounts."""

    kind: str
    """The category, or `deductions` on an invoice."""
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document as the event describes it, before any setting is applied.

    The revision of the document is a hash of its content (`domain.translation.revision`).
    """

    kind: SourceKind
    key: str
    """The document key: unique for ever, and the same for all revisions of the document (docs/contract.md)."""
    side: Side
    subsidiary_id: str
    number: str
    party: PartyRef
    created_at: dt.datetime
    """The time at which Alvys created the document, with UTC offset.

    It is compared with the activation of the connection (requirement 9).
    """
    date: dt.date
    due: dt.date
    currency: str | None
    """ISO 4217 letters; None if the event names no currency and so means the company's base currency."""
    total: Decimal
    lines: tuple[SourceLine, ...]
    description: str = ""
    """Text on one line, of any length. The memos of the lines have the same form."""
    order_numbers: tuple[str, ...] = ()
    """The order numbers of the loads, each once. `po_numbers` holds the PO numbers in the same way."""
    po_numbers: tuple[str, ...] = ()
    reference: str | None = None
    """The number that the other party gave the document, such as the carrier's invoice number."""
    number_given: str = ""
    """The number in Alvys, from which `number` was made; empty if `number` was made from more than that."""
    deducted: bool = False
    """True for a fuel or toll row whose cost reaches Sage as a line of the driver's bill, not as a bill of its own."""
    tax_category: str | None = None
    """"1099" or "W2" on a driver statement; None on other documents, or if the event does not say."""
    profile: Profile | None = None
    """The party's profile in Alvys. Like `terms`, it is not content: a change of it makes no new revision."""
    terms: RequestedTerms = DATE_GIVEN
    trigger: str | None = None
    """The trigger that made Alvys send a carrier bill, if the event names one. It is not content."""
    facts: Attributes = NO_ATTRIBUTES
    """The facts of the event about the document, for dimensions and custom fields."""
    by_number: str | None = None
    """The other key of a carrier bill, by trip number: events without a trip id use it (docs/decisions/0068).

    The bill may be in Sage under this key. It is not content. None on all other documents, which have only one key.
    """


class MappingLevel(StrEnum):
    """The three levels of an account mapping (requirement 54)."""

    SPECIFIC = "specific"
    CATEGORY = "category"
    MASTER = "default"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The GL account of one line, with the level that gave it, the mapping-state key, and the offset of that record."""

    account: str
    level: MappingLevel
    key: str
    offset: int


class ValueSource(StrEnum):
    """The way in which the value of a dimension or custom field was found."""

    MAPPING = "mapping"
    """The value mapping of the Alvys value."""
    DEFAULT = "default"
    AS_IS = "as is"
    """The Alvys value, passed through unchanged."""
    SOURCE = "source"
    """The source of the custom field."""


@dataclass(frozen=True, slots=True)
class LineDimension:
    """A dimension of one line: its value, how the value was found, and the mapping-state key that decided it."""

    dimension: str
    """The slug of the dimension, such as `location`."""
    object: str
    """The Sage object of the dimension, such as `LOCATION`."""
    value: str
    how: ValueSource
    key: str
    user_defined: bool = False


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A custom field of a document or line: the text to send, how it was found, and the mapping-state key used."""

    field: str
    """The integration name of the field."""
    value: str
    how: ValueSource
    key: str
    cut_from: int | None = None
    """The number of characters before the value was cut; None if it was not cut."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text that was cut to the length that Sage accepts; `cut_from` is its number of characters before the cut."""

    field: str
    """The name of the text in a result, such as `reference`."""
    cut_from: int


@dataclass(frozen=True, slots=True)
class FormerTexts:
    """The number and reference that versions before Sage's lengths were known would have given a document.

    A document that such a version posted is recognised by them as the same.
    """

    number: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line to book. Each line of the event that no setting excludes becomes exactly one."""

    category: Category
    item: str
    amount: Decimal
    memo: str
    resolution: Resolution
    location_id: str | None = None
    dimensions: tuple[LineDimension, ...] = ()
    """The dimensions of the line. The dimension Location is repeated in `location_id`."""
    custom: tuple[CustomValue, ...] = ()
    shortened: tuple[Shortened, ...] = ()

    @property
    def account(self) -> str:
        """The GL account number."""
        return self.resolution.account


@dataclass(frozen=True, slots=True)
class LinesWithAttributes:
    """The lines with their dimensions and custom fields, and the custom fields of the document itself."""

    lines: tuple[DocumentLine, ...]
    custom: tuple[CustomValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """The Sage company and entity that receive a subsidiary's documents.

    `credentials` is the name of a secret, never the secret. An `entity_id` of None means the top level.
    """

    subsidiary_id: str
    company_id: str
    entity_id: str | None
    credentials: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document for Sage Intacct to book, complete except for the Sage id of the party and the control id.

    It becomes an AR invoice or an AP bill. With a negative total it becomes an AR or AP adjustment, whose amounts keep
    their signs.
    """

    source: SourceDocument
    connection: Connection
    number: str
    party: PartyRef
    date: dt.date
    due: dt.date
    currency: str | None
    """ISO 4217 letters; None if the currency is the company's base currency."""
    total: Decimal
    reference: str | None
    """The PO number of an invoice (`ponumber`), the reference number of a bill (`DOCNUMBER`)."""
    description: str
    draft: bool
    lines: tuple[DocumentLine, ...]
    party_keys: tuple[str, ...] = ()
    """The mapping-state keys that were asked for the party, the deciding key last; empty if the event names it."""
    party_rules: PartyRules = DEFAULT_PARTY_RULES
    """The rules for finding, creating and updating the party in Sage before the document is sent.

    `term_rules` holds the rules for the payment term in the same way.
    """
    term_rules: TermRules = NO_TERMS
    term: ChosenTerm | None = None
    """The payment term, set once Sage's terms have been read. None: no term is sent."""
    first_open_day: bool = False
    """Whether a document dated in a closed period may be posted on the first open day (setting `closedPeriod`)."""
    posting_date: dt.date | None = None
    """The date in the general ledger, if the period of the document's own date is closed; else None."""
    left_out: tuple[ExcludedLines, ...] = ()
    """The lines of the event that a setting excluded. `total` does not include them."""
    custom: tuple[CustomValue, ...] = ()
    """The custom fields of the document itself, not of its lines."""
    shortened: tuple[Shortened, ...] = ()
    former: FormerTexts | None = None
    """The number and reference of earlier versions; None if they are the same as today."""
    base_currency: str | None = None
    """The company's base currency, if every document has to name its currency (setting `sendCurrency`); else None."""

    @property
    def stated_currency(self) -> str | None:
        """The currency to send to Sage; None: Sage uses the currency of the company, or of the customer or vendor."""
        return self.currency or self.base_currency

    @property
    def sage_object(self) -> SageObject:
        """The Sage object that this document becomes."""
        return becomes(self.source.side, self.total)
