"""Records that the service reads back are written in the same bytes as ever, and those of earlier versions are read.

The bytes are in `tests/fixtures/stored`; `tests.support.stored_records` has the objects that they stand for.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from consumers.consolidated_bills.groups import mark_record, read_mark
from consumers.export import later_revisions
from consumers.export.command_progress import CommandProgress
from consumers.export.ledger import codec, generation, placement
from consumers.export.ledger.generation import TopicGeneration
from consumers.export.protocol import document_state
from consumers.payments import cursor
from domain import commands
from domain.documents import SourceDocument
from domain.events import EventKind, FuelTransactionCreated, TollTransactionCreated, decode
from domain.translation import parse_record
from kafka_client.partitioners import Partitioner
from producers import consolidated_lines
from tests.support.events import event, to_bytes
from tests.support.stored_records import (
    COMMANDS,
    CURSOR,
    FUEL_BILL,
    LEDGER,
    OLDER_CURSOR,
    OLDER_LEDGER,
    SENT,
    stored,
)

COMPANY = "BLUEMESA"


def each(kind: str, version: str, expected: dict[str, Any]) -> Any:
    """The stored bytes of a kind beside the objects they stand for. There are no bytes without an object."""
    values = stored(kind, version)
    assert values.keys() == expected.keys()
    return pytest.mark.parametrize(
        ("value", "made"), [(values[name], expected[name]) for name in expected], ids=expected
    )


@each("ledger", "current", LEDGER)
def test_a_document_state_is_written_and_read_as_ever(value, made):
    assert codec.encode(made) == value
    assert codec.decode(made.key, value) == made
    # What was read and is written again is the same record: a replay changes nothing.
    assert codec.encode(codec.decode(made.key, value)) == value


@each("ledger", "older", OLDER_LEDGER)
def test_a_document_state_of_an_earlier_version_is_read(value, made):
    assert codec.decode(made.key, value) == made


def test_the_stored_document_states_hold_two_values_of_every_field():
    states = list(LEDGER.values())
    parts = [
        (document_state.DocumentState, states),
        *(
            (kind, [part for one in states if (part := getattr(one, name)) is not None])
            for name, kind in (
                ("claim", document_state.Claim),
                ("posted", document_state.Posted),
                ("last", document_state.LastOutcome),
                ("marked", document_state.MarkedSynced),
                ("grouped", document_state.Consolidated),
            )
        ),
    ]
    for kind, found in parts:
        for name in kind.__dataclass_fields__:
            values = {repr(getattr(one, name)) for one in found}
            assert len(values) > 1, f"{kind.__name__}.{name} is {values} in all of them"


@each("cursor", "current", CURSOR)
def test_a_payment_cursor_is_written_and_read_as_ever(value, made):
    assert cursor.encode(COMPANY, made) == value
    assert cursor.decode(value) == (COMPANY, made)


@each("cursor", "older", OLDER_CURSOR)
def test_a_payment_cursor_of_an_earlier_version_is_read(value, made):
    assert cursor.decode(value) == (COMPANY, made)


@each("commands", "current", COMMANDS)
def test_a_command_is_written_and_read_as_ever(value, made):
    assert commands.encode(made) == value
    assert commands.decode(value) == made


def test_a_command_to_read_a_record_again_is_written_and_read_as_ever():
    [value] = stored("replay-command").values()
    read = commands.decode(value)
    assert isinstance(read, commands.Replay)
    assert (read.key, read.value) == (b"invoice/1", b"\x00\xff{")
    assert commands.encode(read) == value


@each("sent-bills", "current", SENT)
def test_the_mark_of_a_sent_bill_is_written_and_read_as_ever(value, made):
    key, written = mark_record(made)
    assert written == value
    assert read_mark(key.decode(), value) == made


@pytest.mark.parametrize("name", ["fuel-reefer", "toll"])
def test_a_line_of_a_consolidated_bill_is_written_and_read_as_ever(name):
    sample = to_bytes(event(name))
    kind = EventKind(event(name)["type"])
    source, read = parse_record(kind, sample).document, decode(kind, sample)
    assert isinstance(source, SourceDocument)
    assert isinstance(read, FuelTransactionCreated | TollTransactionCreated)
    value = stored("bill-lines")[name]
    assert consolidated_lines.encode(source, read) == value
    line = consolidated_lines.decode(source.key, value)
    assert (line.key, line.bill.provider, line.bill.date) == (source.key, source.party.provider, source.date)
    assert line.row["timestamp"] == read.timestamp.isoformat()


INTERNAL: dict[str, tuple[Callable[[], bytes], Callable[[bytes], object], object]] = {
    "generation": (
        partial(generation.encode, TopicGeneration("0" * 32, 12)), generation.decode, TopicGeneration("0" * 32, 12),
    ),
    "partitioner": (
        partial(placement.encode, Partitioner.CRC32),
        partial(placement.decode, "x.ledger"),
        Partitioner.CRC32,
    ),
    "commands": (
        lambda: CommandProgress(None, {1: 40, 0: 7}).record()[1],
        lambda value: CommandProgress(value, {0: 9, 1: 99}).positions,
        {0: 7, 1: 40},
    ),
    "later": (
        partial(later_revisions.encode, later_revisions.KeptEvent(b"{}", 7, 40)),
        later_revisions.decode,
        later_revisions.KeptEvent(b"{}", 7, 40),
    ),
}  # fmt: skip


@each("internal", "current", INTERNAL)
def test_an_internal_record_of_the_ledger_is_written_and_read_as_ever(value, made):
    write, read, expected = made
    assert write() == value
    assert read(value) == expected


def later(value: bytes) -> bytes:
    """The record as a later version with another format would write it."""
    return value.replace(b'"schema":1', b'"schema":2', 1)


def test_a_record_of_a_later_version_stops_its_reader():
    with pytest.raises(codec.LedgerUnreadableError, match="schema 2"):
        codec.decode("invoice/1", later(stored("ledger")["posted"]))
    with pytest.raises(codec.LedgerUnreadableError, match="schema 2"):
        later_revisions.decode(later(stored("internal")["later"]))
    with pytest.raises(cursor.CursorUnreadableError):
        cursor.decode(later(stored("cursor")["cursor"]))
    with pytest.raises(consolidated_lines.RowUnreadableError, match="schema 2"):
        read_mark("~sent/x", later(stored("sent-bills")["sent"]))


@pytest.mark.parametrize("part", ["connection", "posted", "last"])
def test_a_part_of_a_document_state_that_says_more_than_this_version_knows_stops_its_reader(part):
    value = stored("ledger")["posted"]
    more = value.replace(b'"%s":{' % part.encode(), b'"%s":{"later":1,' % part.encode())
    assert more != value
    with pytest.raises(codec.LedgerUnreadableError, match="invoice/1"):
        codec.decode("invoice/1", more)


def test_a_bill_of_more_fields_than_this_version_knows_stops_its_reader():
    value = stored("sent-bills")["sent"].replace(b'"bill":{', b'"bill":{"later":1,')
    with pytest.raises(consolidated_lines.RowUnreadableError):
        read_mark(f"~sent/{FUEL_BILL.key}", value)
    assert read_mark("~sent/x", stored("sent-bills")["sent"]) == replace(SENT["sent"], bill=FUEL_BILL)
