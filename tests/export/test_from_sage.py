"""Ledger entries from Sage's records and the events that are left: pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.ledger.from_sage import (
    ExpectedRecord,
    MarkedRecord,
    ReadEvent,
    Recovered,
    Unproven,
    only_newest,
    recover,
)
from consumers.export.ledger.unmatched_records import UnmatchedRecord, encode, state_of
from consumers.export.protocol.document_state import REVISION_UNKNOWN, DocumentState, Posted
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.idempotency import marker
from domain.outcomes import Outcome

PLACE = Connection("sub-1", "ACME", None, "acme")
BEFORE = DocumentState("invoice/a")
DAY = datetime(2026, 6, 10, 12, tzinfo=UTC)
RECORD = MarkedRecord(
    PLACE,
    SageObject.AR_INVOICE,
    "7",
    "a",
    "C-1",
    Decimal("100.00"),
    "06/10/2026",
    "",
    void=False,
    draft=False,
    shared=False,
)
WANTED = ExpectedRecord(SageObject.AR_INVOICE, ("a",), (Decimal(100),), date(2026, 6, 10), "C-1")


def event(
    number: int, content: str = "", *, answered: bool = True, expected: ExpectedRecord | None = WANTED
) -> ReadEvent:
    """An event, emitted in the order of its number; of a revision of its own unless `content` names one."""
    name = content or str(number)
    emitted = Emitted(DAY + timedelta(seconds=number), f"e{number}")
    return ReadEvent(name, number, number, emitted, f"d{number}", answered, PLACE, expected, name)


def posted(found: Recovered) -> Posted:
    """The record of an entry, which it always has."""
    assert found.entry.posted is not None
    return found.entry.posted


def test_the_newest_event_that_describes_the_record_is_the_one_that_was_posted():
    other = replace(WANTED, totals=(Decimal(90),))
    found = recover(BEFORE, [RECORD], [event(2, "1"), event(1), event(3, expected=other)])
    assert found.unproven is None
    assert (posted(found).revision, posted(found).record_no) == ("1", "7")
    assert found.entry.last is not None
    assert (found.entry.last.offset, found.entry.last.outcome) == (2, Outcome.POSTED)
    assert found.entry.answered == ("d1", "d2"), "the third comes later, and corrects"


@pytest.mark.parametrize(
    ("record", "unproven"),
    [
        (replace(RECORD, number="b"), Unproven.CONTENT_UNKNOWN),
        (replace(RECORD, number="a-1"), None),  # posted anew under a number with a suffix
        (replace(RECORD, total=Decimal("99.99")), Unproven.CONTENT_UNKNOWN),
        (replace(RECORD, date="06/11/2026"), Unproven.CONTENT_UNKNOWN),
        (replace(RECORD, party_id="C-2"), Unproven.CONTENT_UNKNOWN),
        (replace(RECORD, party_id="c-1"), None),
        (replace(RECORD, sage_object=SageObject.AR_ADJUSTMENT), Unproven.CONTENT_UNKNOWN),
        (replace(RECORD, modified="06/10/2026 02:00:00"), None),
        (replace(RECORD, modified="06/01/2026 02:00:00"), Unproven.CONTENT_UNKNOWN),  # before the event was emitted
        (replace(RECORD, shared=True), Unproven.SEVERAL_MARKERS),
    ],
)
def test_whatever_of_the_record_contradicts_the_event_leaves_the_content_unknown(record, unproven):
    found = recover(BEFORE, [record], [event(1)])
    assert found.unproven is unproven
    assert (posted(found).revision == REVISION_UNKNOWN) == (unproven is not None)
    assert (found.entry.last is None) == (unproven is not None)


def test_an_event_that_nobody_has_read_yet_is_not_taken_for_what_is_in_sage():
    """The revision in Sage has expired, and the next one, of the same total, still has to correct it."""
    found = recover(BEFORE, [RECORD], [event(1, answered=False)])
    assert (found.unproven, posted(found).revision) == (Unproven.CONTENT_UNKNOWN, REVISION_UNKNOWN)


def test_a_record_is_corrected_where_the_connection_of_its_document_sees_it():
    east, west = (
        replace(PLACE, subsidiary_id="sub-2", entity_id="E"),
        replace(PLACE, subsidiary_id="sub-3", entity_id="W"),
    )
    shown = [replace(RECORD, connection=west), replace(RECORD, connection=east)]
    own = replace(event(1), connection=replace(east, subsidiary_id="sub-9"))
    assert posted(recover(BEFORE, shown, [own])).connection == own.connection
    assert posted(recover(BEFORE, shown, [event(1)])).connection == west, "as one that was moved since"


def test_a_document_that_moved_to_another_company_stands_there():
    moved = replace(RECORD, connection=replace(PLACE, company_id="OTHER"))
    found = recover(BEFORE, [replace(RECORD, void=True), moved], [event(1)])
    assert posted(found).connection.company_id == "OTHER"
    assert [(each.connection.company_id, each.record_no) for each in found.entry.former_records] == [("ACME", "7")]


def test_of_several_revisions_that_are_nowhere_only_the_newest_is_to_be_tried():
    entry = only_newest(BEFORE, [event(2), event(1), event(3, answered=False)])
    assert entry is not None
    assert entry.last is not None
    assert (entry.posted, entry.last.revision, entry.answered) == (None, "3", ())
    assert only_newest(BEFORE, [event(1, "r"), event(2, "r")]) is None
    assert only_newest(BEFORE, [event(1, answered=False), event(2, answered=False)]) is None


@given(
    states=st.lists(st.booleans(), min_size=1, max_size=4),
    events=st.lists(st.tuples(st.sampled_from("xy"), st.booleans(), st.booleans()), max_size=4),
)
def test_a_document_in_sage_is_never_new_and_its_content_is_known_only_if_its_events_agree(states, events):
    records = [replace(RECORD, record_no=str(number), void=void) for number, void in enumerate(states, 1)]
    other = replace(WANTED, numbers=("z",))
    read = [
        event(number, content, answered=answered, expected=WANTED if fits else other)
        for number, (content, answered, fits) in enumerate(events)
    ]
    found = recover(BEFORE, records, read)
    entry, standing = found.entry, [each for each in records if not each.void]
    assert posted(found).record_no == (standing or records)[-1].record_no
    assert len(entry.former_records) == len(records) - 1 == entry.attempts
    agreeing = {each.content for each in read if each.answered and each.expected is WANTED}
    proven = len(agreeing) == 1 and len(standing) <= 1
    assert (found.unproven is None) == proven
    assert posted(found).revision == (agreeing.pop() if proven else REVISION_UNKNOWN)
    assert (entry.last is not None) == proven


def test_a_record_without_a_document_is_found_by_the_marker_of_the_key_and_by_no_other():
    keys = [f"invoice/{number}" for number in range(5_000)]
    records = [
        UnmatchedRecord(marker(key), PLACE, SageObject.AR_INVOICE, str(number), key[8:], "C-1")
        for number, key in enumerate(keys)
        if number % 2
    ]
    internal = dict(encode(sorted(records, key=lambda each: each.marker)))
    assert 0 < len(internal) <= 4_096
    for number, key in enumerate(keys):
        state = state_of(key, internal.get)
        assert (state.posted is not None) == bool(number % 2)
        assert state.posted is None or (state.posted.record_no, state.posted.revision) == (
            str(number),
            REVISION_UNKNOWN,
        )
