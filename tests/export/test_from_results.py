"""Promise 4 after a ledger was lost: an entry that results tell knows the order of events, whatever their offsets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from consumers.export.ledger.from_results import PublishedResult, Retold, retell
from consumers.export.protocol.document_state import DocumentState
from consumers.export.protocol.sequence import Turn, turn_of
from domain.codes import Code
from domain.documents import Connection, Document, SourceDocument
from domain.events import EventKind
from domain.export import export
from domain.outcomes import Outcome
from domain.translation import ParsedRecord, parse_record
from producers.results import ResultRecord, SageAnswer, SourceRecord, encode
from tests.support.mappings import CARRIER, connected
from tests.support.world import invoice, key

ANSWERED = datetime(2026, 6, 11, tzinfo=UTC)
CONNECTION = Connection("sub-1", "ACME", None, "acme")


def event(emission: int, amount: str = "100.00", **envelope: str) -> ParsedRecord:
    return parse_record(EventKind.INVOICE, invoice("a", amount, emission=emission, **envelope))


def result(received: ParsedRecord, offset: int = 50) -> ResultRecord:
    assert received.emitted is not None
    return ResultRecord(
        key("a").decode(),
        received.event_id,
        SourceRecord("invoice-created", 0, offset),
        "sub-1",
        received.revision,
        Outcome.SKIPPED,
        ANSWERED,
        connection=CONNECTION,
        sage=SageAnswer("1", "c"),
        event_at=received.emitted.at,
    )


def retold(*results: ResultRecord) -> Retold:
    known = Retold(DocumentState(key("a").decode()))
    for each in results:
        known = retell(known, PublishedResult.model_validate_json(encode(each)), lambda *_: "acme")
    return known


def told(*results: ResultRecord) -> DocumentState:
    return retold(*results).entry


def turn(entry: DocumentState, received: ParsedRecord, offset: int) -> Turn:
    # A record that was written before the answer, as one is that nobody had read when the ledger was lost.
    written = int((ANSWERED - timedelta(hours=1)).timestamp() * 1000)
    return turn_of(entry, received, SourceRecord("invoice-created", 0, offset, written), ANSWERED)


@pytest.mark.parametrize("offset", [3, 50, 99], ids=["lower, in a copied topic", "the same", "higher"])
def test_a_later_event_corrects_and_an_earlier_one_comes_too_late_whatever_their_offsets(offset):
    entry = told(result(event(5)))
    assert turn(entry, event(6, "120.00"), offset) is Turn.NEWEST
    assert turn(entry, event(4, "80.00"), offset) is Turn.PAST
    assert turn(entry, event(5), offset) is Turn.PAST


def test_an_event_that_comes_again_stamped_anew_is_known_by_its_id():
    first, second = event(5), event(6, "120.00")
    entry = told(result(first), result(second, 51))
    again = event(9, id=first.event_id)
    assert again.emitted is not None
    assert again.emitted.at > (second.emitted or again.emitted).at
    assert turn(entry, again, 99) is Turn.PAST


def test_a_result_of_an_earlier_version_tells_no_time_and_offsets_decide():
    entry = told(replace(result(event(5)), event_at=None))
    assert entry.last is not None
    assert entry.last.emitted is None
    assert turn(entry, event(6, "120.00"), 99) is Turn.NEWEST


def test_a_time_that_cannot_be_true_does_not_decide_the_order():
    entry = told(replace(result(event(5)), event_at=ANSWERED + timedelta(days=400)))
    assert entry.last is not None
    assert entry.last.emitted is None


def test_the_published_time_is_the_events_own():
    assert orjson.loads(encode(result(event(5))))["eventTimestamp"] == "2026-06-10T16:05:27+00:00"


def test_a_revision_that_waited_behind_a_doubt_is_the_newest_although_older_ones_were_read_after_it():
    """As chaos found it: three revisions are read while the first one's call is in doubt, the newest in the middle."""
    first, second, third = event(1), event(2, "120.00"), event(3, "130.00")
    behind = replace(result(third, 12), outcome=Outcome.DEFERRED, code=Code.EARLIER_REVISION_IN_DOUBT)
    told_so_far = [
        replace(result(first, 11), outcome=Outcome.UNCERTAIN, code=Code.OUTCOME_UNKNOWN),
        behind,
        replace(result(second, 16), code=Code.SUPERSEDED),  # read after the third, and older
        posted(first, 11, "1"),
    ]
    found = retold(*told_so_far)
    assert found.entry.posted is not None
    assert found.entry.posted.record_no == "1"
    assert found.open is not None, "the third is still to be read again"
    assert found.open.offset == 12
    after = retold(
        *told_so_far, replace(result(third, 12), outcome=Outcome.REVERSED, attempt=0), posted(third, 12, "2")
    )
    assert after.open is None
    assert after.entry.posted is not None
    assert after.entry.posted.record_no == "2"
    assert [each.record_no for each in after.entry.former_records] == ["1"]
    assert turn(after.entry, second, 99) is Turn.PAST
    assert turn(after.entry, event(4, "140.00"), 3) is Turn.NEWEST


def test_an_older_revision_that_waited_is_not_open_once_a_newer_one_has_ended():
    waits = replace(result(event(1), 11), outcome=Outcome.DEFERRED, code=Code.ACCOUNT_UNMAPPED)
    assert retold(waits, posted(event(2, "120.00"), 12, "1")).open is None


def posted(received: ParsedRecord, offset: int, record_no: str) -> ResultRecord:
    return replace(
        result(received, offset),
        outcome=Outcome.POSTED,
        document=document_of(received),
        party_id="C-1",
        sage=SageAnswer(record_no, f"control-{record_no}"),
    )


def document_of(received: ParsedRecord) -> Document:
    state = connected().state
    source = received.document
    assert isinstance(source, SourceDocument)
    document = export(replace(source, subsidiary_id=CARRIER), state)
    assert isinstance(document, Document)
    return document
