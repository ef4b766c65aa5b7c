"""Exactly once on the topic: real pollers, real signals, and the gateway's own database as the judge."""

import asyncio
import random
from collections import Counter
from contextlib import ExitStack
from typing import Any

import aiohttp
import httpx
import pytest

from tests.support.crashing import PAYMENT_POINTS
from tests.support.payments import Books
from tests.support.processes import Process, gateway

pytestmark = [pytest.mark.requirement(4), pytest.mark.kafka("real")]


class Accountant:
    """Does at random what accountants do, and more of it in the same second than they could."""

    def __init__(self, url: str, seed: int) -> None:
        self.http = httpx.Client(base_url=url.removesuffix("/ia/xml/xmlgw.phtml") + "/admin", trust_env=False)
        self.chance = random.Random(seed)
        self.payments: list[tuple[str, int]] = []

    def facts(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get("/payments", params={"company": "BLUEMESA"}).raise_for_status().json()
        return answer

    def act(self, documents: dict[str, list[int]]) -> None:
        side = self.chance.choice(["AR", "AR", "AP"])
        doing = self.chance.random()
        if doing < 0.6:
            chosen = self.chance.sample(documents[side], self.chance.randint(1, 3))
            applied = {each: f"{self.chance.randint(1, 500)}.{self.chance.randint(0, 99):02}" for each in chosen}
            state = "submitted" if side == "AP" and self.chance.random() < 0.3 else "posted"
            answer = self._post("payments", side=side, applied=applied, state=state)
            if answer.is_success:
                self.payments.append((side, answer.json()["recordno"]))
        elif self.payments and doing < 0.75:
            side, payment = self.chance.choice(self.payments)
            self._post("payments/void", side=side, recordno=payment, hidden=self.chance.random() < 0.3)
        elif self.payments and doing < 0.8:
            side, payment = self.chance.choice(self.payments)
            self._post("payments/delete", side=side, recordno=payment)
        elif self.payments and doing < 0.85:
            side, payment = self.chance.choice(self.payments)
            self._post("payments/state", side=side, recordno=payment, state="posted")
        else:
            rows = [row for row in self.facts()["details"] if row["final"]]
            if rows:
                row = self.chance.choice(rows)
                amounts = {"payment": f"{self.chance.randint(1, 100)}.00"}
                self._post("payments/detail", side=row["side"], recordno=row["recordno"], amounts=amounts)

    def _post(self, path: str, **asked: object) -> httpx.Response:
        return self.http.post(f"/{path}", json={"company": "BLUEMESA", **asked})


@pytest.fixture
async def places(bootstrap, topic_prefix):
    with gateway() as sage:
        async with aiohttp.ClientSession() as http:
            books = Books(bootstrap, topic_prefix, sage.url, http)
            await books.set_up()
            yield books, sage.url


def poller(books, *arguments, dying_at=None, **more):
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": books.world.bootstrap,
        "ALVYS_SAGE_TOPIC_PREFIX": books.world.prefix,
        "ALVYS_SAGE_GROUP_ID": books.settings.group_id,
        "ALVYS_SAGE_GATEWAY_URL": books.settings.gateway_url,
        "ALVYS_SAGE_SENDER_PASSWORD": "sender-secret",
        "ALVYS_SAGE_CREDENTIALS__BLUEMESA__USER": "alvys_ws",
        "ALVYS_SAGE_CREDENTIALS__BLUEMESA__PASSWORD": "user-secret",
        "ALVYS_SAGE_SESSION_TIMEOUT_MS": "6000",
        "ALVYS_SAGE_PAYMENTS_INTERVAL_SECONDS": "1",
        "ALVYS_SAGE_PAYMENTS_CALLS_PER_HOUR": "100000",
        **more,
    }
    module = ("app",) if dying_at is None else ("tests.support.crashing", dying_at)
    return Process(["payments", *arguments], environment, module)


async def ended(process) -> int:
    return await asyncio.to_thread(process.wait)


async def until_published(books, enough):
    async with asyncio.timeout(90):
        while not enough(await books.records()):  # noqa: ASYNC110 - the topic is looked at again and again
            await asyncio.sleep(0.2)


async def the_topic_is_the_truth(books, accountant):
    process = poller(books, "--once", "--reconcile")
    try:
        assert await ended(process) == 0
    finally:
        process.close()
    assert await books.folded() == books.truth(accountant.facts()["details"])


@pytest.mark.parametrize("seed", [1, 2])
async def test_pollers_killed_at_random_miss_nothing_and_invent_nothing(places, seed):
    books, url = places
    accountant = Accountant(url, seed)
    documents = {"AR": [await books.invoice(f"I{number}", "9000.00") for number in range(12)]}
    documents["AP"] = [await books.bill(f"B{number}", "9000.00") for number in range(6)]
    documents["AR"].append(await books.invoice("stranger", "9000.00", known=False))
    for _ in range(4):
        with ExitStack() as stack:
            process = poller(books)
            stack.callback(process.close)
            count = len(await books.records())
            for _ in range(30):
                accountant.act(documents)
            await until_published(books, lambda found, count=count: len(found) > count)
            for _ in range(10):
                accountant.act(documents)
            await asyncio.sleep(accountant.chance.random() * 1.5)  # not an event: the kill is to fall anywhere
            process.kill()
    await the_topic_is_the_truth(books, accountant)


@pytest.mark.parametrize("point", PAYMENT_POINTS)
async def test_a_poller_that_dies_at_a_commit_tells_each_fact_once(places, point):
    books, url = places
    accountant = Accountant(url, 3)
    number = await books.invoice("A", "900.00")
    process = poller(books, "--once")
    assert await ended(process) == 0
    process.close()
    for amount in ("1.00", "2.00", "3.00"):
        accountant._post("payments", side="AR", applied={number: amount}).raise_for_status()
    process = poller(books, "--once", dying_at=point)
    assert await ended(process) < 0
    process.close()
    await the_topic_is_the_truth(books, accountant)
    assert set(Counter(each["paymentId"] for each in await books.records()).values()) == {1}


async def test_two_pollers_share_the_companies_and_a_stranger_to_the_group_is_fenced_without_harm(places):
    books, url = places
    accountant = Accountant(url, 5)
    documents = {side: [await books.invoice("A", "9000.00")] * 3 for side in ("AR",)}
    documents["AP"] = [await books.bill("B", "9000.00")] * 3
    with ExitStack() as stack:
        pollers = [poller(books), poller(books), poller(books, ALVYS_SAGE_GROUP_ID="another")]
        for each in pollers:
            stack.callback(each.close)
        for round_number in range(6):
            accountant.act(documents)
            accountant._post("payments", side="AR", applied={documents["AR"][0]: f"{round_number + 1}.00"})
            count = len(await books.records())
            await until_published(books, lambda found, count=count: len(found) >= count)
            await asyncio.sleep(1)
        async with asyncio.timeout(120):  # two groups read the same companies, so one fences the other in the end
            while not any("fenced=True" in each.log.read_text() for each in pollers):  # noqa: ASYNC110 - a log tells no event
                await asyncio.sleep(0.2)
        assert [await asyncio.to_thread(each.stop) for each in pollers] == [0, 0, 0]
    before = Counter((each["paymentId"], each["kind"], each["amount"]) for each in await books.records())
    assert set(before.values()) == {1}
    await the_topic_is_the_truth(books, accountant)
