"""What a payment row of Sage means for a document, and which of it has not been told yet. Pure.

Sage keeps one detail row per application of one payment to one document (or to one line of it), with a column for each
way it was settled: cash, discount, credits, advances, overpayments. Each column that is not zero is a fact with an id
of its own. Folding facts by that id, the last one wins, gives the present truth: a void is the same id with amount 0.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.categories import Side
from domain.documents import SageObject

STAMP = "%m/%d/%Y %H:%M:%S"
"""How Sage writes a moment, in a time zone that it does not name. We only ever compare such moments with each other."""
ZERO = Decimal(0)


class PaymentKind(StrEnum):
    """What a record on `sage-payments` says."""

    PAYMENT = "payment"
    DISCOUNT = "discount"
    CREDIT = "credit"
    """A credit memo, a negative invoice or a negative line that settled a part of the document, or was used up so."""
    ADVANCE = "advance"
    OVERPAYMENT = "overpayment"
    VOID = "void"
    CORRECTION = "correction"
    DIFFERENCE = "difference"
    """What Sage's balance says is paid beyond what its detail rows explain."""


class Standing(StrEnum):
    """Whether a row's amounts are money."""

    FINAL = "final"
    NOT_YET = "not yet"
    VOID = "void"
    UNKNOWN = "unknown"
    """A state in words that no source has."""


USED = "used"
"""The last part of a payment id where our document is the credit that was used up, not what it was used for."""
_FINAL = frozenset({"posted", "confirmed", "complete", "completed", "reconciled", "delivered", "quick delivery", "c"})
_NOT_YET = frozenset({"draft", "submitted", "approved", "partially approved", "unapproved", "pending", "selected",
                      "in transit", "d"})  # fmt: skip
_VOID = ("void", "revers", "declin", "reject", "cancel", "delet", "print void")
_AP_CODES = {
    **dict.fromkeys(("s", "pa", "a", "u"), Standing.NOT_YET),
    **dict.fromkeys(("p", "q"), Standing.FINAL),
    **dict.fromkeys(("vp", "x"), Standing.VOID),
}
"""Codes of a payment that are published for AP alone. On AR nobody says what such a letter means."""


def standing(state: str, side: Side = Side.AP) -> Standing:
    """The standing of a payment or of one of its rows in that state, a label or a code of Sage's.

    The labels are those that `lookup` lists of both sides' payments, the codes those of RAWSTATE (docs/decisions/0052).
    A word that begins like a void is one.
    """
    word = " ".join(state.lower().replace("-", " ").replace("_", " ").split())
    if word in _FINAL:
        return Standing.FINAL
    if word in _NOT_YET:
        return Standing.NOT_YET
    if word == "v" or word.startswith(_VOID):
        return Standing.VOID
    return _AP_CODES.get(word, Standing.UNKNOWN) if side is Side.AP else Standing.UNKNOWN


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail row. Amounts are in the document's currency; a column that is empty is left out."""

    record_no: str
    settles: str
    """Record number of the invoice or bill it is applied to; "" where it is applied to an adjustment."""
    settles_adjustment: str
    payment_no: str
    """Record number of the payment."""
    date: str
    """ISO; "" where Sage has none."""
    amounts: Mapping[PaymentKind, Decimal]
    uses: tuple[tuple[SageObject, str, Decimal], ...]
    """Documents with a credit, and how much of it this row used up."""
    currency: str
    state: str
    modified: str
    """As Sage gave it."""


@dataclass(frozen=True, slots=True)
class Header:
    """The payment itself, which may be applied to many documents."""

    record_no: str
    state: str
    """As Sage shows it."""
    method: str
    number: str
    """Of the check or the transfer."""
    reference: str
    memo: str
    code: str = ""
    """The code of its state, where Sage has one."""

    def standing(self, side: Side) -> Standing:
        """The standing by the label, or by the code if the label is unknown."""
        found = standing(self.state, side)
        return standing(self.code, side) if found is Standing.UNKNOWN else found


@dataclass(frozen=True, slots=True)
class Balance:
    """How a document stands in Sage, in its own currency."""

    record_no: str
    state: str
    total: Decimal
    paid: Decimal
    due: Decimal


@dataclass(frozen=True, slots=True)
class Ours:
    """A document that we exported, by its record number. `key` is its document key."""

    key: str
    subsidiary_id: str
    company_id: str
    entity_id: str | None
    object: SageObject
    record_no: str
    number: str
    party_id: str

    @property
    def side(self) -> Side:
        """Whose payments settle it."""
        return side_of(self.object)


@dataclass(frozen=True, slots=True)
class Fact:
    """One record's content, but for the document's balance, which is of the moment it was told."""

    payment_id: str
    kind: PaymentKind
    amount: Decimal
    document: Ours
    currency: str
    date: str
    method: str
    check_number: str
    reference: str
    memo: str
    source_object: str
    detail_no: str
    payment_no: str
    state: str
    modified: str


def side_of(kind: SageObject) -> Side:
    """The side an object belongs to."""
    return Side.AR if kind in {SageObject.AR_INVOICE, SageObject.AR_ADJUSTMENT} else Side.AP


def plain(side: Side) -> SageObject:
    """The invoice or bill of a side."""
    return SageObject.AR_INVOICE if side is Side.AR else SageObject.AP_BILL


def adjustment(side: Side) -> SageObject:
    """The adjustment of a side."""
    return SageObject.AR_ADJUSTMENT if side is Side.AR else SageObject.AP_ADJUSTMENT


def detail_object(side: Side) -> str:
    """The Sage object that holds a side's detail rows."""
    return "ARPYMTDETAIL" if side is Side.AR else "APPYMTDETAIL"


@dataclass(frozen=True, slots=True)
class Application:
    """What one row means for one document: the last part of the payment id, and the amount if the row is final."""

    slug: str
    kind: PaymentKind
    object: SageObject
    record_no: str
    amount: Decimal


def applications(side: Side, detail: Detail) -> Iterator[Application]:
    """What a row settles, and whose credit it uses up."""
    target = (plain(side), detail.settles) if detail.settles else (adjustment(side), detail.settles_adjustment)
    for kind, amount in detail.amounts.items():
        yield Application(kind.value, kind, *target, amount)
    for number, (kind_of_document, record_no, amount) in enumerate(detail.uses):
        yield Application(
            USED + (str(number + 1) if number else ""), PaymentKind.CREDIT, kind_of_document, record_no, -amount
        )


def payment_id(company_id: str, side: Side, detail_no: str, slug: str) -> str:
    """The id that all records of one fact share."""
    return f"{company_id}/{side}/{detail_no}/{slug}"


def difference_id(document: Ours) -> str:
    """The id of what a document's balance says beyond its detail rows."""
    return f"{document.company_id}/{document.side}/difference/{document.record_no}"


def counts(side: Side, detail: Detail, header: Header | None) -> bool | None:
    """Whether a row is money; None where neither its own state nor the payment's is known.

    Nothing counts before it is final; where the payment itself is void or not final, neither are its rows.
    """
    found = {standing(detail.state, side), header.standing(side) if header is not None else Standing.UNKNOWN}
    if found & {Standing.VOID, Standing.NOT_YET}:
        return False
    return True if Standing.FINAL in found else None


def fact(
    document: Ours, detail: Detail, application: Application, header: Header | None, *, unknown_counts: bool = False
) -> Fact:
    """The present truth of one application; amount 0 where it is not, or no longer, money.

    Args:
        document: The document that it is about.
        detail: The row.
        application: What the row means for the document.
        header: The payment; None: Sage does not show it.
        unknown_counts: Whether it is money where no state says so (`counts`).
    """
    counted = counts(document.side, detail, header)
    return Fact(
        payment_id=payment_id(document.company_id, document.side, detail.record_no, application.slug),
        kind=application.kind,
        amount=application.amount if (unknown_counts if counted is None else counted) else ZERO,
        document=document,
        currency=detail.currency,
        date=detail.date,
        method=header.method if header else "",
        check_number=header.number if header else "",
        reference=header.reference if header else "",
        memo=header.memo if header else "",
        source_object=detail_object(document.side),
        detail_no=detail.record_no,
        payment_no=detail.payment_no,
        state=detail.state,
        modified=detail.modified,
    )


def news(now: Fact, told: Fact | None, *, again: bool = False) -> Fact | None:
    """What to tell of a fact, given what was told of it last; None where there is nothing new.

    Args:
        now: As Sage has it, under its natural kind.
        told: What was told last.
        again: Tell it though nothing is new, as in a replay.
    """
    if told is None:
        return now if now.amount else None
    if _content(now, told) == told or not (now.amount or told.amount):
        return told if again else None
    if not now.amount:
        return replace(now, kind=PaymentKind.VOID)
    return replace(now, kind=PaymentKind.CORRECTION) if now.amount != told.amount else now


def _content(now: Fact, told: Fact) -> Fact:
    """`now`, but for what is no content: how it was told before, when Sage touched it, how we name its document."""
    return replace(now, kind=told.kind, modified=told.modified, document=told.document)


def vanished(told: Fact) -> Fact:
    """A fact whose detail row Sage no longer has."""
    return replace(told, kind=PaymentKind.VOID, amount=ZERO)


def paid(told: Iterable[Fact]) -> Decimal:
    """What the detail rows of one document come to."""
    return sum((each.amount for each in told if each.kind is not PaymentKind.DIFFERENCE), ZERO)


def explained(amount: Decimal, rest: Decimal) -> bool:
    """Whether what a document's balance has beyond its known rows holds an amount: then Sage counts it as paid."""
    return amount * rest > 0 and abs(rest) >= abs(amount)


def difference(document: Ours, balance: Balance, told: Iterable[Fact]) -> Fact | None:
    """What Sage's balance says is paid beyond the detail rows, where that is not what was told of it last."""
    facts = list(told)
    amount = balance.paid - paid(facts)
    before = next((each for each in facts if each.kind is PaymentKind.DIFFERENCE), None)
    if amount == (before.amount if before else ZERO):
        return None
    currency = next((each.currency for each in facts if each.currency), "")
    return Fact(
        difference_id(document), PaymentKind.DIFFERENCE, amount, document, currency, "", "", "", "", "",
        document.object, "", "", balance.state, "",
    )  # fmt: skip


def moment(stamp: str) -> datetime:
    """A stamp of Sage's as a moment without a zone.

    Raises:
        ValueError: It is none.
    """
    return datetime.strptime(stamp.strip(), STAMP)  # noqa: DTZ007 - Sage names no zone, and none is assumed


def since(watermark: str, overlap: timedelta) -> str:
    """From where to read again: the watermark, a stamp that Sage returned, minus the overlap."""
    try:
        return (moment(watermark) - overlap).strftime(STAMP)
    except OverflowError:
        return watermark


def latest(*stamps: str) -> str:
    """The greatest of the stamps that are set; "" if none is."""
    return max((each for each in stamps if each), key=moment, default="")
