"""What is foretold of a span, by the functions that decide in a worker: pure, without a broker."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import orjson
import pytest
from aiokafka import ConsumerRecord

from app.replay.forecast import Forecaster, RecordOutcome
from consumers.export.ledger.codec import encode
from consumers.export.protocol.document_state import DocumentState, FormerRecord, LastOutcome, Posted
from domain.blockers import mapped_digest
from domain.codes import Code
from domain.documents import Connection, Document, SageObject, SourceDocument
from domain.events import EventKind
from domain.export import export
from domain.idempotency import booked_content_hash
from domain.outcomes import Outcome
from domain.translation import parse_record
from tests.support.mappings import Settings
from tests.support.world import SUBSIDIARY, invoice, key

NOW = datetime(2026, 6, 10, 18, tzinfo=UTC)
AHEAD = "2026-06-30T00:00:00Z"
STANDS = Connection(SUBSIDIARY, "BlueMesa", None, "blue-mesa"), SageObject.AR_INVOICE


def settings() -> Settings:
    made = Settings()
    made.connect(SUBSIDIARY)
    made.put(f"{SUBSIDIARY}/account/ar/default/default", {"account": "4000"})
    return made


def simulation(made: Settings, *entries: DocumentState) -> Forecaster:
    ledger = {each.key: encode(each) for each in entries}
    return Forecaster(partial(parse_record, EventKind.INVOICE), made.state, ledger, any_record_key=False, now=NOW)


def foretold(simulation: Forecaster, *values: bytes) -> list[RecordOutcome]:
    """What becomes of each record of document a."""
    kinds: list[RecordOutcome] = []
    for offset, value in enumerate(values, start=10):
        before = +simulation.forecast.kinds
        simulation.take(ConsumerRecord("t", 0, offset, offset, 0, key("a"), value, None, 0, 0, ()))
        kinds += (simulation.forecast.kinds - before).elements()
    return kinds


def delivered(day: str) -> bytes:
    """An invoice with a fact that is not booked."""
    made = orjson.loads(invoice("a"))
    made["data"]["loads"] = [{"loadNumber": "a", "orderNumber": "O-1", "deliveredAt": day}]
    return orjson.dumps(made)


@pytest.mark.parametrize("digest_as", ["it is", "another"])
def test_a_refusal_after_a_reversal_is_not_foretold_to_be_sent_again(digest_as):
    """What comes after a reversal may be booked on the first open day, in what is foretold as in the worker."""
    made, value = settings(), invoice("a")
    received = parse_record(EventKind.INVOICE, value)
    assert isinstance(received.document, SourceDocument)
    document = export(received.document, made.state)
    assert isinstance(document, Document)
    sent = replace(document, first_open_day=True)
    digest = mapped_digest(booked_content_hash(sent), sent) if digest_as == "it is" else "f" * 32
    refusal = LastOutcome(
        received.revision,
        Outcome.REJECTED,
        offset=1,
        code=Code.PARTY_NOT_FOUND,
        blocked_by=(f"{SUBSIDIARY}/connection",),
        emitted=received.emitted,
        mapped_digest=digest,
    )
    gone = FormerRecord("7", "a", *STANDS, party_id="C-1")
    partition = simulation(made, DocumentState(received.key, last=refusal, parked=value, former_records=(gone,)))
    foretold(partition, value)
    assert partition.forecast.released == (digest_as == "another")


def test_a_revision_of_the_same_books_is_foretold_to_be_posted_already():
    partition = simulation(settings())
    assert foretold(partition, delivered("2026-06-01"), delivered("2026-06-02")) == [
        RecordOutcome.MAY_POST,
        RecordOutcome.ALREADY_POSTED,
    ]


def test_of_what_was_not_found_in_sage_it_is_not_foretold_that_it_stands():
    made, first = settings(), delivered("2026-06-01")
    received = parse_record(EventKind.INVOICE, first)
    assert isinstance(received.document, SourceDocument)
    document = export(received.document, made.state)
    assert isinstance(document, Document)
    posted = Posted(
        received.revision, "7", "c", *STANDS, number="a", party_id="C-1", content=booked_content_hash(document)
    )
    missed = LastOutcome("another", Outcome.REJECTED, 1, code=Code.POSTED_DOCUMENT_NOT_FOUND, emitted=received.emitted)
    found = LastOutcome(received.revision, Outcome.POSTED, 1, emitted=received.emitted)
    second = delivered("2026-06-02")
    assert foretold(simulation(made, DocumentState(received.key, posted=posted, last=found)), second) == [
        RecordOutcome.ALREADY_POSTED
    ]
    assert foretold(simulation(made, DocumentState(received.key, posted=posted, last=missed)), second) == [
        RecordOutcome.CORRECTS
    ]


def test_an_event_of_an_impossible_time_takes_no_place_of_one_that_is_foretold_to_wait():
    made = settings()
    made.connect(SUBSIDIARY, state="paused")
    waiting = invoice("a")
    ahead = invoice("a", "150.00", timestamp=AHEAD)
    assert foretold(simulation(made), waiting, ahead, waiting) == [
        RecordOutcome.WAITS,
        RecordOutcome.REJECTED,
        RecordOutcome.WAITS,
    ]


def test_what_is_foretold_to_be_taken_back_is_known_to_be_gone_afterwards():
    """A worker tells a person where nothing is exported in the place of what it took back."""
    made, value = settings(), invoice("a")
    received = parse_record(EventKind.INVOICE, value)
    posted = Posted(received.revision, "7", "c", *STANDS, number="a", party_id="C-1")
    entry = DocumentState(
        received.key, posted=posted, last=LastOutcome(received.revision, Outcome.POSTED, 1, emitted=received.emitted)
    )
    nothing, nobodys = invoice("a", "0.00"), invoice("a", subsidiary="nobody")
    kinds = foretold(simulation(made, entry), value, nothing, nobodys)
    assert kinds == [RecordOutcome.ALREADY_POSTED, RecordOutcome.CORRECTS, RecordOutcome.CHANGED]
