"""The cursor of a company: the facts published, how far Sage was read, and which documents were backfilled.

The cursor is stored as records of the compacted cursor topic. Each value names its company and its kind of change.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter

from consumers.payments.exported_documents import Places
from domain.categories import Side
from domain.documents import SageObject
from domain.payments import ExportedDocument, PaymentFact
from sage_client.query import PageCursor

SCHEMA = 1


class CursorUnreadableError(ValueError):
    """A record of the cursor topic is not ours, is of a later version, or the topic's partition count has changed."""


@dataclass(frozen=True, slots=True)
class PublishedFact:
    """A published fact, and the id of the replay that last published it ("" if none did)."""

    fact: PaymentFact
    replay: str = ""


@dataclass(frozen=True, slots=True)
class PaymentReplay:
    """A person's request to publish again every payment changed since `since`, a time stamp as Sage writes it."""

    id: str
    since: str
    after: PageCursor | None = None
    """The page reached so far; None: not begun."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one side of a company has been read in one session."""

    view: str
    side: Side
    watermark: str
    """The greatest time stamp that Sage returned; "" while there was no row at all."""
    wide_at: datetime
    """When the wide overlap was last read, by our clock."""
    replay: PaymentReplay | None = None


@dataclass(frozen=True, slots=True)
class Backfilled:
    """The documents that were backfilled: queried by number, to find payments older than our knowledge of them."""

    places: Places
    """Ledger offsets up to which exported documents are backfilled."""
    scopes: frozenset[str]
    """The `subsidiary/side` pairs this holds for. Documents of other pairs are not backfilled."""


@dataclass(frozen=True, slots=True)
class ReconciliationProgress:
    """Progress of the slow reconciliation."""

    ended: datetime
    """When the last complete pass ended."""
    after: tuple[str, str] | None = None
    """Object and record number of the last document checked by the pass under way; None: no pass is under way."""


CursorRecord = PublishedFact | Cursor | Backfilled | ReconciliationProgress


@dataclass(slots=True)
class CompanyCursor:
    """The whole cursor of one company, in memory."""

    company_id: str
    published: dict[str, PublishedFact] = field(default_factory=dict)
    """The published facts by payment id."""
    of_document: dict[tuple[SageObject, str], set[str]] = field(default_factory=dict)
    """Payment ids by object and record number."""
    cursors: dict[tuple[str, Side], Cursor] = field(default_factory=dict)
    backfilled: Backfilled = Backfilled({}, frozenset())
    reconciled: ReconciliationProgress | None = None

    def apply(self, change: CursorRecord) -> None:
        """Apply one change."""
        match change:
            case PublishedFact(fact=fact):
                self.published[fact.payment_id] = change
                name = fact.document.object, fact.document.record_no
                self.of_document.setdefault(name, set()).add(fact.payment_id)
            case Cursor(view=view, side=side):
                self.cursors[view, side] = change
            case Backfilled():
                self.backfilled = change
            case ReconciliationProgress():
                self.reconciled = change

    def about(self, document: ExportedDocument) -> Iterator[PublishedFact]:
        """The facts published about a document."""
        for payment_id in sorted(self.of_document.get((document.object, document.record_no), ())):
            published = self.published[payment_id]
            if (
                published.fact.document.object is document.object
                and published.fact.document.record_no == document.record_no
            ):
                yield published


def key(company_id: str, change: CursorRecord) -> bytes:
    """The record key of a change: the payment id of a fact; for other changes a key with a `~` that no id has there."""
    match change:
        case PublishedFact(fact=fact):
            name = fact.payment_id
        case Cursor(view=view, side=side):
            name = f"{company_id}/{side}/~cursor/{view}"
        case Backfilled():
            name = f"{company_id}/~asked"
        case ReconciliationProgress():
            name = f"{company_id}/~reconciled"
    return name.encode()


def encode(company_id: str, change: CursorRecord) -> bytes:
    """The record value of a change: JSON in UTF-8, amounts as text. Empty texts of a fact are left out."""
    match change:
        case PublishedFact(fact=fact, replay=replay):
            texts = {name: value for name, value in asdict(fact).items() if value != ""}
            value: dict[str, object] = {"is": "told", "fact": texts, "replay": replay}
        case Cursor():
            value = {"is": "cursor", "cursor": change}
        case Backfilled(places=places, scopes=scopes):
            value = {"is": "asked", "places": places, "scopes": sorted(scopes)}
        case ReconciliationProgress(ended=ended, after=after):
            value = {"is": "reconciled", "ended": ended, "after": after}
    return orjson.dumps({"schema": SCHEMA, "company": company_id, **value}, default=str)


def decode(value: bytes) -> tuple[str, CursorRecord]:
    """Read a record value back: the company id and the change.

    Raises:
        CursorUnreadableError: The value is not one that `encode` wrote.
    """
    try:
        body = orjson.loads(value)
        company_id, kind = str(body["company"]), _KINDS[body["schema"], body["is"]]
        return company_id, kind.validate_python(body["cursor"] if kind is _CURSOR else body)
    except (ValueError, LookupError, TypeError) as error:
        raise CursorUnreadableError(f"a payment cursor is not one of ours: {type(error).__name__}") from error


_CURSOR = TypeAdapter(Cursor)
_KINDS: dict[tuple[int, str], TypeAdapter[Any]] = {
    (SCHEMA, "told"): TypeAdapter(PublishedFact),
    (SCHEMA, "cursor"): _CURSOR,
    (SCHEMA, "asked"): TypeAdapter(Backfilled),
    (SCHEMA, "reconciled"): TypeAdapter(ReconciliationProgress),
}
