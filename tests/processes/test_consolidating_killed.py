"""Consolidated bills and SIGKILL: worker and job die at every step, and the bill is the sum of its rows, once."""

import signal

import pytest

from tests.support.consolidated import GROUP, rows_of, send, toll
from tests.support.crashing import JOB_POINTS
from tests.support.processes import STAYS, Process, connect, environment, worker
from tests.support.world import SUBSIDIARY

ROWS = {f"t{number}": f"{number}.25" for number in range(1, 7)}
WORKER_POINTS = ["read", "outcome written, not committed", "outcome committed"]
"""A row needs no claim and no call; its bill does, and that is the crash table's."""

pytestmark = pytest.mark.feature("consolidated bills")


@pytest.fixture
async def tolls(world):
    await connect(world, ap={"tollBills": "day"})
    await world.set(f"{SUBSIDIARY}/account/ap/default/default", {"account": "50000"})
    await world.set(f"{SUBSIDIARY}/vendor/toll/default", {"vendorId": "VEN-BESTPASS"})
    await send(world, *(toll(name, amount) for name, amount in ROWS.items()))
    return world


async def one_bill(world, sage):
    """The job runs to its end, the worker posts: every row is in the one event, and that is in the books once."""
    with worker(environment(world, sage, **STAYS)) as process:
        await world.until(len(ROWS), "skipped")
        job = Process(["consolidate-bills", "--now"], environment(world, sage))
        try:
            assert await job.ended() == 0
        finally:
            job.close()
        await world.until(1, "posted")
        assert process.stop() == 0
    bills = await world.records(world.topics.consolidated_bill)
    assert [(record.key.decode(), rows_of(record.value)) for record in bills] == [(GROUP, ROWS)]
    codes = [each["code"] for each in await world.results() if each["outcome"] == "skipped"]
    assert codes == ["GROUPED"] * len(ROWS)
    (number,) = {each["document"]["number"] for each in await world.results() if each["outcome"] == "posted"}
    totals = [each["total"] for each in sage.documents() if each["number"] == number]
    assert totals == ["22.50"]


@pytest.mark.parametrize("point", WORKER_POINTS)
async def test_a_worker_that_dies_while_rows_are_grouped_loses_none_and_doubles_none(tolls, sage, point):
    with worker(environment(tolls, sage, **STAYS), dying_at=point) as process:
        assert await process.ended() == -signal.SIGKILL
    await one_bill(tolls, sage)


@pytest.mark.parametrize("point", JOB_POINTS)
async def test_a_job_that_dies_between_rows_and_event_is_followed_by_one_that_sends_the_bill_once(tolls, sage, point):
    with worker(environment(tolls, sage, **STAYS)) as process:
        await tolls.until(len(ROWS), "skipped")
        job = Process(["consolidate-bills", "--now"], environment(tolls, sage), ("tests.support.crashing", point))
        try:
            assert await job.ended() == -signal.SIGKILL
        finally:
            job.close()
        assert process.stop() == 0
    await one_bill(tolls, sage)
