"""The ledger's records come back as they were written, and the index of waiting documents never lies."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.ledger.codec import decode, encode, needs_no_index
from consumers.export.ledger.store import LedgerRecord, LedgerStore
from consumers.export.protocol.document_state import Claim, DocumentState, LastOutcome
from domain.codes import FORMER_NAMES, Code
from domain.documents import Connection, SageObject
from domain.outcomes import Outcome
from tests.support.ledger_entries import entries


@given(entries)
def test_an_entry_comes_back_as_it_was_written(entry):
    assert decode(entry.key, encode(entry)) == entry


@given(entries)
def test_a_record_that_is_put_away_unread_waits_for_nothing_and_is_in_no_doubt(entry):
    assert needs_no_index(encode(entry)) == (entry.parked is None and entry.claim is None)
    assert needs_no_index(encode(replace(entry, parked=None, claim=None)))


def test_amounts_keep_every_digit():
    claim = Claim("r", "c", 0, Connection("s", "C", None, "x"), SageObject.AP_BILL, "1", "V", Decimal("0.10"), _now())
    back = decode("k", encode(DocumentState("k", claim=claim)))
    assert back.claim is not None
    assert str(back.claim.total) == "0.10"


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"schema": 2, "attempts": 0}', b'{"schema": 1}', b"\xff"])
def test_a_record_that_is_not_ours_stops_its_reader(value):
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode("k", value)


@given(st.lists(entries | st.sampled_from(["drop a", "drop b"]), max_size=20))
def test_the_documents_blocked_by_a_key_are_just_those_whose_entry_says_so(steps):
    ledger = LedgerStore()
    truth: dict[str, DocumentState] = {}
    for step in steps:
        if isinstance(step, str):
            ledger.drop(step[-1])
            truth.pop(step[-1], None)
        else:
            ledger.put(step)
            truth[step.key] = step
    waiting = {key: entry.released_by for key, entry in truth.items()}
    blockers = {blocker for blocked_by in waiting.values() for blocker in blocked_by}
    assert set(ledger.blockers()) == blockers
    for blocker in blockers:
        assert set(ledger.blocked_by(blocker)) == {key for key, by in waiting.items() if blocker in by}


def _now():

    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_yesterdays_ledger_is_read_with_todays_codes(former, present):
    ending = LastOutcome("r", Outcome.REJECTED, 7, 8, Code(present), "why", ("blocker",))
    entry = DocumentState("invoice/1", last=ending, parked=b"{}")
    stored = encode(entry).replace(present.encode(), former.encode())
    assert former.encode() in stored
    read = decode("invoice/1", stored)
    assert read == entry
    assert read.last is not None
    assert read.last.code is Code(present)  # decisions about money compare with `is`
    ledger = LedgerStore()
    ledger.apply([LedgerRecord("invoice/1", stored)])
    assert ledger.coded(present) == ("invoice/1",)
    assert former.encode() not in encode(read)
