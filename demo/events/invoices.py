"""`invoice-created`: invoices of one load, and summary invoices over several."""

from datetime import timedelta

from demo.events.draft import EventDraft, invoice_booking
from demo.events.expect import INVOICES, BookedLine
from demo.events.maker import Json, Maker, envelope, instant
from demo.events.world import CONNECTED, CUSTOMERS, DemoSubsidiary, Party

TYPE = "invoice.created"
ACCESSORIALS = (
    "Detention",
    "Lumper",
    "Layover",
    "Stop Off",
    "TONU",
    "Reefer Fuel Surcharge",
    "Hazmat",
    "Washout",
    "Late Fee",
    "Drone Escort",  # a type that a company made up last week
    "Tarp/Untarp",
)
TITLES = {"load": "Load", "accessorials": "Accessorials", "e-checks": "E-checks"}
_SHORT_PAY = "Short Pay"


def load_invoice(maker: Maker, subsidiary: DemoSubsidiary | None = None, customer: Party | None = None) -> EventDraft:
    """An invoice of one load with one to eight lines."""
    maker.new_document()
    subsidiary = subsidiary or maker.next_of("invoice subsidiary", CONNECTED)
    number = maker.number()
    charges = _charges(maker, number, maker.next_of("invoice lines", range(1, 9)))
    return _invoice(maker, subsidiary, customer, number, charges, "load invoice")


def summary_invoice(maker: Maker) -> EventDraft:
    """One invoice over two to four loads."""
    maker.new_document()
    subsidiary = maker.next_of("summary subsidiary", CONNECTED)
    charges = [
        charge
        for _ in range(maker.random.randint(2, 4))
        for charge in _charges(maker, maker.number(), maker.random.randint(2, 3))
    ]
    return _invoice(maker, subsidiary, None, f"S{maker.number()}", charges, "summary invoice")


def one_line(maker: Maker, subsidiary: DemoSubsidiary, cents: int, name: str = "Detention") -> EventDraft:
    """An invoice of one accessorial line: the smallest there is."""
    maker.new_document()
    number = maker.number()
    return _invoice(maker, subsidiary, None, number, [_charge(maker, number, "Accessorial", name, cents)], name)


Charge = tuple[Json, BookedLine]


def _charges(maker: Maker, load: str, lines: int) -> list[Charge]:
    """Linehaul first, so that the total is above zero whatever follows."""
    charges = [_charge(maker, load, "Load", "Linehaul", maker.cents(900, 4000))]
    if lines > 1:
        charges.append(_charge(maker, load, "Load", "Fuel Surcharge", maker.cents(90, 500)))
    for _ in range(lines - 2):
        kind = maker.next_of("invoice line", ("Accessorial", "Accessorial", "Accessorial", "E-Check", "short pay"))
        if kind == "short pay":  # a short payment is written off as a negative accessorial
            charges.append(_charge(maker, load, "Accessorial", _SHORT_PAY, -maker.cents(1, 60)))
        elif kind == "E-Check":
            charges.append(_charge(maker, load, "E-Check", "Lumper Fee", maker.cents(1, 9)))
        else:
            name = maker.next_of("accessorial", ACCESSORIALS)
            charges.append(_charge(maker, load, "Accessorial", name, maker.cents(20, 300)))
    return charges


def _charge(maker: Maker, load: str, category: str, name: str, cents: int) -> Charge:
    slug = {"Load": "load", "Accessorial": "accessorials", "E-Check": "e-checks"}[category]
    item = "Customer Linehaul" if name == "Linehaul" else name
    line: Json = {
        "id": maker.id()[:8],
        "category": category,
        "name": name,
        "loadNumber": load,
        "rate": {"unitOfMeasurement": "Flat", "units": 1, "rate": cents / 100},
        "amount": maker.money(cents),
    }
    if maker.chance(0.25):
        line["mapping"] = {"category": TITLES[slug], "item": item}
    return line, BookedLine(slug, item, cents)


def _invoice(
    maker: Maker, subsidiary: DemoSubsidiary, customer: Party | None, number: str, charges: list[Charge], story: str
) -> EventDraft:
    customer = customer or maker.pick(CUSTOMERS[subsidiary.company])
    day, identity = maker.day(), maker.id()
    loads = dict.fromkeys(str(line["loadNumber"]) for line, _ in charges)
    data = {
        "subsidiary": {"id": subsidiary.id, "name": subsidiary.name, "type": subsidiary.kind},
        "invoice": {
            "id": identity,
            "number": number,
            "type": "SummaryInvoice" if len(loads) > 1 else "LoadInvoice",
            "status": "AwaitingPayment",
            "createdDate": instant(day),
            "invoicedDate": f"{day.isoformat()}T00:00:00Z",
            "dueDate": f"{(day + timedelta(days=30)).isoformat()}T00:00:00Z" if maker.chance(0.8) else None,
            "total": maker.money(sum(line.cents for _, line in charges)),
            "lineItems": [line for line, _ in charges],
        },
        "customer": _named(maker, customer),
        "loads": [
            {
                "loadNumber": load,
                "orderNumber": f"ORD-{load}",
                "poNumber": f"45{load}" if maker.chance(0.5) else None,
                "fleet": {"name": "West Fleet"},
            }
            for load in loads
        ],
    }
    booking = invoice_booking(subsidiary, number, customer, [line for _, line in charges])
    return EventDraft(INVOICES, f"invoice/{identity}", envelope(maker, TYPE, instant(day, 16), data), booking, story)


def _named(maker: Maker, customer: Party) -> Json:
    """By id, by the name in the accounts, or by its own name; case and white space at the ends do not count."""
    named: Json = {"id": customer.alvys_id, "name": f"{customer.name} Holdings", "type": "Customer"}
    match maker.next_of("customer named", ("id", "id", "external name", "name")):
        case "id":
            named["externalAccountingId"] = customer.sage_id
        case "external name":
            named |= {"externalAccountingId": None, "externalAccountingName": f" {customer.name.upper()} "}
        case _:
            named["name"] = customer.name
    if maker.chance(0.7):
        named["paymentTermsInDays"] = maker.pick((15, 30, 45))
    return named
