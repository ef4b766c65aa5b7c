"""`settlement.finalized`, CarrierBill -> AP bill of one trip: linehaul + accessorials - e-checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from domain.attributes import AttributeName, Attributes
from domain.categories import Side
from domain.documents import SourceDocument, SourceKind, SourceLine
from domain.events.fields import Money
from domain.events.invoice import Mapping
from domain.events.settlement import BilledCarrier, BilledTrip, CarrierBillData
from domain.events.withdrawn import WithdrawnCarrierBillData
from domain.lines.line_categories import for_carrier_item
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.carrier import days, profile, vendor
from domain.translation.dates import terms
from domain.translation.load_facts import LoadAndTripFacts, pair
from domain.translation.mapped_category import named
from domain.translation.routing import agree
from domain.translation.texts import document_number, flat, key_part, phrase


def key_of(data: CarrierBillData | WithdrawnCarrierBillData) -> str:
    """Build the document key `carrier-bill/{trip.id}`.

    A trip without an id is identified by subsidiary and trip number, because numbers repeat between tenants.
    """
    if data.trip.id:
        return f"carrier-bill/{key_part(data.trip.id)}"
    return _by_number(data)


def _by_number(data: CarrierBillData | WithdrawnCarrierBillData) -> str:
    return f"carrier-bill/{key_part(data.subsidiary.id)}/{key_part(data.trip.trip_number or '')}"


def subsidiary_of(data: CarrierBillData | WithdrawnCarrierBillData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.subsidiary.id


def to_document(data: CarrierBillData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a carrier's bill for one trip into a source document, an AP bill.

    Raises:
        Refusal: The document contradicts itself.
    """
    trip, carrier = data.trip, data.trip.carrier
    agree(data.subsidiary, "trip.tenderAs", trip.tender_as)
    rows = list(_charges(carrier))
    amounts = check(carrier.total_payable, [row.money for row in rows] or _nothing(carrier.total_payable))
    around = LoadAndTripFacts(
        pair(AttributeName.SUBSIDIARY, data.subsidiary.name or data.subsidiary.id), (), data.loads, [trip]
    ).document
    return SourceDocument(
        kind=SourceKind.CARRIER_BILL,
        key=key,
        side=Side.AP,
        subsidiary_id=data.subsidiary.id,
        number=document_number(trip.trip_number),
        number_given=trip.trip_number,
        party=vendor(carrier, data.subsidiary.id),
        created_at=emitted_at,
        date=trip.day,
        due=trip.due_date or trip.day + timedelta(days=terms(days(carrier))),
        currency=amounts.currency,
        total=amounts.total,
        lines=tuple(
            [
                _line(row, amount, trip.trip_number, around)
                for row, amount in zip(rows, amounts.lines, strict=bool(rows))
            ]
        ),
        description=_description(trip),
        reference=carrier.carrier_invoice_number or None,
        profile=profile(carrier),
        terms=RequestedTerms(days(carrier), due_given=trip.due_date is not None),
        trigger=data.trigger,
        facts=around,
        by_number=_by_number(data),
    )


@dataclass(frozen=True, slots=True)
class _Charge:
    """One amount of the bill, with the sign that is booked."""

    kind: str
    tag: str
    money: Money
    mapping: Mapping | None = None
    reference: str | None = None


def _charges(carrier: BilledCarrier) -> Iterator[_Charge]:
    """List the amounts: linehaul, then accessorials, then e-checks as negative amounts.

    A missing or zero linehaul is left out.
    """
    if carrier.linehaul and carrier.linehaul.amount:
        yield _Charge("LineHaul", "Line Haul", carrier.linehaul)
    for accessorial in carrier.accessorials_details or []:
        yield _Charge("Accessorial", accessorial.kind, accessorial.total, accessorial.mapping)
    for check_ in carrier.e_checks or []:
        paid = Money(amount=check_.amount.amount.copy_negate(), currency=check_.amount.currency)
        yield _Charge("ECheck", check_.kind or "E-Check", paid, check_.mapping, check_.check_number)


def _nothing(total: Money) -> list[Money]:
    """Stand in for the lines of a trip without charges, so that a zero total is accepted like a document of zero lines.

    With another total the list is empty, and the check of the lines refuses the bill.
    """
    return [] if total.amount else [total]


def _line(row: _Charge, amount: Decimal, trip_number: str, facts: Attributes) -> SourceLine:
    place = named(Side.AP, row.mapping) or for_carrier_item(row.kind, row.tag)
    memo = phrase(row.tag, f"trip {trip_number}", row.reference and f"e-check {row.reference}")
    return SourceLine(place.category, place.item, amount, flat(memo), trip_number, facts)


def _description(trip: BilledTrip) -> str:
    invoice = trip.carrier.carrier_invoice_number
    start = f"Carrier invoice {invoice}" if invoice else "Carrier bill"
    return flat(f"{start} trip {trip.trip_number}")
