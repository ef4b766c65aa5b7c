"""Whatever the order and repetition of rows and runs: a bill has exactly its rows' last revisions, and is sent once."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.consolidated_bills.groups import Groups, Schedule, mark_record
from domain.documents import SourceDocument
from domain.emission import Emitted
from domain.events import EventKind, TollTransactionCreated, decode
from domain.outcomes import Rejected
from domain.translation import ParsedRecord, parse_record
from producers.consolidated_lines import RowUnreadableError, encode
from tests.support.events import event, to_bytes

DAYS = ("2026-06-12", "2026-06-13")
START = datetime(2026, 6, 14, 1, tzinfo=UTC)
SCHEDULE = Schedule(time(6, 30), time(7, 30))

pytestmark = pytest.mark.feature("consolidated bills")


def row(name: str, cents: int, day: str) -> tuple[str, bytes]:
    """A row's record as the worker writes it."""
    sample = event("toll")
    sample["data"]["toll"] |= {
        "id": name,
        "transactionId": name,
        "amount": {"amount": f"{cents / 100:.2f}", "currency": 840},
    }
    sample["data"]["toll"]["transactionDate"] = f"{day}T08:00:00Z"
    read, found = parse_record(EventKind.TOLL, to_bytes(sample)), decode(EventKind.TOLL, to_bytes(sample))
    assert isinstance(read.document, SourceDocument)
    assert isinstance(found, TollTransactionCreated)
    return read.key, encode(read.document, found)


class Topic:
    """The compacted topic of rows, its one job, and what that sent."""

    def __init__(self) -> None:
        self.log: dict[str, tuple[bytes | None, datetime]] = {}
        self.groups = Groups()
        self.now = START
        self.bills: dict[str, list[bytes]] = {}
        self.revisions: dict[str, list[str]] = {}

    def write(self, key: str, value: bytes | None) -> None:
        self.log.pop(key, None)
        self.log[key] = (value, self.now)
        self.groups.apply(key, value, self.now)

    def run(self, *, crash_after: int = 1_000) -> None:
        """The next run; the process may die between two bills."""
        self.now += timedelta(days=1)
        for sending in list(self.groups.due(self.now, SCHEDULE))[:crash_after]:
            received = parse_record(EventKind.DAILY_BILL, sending.event)
            assert not isinstance(received.document, Rejected)
            assert received.key == sending.bill.key
            self.bills.setdefault(received.key, []).append(sending.event)
            self.revisions.setdefault(received.key, []).append(received.revision)
            key, value = mark_record(sending.mark)
            self.write(key.decode(), value)

    def restart(self, order: list[str]) -> None:
        """A new process reads what compaction left, partitions in any order."""
        self.groups = Groups()
        for key in order:
            self.groups.apply(key, *self.log[key])


ROWS = st.tuples(st.sampled_from("abc"), st.integers(1, 99), st.sampled_from(DAYS))
ACTS = st.one_of(
    ROWS.map(lambda found: ("row", found)),
    st.sampled_from("abc").map(lambda name: ("gone", name)),
    st.sampled_from([0, 1, 9, 9]).map(lambda count: ("run", count)),
    st.randoms(use_true_random=False).map(lambda chance: ("restart", chance)),
)


@settings(max_examples=400)
@given(st.lists(ACTS, min_size=5, max_size=25))
def test_a_bill_has_exactly_its_rows_last_revisions_and_no_two_bills_follow_that_are_the_same(acts: list[Any]):
    topic = Topic()
    rows: dict[str, tuple[str, int]] = {}
    for what, of in acts:
        match what:
            case "row":
                name, cents, day = of
                topic.write(*row(name, cents, day))
                rows[name] = (day, cents)
            case "gone":
                topic.write(f"toll/{of}", None)
                rows.pop(of, None)
            case "run":
                topic.run(crash_after=of)
            case _:
                order = list(topic.log)
                of.shuffle(order)
                topic.restart(order)
    topic.run()
    topic.run()
    assert not list(topic.groups.due(topic.now + timedelta(days=9), SCHEDULE))
    for key, sent in topic.bills.items():
        day = key.split("/")[3]
        last = orjson.loads(sent[-1])["data"]
        found = {each["toll"]["id"]: round(float(each["toll"]["amount"]["amount"]) * 100) for each in last["rows"]}
        assert found == {name: cents for name, (on, cents) in rows.items() if on == day}
        assert round(float(last["total"]["amount"]) * 100) == sum(found.values())
        assert all(one != other for one, other in zip(topic.revisions[key], topic.revisions[key][1:], strict=False))
    assert {day for day, _ in rows.values()} <= {key.split("/")[3] for key in topic.bills}


def test_a_day_is_billed_at_the_run_after_its_end_and_what_comes_later_at_the_next_run():
    groups = Groups()
    written = datetime(2026, 6, 12, 20, tzinfo=UTC)

    def sent_at(now: datetime) -> int:
        found = list(groups.due(now, SCHEDULE))
        for each in found:
            groups.mark(each.mark)
        return len(found)

    groups.apply(*row("a", 100, "2026-06-12"), written)
    assert sent_at(datetime(2026, 6, 13, 7, 29, tzinfo=UTC)) == 0
    assert sent_at(datetime(2026, 6, 13, 7, 30, tzinfo=UTC)) == 1
    groups.apply(*row("b", 100, "2026-06-12"), datetime(2026, 6, 13, 9, tzinfo=UTC))
    assert sent_at(datetime(2026, 6, 14, 7, 29, tzinfo=UTC)) == 0
    assert sent_at(datetime(2026, 6, 14, 7, 30, tzinfo=UTC)) == 1
    assert sent_at(datetime(2026, 6, 20, 7, 30, tzinfo=UTC)) == 0


def test_a_row_that_goes_after_its_bill_was_sent_makes_it_be_sent_anew_without_it():
    topic = Topic()
    for name in "ab":
        topic.write(*row(name, 100, DAYS[0]))
    topic.run()
    topic.run()
    topic.write("toll/a", None)
    topic.run()
    ((first, last),) = topic.bills.values()
    assert [len(orjson.loads(each)["data"]["rows"]) for each in (first, last)] == [2, 1]


def test_the_first_row_of_an_old_day_waits_for_those_that_come_with_it():
    groups = Groups()
    groups.apply(*row("a", 100, "2026-06-12"), datetime(2026, 6, 20, 9, tzinfo=UTC))
    assert not list(groups.due(datetime(2026, 6, 20, 9, 1, tzinfo=UTC), SCHEDULE))
    assert list(groups.due(datetime(2026, 6, 21, 7, 30, tzinfo=UTC), SCHEDULE))


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"schema":2}', b'{"schema":1,"bill":{}}', b"\xff"])
def test_a_record_that_is_not_ours_stops_the_job(value):
    for key in ("toll/a", "~sent/toll-day/x"):
        with pytest.raises(RowUnreadableError):
            Groups().apply(key, value, START)


def emitted(received: ParsedRecord) -> Emitted:
    assert received.emitted is not None
    return received.emitted


@pytest.mark.parametrize("clock", [timedelta(hours=1), timedelta(hours=-1), timedelta(0)], ids=["on", "back", "still"])
def test_a_bill_that_comes_back_to_rows_that_it_had_is_a_newer_event_whatever_the_clock(clock):
    topic, sent = Topic(), []
    topic.now += timedelta(days=2)
    for cents in (100, 200, 100):
        topic.write(*row("a", cents, DAYS[0]))
        [sending] = topic.groups.due(topic.now, None)
        sent.append(parse_record(EventKind.DAILY_BILL, sending.event))
        key, value = mark_record(sending.mark)
        topic.write(key.decode(), value)
        topic.now += clock
    first, second, third = map(emitted, sent)
    assert first.before(second)
    assert second.before(third)
    assert sent[0].revision == sent[2].revision
    assert len({each.event_id for each in sent}) == 3


def test_a_clock_that_was_far_wrong_once_does_not_decide_when_later_bills_were_made():
    topic = Topic()
    topic.write(*row("a", 100, DAYS[0]))
    topic.now = datetime(2099, 1, 1, tzinfo=UTC)
    [sending] = topic.groups.due(topic.now, None)
    topic.groups.mark(sending.mark)
    topic.now = START + timedelta(days=2)
    topic.write(*row("a", 200, DAYS[0]))
    [sending] = topic.groups.due(topic.now, None)
    assert emitted(parse_record(EventKind.DAILY_BILL, sending.event)).at == topic.now
