"""`settlement-finalized`: statements of owner-operators and company drivers, every kind of line there is."""

from collections.abc import Iterator
from dataclasses import dataclass

from demo.events.draft import EventDraft, bill_booking
from demo.events.expect import SETTLEMENTS, BookedLine
from demo.events.maker import Json, Maker, envelope, instant
from demo.events.world import CONNECTED, DRIVERS, DemoSubsidiary, Party

TYPE = "settlement.finalized"
TRIP_PAY = (
    "Per Trip",
    "% of Trip Value",
    "Total Miles",
    "Loaded Miles",
    "Empty Miles",
    "Per Stop",
    "% of Fuel Surcharge",
    "% of Line Haul",
    "Service Fee",
    "Per Load",
    "Per Customer Stop",
    "Per Hour",
    "Mileage Per Diem",
    "Per Mile",
    "% of Line Haul Deduction",
    "% of Trip Value Deduction",
)
LOWERS_PAY = frozenset({"Service Fee", "% of Line Haul Deduction", "% of Trip Value Deduction"})
STATEMENT_PAY = ("Minimum Pay", "Bonus", "Per Day", "Daily Per Diem", "Statement Per Diem")
DEDUCTIONS = ("Occ/Acc", "Physical Damage", "ELD", "IRP", "Trailer Rent", "Loan", "Gym Membership")
"""As statements call them; the last one is new."""
DEDUCTION_ITEMS = {
    "Occ/Acc": "Occupational accident insurance",
    "Physical Damage": "Insurance",
    "ELD": "ELD fees",
    "IRP": "IRP fees",
    "Trailer Rent": "Equipment lease",
    "Loan": "Loan repayments",
}
"""The item that an explicit mapping names in their place."""
TITLES = {
    "trip": "Trip",
    "driver-statement-expenses": "Driver Statement Expenses",
    "accessorials": "Accessorials",
    "e-checks": "E-checks",
    "deductions": "Deductions",
    "fuel": "Fuel",
    "toll": "Toll",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as the statement has it; `item` is what it means to the account mappings."""

    category: str
    title: str
    cents: int
    slug: str
    item: str
    on_trip: bool = False
    more: tuple[tuple[str, object], ...] = ()


def statement(maker: Maker, subsidiary: DemoSubsidiary | None = None) -> EventDraft:
    """A statement that pays something; in turn of an owner-operator and of a company driver."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("statement subsidiary", CONNECTED)
    driver = maker.pick(DRIVERS[subsidiary.company])
    number, day, trip = maker.number(), maker.day(), maker.number()
    owner = maker.next_of("owner", (True, False))
    explicit = maker.next_of("explicit", (True, True, False))
    lines: list[Json] = []
    booked: list[BookedLine] = []
    for line in (*_pay(maker), *(_owners_costs(maker) if owner else ())):
        # Without a mapping of its own, a deduction goes by its title, and one that nobody knows by its category.
        item = DEDUCTION_ITEMS.get(line.item, line.item) if explicit else line.item
        lines.append(_json(maker, line, trip, {"category": TITLES[line.slug], "item": item} if explicit else None))
        booked.append(BookedLine(line.slug, item, line.cents))
    data = {
        "settlementType": "DriverStatement",
        "statement": {
            "number": int(number) if maker.chance(0.5) else number,
            "status": "Processed",
            "statementDate": day.isoformat(),
            "payPeriodTitle": f"Week of {day.isoformat()}",
            "driver": _driver(maker, driver, subsidiary, owner=owner),
            "totals": {"netIncome": maker.money(sum(line.cents for line in booked)), "numberOfTrips": 1},
            "lineItems": lines,
        },
    }
    booking = bill_booking(subsidiary, number, driver.sage_id, booked)
    key = f"driver-statement/{driver.alvys_id}/{number}"
    kind = "owner-operator's statement" if owner else "company driver's statement"
    return EventDraft(SETTLEMENTS, key, envelope(maker, TYPE, instant(day, 19), data), booking, kind)


def _driver(maker: Maker, driver: Party, subsidiary: DemoSubsidiary, *, owner: bool) -> Json:
    named: Json = {
        "id": driver.alvys_id,
        "name": f"Driver of {driver.name}" if owner else driver.name,
        "type": "OWNER_OPERATOR" if owner else "COMPANY",
        "subsidiaryId": subsidiary.id,
        "taxCategory": "1099" if owner else "W2",
        "taxCompanyName": driver.name if owner else None,
        "paymentTermsInDays": maker.pick((0, 7)),
    }
    if maker.chance(0.6):
        named["externalAccountingId"] = driver.sage_id
    return named


def _pay(maker: Maker) -> Iterator[_Line]:
    """What a trip pays, well above all that is taken off, and what the week pays."""
    yield _Line("Per Trip", "Per Trip", maker.cents(3000, 4000), "trip", "Per Trip", on_trip=True)
    for _ in range(3):
        kind = maker.next_of("trip pay", TRIP_PAY)
        cents = -maker.cents(10, 90) if kind in LOWERS_PAY else maker.cents(20, 300)
        yield _Line(kind, kind, cents, "trip", kind, on_trip=True)
    kind = maker.next_of("statement pay", STATEMENT_PAY)
    yield _Line(kind, kind, maker.cents(20, 300), "driver-statement-expenses", kind)
    title = maker.next_of("driver accessorial", ("Detention", "Layover", "Chain Up"))
    yield _Line("Accessorial", title, maker.cents(20, 150), "accessorials", title, on_trip=True)
    if maker.chance(0.5):
        yield _Line("Reimbursement", "Scale tickets", maker.cents(5, 60), "deductions", "Reimbursement")
    if maker.chance(0.2):
        yield _Line("Rest Breaks", "Rest Breaks", maker.cents(5, 40), "driver-statement-expenses", "Rest Breaks")


def _owners_costs(maker: Maker) -> Iterator[_Line]:
    """What an owner-operator's statement takes off: fuel, tolls, e-checks, deductions, escrow."""
    yield _Line("E-Check", "Lumper Fee", -maker.cents(20, 200), "e-checks", "Lumper Fee", on_trip=True)
    fuel = maker.next_of("statement fuel", ("Truck Diesel", "DEF Fluid", "Cash Advance", "Scales"))
    yield _Line("Fuel", fuel, -maker.cents(20, 500), "fuel", fuel, more=(("sourceTransactionId", maker.id()[:12]),))
    yield _Line("Toll", "Tolls", -maker.cents(2, 60), "toll", "", more=(("sourceTransactionId", maker.id()[:12]),))
    for _ in range(2):
        title = maker.next_of("deduction", DEDUCTIONS)
        yield _Line("Deduction", title, -maker.cents(10, 200), "deductions", title)
    kind = maker.next_of("escrow", ("Deposit", "Withdrawal"))
    cents = maker.cents(10, 100) * (-1 if kind == "Deposit" else 1)
    yield _Line("Escrow", "Maintenance Escrow", cents, "deductions", "Escrow", more=(("transactionType", kind),))


def _json(maker: Maker, line: _Line, trip: str, mapping: Json | None) -> Json:
    found: Json = {
        "category": line.category,
        "title": line.title,
        "policyName": "Percentage 75" if line.on_trip else None,
        "tripNumber": trip if line.on_trip else None,
        "loadNumber": trip if line.on_trip else None,
        "amount": maker.money(line.cents),
        "subLines": [{"description": line.title, "quantity": "1", "amount": maker.money(line.cents)}],
    }
    return found | ({"mapping": mapping} if mapping else {}) | dict(line.more)
