"""One limit for all requests to a company, whatever they ask for; and what may no longer begin when its turn comes."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.documents import PartyKind
from sage_client import RateLimit, Refused
from sage_client.errors import TooLateError
from sage_client.rate_limiter import RateLimiter
from simulator import Fault
from tests.support.blue_mesa import WHO, call, connected, key
from tests.support.sage_calls import why


@pytest.mark.parametrize("in_flight", [1, 2])
async def test_postings_look_ups_lists_and_probes_share_one_limit(simulator, in_flight):
    simulator.faults.add(Fault(kind="latency", seconds=0.02))
    async with connected(simulator, rate_limit=RateLimit(in_flight)) as client:
        work: list[Awaitable[Any]] = [client.post(WHO, [call(f"ALV-{n}")]) for n in range(4)]
        work += [client.find(WHO, [key(f"ALV-{n}")]) for n in range(4)]
        work += [client.parties(WHO, PartyKind.CUSTOMER), client.parties(WHO, PartyKind.VENDOR)]
        work += [client.probe(WHO) for _ in range(3)]
        await asyncio.gather(*work)
    assert simulator.traffic.counts(0)["in_flight_max_by_company"] == {"BLUEMESA": in_flight}


async def test_turns_are_given_in_the_order_they_were_asked_for():
    limiter, order = RateLimiter(RateLimit()), []

    async def ask(name):
        async with limiter.turn("ACME"):
            order.append(name)
            await asyncio.sleep(0)

    async def keep_asking(name):
        for _ in range(50):
            await ask(name)

    async with asyncio.timeout(5):
        await asyncio.gather(keep_asking("look-up"), keep_asking("post"), keep_asking("list"))
    assert order == ["look-up", "post", "list"] * 50


async def test_one_company_does_not_wait_for_another():
    limiter = RateLimiter(RateLimit())
    async with limiter.turn("SLOW"), asyncio.timeout(1), limiter.turn("OTHER"):
        pass


async def test_no_more_than_so_many_a_minute_after_a_burst():
    clock = [0.0]

    async def sleep(seconds):
        clock[0] += seconds

    limiter = RateLimiter(RateLimit(per_minute=30, burst=5), lambda: clock[0], sleep)
    begun = []
    for _ in range(35):
        async with limiter.turn("ACME"):
            begun.append(clock[0])
    assert begun[:5] == [0.0] * 5
    assert begun[-1] == pytest.approx(60)
    clock[0] += 3600  # a rest gives a burst, not an hour's worth
    for _ in range(6):
        async with limiter.turn("ACME"):
            begun.append(clock[0])
    assert begun[-2] == begun[-6]
    assert begun[-1] == pytest.approx(begun[-2] + 2)


async def test_nothing_is_posted_when_signing_in_took_longer_than_the_time_to_begin(simulator):
    simulator.faults.add(Fault(kind="latency", function="getAPISession", seconds=0.6))
    async with connected(simulator) as client:
        [answer] = await client.post(WHO, [call()], not_after=datetime.now(UTC) + timedelta(seconds=0.3))
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, TooLateError)
    assert simulator.store.documents("BLUEMESA") == []


async def test_nothing_is_posted_when_its_turn_came_too_late_or_nobody_wants_it_any_more(simulator):
    async with connected(simulator) as client:
        await client.probe(WHO)
        simulator.faults.add(Fault(kind="slow_answer", function="query", seconds=0.6))
        ahead = asyncio.create_task(client.find(WHO, [key()]))
        await asyncio.sleep(0.1)
        late = client.post(WHO, [call("ALV-1")], not_after=datetime.now(UTC) + timedelta(seconds=0.2))
        asked = []

        def nobody():
            asked.append("right before the bytes")
            return False

        gone = client.post(WHO, [call("ALV-2")], wanted=nobody)
        answers = [answer for each in await asyncio.gather(late, gone) for answer in each]
        await ahead
    assert [type(why(answer)) for answer in answers] == [TooLateError, TooLateError]
    assert asked == ["right before the bytes"]
    assert simulator.store.documents("BLUEMESA") == []
