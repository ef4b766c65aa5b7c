"""The mapping-state table takes any record and answers in one step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.categories import Category, Side
from domain.documents import Resolution
from domain.lines.accounts import resolve
from domain.settings.values import ConnectionSetting, ConnectionStatus, InvalidSetting
from tests.support.mappings import CARRIER, CONNECTION, Settings, connected

KEY = f"{CARRIER}/account/ap/accessorials"


def detention(settings: Settings) -> str | None:
    found = resolve(settings.state, CARRIER, Side.AP, Category.ACCESSORIALS, "Detention")
    return found.account if isinstance(found, Resolution) else None


def test_of_two_spellings_the_later_answers_and_clearing_one_leaves_the_other():
    settings = Settings()
    settings.put(f"{KEY}/Detention", {"account": "1"})
    settings.put(f"{KEY}/detention", {"account": "2"})
    assert detention(settings) == "2"
    settings.put(f"{KEY}/Detention", {"account": "3"})
    assert detention(settings) == "3"
    assert settings.clear(f"{KEY}/Detention") == f"{KEY}/detention"
    assert detention(settings) == "2"
    settings.clear(f"{KEY}/detention")
    assert detention(settings) is None


def test_of_many_spellings_the_latest_that_is_left_answers():
    settings = Settings()
    for number, item in enumerate(["Detention", "detention", "DETENTION"]):
        settings.put(f"{KEY}/{item}", {"account": str(number)})
    settings.clear(f"{KEY}/DETENTION")
    assert detention(settings) == "1"
    settings.put(f"{KEY}/Detention", {"account": "3"})
    settings.put(f"{KEY}/ detention", {"account": "4"})
    settings.clear(f"{KEY}/ detention")
    assert detention(settings) == "3"


def test_a_change_is_told_by_its_canonical_key_and_no_change_by_none():
    settings = Settings()
    assert settings.put(f"{KEY}/ Detention", {"account": "1"}) == f"{KEY}/detention"
    assert settings.clear(f"{KEY}/Detention") is None  # this spelling was never set
    assert detention(settings) == "1"
    assert settings.put("nonsense", {"account": "1"}) is None
    assert settings.state.apply(b"\xff/connection", b"{}", 7) is None
    assert settings.state.offset == 7


def test_an_unreadable_record_stands_says_why_without_its_value_and_is_mended_by_the_next():
    settings = Settings()
    settings.put(f"{CARRIER}/connection", CONNECTION | {"credentials": ["hunter2"], "state": "on"})
    found = settings.state.connection(CARRIER)
    assert isinstance(found, InvalidSetting)
    assert found.offset == 0
    assert "credentials" in found.reason
    assert "hunter2" not in repr(settings.state.records())
    assert [record.key for record in settings.state.problems()] == [f"{CARRIER}/connection"]
    settings.connect()
    assert isinstance(settings.state.connection(CARRIER), ConnectionSetting)
    assert settings.state.problems() == []


def test_a_connection_reads_its_defaults_and_every_switch():
    settings = Settings()
    assert settings.state.connection(CARRIER) is None
    settings.connect()
    plain = settings.state.connection(CARRIER)
    assert isinstance(plain, ConnectionSetting)
    assert (plain.base_currency, plain.entity_id, plain.location_id) == ("USD", None, None)
    assert (plain.ar.active, plain.ar.autopost, plain.ar.po_number) == (True, True, "order")
    assert (plain.ap.active, plain.ap.autopost, plain.ap.include_driver_bills) == (True, True, True)
    assert (plain.ap.only_1099_drivers, plain.ap.include_fuel, plain.ap.include_tolls) == (False, True, True)
    settings.connect(ap={"only1099Drivers": True}, ar={"poNumber": "po"}, state="paused", later={"any": 1})
    changed = settings.state.connection(CARRIER)
    assert isinstance(changed, ConnectionSetting)
    assert (changed.ap.only_1099_drivers, changed.ar.po_number) == (True, "po")
    assert changed.state is ConnectionStatus.PAUSED


@pytest.mark.parametrize(
    "change",
    [
        {"activatedAt": "2026-06-01"},
        {"activatedAt": "2026-06-01T00:00:00"},
        {"activatedAt": 1},
        {"companyId": " "},
        {"baseCurrency": "XXX"},
        {"ap": {"active": "yes"}},
        {"ar": {"poNumber": "both"}},
        {"state": "closed"},
    ],
)
def test_a_connection_with_a_wrong_field_is_unreadable(change):
    settings = Settings()
    settings.connect(**change)
    assert isinstance(settings.state.connection(CARRIER), InvalidSetting)


def test_families_of_later_versions_are_kept_as_they_came():
    settings = Settings()
    assert settings.put("s/catalogue/location/West Fleet", {"value": "100"}) == "s/catalogue/location/West Fleet"
    settings.put("s/new-family/x", [1])
    assert [(record.key, record.valid) for record in settings.state.records()] == [
        ("s/catalogue/location/West Fleet", True),
        ("s/new-family/x", True),
    ]


@given(st.lists(st.tuples(st.binary(max_size=30), st.none() | st.binary(max_size=30))))
def test_any_bytes_are_taken(records):
    settings = connected()
    for offset, (key, value) in enumerate(records, start=100):
        settings.state.apply(key, value, offset)
        settings.state.apply(f"{CARRIER}/connection".encode(), value, offset)
    assert len(settings.state.records()) >= 8


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Detention", "detention", "DETENTION ", "Layover", "default"]),
            st.none() | st.integers(1, 9).map(str),
        )
    )
)
def test_a_compacted_topic_gives_the_same_answers_as_the_whole_one(writes):
    whole, compacted = Settings(), Settings()
    for item, number in writes:
        if number is None:
            whole.clear(f"{KEY}/{item}")
        else:
            whole.put(f"{KEY}/{item}", {"account": number})
    last = {item: (offset, number) for offset, (item, number) in enumerate(writes)}
    for item, (offset, number) in sorted(last.items(), key=lambda one: one[1][0]):
        value = None if number is None else f'{{"account": "{number}"}}'.encode()
        compacted.state.apply(f"{KEY}/{item}".encode(), value, offset)
    assert whole.state.records() == compacted.state.records()
    assert detention(whole) == detention(compacted)
