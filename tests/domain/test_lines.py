"""How a line of an event finds its category and item (requirements 64 to 77)."""

from typing import Any

import pytest

from domain.categories import STATEMENT_PAY_TYPES, TRIP_PAY_TYPES, Category, Side
from domain.documents import SourceDocument
from domain.lines.line_categories import for_carrier_item, for_driver_line, for_fuel, for_invoice_line, from_mapping
from domain.outcomes import Rejected
from tests.support.events import NAMES, event, read

NOT_DERIVABLE = {
    ("E-Check", "E-Check Fee"): "Lumper Fee",
    ("Deduction", "Occ/Acc"): "Occupational accident insurance",
    ("Deduction", "Physical Damage"): "Insurance",
    ("Deduction", "ELD"): "ELD fees",
    ("Deduction", "IRP"): "IRP fees",
    ("Deduction", "Trailer Rent"): "Equipment lease",
    ("Deduction", "Loan"): "Loan repayments",
    ("Deduction", "Medical Insurance"): "Insurance",
}
"""Lines whose title is not the item: only the event's own mapping knows. The category is derived all the same."""


def places(sample: dict[str, Any]) -> list[tuple[Category, str]]:
    found = read(sample).document
    assert isinstance(found, SourceDocument)
    return [(line.category, line.item) for line in found.lines]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("driver-")])
def test_the_rules_derive_what_the_samples_map_explicitly_or_the_difference_is_listed(name):
    sample = event(name)
    mapped = places(sample)
    lines = sample["data"]["statement"]["lineItems"]
    for line in lines:
        del line["mapping"]
    for line, (category, item), (derived_category, derived_item) in zip(lines, mapped, places(sample), strict=True):
        assert derived_category is category
        if derived_item != item:
            assert NOT_DERIVABLE[line["category"], line["title"]] == item


@pytest.mark.requirement(65)
@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("Linehaul", "Customer Linehaul"),
        (" LINE HAUL ", "Customer Linehaul"),
        ("Fuel Surcharge", "Fuel Surcharge"),
        ("Pallet exchange", "Pallet exchange"),
    ],
)
def test_load_revenue_is_linehaul_fuel_surcharge_or_its_own_name(name, item):
    place = for_invoice_line("Load", name)
    assert (place.category, place.item) == (Category.LOAD, item)


@pytest.mark.requirement(70, 72)
def test_accessorials_and_e_checks_exist_on_both_sides_under_their_own_types():
    assert for_invoice_line("Accessorial", "Detention") == for_driver_line("Accessorial", "Detention", on_a_trip=True)
    assert for_invoice_line("Accessorial", "Detention") == for_carrier_item("Accessorial", "Detention")
    assert for_invoice_line("E-Check", "Lumper Fee") == for_carrier_item("ECheck", "Lumper Fee")
    assert for_driver_line("E-Check", "Lumper Fee", on_a_trip=False).category is Category.E_CHECKS


@pytest.mark.requirement(64)
def test_an_ar_line_of_any_other_category_is_answered_by_the_master_revenue():
    place = for_invoice_line("Storage", "Trailer storage")
    assert (place.category, place.item) == (Category.DEFAULT, "Revenue")


@pytest.mark.requirement(67)
@pytest.mark.parametrize("pay_type", TRIP_PAY_TYPES)
def test_the_sixteen_trip_pay_types_are_trip_items(pay_type):
    place = for_driver_line(pay_type, pay_type, on_a_trip=False)
    assert (place.category, place.item) == (Category.TRIP, pay_type)


@pytest.mark.requirement(67)
@pytest.mark.parametrize(
    ("field", "item"),
    [
        ("TripValuePercentage", "% of Trip Value"),
        ("CustomerLineHaulPercentage", "% of Line Haul"),
        ("CustomerLineHaulDeduction", "% of Line Haul Deduction"),
        ("FuelSurchargePercentage", "% of Fuel Surcharge"),
        ("PerMile", "Per Mile"),
    ],
)
def test_a_pay_rates_field_name_is_its_pay_type(field, item):
    assert for_driver_line(field, field, on_a_trip=True).item == item


@pytest.mark.requirement(68)
@pytest.mark.parametrize("pay_type", STATEMENT_PAY_TYPES)
def test_statement_level_pay_is_a_driver_statement_expense(pay_type):
    place = for_driver_line(pay_type, "Any title", on_a_trip=True)
    assert (place.category, place.item) == (Category.DRIVER_STATEMENT_EXPENSES, pay_type)


@pytest.mark.requirement(66, 68)
def test_unlisted_driver_pay_is_a_trips_if_it_names_one_else_the_statements():
    on_a_trip = for_driver_line("Rest Breaks", "Rest Breaks", on_a_trip=True)
    without = for_driver_line("Rest Breaks", "Rest Breaks", on_a_trip=False)
    assert (on_a_trip.category, on_a_trip.item) == (Category.TRIP, "Rest Breaks")
    assert (without.category, without.item) == (Category.DRIVER_STATEMENT_EXPENSES, "Rest Breaks")


@pytest.mark.requirement(66)
def test_the_carriers_and_the_drivers_linehaul_are_trip_items():
    assert for_carrier_item("LineHaul", "Carrier Rate").item == "Carrier Linehaul"
    assert for_driver_line("Driver Payment", "Driver Payment", on_a_trip=True).item == "Driver Payment"


@pytest.mark.requirement(73, 77)
@pytest.mark.parametrize(
    ("category", "item"),
    [("Deduction", "Parking fine"), ("Escrow", "Escrow"), ("Credit", "Credit"), ("Reimbursement", "Reimbursement")],
)
def test_deductions_take_any_type_and_hold_escrow_credit_and_reimbursement(category, item):
    place = for_driver_line(category, "Parking fine", on_a_trip=False)
    assert (place.category, place.item) == (Category.DEDUCTIONS, item)


@pytest.mark.requirement(74, 75)
def test_fuel_is_mapped_by_fuel_type_never_by_card_provider():
    assert places(event("fuel-reefer")) == [(Category.FUEL, "Reefer Diesel")]
    assert for_fuel("").item == "Fuel"


@pytest.mark.requirement(76)
def test_every_toll_is_the_single_item_toll():
    assert places(event("toll")) == [(Category.TOLL, "Toll")]
    assert for_driver_line("Tolls", "EZ Pass", on_a_trip=False).item == "Toll"


@pytest.mark.requirement(56)
def test_an_explicit_mapping_wins_and_names_one_of_the_nine_on_its_side():
    place = from_mapping(Side.AP, " driver statement expenses", "Bonus")
    assert not isinstance(place, Rejected)
    assert place.category is Category.DRIVER_STATEMENT_EXPENSES
    for side, title, code in [
        (Side.AR, "Trip", "CATEGORY_WRONG_SIDE"),
        (Side.AP, "Load", "CATEGORY_WRONG_SIDE"),
        (Side.AP, "Trips", "CATEGORY_UNKNOWN"),
    ]:
        refused = from_mapping(side, title, "x")
        assert isinstance(refused, Rejected)
        assert refused.code == code


def test_a_wrong_explicit_mapping_refuses_the_document():
    sample = event("driver-statement-w2")
    sample["data"]["statement"]["lineItems"][0]["mapping"]["category"] = "Load"
    found = read(sample).document
    assert isinstance(found, Rejected)
    assert found.code == "CATEGORY_WRONG_SIDE"
