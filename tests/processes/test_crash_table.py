"""The crash table of docs/exactly-once.md, row by row: a worker dies at one instruction, the next one goes on."""

import asyncio
import signal
from collections import Counter

import pytest

from demo.audit import WORTH_NOTHING
from tests.support.crashing import CORRECTING, POINTS
from tests.support.processes import STAYS, connect, environment, gateway, send, worker

NUMBERS = [f"C{number}" for number in range(12)]


@pytest.fixture(scope="module")
def one_sage():
    with gateway() as opened:
        yield opened


async def all_once(world, sage, numbers):
    """Every document stands once, is told as posted once, and no offset is left behind."""
    with worker(environment(world, sage, **STAYS)) as process:
        await world.until(len(numbers), "posted")  # by the dead one, perhaps: this one may not listen to signals yet
        await asyncio.to_thread(process.until_logged, "partitions open")
        assert process.stop() == 0
    assert {number: count for number, count in sage.booked().items() if number in numbers} == dict.fromkeys(numbers, 1)
    told = Counter(each["documentKey"] for each in await world.results() if each["outcome"] == "posted")
    assert told == {f"invoice/{number}": 1 for number in numbers}
    assert await world.committed() == await world.ends()


@pytest.mark.parametrize("point", [point for point in POINTS if not {"look", "looked", "party"} & set(point.split())])
async def test_a_worker_that_dies_at_a_step_is_followed_by_one_that_loses_nothing_and_posts_nothing_twice(
    world, one_sage, point
):
    numbers = [f"{point}-{number}"[-20:].replace(" ", "").replace(",", "") for number in NUMBERS]
    await send(world, numbers)
    with worker(environment(world, one_sage, **STAYS), dying_at=point) as process:
        assert await process.ended() == -signal.SIGKILL
    await all_once(world, one_sage, numbers)


@pytest.mark.parametrize("way", ["reversal", "deletion"])
@pytest.mark.parametrize("point", CORRECTING)
async def test_a_worker_that_dies_in_a_correction_leaves_one_that_stands_never_two_and_never_none(
    world, one_sage, point, way
):
    numbers = [f"{way[0]}{list(CORRECTING).index(point)}-{number}" for number in NUMBERS[:4]]
    await connect(world, ar={"correctPostedBy": way})
    await send(world, numbers)
    with worker(environment(world, one_sage, **STAYS)) as process:
        await world.until(len(numbers), "posted")
        assert process.stop() == 0
    await send(world, numbers, "120.00")
    with worker(environment(world, one_sage, **STAYS), dying_at=point) as process:
        assert await process.ended() == -signal.SIGKILL
        assert max(standing(one_sage, numbers).values(), default=0) <= 1
    with worker(environment(world, one_sage, **STAYS)) as process:
        await world.until(2 * len(numbers), "posted")
        assert process.stop() == 0
    assert standing(one_sage, numbers) == dict.fromkeys(numbers, 1)
    theirs = [each for each in one_sage.documents() if each["number"] in numbers]
    assert Counter((each["state"], each["total"]) for each in theirs) == {
        **({("Reversed", "100.00"): len(numbers)} if way == "reversal" else {}),
        ("Posted", "120.00"): len(numbers),
    }
    told = Counter((each["documentKey"], each["outcome"]) for each in await world.results())
    assert {number: told[f"invoice/{number}", "reversed"] for number in numbers} == dict.fromkeys(numbers, 1)
    assert await world.committed() == await world.ends()


def standing(sage, numbers):
    """How often each of the numbers counts in the books."""
    there = [each for each in sage.documents() if each["state"] not in WORTH_NOTHING]
    return Counter(each["number"] for each in there if each["number"] in numbers)


@pytest.mark.parametrize("point", ["about to be looked up", "looked up"])
async def test_a_worker_that_dies_while_a_call_is_in_doubt_leaves_the_doubt_to_the_next(world, sage, point):
    sage.fault(kind="drop_midway", function="create_invoice", times=2)
    await send(world, NUMBERS)
    with worker(environment(world, sage, **STAYS), dying_at=point) as process:
        assert await process.ended() == -signal.SIGKILL
    await all_once(world, sage, NUMBERS)


async def test_a_worker_that_dies_while_its_doubts_end_is_followed_by_one_that_ends_them(world, sage):
    sage.fault(kind="drop_midway", function="create_invoice", times=1)
    await send(world, NUMBERS)
    with worker(environment(world, sage, **STAYS), dying_at="claimed") as process:
        assert await process.ended() == -signal.SIGKILL
    with worker(environment(world, sage, **STAYS), dying_at="looked up") as process:
        assert await process.ended() == -signal.SIGKILL
    with worker(environment(world, sage, **STAYS), dying_at="outcome committed") as process:
        assert await process.ended() == -signal.SIGKILL
    await all_once(world, sage, NUMBERS)


async def test_a_worker_that_was_stopped_and_wakes_when_others_own_its_partitions_posts_and_commits_nothing(
    world, sage
):
    await send(world, NUMBERS[:1])
    sage.fault(kind="slow_answer", seconds=3, function="create_invoice", times=1)
    with worker(environment(world, sage)) as zombie:
        await sage.until_booked(1)
        zombie.send(signal.SIGSTOP)  # with a call on its way, whose answer it is to read when it wakes
        await send(world, NUMBERS[1:])
        with worker(environment(world, sage)) as owner:
            told = await world.until(len(NUMBERS), "posted")
            called = created(sage)
            zombie.send(signal.SIGCONT)
            await asyncio.to_thread(zombie.until_logged, "partition failed", "partitions let go")
            await send(world, ["after"])
            await world.until(len(NUMBERS) + 1, "posted")
            assert owner.stop() == 0
        assert zombie.stop() == 0
    assert sage.booked() == dict.fromkeys([*NUMBERS, "after"], 1)
    assert created(sage) == called + 1
    later = Counter(each["documentKey"] for each in await world.results())
    later.subtract(Counter(each["documentKey"] for each in told))
    assert +later == {"invoice/after": 1}
    assert await world.committed() == await world.ends()


def created(sage):
    """How often anybody asked the gateway to create an invoice."""
    return sage.requests()["functions"]["create_invoice"]
