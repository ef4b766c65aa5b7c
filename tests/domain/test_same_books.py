"""What books the same is the same: what Sage would hold decides, not how an event puts it. Promises 3 and 4."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.protocol.decide import is_booked_already, same_party
from consumers.export.protocol.document_state import Posted
from domain.codes import Code
from domain.documents import CustomValue, Document, LineDimension, PartyRef, SourceDocument, ValueSource
from domain.export import export
from domain.idempotency import booked_of
from domain.outcomes import Rejected
from domain.terms import ChosenTerm, RequestedTerms
from domain.translation.revision import said_of
from tests.support.events import NAMES, event, read, shuffled, spelled
from tests.support.mappings import connected

EXPORTED = [name for name in NAMES if "deducted" not in name]


def document(sample: dict[str, Any], name: str = "") -> Document:
    found = read(sample).document
    assert isinstance(found, SourceDocument), found
    statements = name == "carrier-statement"
    answer = export(found, connected(ap={"exportCarrierStatements": statements}, crossSubsidiary=True).state)
    assert isinstance(answer, Document), answer
    return answer


@given(st.sampled_from(EXPORTED), st.randoms(use_true_random=False))
def test_every_kind_of_document_books_the_same_whatever_the_order_of_its_lists(name, chance):
    sample = event(name)
    same = document(shuffled(spelled(sample), chance), name)
    assert booked_of(same, "P-1") == booked_of(document(sample, name), "P-1")


def with_attributes() -> Document:
    """An invoice of several lines with dimensions and custom fields."""
    found = document(event("invoice-summary"))
    dimensions = (
        LineDimension("class", "CLASS", "A", ValueSource.AS_IS, ""),
        LineDimension("item", "ITEM", "B", ValueSource.AS_IS, ""),
    )
    custom = (CustomValue("OFFICE", "x", ValueSource.SOURCE, ""), CustomValue("FLEET", "y", ValueSource.SOURCE, ""))
    line = replace(found.lines[0], dimensions=dimensions, custom=custom)
    return replace(found, lines=(line, *found.lines[1:]), custom=custom)


def same_books() -> list[tuple[str, Document]]:
    one = with_attributes()
    line = one.lines[0]
    source = one.source
    return [
        ("the order of lines", replace(one, lines=one.lines[::-1])),
        (
            "the order of dimensions",
            replace(one, lines=(replace(line, dimensions=line.dimensions[::-1]), *one.lines[1:])),
        ),
        ("the order of custom fields", replace(one, custom=one.custom[::-1])),
        (
            "zeros at the end",
            replace(one, lines=(replace(line, amount=line.amount * Decimal("1.000")), *one.lines[1:])),
        ),
        (
            "case and blanks of a memo",
            replace(one, lines=(replace(line, memo=f" {line.memo.upper()}  "), *one.lines[1:])),
        ),
        ("the party's name", replace(one, party=PartyRef(one.party.kind, names=("Another",)))),
        ("an External Accounting ID", replace(one, party=PartyRef(one.party.kind, "C-100"))),
        (
            "the profile's terms",
            replace(one, source=replace(source, terms=RequestedTerms(45)), term=ChosenTerm("Net 45", "Net 45", 45)),
        ),
        ("a suffix of the number", replace(one, number=f"{one.number}-1")),
        ("another name of the credentials", replace(one, connection=replace(one.connection, credentials="renamed"))),
        ("no reference", replace(one, reference=one.reference or "")),
    ]


@pytest.mark.parametrize(("what", "changed"), same_books())
def test_what_sage_does_not_show_is_no_other_book(what, changed):
    assert booked_of(changed, "P-1") == booked_of(with_attributes(), "P-1"), what


def other_books() -> list[tuple[str, Document]]:
    one = with_attributes()
    line = one.lines[0]
    rest = one.lines[1:]
    twice = replace(one, lines=(line, line, *rest))
    return [
        ("an amount", replace(one, lines=(replace(line, amount=line.amount + 1), *rest))),
        ("an account", replace(one, lines=(replace(line, resolution=replace(line.resolution, account="9")), *rest))),
        ("a memo", replace(one, lines=(replace(line, memo="x"), *rest))),
        ("a line twice", twice),
        ("a location", replace(one, lines=(replace(line, location_id="x"), *rest))),
        ("a dimension", replace(one, lines=(replace(line, dimensions=line.dimensions[:1]), *rest))),
        ("a line's field", replace(one, lines=(replace(line, custom=line.custom[:1]), *rest))),
        ("a field", replace(one, custom=())),
        ("the total", replace(one, total=one.total + 1)),
        ("the date", replace(one, date=one.date + timedelta(days=1))),
        ("the due date", replace(one, due=one.due + timedelta(days=1))),
        ("the currency", replace(one, currency="CAD")),
        ("the reference", replace(one, reference="x")),
        ("the description", replace(one, description="x")),
        ("a draft", replace(one, draft=True)),
        ("the number", replace(one, source=replace(one.source, number="x"))),
        ("the entity", replace(one, connection=replace(one.connection, entity_id="x"))),
        ("the company", replace(one, connection=replace(one.connection, company_id="x"))),
    ]


def test_whatever_sage_shows_is_another_book_and_no_two_are_alike():
    books = [booked_of(with_attributes(), "P-1"), booked_of(with_attributes(), "P-2")]
    books += [booked_of(changed, "P-1") for _, changed in other_books()]
    assert len(set(books)) == len(books)


def standing(alvys_party: str = "") -> Posted:
    one = with_attributes()
    return Posted("r", "1", "c", one.connection, one.sage_object, one.number, "C-108", alvys_party=alvys_party)


NOT_FOUND = Rejected(Code.PARTY_NOT_FOUND, "no active customer is called so")


@pytest.mark.parametrize(
    ("external_id", "alvys_id", "found", "same"),
    [
        ("C-108", "c", "C-108", True),
        (
            "C-108",
            "c",
            Rejected(Code.PARTY_INACTIVE, "inactive since"),
            True,
        ),  # nothing is booked, so nothing is in its way
        ("C-109", "c", "C-109", False),
        ("C-109", "c", NOT_FOUND, False),  # an id that is set never falls back to a name
        (None, "c", "C-108", True),
        (None, "d", "C-108", True),
        (None, "c", "C-109", False),  # renamed to what another record is called: whose invoice it is has changed
        (None, "c", NOT_FOUND, True),  # renamed in Alvys, and not in Sage
        (None, "d", NOT_FOUND, False),
        (None, None, NOT_FOUND, False),
    ],
)
def test_a_party_is_the_same_by_its_id_by_its_record_or_as_the_one_that_was_renamed(external_id, alvys_id, found, same):
    one = with_attributes()
    assert one.source.profile is not None
    source = replace(one.source, profile=replace(one.source.profile, alvys_id=alvys_id))
    named = replace(one, source=source, party=PartyRef(one.party.kind, external_id, () if external_id else ("Elm",)))
    assert same_party(standing("c"), named, found) is same


def test_without_an_alvys_id_of_the_one_that_stands_a_renamed_party_is_not_known():
    one = with_attributes()
    assert one.source.profile is not None
    nameless = replace(one, source=replace(one.source, profile=replace(one.source.profile, alvys_id=None)))
    assert not same_party(standing(), replace(nameless, party=PartyRef(one.party.kind, names=("Elm",))), NOT_FOUND)


def test_what_stands_stays_where_it_was_posted_though_its_subsidiary_is_connected_elsewhere_now():
    found = read(event("invoice-load"))
    there, here = connected().state, connected(companyId="ELSEWHERE").state
    source = found.document
    assert isinstance(source, SourceDocument)
    before, now = export(source, there), export(source, here)
    assert isinstance(before, Document)
    assert isinstance(now, Document)
    stands = Posted("r", "17", "c", before.connection, before.sage_object, before.number, "P-1", said=said_of(source))
    assert now.connection.company_id == "ELSEWHERE"
    answer = is_booked_already(stands, found, now)
    assert answer.posted is not None
    assert answer.posted.connection == before.connection
    renamed = replace(before, connection=replace(before.connection, credentials="renamed"))
    again = is_booked_already(stands, found, renamed).posted
    assert again is not None
    assert again.connection.credentials == "renamed"
