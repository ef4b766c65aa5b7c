"""The fictional companies that the events are about. They match the simulator's built-in Sage companies and `parties`.

`Party.named` are the ways in which Alvys may name a party; all of them lead to the one record in Sage.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoSubsidiary:
    """A subsidiary in Alvys, and the Sage company its documents belong in."""

    id: str
    name: str
    kind: str
    company: str


@dataclass(frozen=True, slots=True)
class Party:
    """A customer, driver or carrier: its id and name in Sage, and its id in Alvys."""

    sage_id: str
    name: str
    alvys_id: str


TRANSPORT = DemoSubsidiary("a1b2c3d4-0000-0000-0000-000000000001", "Blue Mesa Transport LLC", "Carrier", "BLUEMESA")
LOGISTICS = DemoSubsidiary("a1b2c3d4-0000-0000-0000-000000000002", "Blue Mesa Logistics LLC", "Broker", "BLUEMESA")
HIGHLINE = DemoSubsidiary("b7c8d9e0-0000-0000-0000-000000000003", "Highline Carriers Inc", "Carrier", "HIGHLINE")
UNFINISHED = DemoSubsidiary("b7c8d9e0-0000-0000-0000-000000000004", "Highline West Inc", "Carrier", "HIGHLINE")
"""Connected, and without any account: its documents wait."""
STRANGER = DemoSubsidiary("ffffffff-0000-0000-0000-000000000099", "Nobody Trucking LLC", "Carrier", "")
"""Not connected to Sage: its documents are skipped."""

CONNECTED = (TRANSPORT, LOGISTICS, HIGHLINE)
BY_STATEMENT = (LOGISTICS,)
"""Their carriers' bills come from carrier statements only."""
BY_TRIP = (TRANSPORT, HIGHLINE)
"""Their carriers' bills come from the trips' own bills only."""


def _parties(prefix: str, *pairs: tuple[str, str]) -> tuple[Party, ...]:
    return tuple(
        Party(sage_id, name, f"{prefix}-{number:04d}-4a6e-9a37-0d0f5c0e0000")
        for number, (sage_id, name) in enumerate(pairs)
    )


CUSTOMERS = {
    "BLUEMESA": _parties(
        "5e0f2b9c",
        ("CUST-10021", "Prairie Gold Foods"),
        ("CUST-10035", "Summit Ridge Brokerage Inc"),
        ("CUST-10044", "Lone Pine Paper"),
        ("CUST-10051", "O'Hara & Sons Produce"),
        ("CUST-10052", "Cañon City Steel <Works>"),
        ("CUST-10053", "Río Bravo Aggregates"),
    ),
    "HIGHLINE": _parties("5e0f2b9d", ("C-1", "Prairie Gold Foods"), ("C-2", "Mesa Verde Produce")),
}
DRIVERS = {
    "BLUEMESA": _parties(
        "2e17c4d3",
        ("VEN-20417", "Delgado Hauling LLC"),
        ("VEN-20433", "T. Okafor"),
        ("VEN-20450", "M. Castellano"),
        ("VEN-20451", "Birch & Daughter Trucking"),
    ),
    "HIGHLINE": _parties("2e17c4d4", ("V-1", "Delgado Hauling LLC")),
}
CARRIERS = {
    "BLUEMESA": _parties(
        "6c7f5ee3",
        ("VEN-30117", "Vista Fork Freight"),
        ("VEN-30118", "Two Rivers Cartage"),
        ("VEN-30119", "Kestrel Express"),
    ),
    "HIGHLINE": _parties("6c7f5ee4", ("V-2", "Vista Fork Freight")),
}
TWINS = Party("CUST-20001", "Twin Rivers Produce", "5e0f2b9c-9999-4a6e-9a37-0d0f5c0e0000")
"""A name that two customers in Sage share."""
TWIN_IDS = ("CUST-20001", "CUST-20002")

FUEL_VENDORS = {
    TRANSPORT.id: {"EFS": "VEN-EFS", "Comdata": "VEN-COMDATA", "Relay": "VEN-RELAY"},
    LOGISTICS.id: {"EFS": "VEN-EFS"},
    HIGHLINE.id: {"EFS": "V-EFS", "TCS": "V-EFS", "QuikQ": "V-EFS"},  # its default vendor answers for all of them
}
TOLL_VENDORS = {
    TRANSPORT.id: {"BestPass": "VEN-BESTPASS"},
    LOGISTICS.id: {"BestPass": "VEN-BESTPASS"},
    HIGHLINE.id: {"BestPass": "V-BESTPASS", "PrePass": "V-BESTPASS"},
}
LATE_PROVIDER = "Pilot Flying J"
LATE_VENDOR = "VEN-RELAY"
"""A card provider without a vendor at first; the demonstration sets one at the end."""
