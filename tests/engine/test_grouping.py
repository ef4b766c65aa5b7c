"""A row is either a line of a grouped bill or a bill of its own: what the ledger knows decides, before any setting."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from consumers.engine.grouping import Row, as_row, stands
from consumers.engine.judgement import judge
from consumers.engine.ledger import Claim, Entry, Grouped, Posted, decode, encode
from domain.documents import Connection, SageObject
from tests.support.events import event, read, to_bytes
from tests.support.mappings import CARRIER, connected

WHERE = Connection(CARRIER, "BlueMesa", None, "blue-mesa")
CLAIM = Claim("old", "c", 0, WHERE, SageObject.AP_BILL, "n", "p", Decimal(1), datetime(2026, 6, 1, tzinfo=UTC))
POSTED = Posted("old", "1", "c", WHERE, SageObject.AP_BILL, "n", "p")
BY_DAY = connected(ap={"tollBills": "day"}).state

pytestmark = pytest.mark.feature("grouped bills", "ap.tollBills")


def row() -> Row:
    received = read(event("toll"))
    return Row(received, to_bytes(event("toll")))


def test_what_stands_in_sage_or_was_called_for_is_never_grouped():
    fresh = Entry("toll/toll-0002")
    assert as_row(row(), fresh, BY_DAY) is not None
    assert as_row(row(), replace(fresh, posted=POSTED), BY_DAY) is None
    assert as_row(row(), replace(fresh, claim=CLAIM), BY_DAY) is None


def test_what_was_grouped_is_never_a_bill_of_its_own():
    known = Entry("toll/toll-0002", grouped=Grouped("another revision", None))
    verdict = as_row(row(), known, connected().state)
    assert verdict is not None
    assert verdict.moved is not None
    assert verdict.moved.grouped == Grouped(row().received.revision, f"toll-day/{CARRIER}/bestpass/2026-06-12/USD")


def test_the_same_content_again_is_answered_from_the_ledger_and_a_withdrawn_row_is_not():
    revision = row().received.revision
    entry = Entry("toll/toll-0002", grouped=Grouped(revision, "toll-day/x"))
    answer = judge(entry, revision)
    said = stands(entry, revision)
    assert said is not None
    assert answer == replace(said, newest=True)
    assert stands(replace(entry, grouped=Grouped(revision, None)), revision) is None
    assert stands(entry, "another") is None


def test_the_ledger_remembers_the_group_and_says_nothing_where_there_is_none():
    entry = Entry("toll/a", grouped=Grouped("r", "toll-day/x"))
    assert decode("toll/a", encode(entry)) == entry
    assert b"grouped" not in encode(Entry("toll/a"))
