"""Which record in Sage a customer or vendor is (requirements 36 to 39)."""

import pytest

from domain.documents import PartyKind, PartyRef
from domain.outcomes import Rejected
from domain.parties import PartyIndex, PartyRecord, match

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


@pytest.mark.requirement(36, 37)
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
