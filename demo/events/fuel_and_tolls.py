"""`fuel-transaction` and `toll-transaction`: rows of card and toll providers, some of them deducted from a driver."""

from demo.events.draft import EventDraft, bill_booking
from demo.events.expect import FUEL, TOLLS, BookedLine, Event, ExpectedOutcome
from demo.events.maker import Maker, envelope, hashed_number, instant
from demo.events.world import CONNECTED, FUEL_VENDORS, TOLL_VENDORS, DemoSubsidiary

FUEL_TYPE = "fuel.transaction.created"
TOLL_TYPE = "toll.transaction.created"
FUELS = (
    "Truck Diesel",
    "Reefer Diesel",
    "Dyed Diesel",
    "Gas",
    "Natural Gas",
    "Propane",
    "DEF Fluid",
    "Oil",
    "Other Fuel",
    "Cash Advance",
    "Cash Advance Fee",
    "Maintenance",
    "Parking",
    "Scales",
    "Misc Truck Expense",
    "Misc Non Truck Expense",
    "Fee",
)


def fuel(maker: Maker, subsidiary: DemoSubsidiary | None = None, provider: tuple[str, str] | None = None) -> EventDraft:
    """A row of a fuel card swipe that the company bears. `provider`: its name, and its vendor in Sage."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("fuel subsidiary", CONNECTED)
    source, vendor = provider or maker.pick(tuple(FUEL_VENDORS[subsidiary.id].items()))
    day, identity, kind = maker.day(), maker.id(), maker.next_of("fuel", FUELS)
    transaction = f"{source[:3].upper()}-{maker.number()}"
    line = BookedLine("fuel", kind, maker.cents(5, 700))
    data = {
        "fuel": {
            "id": identity,
            "transactionId": transaction,
            "subsidiaryId": subsidiary.id,
            "truckNumber": maker.pick(("2207", "1180", None)),
            "source": source,
            "type": "ULSD",
            "category": kind,
            "location": {"name": "Love's #611", "city": "Cheyenne", "state": "WY"} if maker.chance(0.7) else None,
            "fuelTotal": maker.money(line.cents + 100),
            "discounts": maker.money(100),
            "total": maker.money(line.cents),
            "quantity": {"value": 81.3, "unitOfMeasure": "Gallons"},
            "transactionDate": instant(day),
        },
        "deductFuel": False,
    }
    booking = bill_booking(subsidiary, hashed_number(transaction, identity), vendor, [line])
    return EventDraft(
        FUEL, f"fuel/{identity}", envelope(maker, FUEL_TYPE, instant(day), data), booking, f"fuel, {kind}"
    )


def toll(maker: Maker, subsidiary: DemoSubsidiary | None = None, provider: tuple[str, str] | None = None) -> EventDraft:
    """A passage that the company bears."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("toll subsidiary", CONNECTED)
    source, vendor = provider or maker.pick(tuple(TOLL_VENDORS[subsidiary.id].items()))
    day, identity = maker.day(), maker.id()
    transaction = f"BP-{maker.number()}"
    line = BookedLine("toll", "", maker.cents(1, 80))
    data = {
        "toll": {
            "id": identity,
            "subsidiaryId": subsidiary.id,
            "transactionId": transaction,
            "transponderId": "7702231190",
            "source": source,
            "agency": "Kansas Turnpike Authority",
            "unitNumber": "2207",
            "exitPlazaName": "East Topeka",
            "amount": maker.money(line.cents),
            "fee": maker.money(50) if maker.chance(0.3) else None,
            "transactionDate": instant(day),
        },
        "deductToll": False,
    }
    booking = bill_booking(subsidiary, hashed_number(transaction, identity), vendor, [line])
    return EventDraft(TOLLS, f"toll/{identity}", envelope(maker, TOLL_TYPE, instant(day), data), booking, "toll")


def deducted(draft: EventDraft) -> Event:
    """The same row, deducted from a driver: it reaches Sage as a line of his statement, and is no bill of its own."""
    flag = "deductFuel" if draft.topic == FUEL else "deductToll"
    changed = draft.copy(f"{draft.story}, deducted")
    changed.event["data"][flag] = True
    return changed.ends(ExpectedOutcome.SKIPPED, "DEDUCTED_FROM_DRIVER")
