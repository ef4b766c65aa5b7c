"""`fuel.transaction.created` -> AP bill with one line, for the vendor of the card provider.

Alvys's prerequisites article has fuel and tolls as AP bills; its article "How to Connect Sage Intacct to Alvys and
Configure Settings" has them as lines on AP bills.
"""

from datetime import datetime

from domain.attributes import AttributeName, Attributes, attributes
from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.fuel import Fuel, FuelData
from domain.events.withdrawn import WithdrawnFuelData
from domain.line_categories import for_fuel
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.load_facts import pair
from domain.translation.refusal import Refusal
from domain.translation.texts import flat, hashed_number, key_part, phrase


def key_of(data: FuelData | WithdrawnFuelData) -> str:
    """Build the document key `fuel/{fuel.id}`.

    It does not use the transaction id, because one swipe yields one row per fuel category.
    """
    return f"fuel/{key_part(data.fuel.id)}"


def read(data: FuelData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a fuel transaction into a source document, an AP bill.

    A transaction that is deducted from a driver has `deducted` set and is not booked as a bill.

    Args:
        data: The data of the event.
        key: The document key (`key_of`).
        emitted_at: The emission time of the event, which counts as the creation time.

    Raises:
        Refusal: The document contradicts itself, or names no provider.
    """
    fuel = data.fuel
    if not fuel.source:
        raise Refusal(Code.PARTY_UNNAMED, "the fuel transaction names no card provider")
    amounts = check(fuel.total, [fuel.total])
    place = for_fuel(fuel.category or "")
    description = _description(fuel)
    around = _facts(data)
    return SourceDocument(
        kind=SourceKind.FUEL,
        key=key,
        side=Side.AP,
        subsidiary_id=fuel.subsidiary_id,
        number=hashed_number(fuel.transaction_id, fuel.id),
        party=PartyRef(kind=PartyKind.VENDOR, provider=fuel.source),
        created_at=emitted_at,
        date=fuel.transaction_date,
        due=fuel.transaction_date,
        terms=RequestedTerms(due_given=False),
        currency=amounts.currency,
        total=amounts.total,
        lines=(
            SourceLine(
                place.category,
                place.item,
                amounts.total,
                flat(phrase(place.item, description)),
                fuel.transaction_id or None,
                around,
            ),
        ),
        description=flat(description),
        reference=fuel.transaction_id or None,
        deducted=data.deduct_fuel,
        facts=around,
    )


def _facts(data: FuelData) -> Attributes:
    """Build the facts of the transaction. The truck number is part of the description, so it already is content."""
    fuel = data.fuel
    known = (
        *pair(AttributeName.SUBSIDIARY, fuel.subsidiary_name or fuel.subsidiary_id),
        *pair(AttributeName.TRUCK, fuel.truck_number),
    )
    return attributes(known, (*pair(AttributeName.DRIVER, fuel.driver_name), *pair(AttributeName.FLEET, data.fleet)))


def _description(fuel: Fuel) -> str:
    at = fuel.location
    place = phrase(at.name, at.city, at.state) if at else None
    truck = f"truck {fuel.truck_number}" if fuel.truck_number else None
    return phrase(fuel.source, "fuel", fuel.transaction_date.isoformat(), place, truck)
