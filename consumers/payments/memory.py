"""What is remembered of a company: what was told of each fact, how far Sage was read, which documents were asked for.

Records of the compacted cursor topic; the value says which company it is about and what it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from consumers.payments.documents import Places
from domain.categories import Side
from domain.documents import SageObject
from domain.payments import Fact, Ours, PaymentKind
from sage_client.query import Mark

SCHEMA = 1


class CursorUnreadableError(ValueError):
    """Somebody else wrote to the cursor topic, a later version did, or its partition count was changed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a fact last, and in which replay."""

    fact: Fact
    replay: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """A person's wish to have everything told again that was changed since a moment of Sage's."""

    id: str
    since: str
    after: Mark | None = None
    """How far it has got."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one session has read one side of a company."""

    view: str
    side: Side
    watermark: str
    """The greatest stamp that Sage returned; "" while there was no row at all."""
    wide_at: datetime
    """When the wide overlap was read last, by our clock."""
    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which documents Sage was asked about by their numbers, so that nothing from before we knew them is missing."""

    places: Places
    """Those that ledger records before these made known."""
    scopes: frozenset[str]
    """Of these `subsidiary/side` only; of others none."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How far the slow reconciliation is: under way behind a document, or ended."""

    ended: datetime
    after: tuple[str, str] | None = None
    """Object and record number of the last document of a pass that is under way."""


Change = Told | Cursor | Asked | Reconciled


@dataclass(slots=True)
class Memory:
    """All that is remembered of one company."""

    company_id: str
    told: dict[str, Told] = field(default_factory=dict)
    """By payment id."""
    of_document: dict[tuple[SageObject, str], set[str]] = field(default_factory=dict)
    """Payment ids by object and record number."""
    cursors: dict[tuple[str, Side], Cursor] = field(default_factory=dict)
    asked: Asked = Asked({}, frozenset())
    reconciled: Reconciled | None = None

    def apply(self, change: Change) -> None:
        """Take a change over."""
        match change:
            case Told(fact=fact):
                self.told[fact.payment_id] = change
                name = fact.document.object, fact.document.record_no
                self.of_document.setdefault(name, set()).add(fact.payment_id)
            case Cursor(view=view, side=side):
                self.cursors[view, side] = change
            case Asked():
                self.asked = change
            case Reconciled():
                self.reconciled = change

    def about(self, document: Ours) -> Iterator[Told]:
        """What was told of a document."""
        for payment_id in sorted(self.of_document.get((document.object, document.record_no), ())):
            told = self.told[payment_id]
            if told.fact.document.object is document.object and told.fact.document.record_no == document.record_no:
                yield told


def key(company_id: str, change: Change) -> bytes:
    """The record's key. A payment id begins with its company and side, so the others end in what no id ends in."""
    match change:
        case Told(fact=fact):
            name = fact.payment_id
        case Cursor(view=view, side=side):
            name = f"{company_id}/{side}/~cursor/{view}"
        case Asked():
            name = f"{company_id}/~asked"
        case Reconciled():
            name = f"{company_id}/~reconciled"
    return name.encode()


def encode(company_id: str, change: Change) -> bytes:
    """The record's value."""
    match change:
        case Told(fact=fact, replay=replay):
            body = {**asdict(fact), "amount": str(fact.amount)}
            body = {name: value for name, value in body.items() if value != ""}
            value: dict[str, object] = {"is": "told", "fact": body, "replay": replay}
        case Cursor():
            value = {"is": "cursor", "cursor": asdict(change)}
        case Asked(places=places, scopes=scopes):
            value = {"is": "asked", "places": places, "scopes": sorted(scopes)}
        case Reconciled():
            value = {"is": "reconciled", **asdict(change)}
    return orjson.dumps({"schema": SCHEMA, "company": company_id, **value})


def decode(value: bytes) -> tuple[str, Change]:
    """Read a record back: the company, and what is known of it.

    Raises:
        CursorUnreadableError: It is none of ours.
    """
    try:
        body = orjson.loads(value)
        return str(body["company"]), _DECODERS[body["schema"], body["is"]](body)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise CursorUnreadableError(f"a payment cursor is not one of ours: {type(error).__name__}") from error


_TEXTS = ("currency", "date", "method", "check_number", "reference", "memo", "source_object", "detail_no",
          "payment_no", "state", "modified")  # fmt: skip


def _told(body: dict[str, Any]) -> Told:
    fact = body["fact"]
    document = fact["document"]
    if not isinstance(document, dict):
        raise TypeError
    read = Fact(
        payment_id=str(fact["payment_id"]),
        kind=PaymentKind(str(fact["kind"])),
        amount=Decimal(str(fact["amount"])),
        document=Ours(**{**document, "object": SageObject(document["object"])}),
        **{name: str(fact.get(name, "")) for name in _TEXTS},
    )
    return Told(read, str(body["replay"]))


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
    return Replay(str(body["id"]), str(body["since"]), Mark(**after) if after else None)


def _asked(body: dict[str, Any]) -> Asked:
    places, scopes = body["places"], body["scopes"]
    if not isinstance(places, dict) or not isinstance(scopes, list):
        raise TypeError
    return Asked({str(name): int(place) for name, place in places.items()}, frozenset(map(str, scopes)))


def _reconciled(body: dict[str, Any]) -> Reconciled:
    after = body["after"]
    place = (str(after[0]), str(after[1])) if isinstance(after, list) else None
    return Reconciled(datetime.fromisoformat(str(body["ended"])), place)


_DECODERS: dict[tuple[int, str], Callable[[dict[str, Any]], Change]] = {
    (SCHEMA, "told"): _told,
    (SCHEMA, "cursor"): _cursor,
    (SCHEMA, "asked"): _asked,
    (SCHEMA, "reconciled"): _reconciled,
}
