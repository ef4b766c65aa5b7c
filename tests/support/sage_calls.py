"""Documents to post, calls that post them, and the errors of their answers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from domain.categories import Category, Side
from domain.documents import (
    Connection,
    Document,
    DocumentLine,
    MappingLevel,
    PartyKind,
    PartyRef,
    Resolution,
    SourceDocument,
    SourceKind,
    SourceLine,
)
from sage_client import Answer, Call, Done, SageError

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def document(
    *,
    number: str = "ALV-104233",
    side: Side = Side.AR,
    amounts: Sequence[str] = ("2450.00",),
    total: str | None = None,
    currency: str | None = None,
    reference: str | None = "PO 77",
    description: str = "Load 104233",
    memo: str = "Linehaul",
    account: str = "40010",
    location: str | None = "100",
    draft: bool = False,
    key: str = "acme/invoice/104233",
) -> Document:
    """A document that is right unless a test makes it wrong."""
    party = PartyRef(PartyKind.CUSTOMER if side is Side.AR else PartyKind.VENDOR, external_id="C-1001")
    sums = [Decimal(text) for text in amounts]
    whole = Decimal(total) if total is not None else sum(sums, Decimal(0))
    source = SourceDocument(
        kind=SourceKind.INVOICE if side is Side.AR else SourceKind.CARRIER_BILL,
        key=key,
        side=side,
        subsidiary_id="acme",
        number=number,
        party=party,
        created_at=NOON,
        date=date(2026, 3, 9),
        due=date(2026, 4, 8),
        currency=currency,
        total=whole,
        lines=tuple(SourceLine(Category.LOAD, "Linehaul", each, memo) for each in sums),
    )
    resolution = Resolution(account, MappingLevel.SPECIFIC, "acme/account/ar/load/Linehaul", 7)
    return Document(
        source=source,
        connection=Connection("acme", "ACME", "100", "acme"),
        number=number,
        party=party,
        date=source.date,
        due=source.due,
        currency=currency,
        total=whole,
        reference=reference,
        description=description,
        draft=draft,
        lines=tuple(DocumentLine(Category.LOAD, "Linehaul", each, memo, resolution, location) for each in sums),
    )


def calls(count: int = 1) -> list[Call]:
    return [Call(f"call-{n}", document(number=f"ALV-{n}", key=f"acme/invoice/{n}"), "C-1001") for n in range(count)]


def why(answer: Answer) -> SageError:
    """The error of an answer that must have one."""
    assert not isinstance(answer, Done), answer
    return answer.error
