"""Parties and terms are read in bulk and kept: what a document costs in requests, and what an error decides."""

import asyncio
import random
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import orjson
import pytest
from pydantic import SecretStr

from consumers.export.enrichment.party_cache import PartyCache, PartyQuery
from domain.documents import PartyKind, PartyRef
from domain.parties.matching import PartyRecord
from kafka_client.clock import Clock, utc_now
from sage_client import Login, SageClient
from sage_client.errors import UnavailableError
from tests.support.sage import FakeSage
from tests.support.world import QUICK, invoice, key

WHO = Login("ACME", "user", SecretStr("p"))


async def test_a_hundred_known_customers_are_asked_for_once_and_in_one_request_a_batch(world):
    events = [orjson.loads(invoice(f"n{number}", customer=f"K-{number}")) for number in range(100)]
    for event in events:
        event["data"]["customer"]["paymentTermsInDays"] = 30
    held = asyncio.Event()
    world.sage.script.append(held)  # while it waits, the others gather
    await world.send(*((key(f"n{number}"), orjson.dumps(event)) for number, event in enumerate(events)))
    async with world.worker(
        config=replace(world.config, max_documents_per_request=100, negative_cache_ttl=timedelta(seconds=30))
    ):
        await world.sage.arrived.wait()
        held.set()
        await world.until(100, "posted")
        asked = list(world.sage.ids_asked)
        await world.send(*((key(f"m{number}"), invoice(f"m{number}", customer=f"K-{number}")) for number in range(100)))
        await world.until(200, "posted")
    assert len(asked) <= len(world.sage.requests)
    assert sorted(one for ids in asked for one in ids) == sorted(f"K-{number}" for number in range(100))
    assert world.sage.ids_asked == asked  # the second hundred costs none
    assert (world.sage.terms_read, world.sage.lists_read) == (1, 0)


class FakeClock:
    def __init__(self) -> None:
        self.at = time.monotonic()

    def time(self) -> Clock:
        return Clock(utc_now, lambda: self.at, asyncio.sleep, random.Random(1).random)


def directory(sage: FakeSage, clock: FakeClock, **config: Any) -> PartyCache:
    usual = replace(QUICK, negative_cache_ttl=timedelta(seconds=30), **config)
    return PartyCache(cast(SageClient, sage), usual, clock.time())


def by_id(*ids: str) -> list[PartyQuery]:
    return [PartyQuery(PartyRef(PartyKind.CUSTOMER, external_id=one)) for one in ids]


def by_name(*names: str) -> list[PartyQuery]:
    return [PartyQuery(PartyRef(PartyKind.CUSTOMER, names=(one,))) for one in names]


async def test_what_is_there_is_trusted_longer_than_what_is_not():
    sage, clock = FakeSage(missing={"C-9"}), FakeClock()
    found = directory(sage, clock)
    for _ in range(3):
        first, second, third = await found.find(WHO, by_id("C-1", "C-9", "C-1"))
        assert (first, third) == ("C-1", "C-1")
        assert not isinstance(second, str)
    assert sage.ids_asked == [{"C-1", "C-9"}]
    clock.at += 31
    sage.missing.clear()
    assert await found.find(WHO, by_id("C-1", "C-9")) == ["C-1", "C-9"]
    assert sage.ids_asked == [{"C-1", "C-9"}, {"C-9"}]
    clock.at += 15 * 60 + 1
    await found.find(WHO, by_id("C-1"))
    assert sage.ids_asked[-1] == {"C-1"}


async def test_a_list_that_was_read_answers_for_ids_too():
    sage, clock = FakeSage(), FakeClock()
    sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "Seven"), PartyRecord("C-8", "Eight", active=False)]
    found = directory(sage, clock)
    assert await found.find(WHO, by_name("seven")) == ["C-7"]
    assert (await found.find(WHO, by_id("C-7")))[0] == "C-7"
    assert (sage.lists_read, sage.ids_asked) == (1, [])


async def test_a_name_that_is_not_found_is_looked_for_in_a_fresh_list_now_and_then():
    sage, clock = FakeSage(), FakeClock()
    found = directory(sage, clock)
    for _ in range(3):
        await found.find(WHO, by_name("new"))
    assert sage.lists_read == 1
    sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "New")]
    clock.at += 31
    assert await found.find(WHO, by_name("new")) == ["C-7"]


async def test_what_sage_refused_is_asked_for_anew_also_when_it_was_found_by_name():
    sage, clock = FakeSage(), FakeClock()
    sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "Seven")]
    found = directory(sage, clock)
    assert await found.find(WHO, by_name("seven")) == ["C-7"]
    sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "Seven", active=False)]
    assert await found.find(WHO, by_name("seven")) == ["C-7"]
    found.invalidate(PartyKind.CUSTOMER, ["C-7"])
    [now] = await found.find(WHO, by_name("seven"))
    assert not isinstance(now, str)
    assert now.code == "PARTY_INACTIVE"
    assert (sage.lists_read, sage.ids_asked) == (1, [{"C-7"}])


async def test_an_answer_that_cannot_be_read_decides_nothing_and_is_not_kept():
    sage, clock = FakeSage(), FakeClock()
    sage.down = UnavailableError("maintenance")
    found = directory(sage, clock)
    for wanted in (by_id("C-1"), by_name("seven")):
        with pytest.raises(UnavailableError):
            await found.find(WHO, wanted)
    sage.down = None
    sage.parties_known[PartyKind.CUSTOMER] = [PartyRecord("C-7", "Seven")]
    assert await found.find(WHO, by_id("C-1") + by_name("seven")) == ["C-1", "C-7"]
