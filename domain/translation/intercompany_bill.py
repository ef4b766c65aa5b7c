"""`settlement.finalized`, IntercompanyBill -> AP bill that one subsidiary takes from another."""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.categories import Side
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.settlement import IntercompanyBillData, IntercompanyLine
from domain.events.withdrawn import WithdrawnIntercompanyBillData
from domain.translation.amounts import check
from domain.translation.carrier import item_of
from domain.translation.dates import terms
from domain.translation.routing import apart
from domain.translation.texts import document_number, flat, key_part, phrase


def key_of(data: IntercompanyBillData | WithdrawnIntercompanyBillData) -> str:
    """Build the document key `intercompany-bill/{bill.id}`."""
    return f"intercompany-bill/{key_part(data.bill.id)}"


def subsidiary_of(data: IntercompanyBillData | WithdrawnIntercompanyBillData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.subsidiary.id


def to_document(data: IntercompanyBillData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate an intercompany bill into a source document: an AP bill whose vendor is the other subsidiary.

    Raises:
        Refusal: The document contradicts itself.
    """
    bill, other = data.bill, data.intercompany.subsidiary
    apart(data.subsidiary, other)
    amounts = check(bill.total, [line.amount for line in bill.line_items])
    external_id = (data.vendor.external_accounting_id or None) if data.vendor else None
    return SourceDocument(
        kind=SourceKind.INTERCOMPANY_BILL,
        key=key,
        side=Side.AP,
        subsidiary_id=data.subsidiary.id,
        number=document_number(bill.number),
        number_given=bill.number,
        party=PartyRef(PartyKind.VENDOR, external_id, subsidiary_id=other.id),
        created_at=emitted_at,
        date=bill.date,
        due=bill.due_date or bill.date + timedelta(days=terms()),
        currency=amounts.currency,
        total=amounts.total,
        lines=tuple(map(_line, bill.line_items, amounts.lines)),
        description=flat(phrase("Intercompany", other.name or other.id)),
        reference=bill.number or None,
    )


def _line(line: IntercompanyLine, amount: Decimal) -> SourceLine:
    place, title = item_of(line)
    trip, load = line.trip_number or None, line.load_number or None
    memo = phrase(title, trip and f"trip {trip}", load and f"load {load}")
    return SourceLine(place.category, place.item, amount, flat(memo), trip or load)
