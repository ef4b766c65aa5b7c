"""`fuel.transaction.created`: one transaction of a fuel card. One swipe yields one transaction per fuel category."""

from pydantic import StrictBool

from domain.events.envelope import Envelope
from domain.events.fields import CalendarDate, Id, Money, Text, Wire
from domain.events.load_and_trip import Named


class FuelLocation(Wire):
    """The place where the fuel was bought."""

    name: Text | None = None
    city: Text | None = None
    state: Text | None = None


class Fuel(Wire):
    """The fuel transaction. Only `total` is booked: whether `fuelTotal` is net of discounts is not documented."""

    id: Id
    transaction_id: Text
    subsidiary_id: Id
    subsidiary_name: Text | None = None
    truck_number: Text | None = None
    driver_name: Text | None = None
    source: Text | None = None
    """The fuel card provider. Mapping-state names its vendor."""
    category: Text | None = None
    """The fuel type: one of the 17 of requirement 74, or any other, which uses the Fuel default until it is mapped."""
    location: FuelLocation | None = None
    total: Money
    transaction_date: CalendarDate


class FuelData(Wire):
    """The `data` of a fuel transaction.

    `deductFuel` has no default, because a wrong guess would book the cost twice, or not at all.
    """

    fuel: Fuel
    deduct_fuel: StrictBool
    fleet: Named | None = None


class FuelTransactionCreated(Envelope):
    """A fuel transaction was imported into Alvys."""

    data: FuelData
