"""Promise 1 by construction: the largest of all that may be written about an event fits where it is written."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from unittest.mock import AsyncMock

import orjson
import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.ledger.codec import LedgerUnreadableError, decode, encode
from consumers.export.ledger.store import LedgerStore
from consumers.export.ledger.transactions import MAX_BATCH as LARGEST_BATCH
from consumers.export.ledger.transactions import PendingWrite, TransactionScope, TransactionWriter
from consumers.export.protocol.document_state import (
    MAX_FORMER_RECORDS,
    Claim,
    DocumentState,
    FormerRecord,
    LastOutcome,
    Posted,
)
from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.events.fields import LONGEST_ID, LONGEST_TEXT
from domain.export import MOST_BLOCKED
from domain.outcomes import Outcome
from domain.text import LONGEST, single_line
from kafka_client import size_limits
from kafka_client.offset_tracker import OffsetTracker
from producers.dead_letters import DeadRecord, fitted, headers
from producers.results import LARGEST, ResultRecord, SageAnswer, SourceRecord
from producers.results import encode as encode_result
from sage_client.lookups import LONGEST_ID as LONGEST_OF_SAGE

WIDEST = "\U00010348"
"""Four bytes in UTF-8, and nothing that JSON would escape."""
ID = WIDEST * LONGEST_ID
KEY = f"driver-statement/{'%25' * LONGEST_ID}/{'%25' * LONGEST_ID}"
CONNECTION = Connection(ID, ID, ID, ID)
NOW = datetime(2026, 6, 10, tzinfo=UTC)
# A key may fold to three times its length, and all keys of one line are named whatever their length.
BLOCKED = ("\u0390" * MOST_BLOCKED, *["\u0390" * (3 * LONGEST_TEXT + LONGEST_ID + 50)] * 3)


def largest_entry(event: int) -> DocumentState:
    party = WIDEST * LONGEST_OF_SAGE
    posted = Posted("r" * 32, "9" * LONGEST_OF_SAGE, "c" * 64, CONNECTION, SageObject.AR_INVOICE, "9" * 30, party)
    claim = Claim(
        "r" * 32, "c" * 64, 10**9, CONNECTION, SageObject.AR_INVOICE, ID, party, Decimal("999999999999999.99"), NOW,
        operation="reverse", record_no="9" * LONGEST_OF_SAGE,
    )  # fmt: skip
    gone = FormerRecord("9" * LONGEST_OF_SAGE, "9" * 30, CONNECTION, SageObject.AP_ADJUSTMENT, party)
    retired = (gone,) * MAX_FORMER_RECORDS
    detail = single_line(WIDEST * LONGEST)
    last = LastOutcome(
        "r" * 32, Outcome.DEFERRED, 10**18, 10**18, Code.CHANGED_AFTER_POSTING, detail, BLOCKED, by_sage=True
    )
    return DocumentState(KEY, 10**9, posted, claim, last, b"x" * event, None, retired, renumbered=True)


@pytest.mark.parametrize("event", [1024, size_limits.LARGEST_EVENT, size_limits.MAX_EVENT])
def test_the_largest_entry_fits_into_its_ledger(event):
    assert (
        len(KEY) + len(encode(largest_entry(event))) + 1024
        < size_limits.max_record_bytes(event)
        <= size_limits.LARGEST_RECORD
    )
    assert size_limits.event_within(size_limits.max_record_bytes(event)) in (event, event + 1)


def test_the_largest_result_fits_into_its_topic():
    answer = SageAnswer(ID, "c" * 64, [WIDEST * 9_000] * 1_000, [WIDEST * 9_000] * 1_000)
    source = SourceRecord("t" * 249, 10**6, 10**18)
    result = ResultRecord(
        KEY, ID, source, ID, "r" * 32, Outcome.DEFERRED, NOW, 10**9, Code.ACCOUNT_UNMAPPED, WIDEST * 9_000, BLOCKED,
        connection=CONNECTION, sage=answer,
    )  # fmt: skip
    value = encode_result(result)
    assert len(value) < LARGEST
    assert len(orjson.loads(value)["sage"]["errors"]) == 20


@given(
    st.none() | st.binary(max_size=3_000),
    st.none() | st.binary(max_size=3_000),
    st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=1_000)), max_size=4).map(tuple),
)
def test_a_dead_letter_is_whole_if_it_fits_and_else_names_what_it_lacks(key, value, own):
    record = DeadRecord("t", 0, 7, 0, 0, key, value, own)
    room = 2_000
    letter = fitted(record, room)
    size = len(letter.key or b"") + len(letter.value or b"")
    size += sum(len(name.encode()) + len(content or b"") for name, content in letter.headers)
    assert size <= room
    assert bool(letter.left_out) == (replace(letter, left_out="") != record)
    told = dict(headers(letter, Code.MALFORMED_JSON, "a\nb", "g"))
    assert told["alvys-sage-left-out"] == letter.left_out.encode()
    assert told["kafka_dlt-exception-message"] == b"a\\nb"


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff", b"[]", b"1", b"null", b"{}", b'{"schema": 2}', b'{"schema": 1}',
        b'{"schema": 1, "attempts": 0, "last": 1}',
        b'{"schema": 1, "attempts": 0, "parked": "\xc3\xa9"}',
        b'{"schema": 1, "attempts": 0, "claim": {"connection": []}}',
        encode(largest_entry(10)).replace(b'"total":"', b'"total":"x'),
        encode(largest_entry(10)).replace(b'"deferred"', b'"lost"'),
        encode(largest_entry(10)).replace(b'"blocked_by":[', b'"blocked_by":7,"more":['),
    ],
    ids=range(14),
)  # fmt: skip
def test_bytes_that_are_no_ledger_record_stop_its_reader_with_one_clear_error(value):
    with pytest.raises(LedgerUnreadableError, match="some/key"):
        decode("some/key", value)


@given(st.binary(max_size=100))
def test_any_bytes_in_a_ledger_are_an_entry_or_that_error(value):
    try:
        decode("k", value)
    except LedgerUnreadableError:
        return


def test_records_in_flight_are_weighed():
    tracker = OffsetTracker()
    for offset in range(3):
        tracker.begin(offset, 10**offset)
    assert tracker.bytes == 111
    tracker.end(1)
    assert (tracker.bytes, len(tracker)) == (101, 2)


@pytest.mark.parametrize(
    ("values", "together"), [([1, 2, 3], LARGEST_BATCH), ([9, 9, 9, 9], 3), ([40, 1], 1), ([1, 40], 1)]
)
async def test_a_transaction_holds_many_small_records_or_a_few_large_ones(values, together):
    place = TransactionScope(TopicPartition("t", 0), "t.ledger", "g")
    journal = TransactionWriter(AsyncMock(), place, LedgerStore(), OffsetTracker(), lambda error: None)
    for size in values:
        parked = DocumentState("k", parked=b"x" * (size * 750_000))
        journal._pending.append((PendingWrite(parked), asyncio.get_running_loop().create_future()))
    assert journal._fitting() == together
    journal._pending.clear()
    await journal.close(1)
