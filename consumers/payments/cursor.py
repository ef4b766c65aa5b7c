"""The cursor of a company: the facts published, how far Sage was read, and which documents were backfilled.

The cursor is stored as records of the compacted cursor topic. Each value names its company and its kind of change.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from consumers.payments.exported_documents import Places
from domain.categories import Side
from domain.documents import SageObject
from domain.payments import ExportedDocument, PaymentFact, PaymentKind
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
class Replay:
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
    replay: Replay | None = None


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
    told: dict[str, PublishedFact] = field(default_factory=dict)
    """The published facts by payment id."""
    of_document: dict[tuple[SageObject, str], set[str]] = field(default_factory=dict)
    """Payment ids by object and record number."""
    cursors: dict[tuple[str, Side], Cursor] = field(default_factory=dict)
    asked: Backfilled = Backfilled({}, frozenset())
    reconciled: ReconciliationProgress | None = None

    def apply(self, change: CursorRecord) -> None:
        """Apply one change."""
        match change:
            case PublishedFact(fact=fact):
                self.told[fact.payment_id] = change
                name = fact.document.object, fact.document.record_no
                self.of_document.setdefault(name, set()).add(fact.payment_id)
            case Cursor(view=view, side=side):
                self.cursors[view, side] = change
            case Backfilled():
                self.asked = change
            case ReconciliationProgress():
                self.reconciled = change

    def about(self, document: ExportedDocument) -> Iterator[PublishedFact]:
        """The facts published about a document."""
        for payment_id in sorted(self.of_document.get((document.object, document.record_no), ())):
            told = self.told[payment_id]
            if told.fact.document.object is document.object and told.fact.document.record_no == document.record_no:
                yield told


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
    """The record value of a change."""
    match change:
        case PublishedFact(fact=fact, replay=replay):
            body = {**asdict(fact), "amount": str(fact.amount)}
            body = {name: value for name, value in body.items() if value != ""}
            value: dict[str, object] = {"is": "told", "fact": body, "replay": replay}
        case Cursor():
            value = {"is": "cursor", "cursor": asdict(change)}
        case Backfilled(places=places, scopes=scopes):
            value = {"is": "asked", "places": places, "scopes": sorted(scopes)}
        case ReconciliationProgress():
            value = {"is": "reconciled", **asdict(change)}
    return orjson.dumps({"schema": SCHEMA, "company": company_id, **value})


def decode(value: bytes) -> tuple[str, CursorRecord]:
    """Read a record value back: the company id and the change.

    Raises:
        CursorUnreadableError: The value is not one that `encode` wrote.
    """
    try:
        body = orjson.loads(value)
        return str(body["company"]), _DECODERS[body["schema"], body["is"]](body)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise CursorUnreadableError(f"a payment cursor is not one of ours: {type(error).__name__}") from error


_TEXTS = ("currency", "date", "method", "check_number", "reference", "memo", "source_object", "detail_no",
          "payment_no", "state", "modified")  # fmt: skip


def _told(body: dict[str, Any]) -> PublishedFact:
    fact = body["fact"]
    document = fact["document"]
    if not isinstance(document, dict):
        raise TypeError
    read = PaymentFact(
        payment_id=str(fact["payment_id"]),
        kind=PaymentKind(str(fact["kind"])),
        amount=Decimal(str(fact["amount"])),
        document=ExportedDocument(**{**document, "object": SageObject(document["object"])}),
        **{name: str(fact.get(name, "")) for name in _TEXTS},
    )
    return PublishedFact(read, str(body["replay"]))


def _cursor(body: dict[str, Any]) -> Cursor:
    read = body["cursor"]
    return Cursor(
        view=str(read["view"]),
        side=Side(str(read["side"])),
        watermark=str(read["watermark"]),
        wide_at=datetime.fromisoformat(str(read["wide_at"])),
        replay=_replay(read["replay"]),
    )


def _replay(body: object) -> Replay | None:
    if not isinstance(body, dict):
        return None
    after = body["after"]
    return Replay(str(body["id"]), str(body["since"]), PageCursor(**after) if after else None)


def _asked(body: dict[str, Any]) -> Backfilled:
    places, scopes = body["places"], body["scopes"]
    if not isinstance(places, dict) or not isinstance(scopes, list):
        raise TypeError
    return Backfilled({str(name): int(place) for name, place in places.items()}, frozenset(map(str, scopes)))


def _reconciled(body: dict[str, Any]) -> ReconciliationProgress:
    after = body["after"]
    place = (str(after[0]), str(after[1])) if isinstance(after, list) else None
    return ReconciliationProgress(datetime.fromisoformat(str(body["ended"])), place)


_DECODERS: dict[tuple[int, str], Callable[[dict[str, Any]], CursorRecord]] = {
    (SCHEMA, "told"): _told,
    (SCHEMA, "cursor"): _cursor,
    (SCHEMA, "asked"): _asked,
    (SCHEMA, "reconciled"): _reconciled,
}
