"""Records that the service publishes have the same bytes as ever, and its own commands read them.

The bytes are in `tests/fixtures/stored`. Others read these records too: docs/contract.md describes them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord
from aiokafka.structs import RecordMetadata, TopicPartition

from app.commands.dead_letters import _letter
from app.mapping_history import _before, _now
from consumers.statistics.facts import RecordPosition, read_result
from domain.codes import Code
from domain.documents import (
    CustomValue,
    Document,
    ExcludedLines,
    LineDimension,
    Shortened,
    SourceDocument,
    ValueSource,
)
from domain.export import export
from domain.outcomes import Outcome
from domain.parties.matching import own_id
from domain.parties.party_fields import NotSent
from domain.payments import DocumentBalance
from domain.settings.mapping_state import MappingState
from domain.settings.values import AccountSetting
from domain.terms import ChosenTerm
from producers import dead_letters, parties, payments, results, statistics
from producers.dead_letters import DeadRecord
from producers.mapping_state import FormerValue, MappingWriter
from producers.results import ResultRecord, SageAnswer, SourceRecord
from producers.statistics import Alarm, Alert, Summary, WaitingDocument, WaitingSummary
from tests.support.events import event, read
from tests.support.mappings import connected
from tests.support.stored_records import AT, BARE_FACT, ENTITY, FACT, TOP, stored


def source(name: str) -> SourceDocument:
    found = read(event(name)).document
    assert isinstance(found, SourceDocument)
    return found


def booked(name: str) -> Document:
    """The document of a sample event, with a value in each part that a result may tell."""
    document = export(source(name), connected().state)
    assert isinstance(document, Document)
    plain = CustomValue("LOAD_NO", "L-1", ValueSource.SOURCE, "sub-1/custom-field/line/LOAD_NO")
    cut = replace(plain, field="NOTE", value="N" * 10, cut_from=20)
    location = LineDimension("location", "LOCATION", "L1", ValueSource.MAPPING, "sub-1/dimension/location/West")
    first, *more = document.lines
    lines = (replace(first, dimensions=(location,), custom=(plain,), shortened=(Shortened("memo", 300),)), *more)
    return replace(
        document,
        lines=lines,
        term=ChosenTerm("Net 30", "Net 45", 45, fallback=True),
        posting_date=date(2026, 7, 1),
        left_out=(ExcludedLines("Detention", 2, Decimal("-12.50")),),
        custom=(plain, cut),
        shortened=(Shortened("reference", 120),),
    )


PLACE = SourceRecord("invoice-created", 3, 41, 1774994400000)
BARE = ResultRecord("invoice/1", "evt-1", PLACE, "sub-1", "r1", Outcome.SKIPPED, AT)
SAGE_REFUSAL = SageAnswer(None, "c" * 64, ("BL01001973\n no",), ("abc~1",))
RESULTS = {
    "bare": BARE,
    "from the ledger": replace(BARE, outcome=Outcome.ALREADY_POSTED, from_ledger=True, sage=SageAnswer("9911")),
    "deferred": replace(
        BARE, outcome=Outcome.DEFERRED, code=Code.ACCOUNT_UNMAPPED, detail="two\nlines", blocked_by=("a", "sage/B/100")
    ),
    "refused by Sage": replace(
        BARE, outcome=Outcome.REJECTED, attempt=2, code=Code.SAGE_REFUSED, connection=TOP, sage=SAGE_REFUSAL
    ),
    "posted": replace(
        BARE, outcome=Outcome.POSTED, connection=ENTITY, document=booked("invoice-summary"), party_id="C-1",
        party_made=(NotSent("TAXID", "it is masked"),), sage=SageAnswer("9911", "c" * 64), mapping_offset=17,
        corrects="9001",
    ),
    "posted, with a party made of all fields": replace(
        BARE, outcome=Outcome.POSTED, document=booked("fuel-reefer"), party_id="V-1", party_made=()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_written_as_ever_and_the_statistics_read_it(name):
    result, value = RESULTS[name], stored("results")[name]
    assert results.encode(result) == value
    fact = read_result(value, RecordPosition(partition=0, offset=1))
    assert fact is not None
    assert (fact.document, fact.outcome, fact.at, fact.code) == (result.key, result.outcome, AT, result.code)
    assert fact.total == (result.document.total if result.document else None)
    assert fact.connection == ("sage/B/100" if name == "deferred" else None)


DEAD = DeadRecord("invoice-created", 3, 41, 1774994400000, 0, b"invoice/1", b"{", (("traceparent", b"00-1\xff"),))
DEAD_LETTERS = {
    "one record": dead_letters.headers(DEAD, Code.MALFORMED_JSON, "it is no JSON\nat 1", "alvys-sage"),
    "a batch": dead_letters.headers(
        replace(DEAD, timestamp_type=1, last=49, left_out="value, 9 bytes, sha256 00"),
        Code.RECORDS_UNREADABLE,
        "",
        "alvys-sage",
    ),
}


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_the_headers_of_a_dead_letter_are_as_ever_and_the_command_reads_them(name):
    headers = DEAD_LETTERS[name]
    shown = [[title, None if value is None else value.decode("latin-1")] for title, value in headers]
    assert shown == orjson.loads(stored("dead-letter-headers")[name])
    letter = _letter(record(DEAD.key, DEAD.value, headers))
    assert letter is not None
    assert (letter.source, letter.offset, letter.timestamp) == (
        TopicPartition("invoice-created", 3),
        41,
        DEAD.timestamp,
    )
    assert letter.code in {Code.MALFORMED_JSON, Code.RECORDS_UNREADABLE}


class Producer:
    """Keeps the record that a writer of settings sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes | None, list[tuple[str, bytes]]]] = []

    async def send_and_wait(self, _topic: str, value: bytes | None, *, key: bytes, headers: Any) -> RecordMetadata:
        self.sent.append((key, value, headers))
        return RecordMetadata("mapping-state", 0, TopicPartition("mapping-state", 0), 5, 0, 0, 0)


KEY = "sub-1/account/ar/accessorials/Lumper 'Ü'"
HISTORY = (FormerValue("2026-03-01T00:00:00+00:00", "lee", '{"account": "4000"}'), FormerValue("x", None, None))


@pytest.mark.parametrize("name", ["set", "set again", "cleared"])
async def test_a_setting_is_written_as_ever_and_the_table_and_the_history_read_it(name):
    producer = Producer()
    clients: Any = SimpleNamespace(producer=lambda: producer)
    writer = MappingWriter("mapping-state", clients, by="kim", clock=lambda: AT)
    history = () if name == "set" else HISTORY
    if name == "cleared":
        await writer.clear(KEY, history)
    else:
        await writer.set(KEY, {"account": "4010", "note": "ü"}, history)
    [(key, value, headers)] = producer.sent
    assert orjson.loads(stored("settings")[name]) == [
        key.decode(), value and value.decode(), [[title, text.decode()] for title, text in headers]
    ]  # fmt: skip
    state = MappingState()
    state.apply(key, value, 5)
    [*found] = state.records()
    assert [each.value for each in found] == ([] if name == "cleared" else [AccountSetting(account="4010")])
    written = record(key, value, headers)
    assert (_now(written).by, _now(written).at) == ("kim", "2026-03-31T22:15:07+00:00")
    assert _before(written) == list(reversed(history))


def test_a_party_is_published_as_ever():
    found = source("invoice-name-only")
    told = parties.announcement(found, ENTITY, own_id(found, ENTITY.entity_id))
    assert told is not None
    assert stored("parties") == {told[0]: told[1]}


BALANCE = DocumentBalance("9911", "Partially Paid", Decimal("250.00"), Decimal(100), Decimal(150))
PAYMENTS = {
    "payment": payments.encode(FACT, BALANCE, AT),
    "payment without a balance": payments.encode(FACT, None, AT),
    "difference": payments.encode(BARE_FACT, None, AT),
}


def test_a_payment_is_published_as_ever():
    assert stored("payments") == PAYMENTS


SUMMARY = Summary(
    subsidiary="sub-1",
    start=AT,
    end=AT,
    outcomes={Outcome.POSTED: 2, Outcome.DEFERRED: 1},
    codes={"ACCOUNT_UNMAPPED": 1},
    posted={"USD": Decimal("1E+2"), "base": Decimal("0.10")},
    posted_without_total=1,
    from_ledger=3,
    unreadable=0,
    standing=WaitingSummary(
        1, 0, WaitingDocument("invoice/1", AT, Outcome.DEFERRED, "ACCOUNT_UNMAPPED", "sage/B/100"), ("x",)
    ),
    alerts=(Alert(Alarm.CONNECTION_SET_ASIDE, "documents wait for x"),),
)


def test_statistics_are_published_as_ever():
    bare = replace(SUMMARY, subsidiary=None, standing=WaitingSummary(), alerts=())
    assert stored("statistics") == {"summary": statistics.encode(SUMMARY), "bare": statistics.encode(bare)}


def record(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> ConsumerRecord:
    """The record as a consumer gets it."""
    return ConsumerRecord("t", 0, 7, 1774994400000, 0, key, value, None, len(key or b""), len(value or b""), headers)
