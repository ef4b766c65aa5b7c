"""Which record in Sage a customer or vendor is (requirements 35 to 41)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents import PartyKind, PartyRef, SourceDocument
from domain.outcomes import Deferred, Rejected
from domain.parties.matching import (
    PartyIndex,
    PartyRecord,
    creatable,
    derived_id,
    derived_ids,
    made_for,
    made_for_note,
    match,
    plain_name,
    plain_number,
    rules_of,
    unlinked,
)
from domain.parties.profiles import PartyRules, Profile
from domain.settings.values import ConnectionSetting
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
@pytest.mark.feature("id blocks names")
def test_an_external_id_is_used_as_it_is_and_never_falls_back_to_a_name():
    assert find("Prairie Gold Foods", external_id="C-2") == "C-2"
    assert find("Prairie Gold Foods", external_id="NOT-IN-SAGE") == "PARTY_NOT_FOUND"
    assert find("Prairie Gold Foods", external_id="c-2") == "PARTY_NOT_FOUND"


@pytest.mark.requirement(38)
def test_a_name_matches_whatever_its_case_and_outer_white_space():
    assert find(" PRAIRIE gold foods ") == find("Prairie Gold Foods") == "C-1"
    assert find("summit ridge") == "C-2"


@pytest.mark.parametrize(
    "written",
    ["Prairie  Gold Foods", "Prairie\u00a0Gold Foods", "Prairie\u2009Gold\tFoods\n", "Prairie Gold\u200b Foods\ufeff"],
)
def test_a_name_that_looks_the_same_is_the_same(written):
    assert find(written) == "C-1"


def test_a_letter_is_the_same_however_it_is_composed():
    composed = [PartyRecord("C-9", "Caf\u00e9 \u00d1and\u00fa")]
    assert match(PartyRef(PartyKind.CUSTOMER, None, ("CAFE\u0301 N\u0303ANDU\u0301",)), composed) == "C-9"


@pytest.mark.requirement(39)
def test_nothing_else_of_a_name_is_folded():
    assert find("Prairie-Gold Foods") == find("PrairieGold Foods") == find("Prairie Gold") == "PARTY_NOT_FOUND"


def test_records_whose_names_look_the_same_are_not_chosen_from():
    twins = [PartyRecord("C-1", "Alder Creek"), PartyRecord("C-2", "Alder\u00a0 Creek")]
    found = match(PartyRef(PartyKind.CUSTOMER, None, ("Alder Creek",)), twins)
    assert isinstance(found, Rejected)
    assert found.code == "PARTY_AMBIGUOUS"


EAGLE = PartyRef(PartyKind.VENDOR, names=("Eagle Transport",))
BY_MC = PartyRules(True, "mc", "MC_NUMBER")


def by_name(record: PartyRecord, profile: Profile, rules: PartyRules = BY_MC, entity: str | None = None) -> str:
    found = PartyIndex([record], rules.link).match(
        EAGLE, rules, profile, own_ids=derived_ids(PartyKind.VENDOR, entity, profile)
    )
    return found.code if isinstance(found, Rejected) else found


@pytest.mark.parametrize("entity", [None, "100"])
def test_a_record_that_was_made_for_one_party_is_never_taken_for_another_of_its_name(entity):
    made = PartyRecord(derived_id(PartyKind.VENDOR, None, "first"), "Eagle Transport")
    assert by_name(made, Profile("second"), entity=entity) == "PARTY_NOT_FOUND"
    assert by_name(made, Profile(None), entity=entity) == "PARTY_NOT_FOUND"
    assert by_name(made, Profile("first"), entity=entity) == made.id


def test_a_record_made_under_an_id_of_alvys_is_known_by_its_note():
    note = made_for(f"Pays by card.\r\n{made_for_note('first')}  \nCalled twice.")
    assert note == "first"
    made = PartyRecord("V-77", "Eagle Transport", made_for=note)
    assert by_name(made, Profile("second")) == "PARTY_NOT_FOUND"
    assert by_name(made, Profile("first")) == "V-77"
    assert made_for("Nothing of ours") == ""


def test_a_record_made_for_another_does_not_make_the_name_ambiguous():
    made = PartyRecord(derived_id(PartyKind.VENDOR, None, "first"), "Eagle Transport")
    by_hand = PartyRecord("V-1", "EAGLE TRANSPORT")
    assert PartyIndex([made, by_hand]).match(EAGLE, profile=Profile("second")) == "V-1"


@pytest.mark.feature("MC or DOT number")
@pytest.mark.parametrize(
    ("record", "profile", "right"),
    [
        (PartyRecord("V-1", "Eagle Transport", number="MC1"), Profile(mc_number="2"), "PARTY_AMBIGUOUS"),
        (PartyRecord("V-1", "Eagle Transport", number="MC1"), Profile(), "V-1"),
        (PartyRecord("V-1", "Eagle Transport"), Profile(mc_number="2"), "V-1"),
        (PartyRecord("V-1", "Eagle Transport", tax_id="12-3456789"), Profile(tax_id="98-7654321"), "PARTY_AMBIGUOUS"),
        (PartyRecord("V-1", "Eagle Transport", tax_id="12-3456789"), Profile(tax_id="123456789"), "V-1"),
        (PartyRecord("V-1", "Eagle Transport", tax_id="123456789 RT0001"), Profile(tax_id="123456789"), "V-1"),
        (PartyRecord("V-1", "Eagle Transport", tax_id="***-**-6789"), Profile(tax_id="98-7654321"), "V-1"),
        (PartyRecord("V-1", "Eagle Transport", tax_id="XXX-XX-6789"), Profile(tax_id="98-7654321"), "V-1"),
        (PartyRecord("V-1", "Other", number="2", tax_id="12-3456789"), Profile(mc_number="2", tax_id="9" * 9), "V-1"),
    ],
)
def test_a_number_that_contradicts_beats_an_equal_name_and_one_that_is_not_known_says_nothing(record, profile, right):
    assert by_name(record, profile) == right


def test_a_tax_id_is_not_repeated_in_a_refusal():
    record = PartyRecord("V-1", "Eagle Transport", tax_id="12-3456789")
    found = PartyIndex([record]).match(EAGLE, profile=Profile(tax_id="98-7654321"))
    assert isinstance(found, Rejected)
    assert found.detail == "vendor 'Eagle Transport' is V-1 by name, but its tax id is another one"
    assert "3456789" not in repr(record)


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
    assert any(
        [each.id for each in active if plain_name(each.name) == plain_name(name)] == [found] for name in ref.names
    )
    there, own_number = plain_number("mc", by_id[found].number), plain_number("mc", number)
    assert not (rules.link and rules.link_field and there and own_number and there != own_number)


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
@pytest.mark.feature("MC or DOT number")
def test_a_number_is_the_same_however_it_is_written_and_no_other(link, number, plain):
    assert plain_number(link, number) == plain


@pytest.mark.feature("MC or DOT number", "ap.linkCarriersBy")
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
