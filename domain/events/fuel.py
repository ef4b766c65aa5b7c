"""`fuel.transaction.created`: one row of a fuel card swipe; a swipe yields one row per fuel category."""

from pydantic import StrictBool

from domain.events.around import Named
from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Money, Text, Wire


class FuelLocation(Wire):
    """Where it was bought."""

    name: Text | None = None
    city: Text | None = None
    state: Text | None = None


class Fuel(Wire):
    """The row. Only `total` is booked: whether `fuelTotal` is net of discounts is not documented."""

    id: Id
    transaction_id: Text
    subsidiary_id: Id
    subsidiary_name: Text | None = None
    truck_number: Text | None = None
    driver_name: Text | None = None
    source: Text | None = None
    """The fuel card provider, whose vendor stands in mapping-state."""
    category: Text | None = None
    """One of the 17 fuel types of requirement 74, or any other: then the Fuel default answers."""
    location: FuelLocation | None = None
    total: Money
    transaction_date: CalendarDate


class FuelData(Wire):
    """`data` of a fuel transaction. `deductFuel` has no default: a wrong guess books the cost twice, or not at all."""

    fuel: Fuel
    deduct_fuel: StrictBool
    fleet: Named | None = None


class FuelTransactionCreated(Envelope):
    """A fuel transaction was imported into Alvys."""

    data: FuelData
