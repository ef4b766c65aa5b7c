"""Closed periods: refused by default; by setting posted on the first open day, exactly once in effect, and told."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consumers.export.config import ExportConfig
from consumers.export.partition import PartitionProcessor
from consumers.export.protocol.closed_periods import MOST_STEPS, ClosedPeriods
from consumers.export.protocol.document_state import Claim, DocumentState
from consumers.export.protocol.lifecycle import Claimed, ClaimWritten, History, Life, transition
from consumers.export.protocol.plan import Plan
from consumers.export.work_item import WorkItem
from domain.categories import Side
from kafka_client.clock import Clock
from sage_client import ExchangeLevel, GatewayError
from sage_client.errors import AccountInvalidError, PeriodClosedError
from simulator import Fault
from tests.support.eventually import until
from tests.support.over_http import COMPANY, creates, customer, send
from tests.support.sage_calls import document
from tests.support.world import SUBSIDIARY, invoice, key

pytestmark = pytest.mark.feature("closedPeriod", "closed period")
CLOSED_JUNE, CLOSED_JULY, CLOSED_AUGUST = "2026-06-30", "2026-07-31", "2026-08-31"
NOW = datetime(2026, 9, 15, 12, tzinfo=UTC)
START = time.monotonic()


def now():
    """A September that passes: of the engine, the client and the gateway alike."""
    return NOW + timedelta(seconds=time.monotonic() - START)


@pytest.fixture
def clock():
    return now


@pytest.fixture
def world(world_over_http):
    return world_over_http


async def connect(world, closed_period="first-open-day", **more):
    await world.connect(SUBSIDIARY, company=COMPANY, closedPeriod=closed_period, **more)


def booked(gateway):
    return {each["number"]: (each["date"], each["posting_date"]) for each in gateway.store.documents(COMPANY)}


async def test_by_default_a_document_in_a_closed_period_is_refused_and_never_dated_anew(world, gateway):
    gateway.store.configure(COMPANY, books_closed_through=CLOSED_JUNE)
    await connect(world, "refuse")
    await send(world, "a")
    async with world.worker(now=now):
        [result] = await world.until(1, "rejected")
    assert result["code"] == "SAGE_PERIOD_CLOSED"
    assert "closed" in result["sage"]["errors"][0]
    assert creates(gateway) == 1


@pytest.mark.parametrize("kind", ["invoice", "credit"])
@pytest.mark.parametrize(
    "case",
    [
        (CLOSED_JUNE, False, "2026-07-01", 2),
        (CLOSED_AUGUST, False, "2026-09-01", 4),
        (CLOSED_AUGUST, True, "2026-09-01", 2),
        ("2026-08-19", True, "2026-08-20", 2),
    ],
)
async def test_it_is_posted_on_the_first_open_day_and_the_result_says_so(world, gateway, kind, case):
    closed, named, day, calls = case
    gateway.store.configure(COMPANY, books_closed_through=closed, closed_names_first_day=named)
    await connect(world, ar={"creditMemos": True})
    amount = "-100.00" if kind == "credit" else "100.00"
    await world.send((key("a"), invoice("a", amount, customer=customer())))
    async with world.worker(now=now):
        [result] = await world.until(1, "posted")
    assert booked(gateway) == {"a": ("2026-06-10", day)}
    assert (result["document"]["date"], result["document"]["postingDate"]) == ("2026-06-10", day)
    assert "closed" in result["detail"]
    assert result["attempt"] == calls - 1
    counts = gateway.traffic.counts(0)["functions"]
    assert counts.get("create_invoice", 0) + counts.get("create_aradjustment", 0) == calls


async def test_the_documents_that_follow_cost_no_refused_call_and_a_replay_posts_nothing(world, gateway):
    gateway.store.configure(COMPANY, books_closed_through=CLOSED_JULY)
    await connect(world)
    await send(world, "a")
    async with world.worker(now=now):
        [first] = await world.until(1, "posted")
        asked = creates(gateway)
        await send(world, *(f"n{number}" for number in range(20)))
        await world.until(21, "posted")
        assert creates(gateway) == asked + 20
        await send(world, "a")
        [again] = [each for each in await world.until(1, "already_posted") if each["outcome"] == "already_posted"]
    assert (again["revision"], again["sage"]["recordNo"]) == (first["revision"], first["sage"]["recordNo"])
    assert {posted for _, posted in booked(gateway).values()} == {"2026-08-01"}
    assert len(booked(gateway)) == 21


async def test_a_document_in_an_open_period_keeps_its_date_though_an_earlier_month_is_known_to_be_closed(
    world, gateway
):
    gateway.store.configure(COMPANY, books_closed_through="2026-05-31")
    await connect(world)
    old = invoice("old", customer=customer()).replace(b'"invoicedDate":"2026-06-10', b'"invoicedDate":"2026-05-10')
    await world.send((key("old"), old))
    async with world.worker(now=now):
        await world.until(1, "posted")
        await send(world, "new")
        results = await world.until(2, "posted")
    assert booked(gateway) == {"old": ("2026-05-10", "2026-06-01"), "new": ("2026-06-10", "2026-06-10")}
    assert "postingDate" not in results[-1]["document"]
    assert "detail" not in results[-1]


async def test_without_an_open_day_up_to_today_it_is_refused_and_asked_anew_on_request(world, gateway):
    gateway.store.configure(COMPANY, books_closed_through="2026-12-31")
    await connect(world)
    await send(world, "a")
    async with world.worker(now=now):
        [result] = await world.until(1, "rejected")
        assert result["code"] == "SAGE_PERIOD_CLOSED"
        assert "postingDate" not in result["document"]
        assert creates(gateway) == 4  # June's own date, July, August, September: never October
        gateway.store.configure(COMPANY, books_closed_through=CLOSED_JUNE)
        await world.ask("retry", documents=["invoice/a"])
        results = await world.until(1, "posted")
    assert results[-1]["attempt"] == 5  # four refusals before, and June's again
    assert booked(gateway) == {"a": ("2026-06-10", "2026-07-01")}


@pytest.mark.parametrize("fault", ["drop_before_commit", "drop_after_commit", "timeout_524"])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_lost_answer_to_any_of_the_calls_ends_in_one_document(world, gateway, fault, at):
    gateway.store.configure(COMPANY, books_closed_through=CLOSED_JULY)
    await connect(world)
    gateway.faults.add(Fault(kind=fault, function="create_invoice", skip=at, times=1))
    await send(world, "a")
    async with world.worker(now=now):
        results = await world.until(1, "posted")
    assert booked(gateway) == {"a": ("2026-06-10", "2026-08-01")}
    assert "2026-08-01" in results[-1]["detail"]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_worker_killed_in_any_of_the_calls_posts_nothing_twice(world, gateway, at):
    gateway.store.configure(COMPANY, books_closed_through=CLOSED_JULY)
    await connect(world)
    gateway.faults.add(Fault(kind="slow_answer", function="create_invoice", skip=at, times=1, seconds=1))
    await send(world, "a")
    async with world.worker(now=now) as running:
        await until(lambda: creates(gateway) > at)
        await running.kill()
    async with world.worker(now=now):
        results = await world.until(1, "posted")
    assert booked(gateway) == {"a": ("2026-06-10", "2026-08-01")}
    assert "2026-08-01" in results[-1]["detail"]
    assert results[-1]["attempt"] == 2  # two definite refusals, however often the worker fell


async def test_a_worker_killed_between_a_refusal_and_the_next_claim_counts_it_again_and_posts_once(
    world, gateway, monkeypatch
):
    gateway.store.configure(COMPANY, books_closed_through=CLOSED_JUNE)
    await connect(world)
    await send(world, "a")
    real, asked, stopped = PartitionProcessor.claim, [], asyncio.Event()

    async def claim(session, claims, send_deadline):
        asked.append(claims)
        if len(asked) == 2:
            stopped.set()
            await asyncio.Event().wait()
        return await real(session, claims, send_deadline)

    monkeypatch.setattr(PartitionProcessor, "claim", claim)
    async with world.worker(now=now) as running:
        await stopped.wait()
        await running.kill()
    async with world.worker(now=now):
        results = await world.until(1, "posted")
    [first], [second], *_ = asked
    assert (first[1].attempt, second[1].attempt) == (0, 1)
    assert first[1].control_id != second[1].control_id
    assert results[-1]["attempt"] == 1
    assert creates(gateway) == 3  # the refused call again under its own control id, then the next
    assert booked(gateway) == {"a": ("2026-06-10", "2026-07-01")}


# What is known, and for how long: pure.


class FakeClock:
    def __init__(self):
        self.seconds = 0.0

    def time(self):
        return Clock(lambda: NOW, lambda: self.seconds, asyncio.sleep, lambda: 0.5)


def error(text="The period is closed", level=ExchangeLevel.RESULT):
    return PeriodClosedError(text, level=level, errors=(GatewayError.of("BL03000018", "", text, ""),))


def work(on=date(2026, 6, 10), side=Side.AR, first_open_day=True):
    one = replace(document(side=side), date=on, first_open_day=first_open_day)
    claim = Claim("r", "c", 0, one.connection, one.sage_object, one.number, "C", one.total, NOW)
    life, plan = Life(0, Claimed(claim, 0.0)), Plan(document=one)
    return WorkItem(owner=None, received=None, value=None, source=None, life=life, plan=plan)  # type: ignore[arg-type]  # unused here


def tried_again(one, anew):
    """Claim the next call, as the lane does after a refusal for the date."""
    again, _ = transition(one.life, anew, lambda: DocumentState("invoice/1"), "r")
    claim = replace(one.claimed, attempt=again.history.attempt)
    one.life, _ = transition(again, ClaimWritten(claim, 0.0), lambda: DocumentState("invoice/1"), "r")


def stepped(periods, one, refusal=None):
    anew = periods.next_attempt(one, refusal or error())
    assert anew is not None
    attempt = one.claimed.attempt
    tried_again(one, anew)
    assert one.claimed.attempt == attempt + 1  # a call of its own, with another control id
    return one.mapped.posting_date


def test_what_is_known_of_one_side_is_not_known_of_the_other_and_is_forgotten_after_a_while():
    clock = FakeClock()
    periods = ClosedPeriods(ExportConfig(), clock.time())
    first = work()
    assert stepped(periods, first) == date(2026, 7, 1)
    assert periods.with_posting_date(work()).posting_date is None  # refused, but nothing is known to be open yet
    periods.record_open_day(first)
    assert periods.with_posting_date(work()).posting_date == date(2026, 7, 1)
    assert periods.with_posting_date(work(on=date(2026, 5, 31))).posting_date is None  # May was never refused
    assert periods.with_posting_date(work(side=Side.AP)).posting_date is None
    assert periods.with_posting_date(work(first_open_day=False)).posting_date is None
    clock.seconds = ExportConfig().open_period_ttl.total_seconds()
    assert periods.with_posting_date(work()).posting_date is None


def test_a_day_that_sage_names_counts_for_all_days_before_it():
    periods = ClosedPeriods(ExportConfig(), FakeClock().time())
    assert stepped(periods, work(), error("Date must be on or after 08/20/2026")) == date(2026, 8, 20)
    assert periods.with_posting_date(work(on=date(2026, 8, 19))).posting_date == date(2026, 8, 20)
    assert periods.with_posting_date(work(on=date(2025, 1, 1))).posting_date == date(2026, 8, 20)
    assert periods.with_posting_date(work(on=date(2026, 8, 20))).posting_date is None


@pytest.mark.parametrize(
    "text", ["Date must be on or after 06/01/2026", "on or after 13/45/2026", "on or after 06/10/2026"]
)
def test_a_day_that_makes_no_sense_is_not_believed(text):
    assert stepped(ClosedPeriods(ExportConfig(), FakeClock().time()), work(), error(text)) == date(2026, 7, 1)


def test_a_day_that_is_closed_by_now_is_forgotten_and_the_next_is_tried():
    periods = ClosedPeriods(ExportConfig(), FakeClock().time())
    first = work()
    stepped(periods, first)
    periods.record_open_day(first)
    second = work()
    second.plan = replace(second.plan, document=periods.with_posting_date(second))
    assert stepped(periods, second) == date(2026, 8, 1)
    assert periods.with_posting_date(work()).posting_date is None


@pytest.mark.parametrize(
    "refusal",
    [
        error(level=ExchangeLevel.OPERATION),
        error(level=ExchangeLevel.CONTROL),
        AccountInvalidError("x", level=ExchangeLevel.RESULT),
        error("Date must be on or after 10/01/2026"),
    ],
)
def test_nothing_is_sent_anew_unless_one_call_was_refused_for_its_period_and_a_day_up_to_today_is_left(refusal):
    one = work()
    assert not ClosedPeriods(ExportConfig(), FakeClock().time()).next_attempt(one, refusal)
    assert one.mapped.posting_date is None
    executed = work()
    executed.life = replace(executed.life, history=History(acknowledged=executed.claimed))
    assert not ClosedPeriods(ExportConfig(), FakeClock().time()).next_attempt(executed, error())
    assert not ClosedPeriods(ExportConfig(), FakeClock().time()).next_attempt(work(first_open_day=False), error())


def test_the_search_ends():
    periods, one, steps = ClosedPeriods(ExportConfig(), FakeClock().time()), work(on=date(1999, 1, 1)), 0
    while (anew := periods.next_attempt(one, error())) is not None:
        tried_again(one, anew)
        steps += 1
    assert steps == MOST_STEPS
