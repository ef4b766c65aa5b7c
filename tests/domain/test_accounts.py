"""The three levels: specific item, category default, master Default (requirements 52 to 63)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.categories import CATEGORIES, CATEGORY_DEFAULT, Category, Side, item_slot
from domain.documents import MappingLevel, Resolution
from domain.lines.accounts import Unmapped, UnreadableMapping, explain, resolve
from tests.support.mappings import CARRIER, Settings, connected

ACCESSORIALS, FUEL = Category.ACCESSORIALS, Category.FUEL


def ask(
    settings: Settings, side: Side = Side.AP, category: Category = ACCESSORIALS, item: str = "Detention"
) -> Resolution | Unmapped | UnreadableMapping:
    return resolve(settings.state, CARRIER, side, category, item)


def answer(
    settings: Settings, side: Side = Side.AP, category: Category = ACCESSORIALS, item: str = "Detention"
) -> tuple[str, MappingLevel]:
    found = ask(settings, side, category, item)
    assert isinstance(found, Resolution)
    return found.account, found.level


@pytest.mark.requirement(53, 54)
def test_the_specific_item_answers_before_the_category_before_the_master():
    settings = connected()
    assert answer(settings) == ("5000", MappingLevel.MASTER)
    settings.account("ap/accessorials/default", "5100")
    assert answer(settings) == ("5100", MappingLevel.CATEGORY)
    settings.account("ap/accessorials/Detention", "5110")
    assert answer(settings) == ("5110", MappingLevel.SPECIFIC)
    assert answer(settings, item="Layover") == ("5100", MappingLevel.CATEGORY)


@pytest.mark.requirement(54)
@pytest.mark.feature("level in the result")
def test_an_answer_says_which_key_and_which_offset_gave_it():
    settings = connected()
    settings.account("ap/accessorials/ DETENTION", "5110")
    found = ask(settings)
    assert isinstance(found, Resolution)
    assert found.key == f"{CARRIER}/account/ap/accessorials/ DETENTION"
    assert found.offset == settings.state.offset


@pytest.mark.requirement(52, 55, 57, 59)
def test_the_master_default_alone_gives_every_line_an_account():
    settings = connected()
    for category, info in CATEGORIES.items():
        for side in info.sides:
            for item in ("Anything", *info.items):
                assert answer(settings, side, category, item)[0] == ("4000" if side is Side.AR else "5000")


@pytest.mark.requirement(58)
def test_a_cleared_master_is_honoured_and_reported_until_it_is_set_again():
    settings = connected()
    key = f"{CARRIER}/account/ap/default/default"
    assert settings.clear(key) == key
    assert isinstance(ask(settings), Unmapped)
    assert settings.state.cleared_masters() == {key: settings.state.offset}
    settings.account("ap/default/default", "5001")
    assert settings.state.cleared_masters() == {}
    assert answer(settings) == ("5001", MappingLevel.MASTER)


@pytest.mark.requirement(58)
def test_the_master_default_can_be_changed():
    settings = connected()
    settings.account("ap/default/default", "5999")
    assert answer(settings) == ("5999", MappingLevel.MASTER)


@pytest.mark.requirement(60)
def test_a_mapping_of_one_side_never_touches_the_other():
    settings = connected()
    settings.account("ap/accessorials/Detention", "5110")
    settings.account("ap/accessorials/default", "5100")
    assert answer(settings, Side.AR) == ("4000", MappingLevel.MASTER)
    settings.clear(f"{CARRIER}/account/ar/default/default")
    assert isinstance(ask(settings, Side.AR), Unmapped)
    assert answer(settings) == ("5110", MappingLevel.SPECIFIC)


@pytest.mark.requirement(61)
def test_one_account_may_serve_any_number_of_types():
    settings = connected()
    for key in ("ap/accessorials/Detention", "ap/fuel/Scales", "ap/toll/default"):
        settings.account(key, "5555")
    assert answer(settings)[0] == answer(settings, category=FUEL, item="Scales")[0] == "5555"


@pytest.mark.requirement(63)
def test_clearing_a_specific_mapping_falls_back_to_the_category_then_the_master():
    settings = connected()
    settings.account("ap/accessorials/default", "5100")
    settings.account("ap/accessorials/Detention", "5110")
    settings.clear(f"{CARRIER}/account/ap/accessorials/Detention")
    assert answer(settings) == ("5100", MappingLevel.CATEGORY)
    settings.clear(f"{CARRIER}/account/ap/accessorials/default")
    assert answer(settings) == ("5000", MappingLevel.MASTER)


@pytest.mark.requirement(71, 77)
@pytest.mark.parametrize("category", [ACCESSORIALS, Category.E_CHECKS, Category.DEDUCTIONS])
def test_a_type_nobody_has_seen_uses_its_categorys_default(category):
    settings = connected()
    settings.account(f"ap/{category}/default", "5700")
    assert answer(settings, category=category, item="Brand new type") == ("5700", MappingLevel.CATEGORY)


@pytest.mark.requirement(75)
def test_fuel_falls_from_its_type_to_default_fuel_to_default_expense():
    settings = connected()
    assert answer(settings, category=FUEL, item="Truck Diesel") == ("5000", MappingLevel.MASTER)
    settings.account("ap/fuel/default", "5300")
    assert answer(settings, category=FUEL, item="Truck Diesel") == ("5300", MappingLevel.CATEGORY)
    settings.account("ap/fuel/Truck Diesel", "5310")
    assert answer(settings, category=FUEL, item="Truck Diesel") == ("5310", MappingLevel.SPECIFIC)


@pytest.mark.requirement(76)
@pytest.mark.parametrize("written", ["Toll", "default", "TOLL "])
def test_the_toll_account_answers_for_every_toll_however_its_key_is_written(written):
    settings = connected()
    assert answer(settings, category=Category.TOLL, item="Toll") == ("5000", MappingLevel.MASTER)
    settings.account(f"ap/toll/{written}", "5400")
    assert answer(settings, category=Category.TOLL, item="Toll") == ("5400", MappingLevel.CATEGORY)


def test_nothing_falls_through_past_a_record_that_cannot_be_read():
    settings = connected()
    broken = f"{CARRIER}/account/ap/accessorials/default"
    settings.put(broken, {"acount": "5100"})
    found = ask(settings)
    assert isinstance(found, UnreadableMapping)
    assert found.missing_keys == (broken, f"{CARRIER}/account/ap/accessorials/detention")
    settings.account("ap/accessorials/Detention", "5110")  # asked first, so the broken one is not asked
    assert answer(settings) == ("5110", MappingLevel.SPECIFIC)


def test_unmapped_names_every_key_that_would_answer():
    rests = ("accessorials/detention", "accessorials/default", "default/default")
    assert ask(Settings()) == Unmapped(tuple(f"{CARRIER}/account/ap/{rest}" for rest in rests))


def test_explain_shows_all_levels_with_what_stands_there():
    settings = connected()
    settings.account("ap/accessorials/default", "5100")
    views = explain(settings.state, CARRIER, Side.AP, ACCESSORIALS, "Detention")
    assert [(view.level, view.stands is not None) for view in views] == [
        (MappingLevel.SPECIFIC, False),
        (MappingLevel.CATEGORY, True),
        (MappingLevel.MASTER, True),
    ]
    assert views[0].key == f"{CARRIER}/account/ap/accessorials/Detention"


Write = tuple[tuple[Side, Category], str, str | None]
ITEMS = st.sampled_from(["Detention", "detention ", "Stop-off", "Stop Off", "Fuel", "Toll", "default", "a/b"])
SLOTS = st.sampled_from([(side, category) for category, info in CATEGORIES.items() for side in sorted(info.sides)])
WRITES = st.lists(
    st.tuples(SLOTS, ITEMS, st.one_of(st.none(), st.just("broken"), st.integers(1000, 9999).map(str))), max_size=25
)


def oracle(writes: list[Write], side: Side, category: Category, item: str) -> str | None:
    """The rule in its slowest form: replay the whole topic for every level that is asked."""

    def standing(level_category: Category, level_item: str) -> str | None:
        spellings: dict[str, str] = {}
        for (wrote_side, wrote_category), wrote_item, number in writes:
            if (wrote_side, wrote_category) != (side, level_category):
                continue
            if wrote_category is Category.DEFAULT and item_slot(wrote_category, wrote_item) != CATEGORY_DEFAULT:
                continue
            if item_slot(wrote_category, wrote_item) == item_slot(level_category, level_item):
                spellings.pop(wrote_item, None)
                if number is not None:
                    spellings[wrote_item] = number
        return list(spellings.values())[-1] if spellings else None

    asked = [] if category is Category.DEFAULT else [(category, item), (category, CATEGORY_DEFAULT)]
    for level_category, level_item in [*asked, (Category.DEFAULT, CATEGORY_DEFAULT)]:
        found = standing(level_category, level_item)
        if found is not None:
            return found
    return None


@pytest.mark.requirement(53, 54, 59, 60, 63)
@given(WRITES, SLOTS, ITEMS)
def test_any_table_resolves_as_the_plain_rule_says(writes, slot, item):
    settings = Settings()
    for (side, category), written, number in writes:
        key = f"{CARRIER}/account/{side}/{category}/{written}"
        if number is None:
            settings.clear(key)
        elif number == "broken":
            settings.raw(key, b"{}")
        else:
            settings.put(key, {"account": number})
    found = ask(settings, slot[0], slot[1], item)
    expected = oracle(writes, slot[0], slot[1], item)
    match found:
        case Resolution():
            assert found.account == expected
        case UnreadableMapping():
            assert expected == "broken"
        case Unmapped():
            assert expected is None
