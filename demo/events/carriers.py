"""`settlement-finalized`: what outside carriers are paid, by statement or trip by trip."""

from datetime import timedelta

from demo.events.draft import EventDraft, bill_booking
from demo.events.drivers import TYPE
from demo.events.expect import SETTLEMENTS, BookedLine
from demo.events.maker import Json, Maker, envelope, instant
from demo.events.world import BY_STATEMENT, BY_TRIP, CARRIERS, DemoSubsidiary, Party

ACCESSORIALS = ("Detention", "Lumper", "Layover", "Pallet Exchange")
LINEHAUL = "Carrier Linehaul"
E_CHECKS = ("Lumper Fee", "Fuel Advance")


def statement(maker: Maker, subsidiary: DemoSubsidiary | None = None) -> EventDraft:
    """One to four trips in one bill, sometimes paid to a factoring company; the vendor is the carrier all the same."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("carrier subsidiary", BY_STATEMENT)
    carrier = maker.pick(CARRIERS[subsidiary.company])
    number, day = maker.number(), maker.day()
    trips, booked = [], []
    for _ in range(maker.random.randint(1, 4)):
        trip = maker.number()
        items = _items(maker)
        booked += [line for _, line in items]
        trips.append({"tripNumber": trip, "invoiceNumber": f"CI-{trip}", "items": [item for item, _ in items]})
    factoring = maker.chance(0.4)
    total = maker.money(sum(line.cents for line in booked))
    data = {
        "settlementType": "CarrierStatement",
        "statement": {
            "number": int(number),
            "status": "Processed",
            "statementDate": instant(day, 12),
            "remittanceDate": instant(day + timedelta(days=30), 0) if maker.chance(0.6) else None,
            "subsidiaryId": subsidiary.id,
            "payee": {"type": "FactoringCompany" if factoring else "Carrier", "name": "Harbor Street Factors"},
            "netAmount": total,
            "paidAmount": maker.money(0),
            "remainingAmount": total,
            "trips": trips,
            "payments": [],
        },
        "carrier": _carrier(maker, carrier, subsidiary)
        | {
            "factoringCompany": {"id": "f-77", "name": "Harbor Street Factors"} if factoring else None,
            "factoringTermsInDays": 15 if factoring else None,
        },
    }
    booking = bill_booking(subsidiary, f"s-{number}", carrier.sage_id, booked)
    key = f"carrier-statement/{carrier.alvys_id}/{number}"
    return EventDraft(SETTLEMENTS, key, envelope(maker, TYPE, instant(day, 18), data), booking, "carrier statement")


def bill(maker: Maker, subsidiary: DemoSubsidiary | None = None) -> EventDraft:
    """A carrier's invoice for one trip: linehaul and accessorials, less the e-checks it has had."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("bill subsidiary", BY_TRIP)
    carrier = maker.pick(CARRIERS[subsidiary.company])
    number, day, identity = maker.number(), maker.day(), maker.id()
    linehaul = maker.cents(800, 2500)
    extras = [(maker.next_of("bill extra", ACCESSORIALS), maker.cents(20, 300)) for _ in range(maker.pick((0, 1, 2)))]
    checks = [(maker.next_of("bill check", E_CHECKS), maker.cents(20, 300)) for _ in range(maker.pick((0, 1)))]
    booked = [
        BookedLine("trip", LINEHAUL, linehaul),
        *(BookedLine("accessorials", name, cents) for name, cents in extras),
        *(BookedLine("e-checks", name, -cents) for name, cents in checks),
    ]
    data = {
        "settlementType": "CarrierBill",
        "subsidiary": {"id": subsidiary.id, "name": subsidiary.name, "type": subsidiary.kind},
        "trip": {
            "id": identity,
            "tripNumber": number,
            "loadNumber": number,
            "deliveredAt": f"{day.isoformat()}T17:20:00-07:00",
            "releasedAt": None,
            "dueDate": None,
            "carrier": _carrier(maker, carrier, subsidiary)
            | {
                "carrierInvoiceNumber": f"CI-{number}",
                "linehaul": maker.money(linehaul),
                "accessorialsDetails": [
                    {"id": name, "type": name, "total": maker.money(cents)} for name, cents in extras
                ],
                "eChecks": [
                    {"checkNumber": f"77{number}", "amount": maker.money(cents), "type": name} for name, cents in checks
                ],
                "totalPayable": maker.money(sum(line.cents for line in booked)),
            },
        },
    }
    booking = bill_booking(subsidiary, number, carrier.sage_id, booked)
    event = envelope(maker, TYPE, instant(day, 18), data)
    return EventDraft(SETTLEMENTS, f"carrier-bill/{identity}", event, booking, "carrier bill")


def _items(maker: Maker) -> list[tuple[Json, BookedLine]]:
    linehaul = maker.cents(800, 2500)
    items = [_item(maker, "LineHaul", "Carrier Rate", BookedLine("trip", LINEHAUL, linehaul))]
    if maker.chance(0.6):
        tag = maker.next_of("carrier accessorial", ACCESSORIALS)
        items.append(_item(maker, "Accessorial", tag, BookedLine("accessorials", tag, maker.cents(20, 300))))
    if maker.chance(0.4):
        tag = maker.next_of("carrier check", E_CHECKS)
        items.append(_item(maker, "ECheck", tag, BookedLine("e-checks", tag, -maker.cents(20, 300))))
    return items


def _item(maker: Maker, kind: str, tag: str, line: BookedLine) -> tuple[Json, BookedLine]:
    return {"description": tag, "type": kind, "amount": maker.money(line.cents), "accountingTag": tag}, line


def _carrier(maker: Maker, carrier: Party, subsidiary: DemoSubsidiary) -> Json:
    """By the id of this subsidiary (another's counts for nothing), or by name."""
    ids = [{"subsidiaryId": "another-subsidiary", "externalAccountingId": "VEN-99999"}]
    if maker.chance(0.6):
        ids.append({"subsidiaryId": subsidiary.id, "externalAccountingId": carrier.sage_id})
    return {
        "id": carrier.alvys_id,
        "name": f"{carrier.name} LLC",
        "externalName": carrier.name,
        "mcNum": "MC812345",
        "externalIds": ids,
        "termsInDays": maker.pick((15, 30, None)),
    }
