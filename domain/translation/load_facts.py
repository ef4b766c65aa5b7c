"""Facts of a document and of each of its lines, from the loads and trips of the event (`domain.attributes`).

A line has the facts of its own load and trip, so each line of a summary invoice has facts of its own. A line that names
neither, or whose load and trip are not in the event, has the facts of the document. The document has the facts of all
its loads and trips.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal

from domain.attributes import LOAD_REFERENCE, TRIP_REFERENCE, AttributeName, Attributes, Pair, attributes
from domain.categories import fold
from domain.events.fields import Wire
from domain.events.load_and_trip import Load, Named, Quantity, Reference, Trip, Unit
from domain.events.settlement import BilledTrip, CarrierTrip
from domain.translation.texts import different

_WIDE = Context(prec=64)
_NUMBERS = (int, Decimal)
_CONTRACTORS = {
    "COMPANY": "Company Driver",
    "OWNER_OPERATOR": "Owner Operator",
    "CONTRACTOR": "Contractor",
    "EXTERNAL": "Contractor",
}
"""Names that trips use for the driver types of Alvys's API (API reference, drivers and driver statements).

With one name for both, the same value mapping works for invoices and bills.
"""
_ORDER_NUMBER, _PO_NUMBER = (
    AttributeName.ORDER_NUMBER.value,
    AttributeName.PO_NUMBER.value,
)  # plain texts, because this is the hot path
_KNOWN_OF_LOAD = {"load_number", "order_number", "po_number"}
_LOAD = (
    ("bol_number", AttributeName.BOL_NUMBER),
    ("office", AttributeName.OFFICE),
    ("fleet", AttributeName.FLEET),
    ("equipment", AttributeName.EQUIPMENT),
    ("commodity", AttributeName.COMMODITY),
    ("weight", AttributeName.WEIGHT),
    ("volume", AttributeName.VOLUME),
    ("invoiced_at", AttributeName.INVOICED_DATE),
    ("created_at", AttributeName.CREATED_DATE),
    ("sales_agent", AttributeName.SALES_AGENT),
    ("picked_up_at", AttributeName.PICKUP_DATE),
    ("delivered_at", AttributeName.DELIVERY_DATE),
)
_SHIPPER = (
    ("name", AttributeName.SHIPPER_NAME),
    ("address", AttributeName.SHIPPER_ADDRESS),
    ("city", AttributeName.SHIPPER_CITY),
    ("state", AttributeName.SHIPPER_STATE),
    ("country", AttributeName.SHIPPER_COUNTRY),
)
_CONSIGNEE = (
    ("name", AttributeName.CONSIGNEE_NAME),
    ("address", AttributeName.CONSIGNEE_ADDRESS),
    ("city", AttributeName.CONSIGNEE_CITY),
    ("state", AttributeName.CONSIGNEE_STATE),
    ("country", AttributeName.CONSIGNEE_COUNTRY),
)
_TRIP = (
    ("carrier_invoice_number", AttributeName.CARRIER_INVOICE),
    ("truck", AttributeName.TRUCK),
    ("trailer", AttributeName.TRAILER),
    ("total_miles", AttributeName.TOTAL_MILES),
    ("loaded_miles", AttributeName.LOADED_MILES),
    ("empty_miles", AttributeName.EMPTY_MILES),
    ("dispatched_by", AttributeName.DISPATCHED_BY),
    ("dispatched_at", AttributeName.DISPATCHED_DATE),
)
_OF_THE_DRIVER = {AttributeName.DRIVER, AttributeName.DRIVER_FLEET, AttributeName.CONTRACTOR_TYPE}

AnyTrip = Trip | BilledTrip | CarrierTrip
ContentFacts = str | date | Decimal | int | Named | Unit | Quantity | None
"""The types that the value of a fact may have in an event."""


def pair(fact: str, value: ContentFacts) -> tuple[Pair, ...]:
    """Build the pair of a fact and its value, as a tuple of one; an empty tuple if the event gives no value."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return ((fact, value),)
    if isinstance(value, date):
        return ((fact, value.isoformat()),)
    if isinstance(value, _NUMBERS):
        return ((fact, number(value)),)
    return pair(fact, value.value if isinstance(value, Quantity) else _name(value))


def _name(one: Named | Unit) -> str | None:
    return one.name if isinstance(one, Named) else one.number


def number(value: Decimal | int) -> str:
    """Write a number as a plain decimal: equal numbers give equal texts, however the event wrote them."""
    return str(value) if isinstance(value, int) else f"{_WIDE.normalize(value) or Decimal(0):f}"


def contractor(kind: str | None) -> str | None:
    """Convert the driver type of the API to the name that trips use; an unknown type stays as it is."""
    return _CONTRACTORS.get(kind, kind) if kind else None


class LoadAndTripFacts:
    """The facts of one event's document (`document`) and of its lines (`line`).

    Args:
        known: Facts of the document that add no content (see `domain.attributes.attributes`).
        told: Facts of the document that are content.
        loads: The loads of the event.
        trips: The trips of the event.
        of_a_driver: Whether the document is a driver's statement. If so, the drivers of the trips are ignored, and the
            driver of the statement counts.
    """

    def __init__(
        self,
        known: Sequence[Pair],
        told: Sequence[Pair] = (),
        loads: Sequence[Load] | None = None,
        trips: Sequence[AnyTrip] | None = None,
        *,
        of_a_driver: bool = False,
    ) -> None:
        self._known, self._told = known, told
        self._loads: Sequence[Load] = loads or ()
        self._trips: Sequence[AnyTrip] = trips or ()
        self._of_a_driver = of_a_driver
        self.document = self._facts(self._loads, self._trips)
        self._lines: dict[tuple[str | None, str | None], Attributes] = {(None, None): self.document}

    def line(self, load_number: str | None, trip_number: str | None = None) -> Attributes:
        """Find the facts of a line that names this load, this trip, both or neither (None)."""
        place = (load_number or None, trip_number or None)
        found = self._lines.get(place)
        if found is None:
            found = self._lines[place] = self._of(*place)
        return found

    def _of(self, load_number: str | None, trip_number: str | None) -> Attributes:
        if not self._loads and not self._trips:
            return self.document
        trips = [trip for trip in self._trips if trip_number is not None and trip.trip_number == trip_number]
        # A trip names its load, or its own number is the number of the load.
        number = load_number or next(iter(different(trip.load_number for trip in trips)), trip_number)
        loads = [load for load in self._loads if load.load_number == number]
        if not loads and len(self._loads) == 1 and not self._loads[0].load_number:
            loads = list(self._loads)
        if trip_number is None:
            only = len(self._loads) == 1 and bool(loads)
            trips = [trip for trip in self._trips if (trip.load_number or trip.trip_number) == number or only]
        if len(loads) == len(self._loads) and len(trips) == len(self._trips):
            return self.document
        return self._facts(loads, trips)

    def _facts(self, loads: Sequence[Load], trips: Sequence[AnyTrip]) -> Attributes:
        known, told = [*self._known], [*self._told]
        for load in loads:
            known += _known_of_load(load)
            told += _told_of_load(load)
        for trip in trips:
            known += _known_of_trip(trip)
            found = _told_of_trip(trip)
            told += [each for each in found if each[0] not in _OF_THE_DRIVER] if self._of_a_driver else found
        return attributes(known, told)


def _known_of_load(load: Load) -> list[Pair]:
    """List the order and PO number of a load. The PO number of the invoice is made from them: already content."""
    known: list[Pair] = []
    if load.order_number:
        known.append((_ORDER_NUMBER, load.order_number))
    if load.po_number:
        known.append((_PO_NUMBER, load.po_number))
    return known


def _told_of_load(load: Load) -> list[Pair]:
    there = load.model_fields_set
    if there <= _KNOWN_OF_LOAD:
        return []
    told = _plain(_LOAD, load)
    if load.customer_mileage is not None:
        told += pair(AttributeName.CUSTOMER_MILES, load.customer_mileage.distance)
    for fields, stop in ((_SHIPPER, load.shipper), (_CONSIGNEE, load.consignee)):
        if stop is not None:
            told += _plain(fields, stop)
    return told + _references(LOAD_REFERENCE, load.references)


def _known_of_trip(trip: AnyTrip) -> tuple[Pair, ...]:
    """List the carrier's invoice number. It is the reference of the bill or in a memo, so it already is content."""
    match trip:
        case BilledTrip():
            return pair(AttributeName.CARRIER_INVOICE, trip.carrier.carrier_invoice_number)
        case CarrierTrip():
            return pair(AttributeName.CARRIER_INVOICE, trip.invoice_number)
        case _:
            return ()


def _told_of_trip(trip: AnyTrip) -> list[Pair]:
    told = _plain(_TRIP, trip)
    if trip.driver1 is not None:
        told += pair(AttributeName.DRIVER, trip.driver1.name)
        told += pair(AttributeName.DRIVER_FLEET, trip.driver1.fleet)
        told += pair(AttributeName.CONTRACTOR_TYPE, contractor(trip.driver1.contractor_type))
    if trip.driver2 is not None:
        told += pair(AttributeName.SECOND_DRIVER, trip.driver2.name)
    return told + _references(TRIP_REFERENCE, trip.references)


def _plain(fields: tuple[tuple[str, AttributeName], ...], model: Wire) -> list[Pair]:
    """List the facts that are one field each, in the order of the table, whatever order the event has."""
    there = model.model_fields_set
    told: list[Pair] = []
    for name, fact in fields:
        if name in there:
            told += pair(fact, getattr(model, name))
    return told


def _references(start: str, references: list[Reference] | None) -> list[Pair]:
    return [(start + fold(each.name), each.value) for each in references or () if each.name and each.value]
