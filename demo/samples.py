"""The sample events of the contract, with what must become of them: the same files that the tests read."""

import json
from pathlib import Path

from demo.events import (
    FUEL,
    GROUPED,
    INVOICES,
    SETTLEMENTS,
    TOLLS,
    BookedLine,
    Booking,
    Event,
    Expectation,
    ExpectedOutcome,
)
from demo.events.maker import hashed_number
from demo.events.world import LOGISTICS, TRANSPORT

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "events"
_COMPANY = TRANSPORT.company
_BY_STATEMENT = Expectation(ExpectedOutcome.SKIPPED, "CARRIER_STATEMENTS_ENABLED")
_DEDUCTED = Expectation(ExpectedOutcome.SKIPPED, "DEDUCTED_FROM_DRIVER")


def _booking(sub: str, sage_object: str, number: str, party: str, *lines: tuple[str, str, int]) -> Expectation:
    booked = tuple(BookedLine(*line) for line in lines)
    return Expectation(ExpectedOutcome.POSTED, booking=Booking(sub, _COMPANY, sage_object, number, party, booked))


def _expectations() -> dict[str, tuple[str, str, Expectation]]:
    """Of each file: topic, document key, and what an accountant would say becomes of it."""
    load, more, trip, pay = "load", "accessorials", "trip", "driver-statement-expenses"
    base, carrier = "15fd1695595a48a48163490e3f21000", "6c7f5ee3-f44c-4c19-92bf-89cfbd5d87a0"
    driver = "2e17c4d3-202d-4f27-b2fa-711c57435c"
    haul, surcharge = "Customer Linehaul", "Fuel Surcharge"
    return {
        "invoice-load": (INVOICES, f"invoice/{base}1", _booking(
            TRANSPORT.id, "ARINVOICE", "1008841", "CUST-10021",
            (load, haul, 245000), (load, surcharge, 41250), (more, "Detention", 15000),
        )),
        "invoice-name-only": (INVOICES, f"invoice/{base}2", _booking(
            TRANSPORT.id, "ARINVOICE", "1008867", "CUST-10035",
            (load, haul, 318000), (load, surcharge, 54000), (more, "Lumper", 22500), (more, "Stop Off", 7500),
            (more, "Reefer Fuel Surcharge", 6000),
        )),
        "invoice-summary": (INVOICES, f"invoice/{base}3", _booking(
            LOGISTICS.id, "ARINVOICE", "S1000063", "CUST-10044",
            (load, haul, 110000), (load, surcharge, 18700), (load, haul, 110000), (load, surcharge, 18700),
            (more, "TONU", 25000),
        )),
        "driver-statement-1099": (SETTLEMENTS, f"driver-statement/{driver}5b/10432", _booking(
            TRANSPORT.id, "APBILL", "10432", "VEN-20417",
            (trip, "% of Line Haul", 183750), (trip, "% of Fuel Surcharge", 41250), (trip, "Service Fee", -11250),
            (more, "Detention", 11250), (trip, "% of Line Haul", 238500), (trip, "% of Fuel Surcharge", 54000),
            (trip, "Service Fee", -14625), ("e-checks", "Lumper Fee", -22500), ("e-checks", "Lumper Fee", -450),
            (pay, "Bonus", 10000), ("deductions", "Reimbursement", 3875), ("fuel", "Truck Diesel", -43327),
            ("fuel", "DEF Fluid", -4136), ("fuel", "Cash Advance", -20000), ("fuel", "Cash Advance Fee", -350),
            ("toll", "", -4285), ("deductions", "Occupational accident insurance", -3850),
            ("deductions", "Insurance", -17200), ("deductions", "ELD fees", -3000), ("deductions", "IRP fees", -6250),
            ("deductions", "Equipment lease", -25000), ("deductions", "Loan repayments", -15000),
            ("deductions", "Escrow", -10000),
        )),
        "driver-statement-w2": (SETTLEMENTS, f"driver-statement/{driver}6c/10433", _booking(
            TRANSPORT.id, "APBILL", "10433", "VEN-20433",
            (trip, "Loaded Miles", 106836), (trip, "Empty Miles", 12354), (trip, "Per Stop", 2500),
            (pay, "Minimum Pay", 13310), (pay, "Daily Per Diem", 33000), ("deductions", "Insurance", -8500),
        )),
        "carrier-statement": (SETTLEMENTS, f"carrier-statement/{carrier}/1042", _booking(
            LOGISTICS.id, "APBILL", "s-1042", "VEN-30117",
            (trip, "Carrier Linehaul", 185000), (more, "Detention", 10000), (trip, "Carrier Linehaul", 220000),
            (more, "Lumper", 22500), ("e-checks", "Lumper Fee", -22500),
        )),
        "carrier-bill": (SETTLEMENTS, "carrier-bill/b2c3d4e5-1111-2222-3333-444455558888", _BY_STATEMENT),
        "intercompany-invoice": (INVOICES, "invoice/ic-0001", _booking(
            LOGISTICS.id, "ARINVOICE", "IC-1008940", "CUST-IC100", (load, haul, 190000), (more, "Layover", 20000),
        )),
        "intercompany-bill": (SETTLEMENTS, "intercompany-bill/ic-0001", _booking(
            TRANSPORT.id, "APBILL", "IC-1008940", "VEN-IC200", (trip, "Carrier Linehaul", 190000),
            (more, "Layover", 20000),
        )),
        "fuel-diesel-deducted": (FUEL, "fuel/fuel-0001", _DEDUCTED),
        "fuel-def-deducted": (FUEL, "fuel/fuel-0002", _DEDUCTED),
        "fuel-reefer": (FUEL, "fuel/fuel-0003", _booking(
            TRANSPORT.id, "APBILL", hashed_number("COM-5501198", "fuel-0003"), "VEN-COMDATA",
            ("fuel", "Reefer Diesel", 9768),
        )),
        "fuel-advance-deducted": (FUEL, "fuel/fuel-0004", _DEDUCTED),
        "fuel-scale": (FUEL, "fuel/fuel-0005", _booking(
            TRANSPORT.id, "APBILL", hashed_number("REL-0099812", "fuel-0005"), "VEN-RELAY", ("fuel", "Scales", 1475),
        )),
        "fuel-day": (GROUPED, f"fuel-day/{TRANSPORT.id}/relay/2026-06-08/USD", _booking(
            TRANSPORT.id, "APBILL", hashed_number("2026-06-08-Relay", f"fuel-day/{TRANSPORT.id}/relay/2026-06-08/USD"),
            "VEN-RELAY", ("fuel", "Truck Diesel", 41260), ("fuel", "DEF Fluid", 3815),
        )),
        "toll-day": (GROUPED, f"toll-day/{TRANSPORT.id}/bestpass/2026-06-09/USD", _booking(
            TRANSPORT.id, "APBILL",
            hashed_number("2026-06-09-BestPass", f"toll-day/{TRANSPORT.id}/bestpass/2026-06-09/USD"),
            "VEN-BESTPASS", ("toll", "", 3120), ("toll", "", 475),
        )),
        "toll-deducted": (TOLLS, "toll/toll-0001", _DEDUCTED),
        "toll": (TOLLS, "toll/toll-0002", _booking(
            TRANSPORT.id, "APBILL", hashed_number("BP-770002", "toll-0002"), "VEN-BESTPASS", ("toll", "", 3120),
        )),
    }  # fmt: skip


def samples() -> list[Event]:
    """The samples, each under its key."""
    return [
        Event(topic, key.encode(), json.dumps(_read(name)).encode(), expectation, f"sample {name}")
        for name, (topic, key, expectation) in _expectations().items()
    ]


def _read(name: str) -> object:
    found: object = json.loads((FOLDER / f"{name}.json").read_bytes())
    return found
