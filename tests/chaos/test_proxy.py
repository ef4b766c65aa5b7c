"""The proxy strikes from outside, whatever the gateway; books read by query are those of the database."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from chaos.books import by_query, of_simulator
from chaos.gateway import OtherGateway
from chaos.proxy import BEYOND_LEASE, KINDS, UNHEARD, Proxy
from domain.documents import SageObject
from sage_client import Call, DocumentKey, Done, Login, SageClient, Timeouts
from simulator import Simulator
from tests.support.sage_calls import document

SENDER = "AlvysMPP", SecretStr("sender-secret")
LOGIN = Login("BLUEMESA", "alvys_ws", SecretStr("user-secret"), "100")
NUMBERS = [f"P-{number}" for number in range(4)]
PATIENCE = 2.0
"""Seconds for which the client waits. A busy machine needs them; only the faults that are slower take longer for it."""


@pytest.fixture
async def sage():
    async with Simulator(demo=True) as running:
        yield running


def calls():
    return [
        Call(f"id-{number}", document(number=number, key=f"invoice/{number}", account="40010"), "CUST-10021")
        for number in NUMBERS
    ]


async def post(url):
    async with SageClient(url, *SENDER) as client:
        answers = await client.post(LOGIN, calls())
    assert all(isinstance(each, Done) for each in answers)


@pytest.mark.parametrize("kind", [*KINDS, BEYOND_LEASE])
async def test_each_fault_leaves_behind_what_it_says_and_the_proxy_knows_it(sage, kind):
    proxy = Proxy(sage.url, 1, rate=1.0, kinds=(kind,), patience=PATIENCE, lease=PATIENCE + 0.1)
    proxy.on = False
    await proxy.start()
    try:
        async with SageClient(proxy.url, *SENDER, timeouts=replace(Timeouts(), total=PATIENCE)) as client:
            await client.probe(LOGIN)  # the session is opened in peace, and led back to the proxy
            proxy.on = True
            answers = await client.post(LOGIN, calls())
            proxy.on = False
            while proxy.held:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
            booked = len(sage.store.documents())
            executed = {"drop_midway": 2}.get(kind, 4 if kind in {*UNHEARD, "latency"} else 0)
            # A session that expired is opened anew, in which the fault strikes again; then nothing is executed.
            assert (kind, booked) == (kind, executed)
            assert proxy.seen.struck[kind] >= 1
            assert sum(proxy.seen.executed.values()) == executed
            assert proxy.seen.unheard == (executed if kind in UNHEARD else 0)
            assert all(isinstance(each, Done) for each in answers) == (kind == "latency")
            again = await client.post(LOGIN, calls())
    finally:
        await proxy.stop()
    assert Counter(each["number"] for each in sage.store.documents()) == Counter(NUMBERS)
    assert proxy.seen.refused_again == executed
    assert sum(isinstance(each, Done) for each in again) == len(NUMBERS) - executed


async def test_books_read_by_query_are_those_of_the_database(sage):
    await post(sage.url)
    top = replace(LOGIN, entity_id=None)
    async with SageClient(sage.url, *SENDER) as client:
        read = await by_query(client, [top])
    assert sorted(read, key=str) == sorted(of_simulator(sage.store.documents()), key=str)
    assert {each.number for each in read} == set(NUMBERS)


async def test_documents_that_stood_before_the_run_are_not_of_the_run(sage):
    env = {"ALVYS_SAGE_SENDER_ID": SENDER[0], "ALVYS_SAGE_SENDER_PASSWORD": SENDER[1].get_secret_value()}
    other = OtherGateway(sage.url, env)
    assert await other.books() == []
    await post(other.start())
    assert {each.number for each in await other.books()} == set(NUMBERS)
    later = OtherGateway(sage.url, env)
    await later.books()
    assert await later.books() == []


@asynccontextmanager
async def through(sage, **options):
    """A proxy before the simulator, which strikes no request, and a client behind it."""
    proxy = Proxy(sage.url, 1, rate=0.0, patience=PATIENCE, lease=60.0, **options)
    await proxy.start()
    try:
        async with SageClient(proxy.url, *SENDER, timeouts=replace(Timeouts(), total=PATIENCE)) as client:
            await client.probe(LOGIN)
            yield proxy, client
    finally:
        await proxy.stop()


async def test_a_company_that_hangs_gets_no_answer_and_others_do(sage):
    async with through(sage) as (proxy, client):
        proxy.manners["BLUEMESA"] = "hangs"
        answers = await client.post(LOGIN, calls())
        assert not any(isinstance(each, Done) for each in answers)
        assert proxy.seen.hung == 1
        await client.probe(Login("HIGHLINE", "alvys_ws", SecretStr("user-secret"), None))
        assert proxy.seen.hung == 1


async def test_a_company_that_is_slow_answers_within_the_time_of_an_exchange(sage):
    async with through(sage) as (proxy, client):
        proxy.manners["BLUEMESA"] = "slow"
        began = asyncio.get_running_loop().time()
        assert all(isinstance(each, Done) for each in await client.post(LOGIN, calls()))
        assert asyncio.get_running_loop().time() - began >= PATIENCE * 0.2
        assert proxy.seen.slowed == 1


async def test_a_query_that_lags_does_not_show_what_was_posted_since(sage):
    keys = [DocumentKey(SageObject.AR_INVOICE, number, "CUST-10021") for number in NUMBERS]
    async with through(sage) as (proxy, client):
        done = await client.post(LOGIN, calls())
        assert all(isinstance(each, Done) for each in done)
        assert all(await client.find(LOGIN, keys))
        proxy.lag = 60.0
        assert not any(await client.find(LOGIN, keys))
        assert proxy.books.hidden == len(NUMBERS)
