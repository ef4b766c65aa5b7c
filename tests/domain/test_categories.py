"""The nine categories are what the article "Account Mappings" says they are."""

import pytest

from domain.categories import (
    CATEGORIES,
    CATEGORY_DEFAULT,
    Category,
    Side,
    category_titled,
    fold,
    item_slot,
    mappable_items,
)

AR, AP = {Side.AR}, {Side.AP}
SIDES = {
    Category.DEFAULT: AR | AP,
    Category.LOAD: AR,
    Category.TRIP: AP,
    Category.DRIVER_STATEMENT_EXPENSES: AP,
    Category.ACCESSORIALS: AR | AP,
    Category.E_CHECKS: AR | AP,
    Category.DEDUCTIONS: AP,
    Category.FUEL: AP,
    Category.TOLL: AP,
}
ROWS = list(mappable_items())


def rows(category: Category) -> list[tuple[Side, str]]:
    return [(row.side, row.title) for row in ROWS if row.category is category]


@pytest.mark.requirement(56)
def test_there_are_nine_categories_each_on_its_sides():
    assert len(Category) == 9
    assert {category: set(info.sides) for category, info in CATEGORIES.items()} == SIDES


@pytest.mark.requirement(57, 58, 64)
def test_the_master_default_is_revenue_and_expense_and_alone_is_required():
    assert rows(Category.DEFAULT) == [(Side.AR, "Revenue"), (Side.AP, "Expense")]
    assert {(row.category, row.required) for row in ROWS if row.required} == {(Category.DEFAULT, True)}


@pytest.mark.requirement(65)
def test_load_has_its_default_linehaul_and_fuel_surcharge():
    assert [title for _, title in rows(Category.LOAD)] == ["Load (default)", "Customer Linehaul", "Fuel Surcharge"]


@pytest.mark.requirement(66, 67)
def test_trip_has_two_linehauls_and_the_sixteen_pay_types():
    titles = [title for _, title in rows(Category.TRIP)]
    assert titles[:3] == ["Trip (default)", "Carrier Linehaul", "Driver Payment"]
    assert titles[3:] == [
        *("Per Trip", "% of Trip Value", "Total Miles", "Loaded Miles", "Empty Miles", "Per Stop"),
        *("% of Fuel Surcharge", "% of Line Haul", "Service Fee", "Per Load", "Per Customer Stop", "Per Hour"),
        *("Mileage Per Diem", "Per Mile", "% of Line Haul Deduction", "% of Trip Value Deduction"),
    ]


@pytest.mark.requirement(68)
def test_driver_statement_expenses_has_its_five_items():
    titles = [title for _, title in rows(Category.DRIVER_STATEMENT_EXPENSES)]
    assert titles[0] == "Driver Statement Expense (default)"
    assert set(titles[1:]) == {"Minimum Pay", "Bonus", "Per Day", "Daily Per Diem", "Statement Per Diem"}


@pytest.mark.requirement(70, 72, 77)
def test_accessorials_and_e_checks_have_two_columns_and_only_dynamic_items():
    for category, title in ((Category.ACCESSORIALS, "Accessorial (default)"), (Category.E_CHECKS, "E-Check (default)")):
        assert rows(category) == [(Side.AR, title), (Side.AP, title)]
        assert CATEGORIES[category].dynamic


@pytest.mark.requirement(73, 77)
def test_deductions_name_the_common_types_and_take_others():
    info = CATEGORIES[Category.DEDUCTIONS]
    assert info.dynamic
    assert set(info.items) == {
        *("Cash advance", "Cash advance repayment", "Insurance", "IRP fees", "IFTA fees", "Equipment lease"),
        *("Equipment purchase", "Fuel card advances", "Loan repayments", "Occupational accident insurance"),
        *("Plate fees", "ELD fees", "Toll charges"),
    }


@pytest.mark.requirement(74)
def test_fuel_has_its_seventeen_types():
    items = CATEGORIES[Category.FUEL].items
    assert len(items) == 17
    assert set(items) == {
        *("Truck Diesel", "Reefer Diesel", "Dyed Diesel", "Gas", "Natural Gas", "Propane", "DEF Fluid", "Oil"),
        *("Other Fuel", "Cash Advance", "Cash Advance Fee", "Maintenance", "Parking", "Scales"),
        *("Misc Truck Expense", "Misc Non Truck Expense", "Fee"),
    }


@pytest.mark.requirement(76)
def test_toll_is_a_single_item():
    assert rows(Category.TOLL) == [(Side.AP, "Toll (default)")]
    assert item_slot(Category.TOLL, "Toll") == item_slot(Category.TOLL, "default") == CATEGORY_DEFAULT


@pytest.mark.requirement(38)
def test_names_fold_case_and_outer_white_space_and_nothing_else():
    assert fold("  Stop-Off ") == "stop-off"
    assert fold("Stop-off") != fold("Stop Off")
    assert category_titled("e-CHECKS ") is Category.E_CHECKS
    assert category_titled("E Checks") is None
