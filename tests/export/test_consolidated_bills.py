"""Fuel and tolls of a day as one bill: no row is lost, none is in Sage twice, the bill is the sum of its rows."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

import orjson
import pytest
from structlog.testing import capture_logs

from app.bootstrap import SYSTEM_TIME
from app.topic_checks import topic_specs
from consumers.consolidated_bills.groups import Schedule
from consumers.consolidated_bills.job import TakenOverError
from tests.support.consolidated import (
    DAY,
    DAY_BEFORE,
    GROUP,
    TODAY,
    by_day,
    group,
    job,
    rows_of,
    send,
    toll,
)
from tests.support.kafka import compress_topics, producing

pytestmark = [pytest.mark.feature("consolidated bills", "ap.tollBills"), pytest.mark.requirement(3)]


@pytest.fixture
async def grouping(world):
    await by_day(world)
    return world


async def answers(world, count, code):
    """Wait for so many skipped results, all with this code."""
    results = [each for each in await world.until(count, "skipped") if each["outcome"] == "skipped"]
    assert {each["code"] for each in results[-count:]} == {code}


async def events(world):
    """What was sent as consolidated bills, by document key."""
    return [
        (record.key.decode(), rows_of(record.value)) for record in await world.records(world.topics.consolidated_bill)
    ]


async def test_the_rows_of_a_day_become_one_bill_with_their_sum(grouping):
    await one_bill(grouping)


@pytest.mark.kafka("real")  # its broker compresses
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
async def test_the_rows_of_a_day_become_one_bill_however_the_topics_are_compressed(grouping, codec):
    topics = [each.topic for each in topic_specs(grouping.settings)]
    await asyncio.to_thread(compress_topics, grouping.bootstrap, topics, codec)
    await one_bill(grouping)


async def one_bill(grouping):
    await send(grouping, toll("a", "1.10"), toll("b", "2.20"), toll("c", "3.30"), toll("x", "9.99", deducted=True))
    async with grouping.worker():
        results = await grouping.until(4, "skipped")
        assert Counter(each["code"] for each in results) == {"GROUPED": 3, "DEDUCTED_FROM_DRIVER": 1}
        assert all(GROUP in each["detail"] for each in results if each["code"] == "GROUPED")
        assert await group(grouping) == 1
        (posted,) = [each for each in await grouping.until(1, "posted") if each["outcome"] == "posted"]
    assert posted["documentKey"] == GROUP
    assert (posted["document"]["total"], len(posted["document"]["lines"])) == ("6.60", 3)
    assert [(each.key, each.total) for each in grouping.sage.booked] == [(GROUP, Decimal("6.60"))]


async def test_what_was_sent_is_not_sent_again_and_sent_again_is_not_posted_again(grouping):
    await send(grouping, toll("a"), toll("b"))
    async with grouping.worker():
        await answers(grouping, 2, "GROUPED")
        assert [await group(grouping), await group(grouping)] == [1, 0]
        await grouping.until(1, "posted")
        (record,) = await grouping.records(grouping.topics.consolidated_bill)
        await grouping.send((record.key, record.value), topic=grouping.topics.consolidated_bill)
        await grouping.until(1, "already_posted")
    assert grouping.sage.keys == {GROUP: 1}


async def test_a_row_that_comes_changes_or_is_deducted_before_its_bill_is_sent_is_in_it_as_it_is_then(grouping):
    await send(grouping, toll("a", "1.00"), toll("b", "2.00"), toll("c", "3.00"))
    async with grouping.worker():
        await answers(grouping, 3, "GROUPED")
        await send(grouping, toll("a", "1.50"), toll("b", "2.00", deducted=True), toll("c", "0"), toll("d", "4.00"))
        results = await grouping.until(7, "skipped")
        assert Counter(each["code"] for each in results) == {
            "GROUPED": 5,
            "DEDUCTED_FROM_DRIVER": 1,
            "ZERO_TOTAL": 1,
        }
        await group(grouping)
        await grouping.until(1, "posted")
    assert await events(grouping) == [(GROUP, {"a": "1.50", "d": "4.00"})]
    assert grouping.sage.booked[0].total == Decimal("5.50")


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"name": "late", "amount": "5.00"}, {"a": "1.00", "late": "5.00"}),
        ({"name": "a", "amount": "1.25"}, {"a": "1.25"}),
        ({"name": "a", "deducted": True}, {}),
    ],
    ids=["comes late", "changes", "is deducted"],
)
async def test_what_happens_to_a_row_after_its_bill_stands_is_a_revision_of_the_bill(grouping, later, expected):
    await send(grouping, toll("a", "1.00"))
    async with grouping.worker():
        await answers(grouping, 1, "GROUPED")
        await group(grouping)
        await grouping.until(1, "posted")
        await send(grouping, toll(**later))
        await grouping.until(2, "skipped")
        assert await group(grouping) == 1
        results = [each for each in await grouping.until(1, "reversed") if each["documentKey"] == GROUP]
        if expected:
            results = [each for each in await grouping.until(2, "posted") if each["documentKey"] == GROUP]
    assert [rows for _, rows in await events(grouping)] == [{"a": "1.00"}, expected]
    assert [each["outcome"] for each in results[:2]] == ["posted", "reversed"]
    total = sum(map(Decimal, expected.values()))
    assert [each.total for each in grouping.sage.standing_now] == ([total] if expected else [])


async def test_a_row_that_moves_to_another_day_leaves_one_bill_for_the_other(grouping):
    await send(grouping, toll("a"), toll("b"))
    async with grouping.worker():
        await answers(grouping, 2, "GROUPED")
        await send(grouping, toll("a", day=DAY_BEFORE))
        await answers(grouping, 3, "GROUPED")
        assert await group(grouping) == 2
        await grouping.until(2, "posted")
    assert dict(await events(grouping)) == {
        GROUP: {"b": "1.00"},
        GROUP.replace(DAY, DAY_BEFORE): {"a": "1.00"},
    }


async def test_the_setting_changes_neither_what_was_grouped_nor_what_was_posted(grouping):
    await send(grouping, toll("grouped", "1.00"))
    async with grouping.worker():
        await answers(grouping, 1, "GROUPED")
        await by_day(grouping, "transaction")
        await send(grouping, toll("single", "2.00"), toll("grouped", "1.50"))
        await grouping.until(1, "posted")
        await answers(grouping, 2, "GROUPED")
        await by_day(grouping, "day")
        await send(grouping, toll("single", "2.50"), toll("new", "4.00"))
        results = await grouping.until(2, "posted")
        assert {each["documentKey"] for each in results if each["outcome"] == "reversed"} == {"toll/single"}
        await answers(grouping, 3, "GROUPED")
        await group(grouping)
        await grouping.until(3, "posted")
    assert dict(await events(grouping)) == {GROUP: {"grouped": "1.50", "new": "4.00"}}
    assert sorted(each.total for each in grouping.sage.standing_now) == [Decimal("2.50"), Decimal("5.50")]


async def test_a_replay_of_the_rows_from_the_beginning_makes_no_second_bill(grouping):
    await send(grouping, toll("a", "1.00"), toll("b"), toll("a", "1.50"), toll("c", deducted=True))
    async with grouping.worker():
        await grouping.until(4, "skipped")
        await group(grouping)
        await grouping.until(1, "posted")
    before = len(await grouping.records(grouping.topics.consolidated_lines))
    await grouping.rewind(grouping.topics.toll_transaction)
    async with grouping.worker():
        results = await grouping.until(8, "skipped")
        again = Counter(each["code"] for each in results[-4:])
        assert await group(grouping) == 0
    assert again == {"GROUPED": 2, "SUPERSEDED": 1, "DEDUCTED_FROM_DRIVER": 1}
    assert len(await grouping.records(grouping.topics.consolidated_lines)) == before
    assert grouping.sage.keys == {GROUP: 1}


async def test_a_row_whose_transaction_is_about_to_be_committed_is_waited_for(grouping):
    """The end of the rows is the high watermark; read to the last stable offset, the bill would lack the row."""
    await send(grouping, toll("a"))
    async with grouping.worker():
        await answers(grouping, 1, "GROUPED")
    [row] = await grouping.records(grouping.topics.consolidated_lines)
    other = orjson.loads(row.value)
    other["row"]["toll"]["id"] = "b"
    async with producing(grouping.bootstrap, f"{grouping.prefix}worker") as worker:
        await worker.begin_transaction()
        await worker.send_and_wait(row.topic, orjson.dumps(other), b"toll/b", partition=row.partition)
        sending = asyncio.create_task(group(grouping))
        done, _ = await asyncio.wait({sending}, timeout=2)
        assert not done
        await worker.commit_transaction()
        assert await sending == 1
    assert await events(grouping) == [(GROUP, {"a": "1.00", "b": "1.00"})]


async def test_a_second_job_takes_over_and_the_first_ends(grouping):
    """Runs are wherever the clock says; two clocks, so that each job finds its run when the test wants it."""
    clocks = [Clock(TODAY), Clock(TODAY)]
    stops = [asyncio.Event(), asyncio.Event()]
    jobs = []
    async with grouping.worker(now=lambda: TODAY + timedelta(days=5)):
        for number, name in enumerate("ab"):
            run = job(grouping, schedule=MIDNIGHT, time=replace(SYSTEM_TIME, now=clocks[number].now))
            jobs.append(asyncio.create_task(run.run(stops[number])))
            await send(grouping, toll(name))
            await answers(grouping, number + 1, "GROUPED")
            clocks[number].time = TODAY + timedelta(days=2 + 2 * number)
            await grouping.until(1, ("posted", "reversed")[number])
        await send(grouping, toll("c"))
        await answers(grouping, 3, "GROUPED")
        clocks[0].time = TODAY + timedelta(days=9)  # now it is the first one's turn, as it believes
        with pytest.raises(TakenOverError):
            await asyncio.wait_for(jobs[0], 30)
        stops[1].set()
        assert await jobs[1] == 1
    assert [rows for _, rows in await events(grouping)] == [{"a": "1.00"}, {"a": "1.00", "b": "1.00"}]


async def test_a_job_that_was_overtaken_is_told_so_and_what_it_began_is_not_there(grouping):
    """The zombie: it has read its rows, is held up, and comes back after another sent a newer bill."""
    await send(grouping, toll("a"))
    async with grouping.worker():
        await answers(grouping, 1, "GROUPED")
        async with producing(grouping.bootstrap, f"{grouping.topics.consolidated_lines}-bills") as zombie:
            await zombie.begin_transaction()
            await zombie.send_and_wait(grouping.topics.consolidated_bill, b"{}", GROUP.encode())
            assert await group(grouping) == 1
            with pytest.raises(Exception, match=r"(?i)fenced|epoch|newer"):
                await zombie.commit_transaction()
        await grouping.until(1, "posted")
    assert await events(grouping) == [(GROUP, {"a": "1.00"})]


async def test_old_rows_end_and_what_comes_after_that_has_no_bill(grouping):
    await send(grouping, toll("a"))
    later = TODAY + timedelta(days=100)
    async with grouping.worker():
        await answers(grouping, 1, "GROUPED")
        await group(grouping)
        await grouping.until(1, "posted")
        assert await group(grouping, later) == 0
        rows = {record.key: record.value for record in await grouping.records(grouping.topics.consolidated_lines)}
        assert rows.pop(b"toll/a") is None
        assert [orjson.loads(mark)["ended"] for mark in rows.values()] == [True]
        await send(grouping, toll("b"))
        await answers(grouping, 2, "GROUPED")
        with capture_logs() as logs:
            assert await group(grouping, later) == 0
    assert [each["row"] for each in logs if each["log_level"] == "error"] == ["toll/b"]
    assert len(await events(grouping)) == 1


MIDNIGHT = Schedule(time(0, 0), time(0, 0))


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time
