"""The order of one document's events, pure: whatever is delivered, and in whatever order, the newest one stands."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.export.command_progress import PendingCommand
from consumers.export.ledger.codec import decode, encode
from consumers.export.output_records import ResultWriter
from consumers.export.protocol.decide import NextStep, clear_mark, decide
from consumers.export.protocol.document_state import (
    REVISION_UNKNOWN,
    Claim,
    DocumentState,
    LastOutcome,
    MarkedSynced,
    Posted,
)
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import Life, WriteResult
from consumers.export.protocol.sequence import REMEMBERED, Turn, answered, place_of, turn_of
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.codes import Code
from domain.commands import Retry
from domain.documents import Connection, SageObject, SourceDocument
from domain.emission import AHEAD, Emitted
from domain.events import EventKind
from domain.outcomes import Outcome, Rejected
from domain.translation import ParsedRecord
from domain.translation.parse_record import parse_record
from domain.translation.revision import earlier_revisions
from producers.results import SourceRecord
from tests.support.world import invoice

NOW = datetime(2026, 6, 11, 12, tzinfo=UTC)
CONNECTION = Connection("sub", "ACME", None, "acme")
WRITER = ResultWriter("group", "results", "dead")
KEY = "invoice/a"
EARLY = Emitted(datetime(2026, 6, 1, tzinfo=UTC), "evt-0")


def at(minute: float) -> datetime:
    return datetime(2026, 6, 10, 9, tzinfo=UTC) + timedelta(minutes=minute)


def event(minute: float, name: str, content: str) -> ParsedRecord:
    unread = Rejected(Code.LINES_DO_NOT_ADD_UP, "not looked at here")
    return ParsedRecord(name, "invoice.created", KEY, "sub", content, unread, Emitted(at(minute), name))


def posted(content: str) -> Posted:
    return Posted(content, "1", "c", CONNECTION, SageObject.AR_INVOICE, "N1", "C-1")


def claim(received: ParsedRecord, source: SourceRecord, emitted: Emitted | None) -> Claim:
    until = datetime(2026, 6, 11, 13, tzinfo=UTC)
    what = ("c", 0, CONNECTION, SageObject.AR_INVOICE, "N1", "C-1", Decimal(100), until)
    return Claim(received.revision, *what, source.offset, source.timestamp, emitted=emitted)


@dataclass
class Engine:
    """One document, as the session goes on with it; Sage does what it is told to."""

    entry: DocumentState = field(default_factory=lambda: DocumentState(KEY))
    offset: int = -1
    now: datetime = NOW

    def deliver(self, received: ParsedRecord, fate: str = "posted", *, again: bool = False) -> ExportResult:
        """Read a record of the event; `fate`: how its call ends, if one is made. `again`: the same record once more."""
        self.offset += not again
        source = SourceRecord("invoice-created", 0, self.offset, 1_000 + self.offset)
        turn = turn_of(self.entry, received, source, self.now)
        work = self.work(received, source, self.offset, newest=turn is Turn.NEWEST)
        answer = decide(self.entry, received.revision, turn)
        if isinstance(answer, ExportResult):
            return self.end(work, answer)
        if answer is NextStep.RECONCILE:
            assert self.entry.claim is not None
            if self.entry.posted is not None and self.entry.posted.revision == self.entry.claim.revision:
                return self.end(work, ExportResult(Outcome.POSTED, posted=self.entry.posted))
            return self.go(work, "posted")
        if fate in ("lost", "vanished"):
            before = posted(received.revision) if fate == "lost" else self.entry.posted
            self.entry = self.kept(replace(self.entry, claim=claim(received, source, work.emitted), posted=before))
            return self.deliver(received, again=True)  # the worker died: its record is read again
        return self.go(work, fate)

    def release(self) -> None:
        """What waits goes on, or a person asks for what was rejected."""
        if self.entry.parked is None or self.entry.last is None:
            return
        received = PARKED[self.entry.parked]
        work = self.work(received, SourceRecord("invoice-created", 0, self.entry.last.offset), None, newest=False)
        answer = decide(self.entry, received.revision)
        if isinstance(answer, ExportResult):
            self.end(work, answer)
        else:
            self.go(work, "posted")

    def work(self, received: ParsedRecord, source: SourceRecord, offset: int | None, *, newest: bool) -> WorkItem:
        value = repr(received).encode()
        PARKED[value] = received
        place = place_of(self.entry, received, self.now, newest=newest)
        return WorkItem(cast(PartitionHandle, None), received, value, source, Life(offset), emitted=place)

    def go(self, work: WorkItem, fate: str) -> ExportResult:
        verdicts = {
            "posted": ExportResult(Outcome.POSTED, posted=posted(work.received.revision)),
            "deferred": ExportResult(Outcome.DEFERRED, Code.ACCOUNT_UNMAPPED, blocked_by=("x",)),
            "rejected": ExportResult(Outcome.REJECTED, Code.NEGATIVE_TOTAL),
            "refused": ExportResult(Outcome.REJECTED, Code.SAGE_REFUSED, refused_by_sage=True),
        }
        return self.end(work, verdicts[fate])

    def end(self, work: WorkItem, verdict: ExportResult) -> ExportResult:
        note = WRITER.finished(work, WriteResult(verdict, self.entry, work.life.offset), self.now)
        if note is None:
            assert work.life.offset is None  # what was retried and still waits for the same is told once
            return verdict
        assert note.outgoing  # every record is answered
        if note.entry is not None:
            self.entry = self.kept(note.entry)
        return verdict

    @staticmethod
    def kept(entry: DocumentState) -> DocumentState:
        """As the next owner of the partition reads it."""
        assert decode(entry.key, encode(entry)) == entry
        return decode(entry.key, encode(entry))

    @property
    def stands(self) -> str | None:
        return self.entry.posted.revision if self.entry.posted is not None else None


PARKED: dict[bytes, ParsedRecord] = {}
FATES = st.sampled_from(["posted", "posted", "deferred", "rejected", "refused", "lost", "vanished"])


@st.composite
def deliveries(draw: Any) -> tuple[list[ParsedRecord], list[tuple[ParsedRecord, str]]]:
    """Events of one document, and how they come: in any order, again and again, later copies under later timestamps."""
    count = draw(st.integers(1, 6))
    minutes = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))
    contents = draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    events = [event(minutes[n], f"evt-{n + 8}", contents[n]) for n in range(count)]  # evt-9, then evt-10
    order = draw(st.lists(st.sampled_from(range(count)), max_size=8)) + list(range(count))
    order = draw(st.permutations(order))
    sent: list[tuple[ParsedRecord, str]] = []
    for number in order:
        one = events[number]
        if any(each.event_id == one.event_id for each, _ in sent) and draw(st.booleans()):
            one = replace(one, emitted=Emitted(at(draw(st.integers(6, 9))), one.event_id))
        sent.append((one, draw(FATES)))
    return events, sent


@given(deliveries())
def test_whatever_is_delivered_again_or_late_the_newest_event_stands_and_each_record_is_answered(given_):
    events, sent = given_
    engine = Engine()
    for received, fate in sent:
        engine.deliver(received, fate)
    engine.release()
    newest = max(events, key=lambda each: (each.emitted.at, len(each.emitted.id), each.emitted.id))
    assert engine.stands == newest.revision
    before = engine.entry
    for received, _ in sent:  # a replay of all of them says nothing new
        assert engine.deliver(received).from_ledger
    assert engine.entry == before


def test_an_event_that_was_answered_is_answered_again_and_brings_no_old_money_back():
    first, second = event(0, "evt-1", "a"), event(60, "evt-2", "b")
    engine = Engine()
    engine.deliver(first)
    assert engine.deliver(first).outcome is Outcome.ALREADY_POSTED
    engine.deliver(second)
    stamped_anew = replace(first, emitted=Emitted(at(120), "evt-1"))
    for copy in (first, stamped_anew):
        assert engine.deliver(copy).code is Code.SUPERSEDED
    assert engine.deliver(second).outcome is Outcome.ALREADY_POSTED
    assert engine.stands == "b"


def test_an_event_that_comes_too_late_is_superseded_even_under_a_later_timestamp_when_it_comes_again():
    engine = Engine()
    engine.deliver(event(60, "evt-2", "b"))
    late = event(0, "evt-1", "a")
    assert engine.deliver(late).code is Code.SUPERSEDED
    assert engine.deliver(replace(late, emitted=Emitted(at(120), "evt-1"))).code is Code.SUPERSEDED
    assert engine.stands == "b"


def test_a_true_change_back_is_exported():
    engine = Engine()
    for minute, name, content in ((0, "evt-1", "a"), (1, "evt-2", "b"), (2, "evt-3", "a")):
        assert engine.deliver(event(minute, name, content)).outcome is Outcome.POSTED
    assert engine.stands == "a"


def test_what_is_said_again_by_a_newer_event_counts_from_then_on():
    """Nothing is to be done for it, but an event between the two comes too late."""
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"))
    assert engine.deliver(event(60, "evt-3", "a")).outcome is Outcome.ALREADY_POSTED
    assert engine.deliver(event(30, "evt-2", "b")).code is Code.SUPERSEDED
    assert engine.stands == "a"


def test_a_copy_under_a_later_timestamp_does_not_make_a_true_change_too_late():
    engine = Engine()
    first = event(0, "evt-1", "a")
    engine.deliver(first)
    engine.deliver(replace(first, emitted=Emitted(at(60), "evt-1")))
    assert engine.deliver(event(30, "evt-2", "b")).outcome is Outcome.POSTED


@pytest.mark.parametrize("fate", ["deferred", "rejected", "refused"])
def test_what_waits_or_was_refused_is_overtaken_by_a_newer_event_and_not_by_an_older_one(fate):
    engine = Engine()
    engine.deliver(event(10, "evt-2", "b"), fate)
    waits = engine.entry
    assert engine.deliver(event(0, "evt-1", "a")).code is Code.SUPERSEDED
    assert (engine.entry.parked, engine.entry.last) == (waits.parked, waits.last)
    engine.deliver(event(20, "evt-3", "c"))
    assert (engine.stands, engine.entry.parked) == ("c", None)


def test_a_refusal_of_sages_stands_for_its_event_and_is_asked_anew_by_another():
    engine = Engine()
    refused = event(0, "evt-1", "a")
    engine.deliver(refused, "refused")
    again = engine.deliver(refused)
    assert (again.outcome, again.from_ledger) == (Outcome.REJECTED, True)
    assert engine.deliver(event(1, "evt-2", "a")).outcome is Outcome.POSTED


def test_a_call_in_doubt_is_looked_up_by_its_own_event_and_by_newer_ones_and_left_alone_by_older_ones():
    claimed, source = event(10, "evt-2", "b"), SourceRecord("t", 0, 7, 7)
    entry = DocumentState(KEY, claim=claim(claimed, source, claimed.emitted))
    record = SourceRecord("t", 0, 8, 8)

    def asked(received: ParsedRecord) -> ExportResult | NextStep:
        return decide(entry, received.revision, turn_of(entry, received, record, NOW))

    older = asked(event(0, "evt-1", "a"))
    assert isinstance(older, ExportResult)
    assert older.code is Code.SUPERSEDED
    assert asked(claimed) is NextStep.RECONCILE
    assert asked(event(20, "evt-3", "c")) is NextStep.RECONCILE
    ahead = asked(event(60 * 24 * 400, "evt-4", "d"))
    assert isinstance(ahead, ExportResult)
    assert (ahead.code, ahead.from_ledger) == (Code.EVENT_TIME_AHEAD, True)


def test_an_event_from_the_future_is_refused_and_blocks_nothing():
    engine = Engine()
    wrong = replace(event(0, "evt-2", "x"), emitted=Emitted(datetime(2099, 1, 1, tzinfo=UTC), "evt-2"))
    engine.deliver(event(0, "evt-1", "a"))
    for _ in range(2):
        assert engine.deliver(wrong).code is Code.EVENT_TIME_AHEAD
    assert engine.stands == "a"
    assert engine.deliver(event(-1, "evt-0", "z")).code is Code.SUPERSEDED  # the order of the others is as it was
    assert engine.deliver(event(1, "evt-3", "b")).outcome is Outcome.POSTED
    engine.now = datetime(2100, 1, 1, tzinfo=UTC)
    assert engine.deliver(wrong).code is Code.SUPERSEDED  # its time has come, and a newer one was answered since


def test_an_event_from_the_future_takes_no_waiting_ones_place():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"), "deferred")
    assert engine.deliver(event(60 * 24 * 400, "evt-2", "x")).code is Code.EVENT_TIME_AHEAD
    engine.release()
    assert engine.stands == "a"


def test_an_event_from_the_future_that_was_not_kept_is_looked_at_anew_when_its_time_has_come():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"), "deferred")
    ahead = event(60 * 24 * 3, "evt-2", "x")
    assert engine.deliver(ahead).code is Code.EVENT_TIME_AHEAD
    engine.now = at(60 * 24 * 3) + timedelta(hours=1)
    assert engine.deliver(ahead).outcome is Outcome.POSTED
    assert engine.stands == "x"


def test_what_an_earlier_version_read_otherwise_is_known_by_its_id_all_the_same():
    made = orjson.loads(invoice("a"))
    made["data"]["customer"] = {"id": "c", "name": "ELM Street"}
    now = parse_record(EventKind.INVOICE, orjson.dumps(made))
    document = now.document
    assert isinstance(document, SourceDocument)
    then = replace(now, revision=earlier_revisions(document)[0])
    entry = replace(
        answered(DocumentState(now.key), then), last=LastOutcome("newer", Outcome.POSTED, 5, 5, emitted=EARLY)
    )
    copied = replace(now, emitted=Emitted(NOW - timedelta(hours=1), now.event_id))
    source = SourceRecord("invoice-created", 0, 9, 9)
    assert then.revision != now.revision
    assert turn_of(entry, copied, source, NOW) is Turn.PAST
    another = replace(copied, emitted=Emitted(NOW - timedelta(hours=1), "another"))
    assert turn_of(entry, another, source, NOW) is Turn.NEWEST


def test_of_what_sage_did_not_show_any_more_a_newer_event_asks_sage_again():
    lost = LastOutcome("b", Outcome.REJECTED, 1, code=Code.POSTED_DOCUMENT_NOT_FOUND)
    entry = DocumentState(KEY, posted=posted("a"), last=lost, parked=b"b")
    assert decide(entry, "a", Turn.NEWEST) is NextStep.MAP
    said = decide(entry, "a", Turn.PAST)
    assert isinstance(said, ExportResult)
    assert said.outcome is Outcome.ALREADY_POSTED


def test_a_retry_that_finds_what_stands_takes_the_mark_and_what_was_kept_away():
    marked = MarkedSynced("b", "kim", at=1)
    kept = LastOutcome("a", Outcome.REJECTED, 2, code=Code.CHANGED_AFTER_POSTING, emitted=EARLY)
    entry = DocumentState(KEY, posted=posted("a"), marked=marked, last=kept, parked=b"a")
    work = WorkItem(cast(PartitionHandle, None), event(0, "evt-1", "a"), b"a", SourceRecord("invoice-created", 0, 2))
    work.command = PendingCommand(Retry(id="r-1", by="kim", at=NOW, documents=(KEY,)), 0, 0)
    verdict = decide(clear_mark(entry), "a")
    assert isinstance(verdict, ExportResult)
    note = WRITER.finished(work, WriteResult(verdict, entry, None), NOW)
    assert note is not None
    after = note.entry
    assert after is not None
    assert (after.marked, after.parked, after.rejected) == (None, None, False)


def test_a_person_may_ask_for_an_event_from_the_future_and_the_next_true_one_takes_its_place():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"))
    engine.deliver(event(60 * 24 * 400, "evt-2", "x"))
    engine.release()
    assert engine.stands == "x"
    assert engine.deliver(event(1, "evt-3", "b")).outcome is Outcome.POSTED


def test_a_clock_that_is_a_zone_off_is_taken_at_its_word():
    ahead = Emitted(NOW + AHEAD, "evt-1")
    assert ahead.possible(NOW)
    assert not Emitted(NOW + AHEAD + timedelta(seconds=1), "evt-1").possible(NOW)


def test_one_id_and_timestamp_with_two_contents_is_refused_until_a_person_says_which():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"))
    for _ in range(2):
        assert engine.deliver(event(0, "evt-1", "b")).code is Code.EVENT_ID_REUSED
    assert engine.deliver(event(0, "evt-1", "a")).outcome is Outcome.ALREADY_POSTED
    assert engine.stands == "a"
    engine.release()
    assert engine.stands == "b"


def test_an_id_that_comes_with_new_content_and_a_later_timestamp_is_a_newer_event():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"))
    assert engine.deliver(event(1, "evt-1", "b")).outcome is Outcome.POSTED
    assert engine.deliver(event(0, "evt-1", "a")).code is Code.SUPERSEDED


def test_a_record_that_this_version_reads_otherwise_is_no_other_event():
    engine = Engine()
    engine.deliver(event(0, "evt-1", "a"))
    assert engine.deliver(event(0, "evt-1", "read otherwise"), again=True).code is Code.SUPERSEDED


def test_a_mark_stands_against_newer_content_says_so_and_is_not_taken_away_by_older():
    entry = DocumentState(KEY, last=LastOutcome("a", Outcome.SKIPPED, 3, 3, emitted=Emitted(at(10), "evt-2")))
    engine = Engine(replace(entry, marked=MarkedSynced("a", "ana")), 3)
    assert engine.deliver(event(0, "evt-1", "z")).code is Code.SUPERSEDED
    assert engine.deliver(event(20, "evt-3", "a")).code is Code.MARKED_SYNCED
    assert engine.deliver(event(15, "evt-4", "z")).code is Code.SUPERSEDED
    assert engine.deliver(event(30, "evt-5", "b")).code is Code.CHANGED_AFTER_POSTING
    assert engine.entry.marked is not None


def test_what_a_person_changed_in_sage_is_not_corrected_by_newer_and_not_told_of_older_events():
    entry = DocumentState(
        KEY, posted=posted(REVISION_UNKNOWN), last=LastOutcome("a", Outcome.REJECTED, 3, 3, emitted=Emitted(at(9), "e"))
    )
    engine = Engine(entry, 3)
    assert engine.deliver(event(0, "evt-1", "z")).code is Code.SUPERSEDED
    assert engine.deliver(event(20, "evt-3", "b")).code is Code.CHANGED_AFTER_POSTING


def test_an_entry_of_an_earlier_version_is_compared_by_the_records_place_until_it_is_answered_anew():
    old = DocumentState(KEY, posted=posted("b"), last=LastOutcome("b", Outcome.POSTED, 5, 5))
    engine = Engine(old, 4)
    first, second = event(0, "evt-1", "a"), event(10, "evt-2", "b")
    source = SourceRecord("invoice-created", 0, 4, 4)
    assert turn_of(old, first, source, NOW) is Turn.PAST  # a replay
    assert engine.deliver(second).outcome is Outcome.ALREADY_POSTED  # delivered again, or the same record
    engine.offset = 7
    assert engine.deliver(event(20, "evt-3", "c")).outcome is Outcome.POSTED
    assert engine.deliver(first).code is Code.SUPERSEDED
    assert engine.deliver(second).code is Code.SUPERSEDED
    value = encode(old).replace(b',"answered":[]', b"")
    assert b"answered" not in value
    without = value.replace(b',"emitted":null', b"")
    assert without != value
    assert decode(KEY, without) == old


def test_instants_are_compared_not_their_spelling():
    def emitted(timestamp: str) -> Emitted:
        read = parse_record(EventKind.INVOICE, invoice("a", id="evt-1", timestamp=timestamp)).emitted
        assert read is not None
        return read

    spellings = ["2026-06-10T16:05:22Z", "2026-06-10T18:05:22+02:00", "2026-06-10 11:05:22.000-05:00"]
    assert len({emitted(each) for each in spellings}) == 1
    rising = [
        "2026-06-10",
        "2026-06-10T23:59:59+14:00",
        "2026-06-10t16:05:22.1z",
        "2026-06-10T16:05:22.12Z",
        "2026-06-10T16:05:22.1234567Z",
        "2026-06-10T11:05:23.0001-05:00",
        "2026-06-11T01:05:23.1+09:00",
    ]
    read = [emitted(each) for each in rising]
    assert sorted(read, key=lambda each: each.at) == read


def test_ids_decide_where_timestamps_are_equal_and_counters_count():
    same = [Emitted(at(0), name) for name in ("evt-9", "evt-10", "evt-11")]
    assert [one.before(two) for one, two in pairwise(same)] == [True, True]
    sortable = [Emitted(at(0), name) for name in ("0190a1b2-9", "0190a1b2-a")]
    assert sortable[0].before(sortable[1])
    assert not sortable[1].before(sortable[0])
    assert not same[0].before(same[0])


def test_what_is_remembered_of_a_document_is_bounded_and_small():
    entry = DocumentState(KEY)
    for number in range(100):
        entry = answered(entry, event(number, f"evt-{number}", str(number)))
    assert len(entry.answered) == REMEMBERED
    assert answered(entry, event(99, "evt-99", "99")) is entry
    assert len(encode(entry)) - len(encode(DocumentState(KEY))) <= 14 * REMEMBERED + 14
