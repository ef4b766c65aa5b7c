"""A row is a line of a consolidated bill or a bill of its own: what the ledger knows decides, before any setting."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from consumers.export.ledger.codec import decode, encode
from consumers.export.protocol.consolidated import ConsolidatedLineRecord, as_consolidated_line, is_placed_finally
from consumers.export.protocol.decide import decide
from consumers.export.protocol.document_state import Claim, Consolidated, DocumentState, Posted
from domain.documents import Connection, SageObject
from tests.support.events import event, read, to_bytes
from tests.support.mappings import CARRIER, connected

WHERE = Connection(CARRIER, "BlueMesa", None, "blue-mesa")
CLAIM = Claim("old", "c", 0, WHERE, SageObject.AP_BILL, "n", "p", Decimal(1), datetime(2026, 6, 1, tzinfo=UTC))
POSTED = Posted("old", "1", "c", WHERE, SageObject.AP_BILL, "n", "p")
BY_DAY = connected(ap={"tollBills": "day"}).state

pytestmark = pytest.mark.feature("consolidated bills", "ap.tollBills")


def row() -> ConsolidatedLineRecord:
    received = read(event("toll"))
    return ConsolidatedLineRecord(received, to_bytes(event("toll")))


def test_what_stands_in_sage_or_was_called_for_is_never_grouped():
    fresh = DocumentState("toll/toll-0002")
    assert as_consolidated_line(row(), fresh, BY_DAY) is not None
    assert as_consolidated_line(row(), replace(fresh, posted=POSTED), BY_DAY) is None
    assert as_consolidated_line(row(), replace(fresh, claim=CLAIM), BY_DAY) is None


def test_what_was_grouped_is_never_a_bill_of_its_own():
    known = DocumentState("toll/toll-0002", grouped=Consolidated("another revision", None))
    verdict = as_consolidated_line(row(), known, connected().state)
    assert verdict is not None
    assert verdict.moved is not None
    assert verdict.moved.grouped == Consolidated(row().received.revision, f"toll-day/{CARRIER}/bestpass/2026-06-12/USD")


def test_the_same_content_again_is_answered_from_the_ledger_and_a_withdrawn_row_is_not():
    revision = row().received.revision
    entry = DocumentState("toll/toll-0002", grouped=Consolidated(revision, "toll-day/x"))
    answer = decide(entry, revision)
    said = is_placed_finally(entry, revision)
    assert said is not None
    assert answer == replace(said, records_newer_revision=True)
    assert is_placed_finally(replace(entry, grouped=Consolidated(revision, None)), revision) is None
    assert is_placed_finally(entry, "another") is None


def test_the_ledger_remembers_the_group_and_says_nothing_where_there_is_none():
    entry = DocumentState("toll/a", grouped=Consolidated("r", "toll-day/x"))
    assert decode("toll/a", encode(entry)) == entry
    assert b"grouped" not in encode(DocumentState("toll/a"))
