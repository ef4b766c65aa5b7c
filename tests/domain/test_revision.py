"""A revision is the content that is booked: it changes with it and with nothing else."""

import dataclasses
import json
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attributes import Attributes, attributes
from domain.categories import Category, Side
from domain.documents import PartyKind, SourceDocument, SourceKind
from domain.events import EventKind
from domain.outcomes import Rejected
from domain.translation import parse_record
from domain.translation.revision import former_revisions, revision_of
from tests.support.events import NAMES, event, read, shuffled, spelled

NO_CONTENT = ("created_at", "trigger", "profile", "terms", "number_given", "by_number")
"""What is known of the party, and how number and due date came about: they themselves count."""
FREE_TO_CHANGE = {"id": "another", "timestamp": "2027-01-01T00:00:00Z", "trace": "x"}


@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_order_spelling_and_envelope_make_no_difference(name, chance):
    sample = event(name)
    same = shuffled(spelled(sample), chance) | FREE_TO_CHANGE
    assert read(same).revision == read(sample).revision
    assert read(same).key == read(sample).key


def test_status_and_payments_make_no_difference():
    sample = event("invoice-load")
    before = read(sample).revision
    sample["data"]["invoice"] |= {"status": "Paid", "amountPaid": {"amount": 3012.5, "currency": 840}}
    assert read(sample).revision == before


@pytest.mark.parametrize("spelling", [b"2450", b"2450.0", b"2450.00", b'"2450.00"', b"2.45e3", b"24500e-1"])
def test_2450_is_one_amount_however_it_is_written(spelling):
    value = json.dumps(event("invoice-load")).encode().replace(b'"amount": 2450.0', b'"amount": ' + spelling)
    assert spelling in value
    assert parse_record(EventKind.INVOICE, value).revision == read(event("invoice-load")).revision


def other(value: Any) -> Any:  # noqa: C901, PLR0911 - one answer a type
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case Side():
            return Side.AP if value is Side.AR else Side.AR
        case SourceKind():
            return SourceKind.TOLL
        case PartyKind():
            return PartyKind.VENDOR if value is PartyKind.CUSTOMER else PartyKind.CUSTOMER
        case Category():
            return Category.TOLL
        case str():
            return value + "x"
        case Decimal():
            return value + Decimal("0.01")
        case Attributes():
            return attributes([], [("load.office", value.content + "x")])
        case None:
            return "x"
        case tuple():
            return (*value, *(value or ("x",))[-1:])
        case _:
            return value + timedelta(days=1)


@pytest.mark.parametrize(
    "field", [one.name for one in dataclasses.fields(SourceDocument) if one.name not in ("party", *NO_CONTENT)]
)
def test_every_field_of_the_document_counts(field):
    found = read(event("invoice-load")).document
    assert isinstance(found, SourceDocument)
    changed = dataclasses.replace(found, **{field: other(getattr(found, field))})
    assert revision_of(changed) != revision_of(found)


def test_every_field_of_party_and_lines_counts():
    found = read(event("invoice-name-only")).document
    assert isinstance(found, SourceDocument)
    line = found.lines[0]
    changed = [
        *(
            dataclasses.replace(
                found, party=dataclasses.replace(found.party, **{one.name: other(getattr(found.party, one.name))})
            )
            for one in dataclasses.fields(found.party)
        ),
        *(
            dataclasses.replace(
                found, lines=(dataclasses.replace(line, **{one.name: other(getattr(line, one.name))}), *found.lines[1:])
            )
            for one in dataclasses.fields(line)
        ),
    ]
    revisions = {revision_of(one) for one in (found, *changed)}
    assert len(revisions) == len(changed) + 1


def test_a_name_counts_only_where_no_external_id_makes_it_idle():
    sample = event("invoice-load")
    before = read(sample).revision
    sample["data"]["customer"]["name"] = "Renamed"
    assert read(sample).revision == before
    sample["data"]["customer"]["externalAccountingId"] = None
    without = read(sample).revision
    sample["data"]["customer"]["name"] = "Renamed again"
    assert len({before, without, read(sample).revision}) == 3


def test_when_it_was_created_does_not_count():
    found = read(event("invoice-load")).document
    assert isinstance(found, SourceDocument)
    later = dataclasses.replace(found, created_at=found.created_at + timedelta(days=1))
    assert revision_of(later) == revision_of(found)


def test_a_refused_document_has_a_revision_of_its_raw_content():
    sample = event("invoice-load")
    sample["data"]["invoice"]["total"]["amount"] = 1
    first = read(sample)
    assert isinstance(first.document, Rejected)
    same = read(shuffled(spelled(sample), random.Random(1), lists=False) | FREE_TO_CHANGE)
    assert same.revision == first.revision
    sample["data"]["invoice"]["total"]["amount"] = 2
    assert read(sample).revision != first.revision


NEW_FIELDS = {"fleet", "office", "equipment", "weight", "customerMileage", "pickedUpAt", "deliveredAt", "references"}
BEFORE_FACTS = {
    "invoice-load": "08cc30977181871b34b42ee81284c9bf",
    "invoice-name-only": "285a30864079d05b4814ae20985db4db",
    "invoice-summary": "ef2a9f97bc16a40fcb0507908cab961c",
    "driver-statement-1099": "8a94947ee1604b9396e9e8cbdff4b1b6",
    "driver-statement-w2": "e0ad03e74237939b6cdf00e0669ec8be",
    "carrier-statement": "e9120bbf0eda33b316922812db79ba14",
    "carrier-bill": "1473c899f78becb14f9ed645fcd01770",
    "fuel-reefer": "a858d11dd49604a94685f4aab488a5cd",
    "toll": "64cb49b902aac1b6a82fe45c023038bf",
}
"""The revisions of the samples before events had facts, of what was read then."""


def without_facts(sample: dict[str, Any]) -> dict[str, Any]:
    """The event as it was before facts were read of it."""
    data = sample["data"]
    for load in data.get("loads") or []:
        for name in NEW_FIELDS & set(load):
            del load[name]
    data.pop("trips", None)
    data.pop("fleet", None)
    driver = data.get("statement", {}).get("driver", {})
    for name in ("fleetName", "type"):
        driver.pop(name, None)
    data.get("fuel", {}).pop("driverName", None)
    return sample


@pytest.mark.parametrize("name", BEFORE_FACTS)
def test_the_revision_that_versions_before_facts_gave_is_known_again(name):
    found = read(event(name)).document
    assert isinstance(found, SourceDocument)
    assert BEFORE_FACTS[name] in former_revisions(found)


def summary(order: int = 1) -> dict[str, Any]:
    """An invoice over two loads, each list in order, or the other way round."""
    sample = event("invoice-load")
    invoice, load = sample["data"]["invoice"], sample["data"]["loads"][0]
    line = invoice["lineItems"][0]
    loads = [
        load | {"loadNumber": f"L{number}", "orderNumber": f"O{number}", "poNumber": "P" * number} for number in (9, 10)
    ]
    loads[0]["references"] = [{"name": "Lane", "value": "b"}, {"name": "Lane", "value": "a"}][::order]
    invoice["lineItems"] = [line | {"loadNumber": each["loadNumber"]} for each in loads][::order]
    invoice["total"] = line["amount"] | {"amount": 2 * line["amount"]["amount"]}
    sample["data"]["loads"] = loads[::order]
    sample["data"]["trips"] = [
        {"tripNumber": "T", "loadNumber": "L9", "truck": {"number": 7}},
        {"tripNumber": "T", "loadNumber": "L10", "truck": {"number": 8}},
    ][::order]
    return sample


def test_what_is_made_of_lists_is_the_same_in_whatever_order_they_come():
    found, other_order = read(summary()), read(summary(-1))
    assert found.revision == other_order.revision
    one, two = found.document, other_order.document
    assert isinstance(one, SourceDocument)
    assert isinstance(two, SourceDocument)
    assert (
        (one.description, one.order_numbers) == (two.description, two.order_numbers) == ("Loads L9, L10", ("O9", "O10"))
    )
    assert one.facts == two.facts
    assert one.facts.get("load.reference/lane") == ("a", "b")
    assert [line.reference for line in one.lines] == ["L9", "L10"]
    assert [line.reference for line in two.lines] == ["L10", "L9"]  # in Sage they stand as upstream gave them


@pytest.mark.parametrize("name", ["ELM STREET RETAIL", " Elm  Street\u00a0Retail "])
def test_case_and_blanks_of_a_name_make_no_difference(name):
    sample = event("invoice-name-only")
    sample["data"]["customer"]["name"] = "Elm Street Retail"
    before = read(sample).revision
    sample["data"]["customer"]["name"] = name
    assert read(sample).revision == before


@pytest.mark.parametrize("name", ["invoice-load", "driver-statement-1099"])
def test_a_fact_that_only_fields_would_carry_is_content(name):
    assert read(event(name)).revision != read(without_facts(event(name))).revision
