"""`settlement.finalized`, CarrierStatement -> AP bill over several trips."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.attributes import AttributeName, Attributes
from domain.categories import Side
from domain.codes import Code
from domain.documents import SourceDocument, SourceKind, SourceLine
from domain.events.settlement import CarrierItem, CarrierStatementData, CarrierTrip
from domain.events.withdrawn import WithdrawnCarrierStatementData
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.carrier import days, item_of, profile, vendor
from domain.translation.dates import terms
from domain.translation.load_facts import LoadAndTripFacts, pair
from domain.translation.refusal import Refusal
from domain.translation.texts import document_number, flat, key_part, phrase

PREFIX = "s-"
"""Prefix of the bill number of a carrier statement, which tells it from the bill number of a trip.

Source: the changelog of Alvys's documentation, July 2026.
"""


def key_of(data: CarrierStatementData | WithdrawnCarrierStatementData) -> str:
    """Build the document key `carrier-statement/{carrier.id}/{number}`.

    It does not contain the subsidiary, for the reason given in `driver_statement.key_of`.
    """
    return f"carrier-statement/{key_part(data.carrier.id)}/{key_part(data.statement.number)}"


def subsidiary_of(data: CarrierStatementData | WithdrawnCarrierStatementData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.statement.subsidiary_id


def to_document(data: CarrierStatementData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a carrier's statement into a source document, an AP bill.

    Raises:
        Refusal: The document contradicts itself, or its number is empty.
    """
    statement = data.statement
    given = _given_due(data)
    rows = [(trip, item) for trip in statement.trips for item in trip.items]
    amounts = check(statement.net_amount, [item.amount for _, item in rows])
    around = LoadAndTripFacts(
        pair(AttributeName.SUBSIDIARY, statement.subsidiary_name or statement.subsidiary_id),
        (),
        data.loads,
        statement.trips,
    )
    if not statement.number:
        raise Refusal(Code.NUMBER_UNUSABLE, "the number is empty")
    return SourceDocument(
        kind=SourceKind.CARRIER_STATEMENT,
        key=key,
        side=Side.AP,
        subsidiary_id=statement.subsidiary_id,
        number=document_number(PREFIX + statement.number),
        number_given=PREFIX + statement.number,
        party=vendor(data.carrier, statement.subsidiary_id),
        created_at=emitted_at,
        date=statement.statement_date,
        due=given or statement.statement_date + timedelta(days=terms(days(data.carrier))),
        currency=amounts.currency,
        total=amounts.total,
        lines=tuple(
            [
                _line(trip, item, amount, around.line(trip.load_number, trip.trip_number))
                for (trip, item), amount in zip(rows, amounts.lines, strict=True)
            ]
        ),
        description=flat(f"Statement {statement.number}"),
        profile=profile(data.carrier),
        terms=RequestedTerms(days(data.carrier), due_given=given is not None),
        facts=around.document,
    )


def _given_due(data: CarrierStatementData) -> date | None:
    """The due date that the event gives: the remittance date, else the latest due date of a trip.

    None if it gives neither; the terms then decide.
    """
    if data.statement.remittance_date:
        return data.statement.remittance_date
    return max([trip.invoice_due_date for trip in data.statement.trips if trip.invoice_due_date], default=None)


def _line(trip: CarrierTrip, item: CarrierItem, amount: Decimal, facts: Attributes) -> SourceLine:
    place, title = item_of(item)
    number, invoice = trip.trip_number or None, trip.invoice_number
    memo = phrase(title, number and f"trip {number}", invoice and f"invoice {invoice}")
    return SourceLine(place.category, place.item, amount, flat(memo), number, facts)
