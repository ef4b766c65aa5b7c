"""Which keys a refusal names: just those whose value was refused, as far as its words tell them apart."""

from dataclasses import replace

import pytest

from domain.blockers import blockers, mapped_digest
from domain.codes import Code
from domain.documents import Document, SourceDocument
from domain.export import export
from domain.idempotency import booked_content_hash
from domain.outcomes import Rejected
from tests.support.events import event, read
from tests.support.mappings import CARRIER, connected


def source(name: str) -> SourceDocument:
    found = read(event(name)).document
    assert isinstance(found, SourceDocument)
    return found


def mapped(name: str = "invoice-load") -> Document:
    settings = connected()
    settings.put(f"{CARRIER}/account/ar/load/default", {"account": "4010"})
    settings.put(f"{CARRIER}/dimension/department", {"default": "OPS"})
    settings.put(f"{CARRIER}/dimension/class", {"default": "WEST"})
    settings.put(f"{CARRIER}/vendor/fuel/default", {"vendorId": "V-1"})
    found = export(source(name), settings.state)
    assert isinstance(found, Document), found
    return found


def test_an_account_that_is_named_blocks_by_its_level_and_those_that_would_answer_before():
    document = mapped()
    account = document.lines[0].account
    found = blockers(document, Code.SAGE_ACCOUNT_INVALID, f"The account '{account}' is not valid.")
    assert account == "4010"
    assert f"{CARRIER}/account/ar/load/default" in found
    assert all(key.startswith(f"{CARRIER}/account/ar/load/") for key in found), "the master answers for other lines"
    everything = blockers(document, Code.SAGE_ACCOUNT_INVALID, "some account is not valid")
    assert set(found) < set(everything)


def test_a_dimension_is_told_by_its_value_and_a_missing_one_by_its_name():
    document = mapped()
    assert blockers(document, Code.SAGE_DIMENSION_INVALID, "Invalid Department 'OPS' specified.")[0] == (
        f"{CARRIER}/dimension/department"
    )
    both = blockers(document, Code.SAGE_DIMENSION_INVALID, "a dimension is invalid")
    assert {f"{CARRIER}/dimension/department", f"{CARRIER}/dimension/class"} <= set(both)
    assert blockers(document, Code.SAGE_DIMENSION_MISSING, "Project is required") == (f"{CARRIER}/dimension/project",)
    unnamed = blockers(document, Code.SAGE_DIMENSION_MISSING, "something is required")
    assert f"{CARRIER}/dimension/project" in unnamed
    assert f"{CARRIER}/dimension/class" not in unnamed


def test_a_party_of_the_event_is_no_settings_fault_and_one_of_a_mapping_is():
    document = mapped()
    assert blockers(document, Code.PARTY_NOT_FOUND, "") == ()
    fuel = mapped("fuel-reefer")
    named = blockers(fuel, Code.SAGE_VENDOR_ON_HOLD, "")
    assert named[-1] == f"{CARRIER}/vendor/fuel/default"
    assert len(named) == 2


@pytest.mark.parametrize(
    "code", [Code.SAGE_REFUSED, Code.NEGATIVE_TOTAL, Code.SAGE_PERIOD_CLOSED, Code.SAGE_DUPLICATE_NUMBER]
)
def test_what_no_mapping_caused_names_no_key(code: Code):
    document = mapped()
    assert blockers(document, code, "4010 OPS") == ()


def test_the_digest_is_another_only_when_something_else_would_be_sent_or_looked_for():
    document = mapped()
    again = mapped_digest(booked_content_hash(document), document)
    renamed = replace(document, party_keys=("x",))
    assert mapped_digest(booked_content_hash(renamed), renamed) == again
    for changed in (replace(document, first_open_day=True), replace(document, draft=not document.draft)):
        assert mapped_digest(booked_content_hash(changed), changed) != again


def test_a_custom_fields_mapping_is_named_where_its_value_cannot_be():
    settings = connected(longValues="reject")
    key = f"{CARRIER}/custom-field/arinvoice/NOTE"
    settings.put(key, {"default": "x", "source": "load.poNumber", "type": "text", "maxLength": 1})
    found = export(source("invoice-load"), settings.state)
    assert isinstance(found, Rejected), found
    assert found.code is Code.CUSTOM_FIELD_TOO_LONG
    assert found.blocked_by == (key, f"{CARRIER}/connection")
