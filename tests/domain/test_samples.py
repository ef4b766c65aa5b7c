"""Every sample event reads to the document that its numbers promise."""

from datetime import date
from decimal import Decimal

import pytest

from domain.documents import PartyKind, SourceDocument
from domain.outcomes import Rejected
from tests.support.events import NAMES, event, read

D = Decimal
SUBSIDIARY_1, SUBSIDIARY_2 = (f"a1b2c3d4-0000-0000-0000-00000000000{n}" for n in (1, 2))
EXPECTED = {
    "invoice-load": ("invoice/15fd1695595a48a48163490e3f210001", "1008841", D("3012.50"), 3),
    "invoice-name-only": ("invoice/15fd1695595a48a48163490e3f210002", "1008867", D("4080.00"), 5),
    "invoice-summary": ("invoice/15fd1695595a48a48163490e3f210003", "S1000063", D("2824.00"), 5),
    "driver-statement-1099": (
        "driver-statement/2e17c4d3-202d-4f27-b2fa-711c57435c5b/10432",
        "10432",
        D("3414.02"),
        23,
    ),
    "driver-statement-w2": ("driver-statement/2e17c4d3-202d-4f27-b2fa-711c57435c6c/10433", "10433", D("1595.00"), 6),
    "carrier-statement": ("carrier-statement/6c7f5ee3-f44c-4c19-92bf-89cfbd5d87a0/1042", "s-1042", D("4150.00"), 5),
    "carrier-bill": ("carrier-bill/b2c3d4e5-1111-2222-3333-444455558888", "1008940", D("1875.00"), 4),
    "intercompany-invoice": ("invoice/ic-0001", "IC-1008940", D("2100.00"), 2),
    "intercompany-bill": ("intercompany-bill/ic-0001", "IC-1008940", D("2100.00"), 2),
    "fuel-diesel-deducted": ("fuel/fuel-0001", "EFS-88120417-2ecc6afa", D("433.27"), 1),
    "fuel-def-deducted": ("fuel/fuel-0002", "EFS-88120417-1e838a27", D("41.36"), 1),
    "fuel-reefer": ("fuel/fuel-0003", "COM-5501198-83a87e46", D("97.68"), 1),
    "fuel-advance-deducted": ("fuel/fuel-0004", "EFS-88121002-6f6fec1f", D("203.50"), 1),
    "fuel-scale": ("fuel/fuel-0005", "REL-0099812-513676dc", D("14.75"), 1),
    "fuel-day": (f"fuel-day/{SUBSIDIARY_1}/relay/2026-06-08/USD", "2026-06-08-Relay-b983abf2", D("450.75"), 2),
    "toll-day": (f"toll-day/{SUBSIDIARY_1}/bestpass/2026-06-09/USD", "2026-06-09-BestPass-a0987fd6", D("35.95"), 2),
    "toll-deducted": ("toll/toll-0001", "BP-770001-6a35dd45", D("42.85"), 1),
    "toll": ("toll/toll-0002", "BP-770002-d1ea736f", D("31.20"), 1),
}


def document(name: str) -> SourceDocument:
    found = read(event(name)).document
    assert isinstance(found, SourceDocument)
    return found


@pytest.mark.requirement(2, 3)
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_reads_to_its_key_number_and_exact_total(name):
    received = read(event(name))
    found = document(name)
    assert (received.key, found.number, found.total, len(found.lines)) == EXPECTED[name]
    assert sum(line.amount for line in found.lines) == found.total
    assert found.currency == "USD"
    assert len(found.number) <= 30


def test_an_invoice_carries_customer_dates_and_both_order_numbers():
    found = document("invoice-load")
    assert found.subsidiary_id == SUBSIDIARY_1
    assert (found.party.kind, found.party.external_id) == (PartyKind.CUSTOMER, "CUST-10021")
    assert (found.date, found.due) == (date(2026, 6, 10), date(2026, 7, 10))
    assert (found.order_numbers, found.po_numbers) == (("PGF-77120",), ("4500981233",))
    assert found.description == "Load 1008841"
    assert found.lines[2].memo == "Detention load 1008841"


def test_a_customer_without_external_id_is_known_by_name():
    assert document("invoice-name-only").party.external_id is None
    assert document("invoice-name-only").party.names == ("Summit Ridge Brokerage Inc",)


def test_a_summary_invoice_names_its_loads_and_keeps_whole_order_numbers():
    found = document("invoice-summary")
    assert found.description == "Loads 1008902, 1008903, 1008911"
    assert found.po_numbers[0] == "PO-88120"
    assert len(found.po_numbers) == 3


@pytest.mark.requirement(36)
def test_a_1099_driver_is_named_by_the_tax_company_first():
    found = document("driver-statement-1099")
    assert (found.party.external_id, found.tax_category) == ("VEN-20417", "1099")
    assert found.party.names == ("Delgado Hauling LLC", "R. Delgado")
    assert document("driver-statement-w2").party.names == ("T. Okafor",)
    assert found.description == "Statement 10432 Jun 8 - 14, 2026"
    assert (found.date, found.due) == (date(2026, 6, 14), date(2026, 6, 21))


@pytest.mark.requirement(41)
def test_a_carrier_is_known_by_the_id_of_the_documents_subsidiary_alone():
    assert document("carrier-statement").party.external_id == "VEN-30117"
    assert document("carrier-bill").party.external_id == "VEN-30117"  # VEN-99999 is another subsidiary's
    other = event("carrier-bill")
    other["data"]["trip"]["carrier"]["externalIds"].pop()
    found = read(other).document
    assert isinstance(found, SourceDocument)
    assert found.party.external_id is None
    assert found.party.names == ("Vista Fork Freight", "Vista Fork Freight LLC")


def test_a_carriers_several_ids_here_are_not_chosen_from():
    sample = event("carrier-bill")
    ids = sample["data"]["trip"]["carrier"]["externalIds"]
    ids.append({"subsidiaryId": SUBSIDIARY_2, "externalAccountingId": "OLD-1", "integrationType": "QuickBooks"})
    found = read(sample).document
    assert isinstance(found, Rejected)
    assert found.code == "PARTY_AMBIGUOUS"
    ids[1]["integrationType"] = "Sage Intacct"
    assert isinstance(read(sample).document, SourceDocument)


def test_a_carrier_bill_counts_e_checks_off_and_names_the_carriers_invoice():
    found = document("carrier-bill")
    assert [line.amount for line in found.lines] == [D("1725.00"), D("180.00"), D("150.00"), D("-180.00")]
    assert found.reference == "VF-66140"
    assert found.description == "Carrier invoice VF-66140 trip 1008940"
    assert (found.date, found.due) == (date(2026, 6, 16), date(2026, 7, 16))


def test_an_amount_with_more_digits_than_a_sum_can_hold_is_never_rounded():
    sample = event("carrier-bill")
    sample["data"]["trip"]["carrier"]["eChecks"][0]["amount"]["amount"] = "180.0000000000000000000000000001"
    found = read(sample).document
    assert isinstance(found, Rejected)
    assert found.code == "AMOUNT_TOO_FINE"


def test_fuel_and_toll_go_to_the_provider_and_name_place_truck_and_fee():
    fuel, toll = document("fuel-diesel-deducted"), document("toll")
    assert (fuel.party.provider, fuel.deducted) == ("EFS", True)
    assert fuel.description == "EFS fuel 2026-06-09 Pilot #436 Joplin MO truck 2207"
    assert (toll.party.provider, toll.deducted) == ("BestPass", False)
    assert toll.lines[0].memo.endswith("unit 1180 fee 0.5 not booked")


def test_dates_are_the_calendar_dates_the_event_wrote_in_its_own_offset():
    sample = event("invoice-load")
    sample["data"]["invoice"]["invoicedDate"] = "2026-06-30T23:30:00-07:00"  # 1 July in UTC
    found = read(sample).document
    assert isinstance(found, SourceDocument)
    assert found.date == date(2026, 6, 30)
