"""`fuel.transaction.created` -> AP bill with one line, for the vendor of the card provider."""

from datetime import datetime

from domain.attributes import AttributeName
from domain.codes import Code
from domain.documents import SourceDocument, SourceKind
from domain.events.fuel import Fuel, FuelData
from domain.events.withdrawn import WithdrawnFuelData
from domain.lines.line_categories import for_fuel
from domain.translation.load_facts import pair
from domain.translation.provider_transaction import ProviderTransaction, facts_of
from domain.translation.refusal import Refusal
from domain.translation.texts import key_part, phrase


def key_of(data: FuelData | WithdrawnFuelData) -> str:
    """Build the document key `fuel/{fuel.id}`.

    It does not use the transaction id, because one swipe yields one row per fuel category.
    """
    return f"fuel/{key_part(data.fuel.id)}"


def subsidiary_of(data: FuelData | WithdrawnFuelData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.fuel.subsidiary_id


def to_document(data: FuelData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a fuel transaction into a source document, an AP bill.

    Raises:
        Refusal: The document contradicts itself, or names no provider.
    """
    fuel = data.fuel
    if not fuel.source:
        raise Refusal(Code.PARTY_UNNAMED, "the fuel transaction names no card provider")
    place, description = for_fuel(fuel.category or ""), _description(fuel)
    content = (*pair(AttributeName.DRIVER, fuel.driver_name), *pair(AttributeName.FLEET, data.fleet))
    return ProviderTransaction(
        kind=SourceKind.FUEL,
        row=fuel,
        provider=fuel.source,
        amount=fuel.total,
        place=place,
        description=description,
        memo=phrase(place.item, description),
        deducted=data.deduct_fuel,
        facts=facts_of(fuel, fuel.truck_number, content),
    ).to_document(key, emitted_at)


def _description(fuel: Fuel) -> str:
    at = fuel.location
    place = phrase(at.name, at.city, at.state) if at else None
    truck = f"truck {fuel.truck_number}" if fuel.truck_number else None
    return phrase(fuel.source, "fuel", fuel.transaction_date.isoformat(), place, truck)
