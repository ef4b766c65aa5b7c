"""What events say around a document, for dimensions and custom fields: loads, trips, equipment, drivers. All optional.

Shapes follow Alvys's API where it has them (alvys.md 3.3); names that it does not have are ours.
"""

from domain.events.fields import Amount, CalendarDate, FactText, Text, Wire


class Named(Wire):
    """A thing that is known by its name, such as a fleet."""

    name: Text | None = None


class Unit(Wire):
    """A truck or trailer."""

    number: FactText | None = None


class Quantity(Wire):
    """A number; its unit is not read."""

    value: Amount | None = None


class Mileage(Wire):
    """Miles, as a load's customer mileage has them."""

    distance: Quantity | None = None


class Reference(Wire):
    """A custom reference of a load or trip."""

    name: Text | None = None
    value: FactText | None = None


class Stop(Wire):
    """Where a load is picked up or delivered."""

    name: Text | None = None
    address: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None


class Load(Wire):
    """A load. Its order and PO number become the PO number of an invoice in Sage; the rest is for the fields."""

    load_number: Text | None = None
    order_number: Text | None = None
    po_number: Text | None = None
    invoice_as: Text | None = None
    """The subsidiary that invoices, by id or name."""
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
    """Such as Company Driver or Owner Operator."""
    fleet: Named | None = None


class TripFacts(Wire):
    """What any trip may say of itself."""

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
    """A trip beside a document that is not about it alone."""

    trip_number: Text | None = None
    carrier_invoice_number: Text | None = None
