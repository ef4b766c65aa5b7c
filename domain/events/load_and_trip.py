"""Loads, trips, equipment and drivers in events, for dimensions and custom fields. All fields are optional.

Names and shapes are those of Alvys's API reference (OpenAPI) where it has them; the other names are our own.
"""

from domain.events.fields import Amount, CalendarDate, FactText, Text, Wire


class Named(Wire):
    """An object of which only the name is read, such as a fleet."""

    name: Text | None = None


class Unit(Wire):
    """A truck or trailer."""

    number: FactText | None = None


class Quantity(Wire):
    """A quantity, of which only the number is read, not the unit."""

    value: Amount | None = None


class Mileage(Wire):
    """The customer mileage of a load, in miles."""

    distance: Quantity | None = None


class Reference(Wire):
    """A custom reference of a load or trip."""

    name: Text | None = None
    value: FactText | None = None


class Stop(Wire):
    """The place where a load is picked up or delivered."""

    name: Text | None = None
    address: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None


class Load(Wire):
    """A load. Its order or PO number becomes the PO number of an invoice in Sage.

    The other fields are for dimensions and custom fields.
    """

    load_number: Text | None = None
    order_number: Text | None = None
    po_number: Text | None = None
    invoice_as: Text | None = None
    """The subsidiary that issues the customer's invoice (Invoice As), by id or name."""
    bol_number: Text | None = None
    office: Text | None = None
    fleet: Named | None = None
    equipment: Text | None = None
    commodity: Text | None = None
    weight: Quantity | None = None
    volume: Quantity | None = None
    invoiced_at: CalendarDate | None = None
    created_at: CalendarDate | None = None
    customer_mileage: Mileage | None = None
    sales_agent: Text | None = None
    picked_up_at: CalendarDate | None = None
    delivered_at: CalendarDate | None = None
    shipper: Stop | None = None
    consignee: Stop | None = None
    references: list[Reference] | None = None


class TripDriver(Wire):
    """A driver on a trip."""

    name: Text | None = None
    contractor_type: Text | None = None
    """The type of contractor, such as Company Driver or Owner Operator."""
    fleet: Named | None = None


class TripFacts(Wire):
    """The fields that every kind of trip may have."""

    load_number: Text | None = None
    truck: Unit | None = None
    trailer: Unit | None = None
    driver1: TripDriver | None = None
    driver2: TripDriver | None = None
    total_miles: Amount | None = None
    loaded_miles: Amount | None = None
    empty_miles: Amount | None = None
    dispatched_by: Text | None = None
    dispatched_at: CalendarDate | None = None
    references: list[Reference] | None = None


class Trip(TripFacts):
    """A trip in an event whose document is not about this trip alone."""

    trip_number: Text | None = None
    carrier_invoice_number: Text | None = None
