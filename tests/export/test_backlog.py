"""Promise 5: a company that has more documents than it takes holds up nobody else, and gets its own in their order."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.codes import Code
from sage_client.errors import SignInError
from tests.support.eventually import until
from tests.support.world import QUICK, invoice, key

SLOW, SLOW_COMPANY = "sub-slow", "TORTOISE"
BACKLOG = f"backlog/{SLOW_COMPANY}/acme"
CONFIG = replace(
    QUICK,
    max_documents_per_request=10,
    max_in_flight=100,
    send_deadline=timedelta(minutes=1),
    request_timeout=timedelta(seconds=30),
    open_circuit_after=timedelta(minutes=5),
    half_open_after=timedelta(seconds=1),
)
REQUEST, SLOW_REQUEST = 0.2, 2.0
"""Seconds that the companies take for a request."""


@pytest.fixture
async def two(world):
    """A company that takes ten documents each 0.2 seconds, and one that takes as many each 2 seconds."""
    world.config = replace(CONFIG, max_in_flight=20)
    world.sage.seconds = {"ACME": REQUEST, SLOW_COMPANY: SLOW_REQUEST}
    await world.connect(SLOW, SLOW_COMPANY)
    await world.set(f"{SLOW}/account/ar/default/default", {"account": "4000"})
    return world


def slow(number: int, amount: str = "100.00") -> tuple[bytes, bytes]:
    return key(f"slow-{number}"), invoice(f"slow-{number}", amount, subsidiary=SLOW)


async def send_slow(world, number: int) -> None:
    await world.send(*(slow(each) for each in range(number)))


def quick(number: int) -> tuple[bytes, bytes]:
    return key(f"quick-{number}"), invoice(f"quick-{number}")


def posted(world, name: str) -> list[str]:
    return [each.number for each in world.sage.booked if each.number.startswith(name)]


async def seconds_for(world, quick_ones: int) -> float:
    """Seconds until the quick company has all its documents."""
    began = time.monotonic()
    async with world.worker(max_poll_records=CONFIG.max_in_flight // 2):
        await until(lambda: len(posted(world, "quick")) == quick_ones)
        return time.monotonic() - began


async def test_a_slow_company_takes_less_than_a_twentieth_of_the_throughput_of_a_healthy_one(two, world):
    number = 600
    two.config = CONFIG
    await two.send(*(quick(each) for each in range(number)))
    alone = await seconds_for(two, number)
    two.sage.booked.clear()
    threes = ((slow(2 * each), slow(2 * each + 1), quick(number + each)) for each in range(number))
    await two.send(*(record for three in threes for record in three))
    beside = await seconds_for(two, number)
    assert beside < 1.05 * alone
    assert len(posted(two, "slow")) < 2 * number  # they still wait


async def test_what_waits_for_its_turn_is_told_so_and_posted_once_oldest_first(two):
    number = 200
    await send_slow(two, number)
    async with two.worker():
        told = await two.until(1, "deferred")
        assert {(each["code"], tuple(each["blockedBy"])) for each in told if each["outcome"] == "deferred"} == {
            (Code.COMPANY_BACKLOG, (BACKLOG,))
        }
        await two.send(*(slow(each) for each in range(number, number + 20)))
        await until(lambda: len(posted(two, "slow")) == number + 20)
    assert set(two.sage.keys.values()) == {1}
    assert await two.committed() == await two.ends()
    partitions = {each["documentKey"]: each["source"]["partition"] for each in await two.results()}
    for partition in range(two.partitions):
        mine = [each for each in posted(two, "slow") if partitions[f"invoice/{each}"] == partition]
        assert mine == sorted(mine, key=lambda each: int(each.removeprefix("slow-")))


async def test_a_backlog_goes_on_where_the_former_worker_left_it(two):
    number = 200
    await send_slow(two, number)
    async with two.worker():
        await until(lambda: len(posted(two, "slow")) >= 60)  # by then every other one is parked
    assert len(posted(two, "slow")) < number
    assert await two.committed() == await two.ends()
    async with two.worker():
        await until(lambda: len(posted(two, "slow")) == number)
    assert set(two.sage.keys.values()) == {1}


async def test_a_newer_revision_of_a_document_that_waits_for_its_turn_takes_its_place(two):
    number = 120
    await send_slow(two, number)
    async with two.worker():
        await two.until(1, "deferred")
        waiting = [each for each in range(number) if f"slow-{each}" not in posted(two, "slow")][-5:]
        await two.send(*(slow(each, "120.00") for each in waiting))
        await until(lambda: len(posted(two, "slow")) == number)
    assert set(two.sage.keys.values()) == {1}
    totals = {each.number: str(each.total) for each in two.sage.booked}
    assert [totals[f"slow-{each}"] for each in waiting] == ["120.00"] * 5


async def test_one_company_alone_holds_up_nobody_and_waits_in_the_topic(world):
    world.config = CONFIG
    world.sage.seconds = {"ACME": 1.0}
    await world.send(*(quick(each) for each in range(120)))
    async with world.worker():
        await until(lambda: len(posted(world, "quick")) == 120)
    assert Counter(each["outcome"] for each in await world.results()) == {"posted": 120}


async def test_while_a_circuit_is_open_the_backlog_stays_where_it_is(two):
    number = 200
    await send_slow(two, number)
    async with two.worker():
        await two.until(1, "deferred")
        two.sage.down = SignInError("the password is wrong")
        await until(lambda: two.sage.probes >= 3)
        told = Counter(each["code"] for each in await two.results() if each["outcome"] == "deferred")
        assert told["SAGE_SIGN_IN"] < 100, told
        two.sage.down = None
        await until(lambda: len(posted(two, "slow")) == number)
    assert set(two.sage.keys.values()) == {1}


async def test_documents_of_a_backlog_whose_settings_changed_go_where_the_settings_say(two):
    number = 120
    await send_slow(two, number)
    async with two.worker():
        await two.until(1, "deferred")
        await two.connect(SLOW, SLOW_COMPANY, state="paused")
        await until(lambda: two.sage.running == 0)
        await asyncio.sleep(20)
        assert len(posted(two, "slow")) < number
        await two.connect(SLOW, "ACME")
        await until(lambda: len(posted(two, "slow")) == number)
    assert set(two.sage.keys.values()) == {1}


async def test_companies_that_hang_do_not_fill_a_window_with_requests(world):
    """What is on its way cannot be parked, and stays there until the request ends."""
    number, crowd = 200, [f"HANGS{each}" for each in range(40)]
    world.config = replace(CONFIG, request_timeout=timedelta(hours=1))
    world.sage.seconds = {"ACME": REQUEST} | dict.fromkeys(crowd, 10_000.0)
    for company in crowd:
        await world.connect(company, company)
        await world.set(f"{company}/account/ar/default/default", {"account": "4000"})
    bursts = ((company, f"{company}-{each}") for company in crowd for each in range(30))
    async with world.worker(max_poll_records=CONFIG.max_in_flight // 2):
        await world.send(quick(0))
        alone = await seconds_more(world, range(1, number))
        await world.send(*((key(name), invoice(name, subsidiary=company)) for company, name in bursts))
        await world.send(quick(number))  # behind all of theirs
        await until(lambda: len(posted(world, "quick")) == number + 1)
        assert await seconds_more(world, range(number + 1, 2 * number)) < 1.05 * alone


async def seconds_more(world, quick_ones: range) -> float:
    """Seconds that further documents of the quick company take, while a worker runs."""
    began = time.monotonic()
    await world.send(*(quick(each) for each in quick_ones))
    await until(lambda: len(posted(world, "quick")) == quick_ones.stop)
    return time.monotonic() - began


async def test_reading_pauses_less_while_those_without_a_backlog_have_nothing_to_send(two):
    async with two.worker() as running:
        lanes = running.worker._lanes
        assert lanes.reading_pause == 0
        await send_slow(two, 200)
        await until(lambda: lanes.reading_pause == 1)
        lanes._lane_of("ACME")._queues = {"any": [quick(0)]}
        assert lanes.reading_pause == 3
        lanes._lane_of("ACME")._queues = {}
