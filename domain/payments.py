"""Payment facts: the meaning of Sage's payment rows for our documents, and the changes not yet published. Pure.

Sage keeps one detail row for each application of one payment to one document (or to one line of a document). The row
has a column for each way to settle: cash, discount, credits, advances, overpayments. Each column that is not zero is a
fact with an id of its own. The latest record of each id is the current state; a void has the same id and amount 0.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.categories import Side
from domain.documents import SageObject

STAMP = "%m/%d/%Y %H:%M:%S"
"""Format of Sage's timestamps. Sage does not name their time zone, so they are only compared with each other."""
ZERO = Decimal(0)


class PaymentKind(StrEnum):
    """The kind of a record on `sage-payments`."""

    PAYMENT = "payment"
    DISCOUNT = "discount"
    CREDIT = "credit"
    """A credit memo, negative invoice or negative line that settled a part of another document.

    The record is about the settled document, or about the credit that was used up.
    """
    ADVANCE = "advance"
    OVERPAYMENT = "overpayment"
    VOID = "void"
    CORRECTION = "correction"
    DIFFERENCE = "difference"
    """The difference between the paid amount in Sage's balance of the document and the sum of its detail rows."""


class PaymentStatus(StrEnum):
    """The status of a payment or detail row: whether its amounts count as paid."""

    FINAL = "final"
    NOT_YET = "not yet"
    VOID = "void"
    UNKNOWN = "unknown"
    """A state that no source describes."""


USED = "used"
"""The last part of a payment id if our document is the credit that was used up, not the document it settled."""
_FINAL = frozenset({"posted", "confirmed", "complete", "completed", "reconciled", "delivered", "quick delivery", "c"})
_NOT_YET = frozenset({"draft", "submitted", "approved", "partially approved", "unapproved", "pending", "selected",
                      "in transit", "d"})  # fmt: skip
_VOID = ("void", "revers", "declin", "reject", "cancel", "delet", "print void")
_AP_CODES = {
    **dict.fromkeys(("s", "pa", "a", "u"), PaymentStatus.NOT_YET),
    **dict.fromkeys(("p", "q"), PaymentStatus.FINAL),
    **dict.fromkeys(("vp", "x"), PaymentStatus.VOID),
}
"""State codes of AP payments. Sage publishes their meaning for AP only, not for AR."""


def payment_status(state: str, side: Side = Side.AP) -> PaymentStatus:
    """Classify the state of a payment or of one of its detail rows.

    Args:
        state: Sage's label, of those that `lookup` lists for the payments of both sides, or Sage's code in RAWSTATE
            (docs/decisions/0052). A word that begins like one of the words for a void counts as a void.
        side: AR or AP. The codes are known for AP only.
    """
    word = " ".join(state.lower().replace("-", " ").replace("_", " ").split())
    if word in _FINAL:
        return PaymentStatus.FINAL
    if word in _NOT_YET:
        return PaymentStatus.NOT_YET
    if word == "v" or word.startswith(_VOID):
        return PaymentStatus.VOID
    return _AP_CODES.get(word, PaymentStatus.UNKNOWN) if side is Side.AP else PaymentStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """One detail row. Amounts are in the currency of the document; a column that is empty or zero is left out."""

    record_no: str
    settles: str
    """Record number of the invoice or bill that the row settles; "" if the row settles an adjustment."""
    settles_adjustment: str
    payment_no: str
    """Record number of the payment."""
    date: str
    """The payment date in ISO form; "" if Sage has none."""
    amounts: Mapping[PaymentKind, Decimal]
    uses: tuple[tuple[SageObject, str, Decimal], ...]
    """The documents whose credit this row used: object, record number, and the amount used up."""
    currency: str
    state: str
    modified: str
    """The time of the last change (WHENMODIFIED), as Sage wrote it."""


@dataclass(frozen=True, slots=True)
class PaymentHeader:
    """The header of a payment. One payment may settle many documents."""

    record_no: str
    state: str
    """The label of the payment's state."""
    method: str
    number: str
    """The number of the check or transfer."""
    reference: str
    memo: str
    code: str = ""
    """The code of the payment's state; "" if Sage has none."""

    def standing(self, side: Side) -> PaymentStatus:
        """Classify the payment by the label of its state, or by the code if the label is unknown."""
        found = payment_status(self.state, side)
        return payment_status(self.code, side) if found is PaymentStatus.UNKNOWN else found


@dataclass(frozen=True, slots=True)
class DocumentBalance:
    """The balance of a document in Sage, in the currency of the document."""

    record_no: str
    state: str
    total: Decimal
    paid: Decimal
    due: Decimal


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    """A document that this service exported. `record_no` is its Sage record number, `key` its document key."""

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
        """The side whose payments settle the document."""
        return side_of(self.object)


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """The content of one record on `sage-payments`, without the balance, which is that of the time of publishing.

    A text that Sage does not give is empty.
    """

    payment_id: str
    kind: PaymentKind
    amount: Decimal
    document: ExportedDocument
    currency: str = ""
    date: str = ""
    method: str = ""
    check_number: str = ""
    reference: str = ""
    memo: str = ""
    source_object: str = ""
    detail_no: str = ""
    payment_no: str = ""
    state: str = ""
    modified: str = ""


def side_of(kind: SageObject) -> Side:
    """The side of a Sage object."""
    return Side.AR if kind in {SageObject.AR_INVOICE, SageObject.AR_ADJUSTMENT} else Side.AP


def plain(side: Side) -> SageObject:
    """The Sage object of a side's plain documents: invoice or bill."""
    return SageObject.AR_INVOICE if side is Side.AR else SageObject.AP_BILL


def adjustment(side: Side) -> SageObject:
    """The Sage object of a side's adjustments."""
    return SageObject.AR_ADJUSTMENT if side is Side.AR else SageObject.AP_ADJUSTMENT


def detail_object(side: Side) -> str:
    """The Sage object that holds a side's detail rows."""
    return "ARPYMTDETAIL" if side is Side.AR else "APPYMTDETAIL"


@dataclass(frozen=True, slots=True)
class Application:
    """The effect of one detail row on one document.

    `slug` is the last part of the payment id. `amount` counts if the row is final (`counts`).
    """

    slug: str
    kind: PaymentKind
    object: SageObject
    record_no: str
    amount: Decimal


def applications(side: Side, detail: PaymentDetail) -> Iterator[Application]:
    """List the effects of a detail row: on the document it settles, and on each document whose credit it uses up.

    The amount for a used credit is negative.
    """
    target = (plain(side), detail.settles) if detail.settles else (adjustment(side), detail.settles_adjustment)
    for kind, amount in detail.amounts.items():
        yield Application(kind.value, kind, *target, amount)
    for number, (kind_of_document, record_no, amount) in enumerate(detail.uses):
        yield Application(
            USED + (str(number + 1) if number else ""), PaymentKind.CREDIT, kind_of_document, record_no, -amount
        )


def payment_id(company_id: str, side: Side, detail_no: str, slug: str) -> str:
    """Build the id that all records of one fact share."""
    return f"{company_id}/{side}/{detail_no}/{slug}"


def difference_id(document: ExportedDocument) -> str:
    """Build the id of the fact for the difference between a document's balance and its detail rows."""
    return f"{document.company_id}/{document.side}/difference/{document.record_no}"


def counts(side: Side, detail: PaymentDetail, header: PaymentHeader | None) -> bool | None:
    """Whether the amounts of a detail row count as paid.

    A row counts if its own state or the state of its payment is final, and neither is void or not yet final.

    Args:
        side: AR or AP.
        detail: The detail row.
        header: The payment; None if Sage does not show it.

    Returns:
        True or False; None if neither the state of the row nor that of the payment is known.
    """
    found = {payment_status(detail.state, side), header.standing(side) if header is not None else PaymentStatus.UNKNOWN}
    if found & {PaymentStatus.VOID, PaymentStatus.NOT_YET}:
        return False
    return True if PaymentStatus.FINAL in found else None


def payment_fact(
    document: ExportedDocument,
    detail: PaymentDetail,
    application: Application,
    header: PaymentHeader | None,
    *,
    unknown_counts: bool = False,
) -> PaymentFact:
    """Build the current fact of one application; its amount is 0 if the row does not, or no longer, count as paid.

    Args:
        document: The exported document.
        detail: The detail row.
        application: The effect of the row on the document.
        header: The payment; None if Sage does not show it.
        unknown_counts: Whether the row counts if no state decides (`counts` returns None).
    """
    counted = counts(document.side, detail, header)
    return PaymentFact(
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


def changes_since(now: PaymentFact, told: PaymentFact | None, *, again: bool = False) -> PaymentFact | None:
    """Decide which record to publish for a fact; None if nothing changed since the last one.

    Args:
        now: The fact as Sage has it now, with its natural kind.
        told: The fact as it was published last; None if it never was.
        again: Publish the last record again even if nothing changed, as in a replay.

    Returns:
        The fact itself if it is new, or if its amount is unchanged and something else changed; else the fact as a void
        (its amount is now zero) or as a correction (its amount is another one).
    """
    if told is None:
        return now if now.amount else None
    if _content(now, told) == told or not (now.amount or told.amount):
        return told if again else None
    if not now.amount:
        return replace(now, kind=PaymentKind.VOID)
    return replace(now, kind=PaymentKind.CORRECTION) if now.amount != told.amount else now


def _content(now: PaymentFact, told: PaymentFact) -> PaymentFact:
    """Copy the kind, the change time and the document of `told` into `now`, because they are not content."""
    return replace(now, kind=told.kind, modified=told.modified, document=told.document)


def as_void(told: PaymentFact) -> PaymentFact:
    """Build the void for a fact whose detail row Sage no longer has."""
    return replace(told, kind=PaymentKind.VOID, amount=ZERO)


def paid(told: Iterable[PaymentFact]) -> Decimal:
    """Add up the published facts of one document's detail rows, without the difference."""
    return sum((each.amount for each in told if each.kind is not PaymentKind.DIFFERENCE), ZERO)


def explained(amount: Decimal, rest: Decimal) -> bool:
    """Whether `rest`, the paid amount of the balance without the known rows, can include `amount`.

    If it can, Sage counts the amount as paid.
    """
    return amount * rest > 0 and abs(rest) >= abs(amount)


def difference(document: ExportedDocument, balance: DocumentBalance, told: Iterable[PaymentFact]) -> PaymentFact | None:
    """Build the fact for the difference between the balance and the detail rows; None if it was published already.

    Args:
        document: The exported document.
        balance: The balance of the document in Sage.
        told: All facts published of the document, with the last difference among them.
    """
    facts = list(told)
    amount = balance.paid - paid(facts)
    before = next((each for each in facts if each.kind is PaymentKind.DIFFERENCE), None)
    if amount == (before.amount if before else ZERO):
        return None
    currency = next((each.currency for each in facts if each.currency), "")
    return PaymentFact(
        difference_id(document), PaymentKind.DIFFERENCE, amount, document, currency, "", "", "", "", "",
        document.object, "", "", balance.state, "",
    )  # fmt: skip


def moment(stamp: str) -> datetime:
    """Parse one of Sage's timestamps into a datetime without a time zone.

    Raises:
        ValueError: The text is not such a timestamp.
    """
    return datetime.strptime(stamp.strip(), STAMP)  # noqa: DTZ007 - Sage names no zone, and none is assumed


def since(watermark: str, overlap: timedelta) -> str:
    """Compute the timestamp from which to read again: the watermark, which Sage returned, minus the overlap.

    Raises:
        ValueError: The watermark is not a timestamp of Sage.
    """
    try:
        return (moment(watermark) - overlap).strftime(STAMP)
    except OverflowError:
        return watermark


def latest(*stamps: str) -> str:
    """The latest of the timestamps that are not empty; "" if all are."""
    return max((each for each in stamps if each), key=moment, default="")
