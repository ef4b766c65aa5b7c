"""A document that was withdrawn says so in an event of its own type and key, and needs nothing else. Promise 4."""

from typing import Any

import pytest

from domain.codes import Code
from domain.documents import SourceDocument
from domain.events import ContractError
from domain.outcomes import Skipped
from tests.support.events import NAMES, event, read, withdrawn

WHOLE = [name for name in NAMES if not name.endswith("-day")]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("said", [True, {}, {"reason": "reverted"}, {"reason": None, "by": "ana"}])
def test_what_names_a_document_is_enough_to_withdraw_it(name, said):
    whole, gone = read(event(name)), read(withdrawn(event(name), said))
    assert (gone.key, gone.subsidiary_id) == (whole.key, whole.subsidiary_id)
    assert isinstance(gone.document, Skipped)
    assert gone.document.code is Code.WITHDRAWN
    assert ("reverted" in gone.document.detail) == (said == {"reason": "reverted"})
    assert gone.revision != whole.revision


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_event_that_says_so_is_withdrawn_whatever_else_it_holds(name):
    sample = event(name)
    sample["data"] |= {"withdrawn": {"reason": "made again"}, "loads": "gone", "vendor": 7}
    found = read(sample)
    assert isinstance(found.document, Skipped)
    assert (found.key, found.revision) == (read(event(name)).key, read(withdrawn(event(name))).revision)


@pytest.mark.parametrize("said", [None, False])
def test_an_event_that_says_that_it_stands_is_the_document(said):
    sample = event("invoice-load")
    before = read(sample).revision
    sample["data"]["withdrawn"] = said
    found = read(sample)
    assert isinstance(found.document, SourceDocument)
    assert found.revision == before


@pytest.mark.parametrize("said", ["true", "no", 0, 1, [], {"reason": 7}])
def test_what_is_neither_is_never_taken_for_either(said):
    for made in (withdrawn(event("invoice-load"), said), event("invoice-load")):
        made["data"]["withdrawn"] = said
        with pytest.raises(ContractError) as broken:
            read(made)
        assert broken.value.code is Code.SCHEMA_VIOLATION
        assert "withdrawn" in str(broken.value)


def without(sample: dict[str, Any], *path: str) -> dict[str, Any]:
    place = sample["data"]
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return sample


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("invoice-load", ("invoice", "id")),
        ("invoice-load", ("subsidiary", "id")),
        ("driver-statement-1099", ("statement", "number")),
        ("driver-statement-1099", ("statement", "driver", "id")),
        ("carrier-statement", ("carrier", "id")),
        ("carrier-bill", ("trip",)),
        ("fuel-reefer", ("fuel", "id")),
        ("toll", ("toll", "subsidiaryId")),
        ("intercompany-bill", ("settlementType",)),
    ],
)
def test_without_what_names_the_document_it_is_a_dead_letter(name, path):
    with pytest.raises(ContractError) as broken:
        read(without(withdrawn(event(name)), *path))
    assert broken.value.code is Code.SCHEMA_VIOLATION


def test_a_trip_is_named_by_its_id_or_by_its_number():
    sample = withdrawn(event("carrier-bill"))
    by_id = read(sample).key
    del sample["data"]["trip"]["tripNumber"]
    assert read(sample).key == by_id
    by_number = withdrawn(event("carrier-bill"))
    del by_number["data"]["trip"]["id"]
    whole = event("carrier-bill")
    del whole["data"]["trip"]["id"]
    assert read(by_number).key == read(whole).key
    with pytest.raises(ContractError, match="neither id nor tripNumber"):
        read(without(by_number, "trip", "tripNumber"))


@pytest.mark.parametrize("name", ["fuel-day", "toll-day"])
def test_a_days_bill_is_withdrawn_by_its_rows(name):
    sample = event(name)
    sample["data"]["withdrawn"] = True
    with pytest.raises(ContractError, match="its rows are"):
        read(sample)


def test_a_withdrawal_is_one_revision_whatever_its_reason_and_another_ones_is_another():
    reasons = {read(withdrawn(event("toll"), said)).revision for said in (True, {"reason": "a"}, {"reason": "b"})}
    assert len(reasons) == 1
    assert read(withdrawn(event("fuel-reefer"))).revision not in reasons
