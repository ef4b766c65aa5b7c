"""Both sides of the comparison, in one shape: what was told, folded; and what the database holds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

SLUGS = {
    "payment": "payment",
    "discount": "discount",
    "adjustment": "credit",
    "negative_invoice": "credit",
    "inline": "credit",
    "advance": "advance",
    "overpayment": "overpayment",
}
"""Parts of a detail row to the last part of a payment id: all credits of a row are one fact."""
ZERO = Decimal(0)

Place = tuple[str, str, str]
"""A document: company, side (`ar` or `ap`), record number."""


@dataclass(frozen=True, slots=True)
class Told:
    """One record of `sage-payments`, as far as it is judged."""

    payment_id: str
    key: str
    """The record's Kafka key."""
    document_key: str
    kind: str
    amount: Decimal
    currency: str
    date: str
    method: str
    number: str
    memo: str
    record_no: str
    state: str
    """The document's state after it."""
    balance: tuple[Decimal, Decimal, Decimal] | None
    """Total, paid, due."""
    source_state: str
    modified: str

    @property
    def content(self) -> tuple[object, ...]:
        """What it says of the fact: twice the same in a row tells nothing."""
        source = (self.source_state, self.modified, self.method, self.number, self.memo)
        return self.kind, self.amount, self.currency, self.date, *source


@dataclass(frozen=True, slots=True)
class Expected:
    """A fact that has to be on the topic with this amount."""

    payment_id: str
    place: Place
    amount: Decimal
    date: str
    method: str
    number: str
    memo: str


@dataclass(frozen=True, slots=True)
class SimulatedDocument:
    """A document as the database has it."""

    place: Place
    total: Decimal
    paid: Decimal
    due: Decimal
    state: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What the database holds: the facts that count, and every document's balance."""

    facts: Mapping[str, Expected]
    documents: Mapping[Place, SimulatedDocument]


def read(key: bytes | None, value: bytes) -> Told:
    """One record; a wrong shape raises ValueError, LookupError, TypeError or ArithmeticError."""
    body = json.loads(value)
    if body["schema"] != 1:
        raise ValueError(f"schema {body['schema']}")
    balance, source = body["balance"], body["source"]
    return Told(
        payment_id=body["paymentId"],
        key=(key or b"").decode(),
        document_key=body["documentKey"],
        kind=body["kind"],
        amount=Decimal(body["amount"]),
        currency=body["currency"] or "",
        date=body["date"] or "",
        method=body["method"] or "",
        number=body["checkNumber"] or "",
        memo=body["memo"] or "",
        record_no=body["document"]["recordNo"],
        state=body["documentState"] or "",
        balance=tuple(Decimal(balance[name]) for name in ("total", "paid", "due")) if balance else None,  # type: ignore[arg-type]  # three names give three
        source_state=source["state"] or "",
        modified=source["modified"] or "",
    )


def fold(told: Iterable[Told]) -> dict[str, Told]:
    """By payment id, the last one wins."""
    return {each.payment_id: each for each in told}


def truth(answer: Mapping[str, Any]) -> Truth:
    """The answer of the simulator's `/admin/payments`."""
    facts: dict[str, Expected] = {}
    for row in answer["details"]:
        if row["final"]:
            for each in _of(row):
                known = facts.get(each.payment_id)
                amount = each.amount + (known.amount if known else ZERO)
                facts[each.payment_id] = Expected(
                    each.payment_id, each.place, amount, each.date, each.method, each.number, each.memo
                )
    documents = [
        SimulatedDocument(
            place=(row["company"], row["side"].lower(), str(row["recordno"])),
            total=Decimal(row["total"]),
            paid=Decimal(row["paid"]),
            due=Decimal(row["due"]),
            state=row["state"],
        )
        for row in answer["documents"]
    ]
    return Truth(facts, {each.place: each for each in documents})


def _of(row: Mapping[str, Any]) -> Iterable[Expected]:
    company, side = row["company"], row["side"].lower()
    stem = f"{company}/{side}/{row['recordno']}"
    told = row["date"], row["method"], row["number"], row["memo"]
    for part, text in row["amounts"].items():
        yield Expected(f"{stem}/{SLUGS[part]}", (company, side, str(row["document"])), Decimal(text), *told)
    if used := row["sources"].get("negative_invoice"):
        amount = -Decimal(row["amounts"]["negative_invoice"])
        yield Expected(f"{stem}/used", (company, side, str(used)), amount, *told)
