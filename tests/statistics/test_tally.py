"""The arithmetic of a window, against the plainest way to count."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.statistics.facts import Close, RecordPosition, ResultFact, UnreadableResult, decode, encode, read_result
from consumers.statistics.tally import Tally, add, alerts, standing, summarise, waiting, window_of
from consumers.statistics.windows import WindowConfig, Windows
from domain.codes import Code
from domain.documents import Connection
from domain.outcomes import Outcome
from producers import results, statistics
from producers.results import ResultRecord, SourceRecord
from producers.statistics import Alarm, WaitingDocument, WaitingSummary

EPOCH = datetime(2026, 6, 10, tzinfo=UTC)
RULES = WindowConfig(seconds=60, grace=5, reject_percent=20)

moments = st.integers(0, 600).map(lambda seconds: EPOCH + timedelta(seconds=seconds, milliseconds=seconds % 7))
amounts = st.decimals(min_value=-(10**14), max_value=10**14, places=2)
subsidiaries = st.sampled_from([None, "a", "b"])
bodies = st.fixed_dictionaries(
    {
        "subsidiary": subsidiaries,
        "document": st.sampled_from([f"invoice/{number}" for number in range(6)]),
        "at": moments,
        "outcome": st.sampled_from(Outcome),
        "code": st.sampled_from([None, "NO_LINES", "SAGE_SIGN_IN"]),
        "connection": st.sampled_from([None, "sage/ACME/main"]),
        "from_ledger": st.booleans(),
        "total": st.none() | amounts,
    }
)


@st.composite
def streams(draw):
    """Facts as they come: each partition of the results in order of offset."""
    found: list[ResultFact | UnreadableResult] = []
    for offset, body in enumerate(draw(st.lists(st.one_of(bodies, moments), max_size=40))):
        place = RecordPosition(partition=draw(st.integers(0, 2)), offset=offset)
        if isinstance(body, datetime):
            found.append(UnreadableResult(place=place, at=body))
        else:
            found.append(ResultFact(place=place, currency=None if body["total"] is None else "USD", **body))
    return found


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def all_summaries(windows, clock):
    clock.now += 100
    due = windows.due(1e12, {0, 1, 2})
    return [windows.close(close) for close in due]


def fold(facts, repeat=lambda fact: 1):
    clock = Clock()
    windows = Windows({}, {}, RULES, clock)
    for fact in facts:
        for _ in range(repeat(fact)):
            windows.count(fact, 0)
    return all_summaries(windows, clock)


@given(streams())
def test_the_counts_are_those_of_a_naive_fold(facts):
    naive: defaultdict[Any, Any] = defaultdict(
        lambda: {"outcomes": [], "codes": [], "posted": [], "ledger": 0, "unreadable": 0, "bare": 0}
    )
    for fact in facts:
        start = int(fact.at.timestamp()) // 60 * 60
        cell = naive[fact.subsidiary, datetime.fromtimestamp(start, UTC)]
        if isinstance(fact, UnreadableResult):
            cell["unreadable"] += 1
        elif fact.from_ledger:
            cell["ledger"] += 1
        else:
            cell["outcomes"].append(fact.outcome)
            cell["codes"] += [fact.code] if fact.code else []
            if fact.outcome is Outcome.POSTED and fact.total is None:
                cell["bare"] += 1
            elif fact.outcome is Outcome.POSTED:
                cell["posted"].append(int(fact.total * 100))
    found = {(each.subsidiary, each.start): each for each in fold(facts)}
    assert found.keys() == naive.keys()
    for name, cell in naive.items():
        summary = found[name]
        assert summary.outcomes == Counter(cell["outcomes"])
        assert summary.codes == Counter(cell["codes"])
        assert summary.posted == ({"USD": Decimal(sum(cell["posted"])) / 100} if cell["posted"] else {})
        assert summary.posted_without_total == cell["bare"]
        assert (summary.from_ledger, summary.unreadable) == (cell["ledger"], cell["unreadable"])
        assert summary.end - summary.start == timedelta(seconds=60)


@given(streams(), st.randoms(use_true_random=False))
def test_what_comes_again_is_counted_once(facts, chance):
    once = fold(facts)
    assert fold(facts, repeat=lambda _: chance.randint(1, 3)) == once
    cut = chance.randint(0, len(facts))
    assert fold(facts[:cut] + facts) == once  # a restart from an older offset


@given(streams())
def test_windows_follow_each_other_without_gap_or_overlap(facts):
    for fact in facts:
        window = window_of(fact.at, 60)
        assert window.start % 60 == 0
        assert window.start <= fact.at.timestamp() < window.end


@given(streams())
def test_what_waits_is_what_the_last_word_says(facts):
    last: dict[Any, Any] = {}
    since: dict[Any, Any] = {}
    for fact in facts:
        if isinstance(fact, ResultFact):
            name = fact.subsidiary, fact.document
            last[name] = fact
            if fact.outcome in (Outcome.DEFERRED, Outcome.UNCERTAIN):
                since[name] = min(fact.at, since.get(name, fact.at))
            else:
                since.pop(name, None)
    for summary in fold(facts):
        mine = {name: at for name, at in since.items() if name[0] == summary.subsidiary}
        counts = Counter(last[name].outcome for name in mine)
        stands = summary.standing
        assert (stands.deferred, stands.uncertain) == (counts[Outcome.DEFERRED], counts[Outcome.UNCERTAIN])
        assert (stands.oldest.since if stands.oldest else None) == min(mine.values(), default=None)
        assert bool(stands.open_circuits) == any(last[name].connection for name in mine)


@given(streams())
def test_messages_survive_the_internal_topic(facts):
    for fact in facts:
        assert decode(encode(fact)) == fact


@given(st.binary() | st.none())
def test_no_bytes_make_the_reading_fail(value):
    assert read_result(value, RecordPosition(partition=0, offset=0)) is None
    assert decode(value) is None


@pytest.mark.parametrize("total", ["NaN", "Infinity", "1e400", 1.5, 10, "1.000000001", "x" * 10, "9" * 40])
def test_an_amount_that_is_no_plain_decimal_text_is_not_added_up(total):
    body = {"documentKey": "a", "outcome": "posted", "at": EPOCH, "document": {"currency": "USD", "total": total}}
    assert read_result(orjson.dumps(body), RecordPosition(partition=0, offset=0)) is None


def result(**more: Any) -> ResultRecord:
    source = SourceRecord("invoice-created", 0, 1)
    return ResultRecord("invoice/1", "e", source, "sub-1", "r", more.pop("outcome", Outcome.POSTED), EPOCH, **more)


@pytest.mark.parametrize(
    ("more", "connection"),
    [
        ({"connection": Connection("sub-1", "ACME", None, "main")}, None),
        ({"blocked_by": ("sub-1/account/ar/default/default",)}, None),
        ({"blocked_by": ("sage/ACME/main",)}, "sage/ACME/main"),
        ({"code": Code.NO_LINES, "outcome": Outcome.REJECTED}, None),
    ],
)
def test_the_results_we_write_are_the_results_we_read(more, connection):
    fact = read_result(results.encode(result(**more)), RecordPosition(partition=0, offset=0))
    assert fact is not None
    assert (fact.subsidiary, fact.connection, fact.document, fact.at) == ("sub-1", connection, "invoice/1", EPOCH)


def test_a_result_of_the_version_before_is_counted_under_the_present_code():
    written = results.encode(result(outcome=Outcome.SKIPPED, code=Code.SIDE_DISABLED))
    assert b"SIDE_DISABLED" in written
    stored = written.replace(b"SIDE_DISABLED", b"SIDE_OFF")
    fact = read_result(stored, RecordPosition(partition=0, offset=0))
    assert fact is not None
    assert fact.code == Code.SIDE_DISABLED


def test_a_window_is_closed_once_when_its_time_is_over_and_nothing_comes_any_more():
    clock = Clock()
    windows = Windows({}, {}, RULES, clock)
    fact = UnreadableResult(place=RecordPosition(partition=0, offset=0), at=EPOCH)
    windows.count(fact, 1)
    end = EPOCH.timestamp() + 60
    clock.now = 100
    assert windows.due(end + 4, {1}) == []
    assert windows.due(end + 5, {0, 2}) == [], "it is in other hands"
    (close,) = windows.due(end + 5, {1})
    assert close == Close(subsidiary=None, start=int(end) - 60, seconds=60)
    assert windows.due(end + 6, {1}) == [], "it was asked for"
    summary = windows.close(close)
    assert summary is not None
    assert summary.unreadable == 1
    assert windows.close(close) is None
    windows.count(fact.model_copy(update={"place": RecordPosition(partition=0, offset=1)}), 1)
    assert windows.due(end + 900, {1}) == [], "it still grows"
    clock.now = 106
    assert windows.due(end + 900, {1}) == [close], "what came late is told in a summary of its own"


def test_tables_of_an_earlier_process_are_taken_up():
    tables: tuple[dict[bytes, bytes], dict[bytes, bytes]] = {}, {}
    fact = ResultFact(
        place=RecordPosition(partition=0, offset=0), subsidiary="a", document="d", at=EPOCH, outcome=Outcome.DEFERRED
    )
    Windows(*tables, RULES, Clock()).count(fact, 0)
    clock = Clock()
    windows = Windows(*tables, RULES, clock)
    assert windows.due(1e12, set()) == [], "first it sees whether more comes"
    (summary,) = all_summaries(windows, clock)
    assert (summary.outcomes, summary.standing.oldest.document) == ({Outcome.DEFERRED: 1}, "d")
    assert tables[0] == {}


def test_a_summary_knows_of_every_result_that_its_window_counts():
    clock = Clock()
    windows = Windows({}, {}, RULES, clock)
    waits, other, posted = (
        ResultFact(
            place=RecordPosition(partition=0, offset=offset),
            subsidiary=subsidiary,
            document="d",
            at=EPOCH + timedelta(minutes=offset),
            outcome=outcome,
        )
        for offset, (subsidiary, outcome) in enumerate(
            [("a", Outcome.UNCERTAIN), ("b", Outcome.POSTED), ("a", Outcome.POSTED)]
        )
    )
    windows.count(waits, 0)
    windows.count(other, 0)
    clock.now = 100
    first = [windows.close(close) for close in windows.due(1e12, {0})]  # a scan that is kept for seconds
    assert [each.standing.uncertain for each in first if each is not None] == [1, 0]
    windows.count(posted, 0)
    clock.now += 0.1
    last = windows.close(Close(subsidiary="a", start=int(EPOCH.timestamp()) + 120, seconds=60))
    assert last is not None
    assert (last.outcomes, last.standing.uncertain) == ({Outcome.POSTED: 1}, 0)


@pytest.mark.parametrize(
    ("rejected", "posted", "expected"), [(1, 4, True), (1, 5, False), (4, 0, False), (5, 0, True), (0, 9, False)]
)
def test_rejects_are_an_alert_from_a_share_of_enough_documents(rejected, posted, expected):
    tally = Tally(outcomes={Outcome.REJECTED: rejected, Outcome.POSTED: posted})
    found = {alert.alarm for alert in alerts(tally, WaitingSummary(), 20)}
    assert found == ({Alarm.REJECTS_ABOVE_SHARE} if expected else set())


def test_documents_in_doubt_and_open_circuits_are_alerts_while_they_last():
    uncertain = WaitingDocument("d", EPOCH, Outcome.UNCERTAIN)
    aside = WaitingDocument("e", EPOCH, Outcome.DEFERRED, "SAGE_SIGN_IN", "sage/ACME/main")
    stands = standing([uncertain, aside])
    found = {alert.alarm: alert.detail for alert in alerts(Tally(), stands, 20)}
    assert found == {
        Alarm.UNCERTAIN_DOCUMENTS: "1 documents are in doubt",
        Alarm.CONNECTION_SET_ASIDE: "documents wait for sage/ACME/main",
    }


def test_the_summary_is_json_with_amounts_as_text():
    tally = Tally()
    for offset in range(3):
        fact = ResultFact(
            place=RecordPosition(partition=0, offset=offset),
            subsidiary="a",
            document=f"d{offset}",
            at=EPOCH,
            outcome=Outcome.POSTED,
            currency="USD",
            total=Decimal("0.10"),
        )
        tally = add(tally, fact)
    assert waiting(fact, None) is None
    summary = summarise("a", window_of(EPOCH, 60), tally, WaitingSummary(), 20)
    assert orjson.loads(statistics.encode(summary)) == {
        "schema": 1,
        "subsidiaryId": "a",
        "window": {"start": "2026-06-10T00:00:00+00:00", "end": "2026-06-10T00:01:00+00:00"},
        "documents": 3,
        "outcomes": {"posted": 3},
        "codes": {},
        "posted": {"USD": "0.30"},
        "postedWithoutTotal": 0,
        "fromLedger": 0,
        "unreadable": 0,
        "waiting": {"deferred": 0, "uncertain": 0, "oldest": None, "connectionsSetAside": []},
        "alerts": [],
    }


def test_sums_are_exact_however_many():
    chance = random.Random(3)
    cents = [chance.randint(0, 10**17) for _ in range(2000)]
    tally = Tally()
    for offset, cent in enumerate(cents):
        fact = ResultFact(
            place=RecordPosition(partition=0, offset=offset),
            subsidiary="a",
            document="d",
            at=EPOCH,
            outcome=Outcome.POSTED,
            currency="USD",
            total=Decimal(cent).scaleb(-2),
        )
        tally = add(tally, fact)
    assert int(tally.posted["USD"] * 100) == sum(cents)
