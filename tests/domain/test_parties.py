"""Which record in Sage a customer or vendor is (requirements 35 to 41)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.categories import fold
from domain.documents import PartyKind, PartyRef, SourceDocument
from domain.outcomes import Deferred, Rejected
from domain.parties import PartyIndex, PartyRecord, creatable, derived_id, match, plain_number, rules_of, unlinked
from domain.profiles import PartyRules, Profile
from domain.settings import ConnectionSetting
from tests.support.events import event, read
from tests.support.mappings import CONNECTION

DIRECTORY = [
    PartyRecord("C-1", "Prairie Gold Foods"),
    PartyRecord("C-2", "Summit Ridge "),
    PartyRecord("C-3", "Twin"),
    PartyRecord("C-4", "TWIN"),
    PartyRecord("C-5", "Gone", active=False),
    PartyRecord("C-6", "Half"),
    PartyRecord("C-7", "half", active=False),
]


def find(*names: str, external_id: str | None = None) -> str:
    found = match(PartyRef(PartyKind.CUSTOMER, external_id, names), DIRECTORY)
    return found.code if isinstance(found, Rejected) else found


@pytest.mark.requirement(6, 36, 37)
@pytest.mark.feature("2.5 id blocks names")
def test_an_external_id_is_used_as_it_is_and_never_falls_back_to_a_name():
    assert find("Prairie Gold Foods", external_id="C-2") == "C-2"
    assert find("Prairie Gold Foods", external_id="NOT-IN-SAGE") == "PARTY_NOT_FOUND"
    assert find("Prairie Gold Foods", external_id="c-2") == "PARTY_NOT_FOUND"


@pytest.mark.requirement(38)
def test_a_name_matches_whatever_its_case_and_outer_white_space():
    assert find(" PRAIRIE gold foods ") == find("Prairie Gold Foods") == "C-1"
    assert find("summit ridge") == "C-2"


@pytest.mark.requirement(39)
def test_nothing_else_of_a_name_is_folded():
    assert find("Prairie-Gold Foods") == find("Prairie  Gold Foods") == "PARTY_NOT_FOUND"


@pytest.mark.requirement(39)
def test_several_active_records_of_one_name_are_not_chosen_from():
    found = match(PartyRef(PartyKind.CUSTOMER, None, ("Twin", "Prairie Gold Foods")), DIRECTORY)
    assert isinstance(found, Rejected)
    assert (found.code, found.detail) == ("PARTY_AMBIGUOUS", "customer 'Twin' is C-3, C-4")


def test_an_inactive_record_is_no_match_but_is_named():
    found = match(PartyRef(PartyKind.VENDOR, None, ("Gone",)), DIRECTORY)
    assert isinstance(found, Rejected)
    assert (found.code, found.detail) == ("PARTY_INACTIVE", "no active vendor is called 'Gone'; inactive: C-5")
    assert find(external_id="C-5") == "PARTY_INACTIVE"
    assert find("Half") == "C-6"


def test_names_are_tried_in_their_order():
    assert find("Nobody", "Summit Ridge") == "C-2"
    assert find("Summit Ridge", "Prairie Gold Foods") == "C-2"


def test_neither_id_nor_name_is_unnamed():
    assert find() == find(" ", external_id=" ") == "PARTY_UNNAMED"


def test_an_index_answers_many():
    index = PartyIndex(DIRECTORY)
    assert index.match(PartyRef(PartyKind.CUSTOMER, names=("Half",))) == "C-6"


NAMES = st.sampled_from(["Acme", "acme ", "Bolt", "BOLT", "Cord", ""])
IDS = st.sampled_from([f"P-{number}" for number in range(6)])
NUMBERS = st.sampled_from(["", "MC-1", "mc 1", "1", "2"])
RECORDS = st.lists(st.builds(PartyRecord, IDS, NAMES, st.booleans(), NUMBERS), unique_by=lambda each: each.id)
REFS = st.builds(
    PartyRef,
    st.just(PartyKind.VENDOR),
    st.none() | IDS,
    st.lists(NAMES, max_size=2).map(tuple),
)
RULES = st.builds(PartyRules, st.booleans(), st.sampled_from([None, "mc"]), st.sampled_from([None, "MC_NUMBER"]))


@given(RECORDS, REFS, RULES, NUMBERS, st.none() | IDS)
def test_whatever_is_listed_one_active_record_answers_or_none_and_an_id_is_never_passed_by(
    records, ref, rules, number, own
):
    found = PartyIndex(records, rules.link).match(ref, rules, Profile(mc_number=number), own)
    by_id = {each.id: each for each in records}
    active = [each for each in records if each.active]
    if ref.external_id:
        usable = ref.external_id in by_id and by_id[ref.external_id].active
        assert found == ref.external_id if usable else isinstance(found, Rejected)
        return
    if not isinstance(found, str):
        return
    assert by_id[found].active
    if found == own:
        return
    linked = [each.id for each in active if number and plain_number("mc", each.number) == plain_number("mc", number)]
    if rules.link and rules.link_field and linked:
        assert linked == [found]
        return
    assert rules.by_name
    assert any([each.id for each in active if fold(each.name) == fold(name)] == [found] for name in ref.names)


@given(RECORDS, st.lists(st.builds(PartyRecord, IDS, NAMES, st.booleans(), NUMBERS)), REFS, NUMBERS)
def test_an_index_that_learned_piece_by_piece_answers_as_one_that_was_given_all(records, news, ref, number):
    index = PartyIndex(records, "mc")
    for each in news:
        index.put(each)
    final = PartyIndex({each.id: each for each in [*records, *news]}.values(), "mc")
    rules, profile = PartyRules(True, "mc", "MC_NUMBER"), Profile(mc_number=number)
    assert index.match(ref, rules, profile) == final.match(ref, rules, profile)


@pytest.mark.parametrize(
    ("link", "number", "plain"),
    [
        ("mc", "MC-812345", "812345"),
        ("mc", " mc#812345 ", "812345"),
        ("mc", "812345", "812345"),
        ("mc", "FF812345", "ff812345"),
        ("dot", "USDOT 2904512", "2904512"),
        ("dot", "DOT2904512", "2904512"),
        ("dot", "MC2904512", "mc2904512"),
    ],
)
@pytest.mark.feature("2.5 mc dot")
def test_a_number_is_the_same_however_it_is_written_and_no_other(link, number, plain):
    assert plain_number(link, number) == plain


@pytest.mark.feature("2.5 mc dot", "ap.linkCarriersBy")
def test_several_vendors_of_one_number_are_not_chosen_from_and_an_inactive_one_is_not_passed_by():
    rules = PartyRules(True, "mc", "MC_NUMBER")
    twins = [PartyRecord("V-1", "Fast", number="MC1"), PartyRecord("V-2", "Other", number="1")]
    ref, profile = PartyRef(PartyKind.VENDOR, names=("Fast",)), Profile(mc_number="1")
    found = PartyIndex(twins, "mc").match(ref, rules, profile)
    assert isinstance(found, Rejected)
    assert (found.code, found.detail) == ("PARTY_AMBIGUOUS", "vendor the MC number '1' is V-1, V-2")
    gone = [PartyRecord("V-1", "Gone", active=False, number="1"), PartyRecord("V-2", "Fast")]
    found = PartyIndex(gone, "mc").match(ref, rules, profile)
    assert isinstance(found, Rejected)
    assert found.code == "PARTY_INACTIVE"


@pytest.mark.requirement(37)
@pytest.mark.feature("ar.nameMatching", "ap.nameMatching")
def test_no_name_is_tried_where_names_are_not():
    found = PartyIndex(DIRECTORY).match(PartyRef(PartyKind.CUSTOMER, names=("Half",)), PartyRules(by_name=False))
    assert isinstance(found, Rejected)
    assert found.code == "PARTY_NOT_FOUND"


@pytest.mark.requirement(41)
def test_an_id_of_another_subsidiary_is_no_id():
    sample = event("carrier-statement")
    sample["data"]["statement"]["subsidiaryId"] = "elsewhere"
    document = read(sample).document
    assert isinstance(document, SourceDocument)
    assert (document.party.external_id, document.party.names[0]) == (None, "Vista Fork Freight")


def test_an_id_that_is_given_is_the_same_for_ever_and_one_that_sage_takes():
    ids = [
        derived_id(kind, entity, alvys) for kind in PartyKind for entity in (None, "100", "200") for alvys in ("a", "b")
    ]
    assert len(set(ids)) == len(ids) == 12
    assert all(creatable(one) for one in ids)
    assert derived_id(PartyKind.CUSTOMER, None, "5e0f2b9c-1111") == "ALVC-6TLVGWALWIKI6XL"
    assert not creatable("x" * 21)
    assert not creatable("A_B")


def test_a_carrier_waits_until_somebody_says_where_sage_has_its_number():
    source = read(event("carrier-bill")).document
    assert isinstance(source, SourceDocument)
    unset = ConnectionSetting.model_validate(CONNECTION | {"ap": {"linkCarriersBy": "dot"}})
    found = unlinked(source, unset)
    if source.party.external_id is None:
        assert isinstance(found, Deferred)
    named = ConnectionSetting.model_validate(
        CONNECTION | {"ap": {"linkCarriersBy": "dot", "carrierNumberField": "DOT_NO"}}
    )
    assert unlinked(source, named) is None
    assert rules_of(named, source.side).link_field == "DOT_NO"
