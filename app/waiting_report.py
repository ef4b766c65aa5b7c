"""Waiting and rejected documents, grouped by blocker or code. Pure: from ledger entries to rows.

Amounts of different currencies are never added.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from consumers.export.context import ParseRecord
from consumers.export.protocol.document_state import DocumentState
from domain.documents import SourceDocument
from domain.events import ContractError

CENTS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class UnpostedDocument:
    """A waiting or rejected document, described by its ledger entry and its parked event."""

    key: str
    topic: str
    subsidiary: str | None
    """None if the parked event cannot be parsed any more; so are number, party, amount and currency then."""
    number: str | None
    party: str | None
    amount: Decimal | None
    currency: str | None
    """ISO 4217 code. If the event names none: the company's base currency, or ``base of SUBSIDIARY`` if unknown."""
    since: datetime
    """When its record was written to the source topic."""
    code: str | None
    detail: str | None
    blocked_by: tuple[str, ...]
    in_doubt: bool

    def json(self) -> dict[str, object]:
        """The document as JSON for a program; the amount is a text."""
        return {
            "key": self.key,
            "topic": self.topic,
            "subsidiary": self.subsidiary,
            "number": self.number,
            "party": self.party,
            "amount": None if self.amount is None else str(self.amount),
            "currency": self.currency,
            "since": text_of(self.since),
            "code": self.code,
            "detail": self.detail,
            "blocked_by": list(self.blocked_by),
            "in_doubt": self.in_doubt,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """A group of documents: their number, amounts, codes and topics."""

    documents: int
    amounts: Mapping[str, Decimal]
    """Sum by currency, which is written as in `UnpostedDocument.currency`."""
    since: datetime
    """The earliest `UnpostedDocument.since` of the group."""
    codes: tuple[str, ...]
    topics: tuple[str, ...]

    @property
    def amount(self) -> str:
        """The sums for a person: ``18,220.50 USD; 90.00 CAD``."""
        return "; ".join(money(amount, currency) for currency, amount in self.amounts.items()) or "-"

    def json(self) -> dict[str, object]:
        """The group as JSON for a program; amounts are texts."""
        return {
            "documents": self.documents,
            "amounts": {currency: str(amount) for currency, amount in self.amounts.items()},
            "since": text_of(self.since),
            "codes": list(self.codes),
            "topics": list(self.topics),
        }


def read(entry: DocumentState, topic: str, receive: ParseRecord, base: Callable[[str], str | None]) -> UnpostedDocument:
    """Describe the document of a ledger entry that waits, or that was rejected and waits for a person.

    Args:
        entry: The ledger entry.
        topic: Its source topic.
        receive: Parses the events of that topic.
        base: Returns the base currency of a subsidiary's company; None if it is not known.

    Raises:
        ValueError: The document neither waits nor was rejected.
    """
    if not (entry.waiting or entry.rejected) or entry.last is None:
        raise ValueError(f"{entry.key} does not wait")
    subsidiary: str | None = None
    document: SourceDocument | None = None
    try:
        received = receive(entry.parked)
    except ContractError:
        pass  # parked by a version with other rules; the document waits all the same
    else:
        subsidiary = received.subsidiary_id
        document = received.document if isinstance(received.document, SourceDocument) else None
    last = entry.last
    return UnpostedDocument(
        key=entry.key,
        topic=topic,
        subsidiary=subsidiary,
        number=document.number if document else None,
        party=_party(document) if document else None,
        amount=document.total if document else None,
        currency=_currency(document, base) if document else None,
        since=datetime.fromtimestamp(last.timestamp / 1000, UTC),
        code=last.code,
        detail=last.detail,
        blocked_by=last.blocked_by,
        in_doubt=entry.claim is not None,
    )


def _currency(document: SourceDocument, base: Callable[[str], str | None]) -> str:
    subsidiary = document.subsidiary_id
    return document.currency or base(subsidiary) or f"base of {subsidiary}"


def _party(document: SourceDocument) -> str | None:
    party = document.party
    return party.names[0] if party.names else party.external_id or party.provider


def by_blocker(documents: Iterable[UnpostedDocument]) -> list[tuple[str, Group]]:
    """Group documents by blocker key, the largest group first. A document with several blockers is in each group."""
    groups: dict[str, list[UnpostedDocument]] = {}
    for document in documents:
        for blocker in document.blocked_by:
            groups.setdefault(blocker, []).append(document)
    rows = [(blocker, crowd) for blocker, some in groups.items() if (crowd := group_documents(some)) is not None]
    return sorted(rows, key=lambda row: (-row[1].documents, _narrowness(row[0]), row[0]))


def by_code(documents: Iterable[UnpostedDocument]) -> list[tuple[str, Group]]:
    """Group documents by code, the largest group first."""
    groups: dict[str, list[UnpostedDocument]] = {}
    for document in documents:
        groups.setdefault(document.code or "-", []).append(document)
    rows = [(code, crowd) for code, some in groups.items() if (crowd := group_documents(some)) is not None]
    return sorted(rows, key=lambda row: (-row[1].documents, row[0]))


def _narrowness(blocker: str) -> int:
    """Sort rank among keys that block equally many: first the master Default, then category defaults, then the rest."""
    return 0 if blocker.endswith("/default/default") else 1 if blocker.endswith("/default") else 2


def group_documents(documents: Iterable[UnpostedDocument]) -> Group | None:
    """Make one group of these documents; None if there are none."""
    some = list(documents)
    if not some:
        return None
    amounts: dict[str, Decimal] = {}
    for each in some:
        if each.amount is not None and each.currency is not None:
            amounts[each.currency] = amounts.get(each.currency, Decimal(0)) + each.amount
    return Group(
        documents=len(some),
        amounts=dict(sorted(amounts.items())),
        since=min(each.since for each in some),
        codes=tuple(code for code, _ in Counter(each.code for each in some if each.code).most_common()),
        topics=tuple(sorted({each.topic for each in some})),
    )


def money(amount: Decimal, currency: str) -> str:
    """Format an amount for a person: with thousands separators and at least two decimals."""
    return f"{max(amount, amount.quantize(CENTS), key=_decimals):,} {currency}"


def _decimals(amount: Decimal) -> int:
    return len(f"{amount:f}".partition(".")[2])


def text_of(at: datetime) -> str:
    """Format a time (which must be in UTC) to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
