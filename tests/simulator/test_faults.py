import asyncio

import aiohttp
import pytest
from lxml import etree

from simulator import Fault
from simulator.faults import Faults
from tests.support.gateway_client import GatewayClient, errors, invoice, statuses, texts


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_before_the_commit_leaves_nothing(client: GatewayClient, sim, status):
    sim.faults.add(Fault(kind="http_error", status=status, times=1))
    answered, _ = await client.raw(client.envelope(invoice(control_id="x")))
    assert answered == status
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0
    await client.ok(invoice(control_id="x"))


@pytest.mark.parametrize(
    ("kind", "invoices"), [("drop_before_commit", 0), ("drop_after_commit", 1), ("drop_midway", 2)]
)
async def test_a_dropped_connection_is_seen_as_such_whatever_was_committed(client: GatewayClient, sim, kind, invoices):
    sim.faults.add(Fault(kind=kind, times=1))
    functions = [invoice(f"N{i}", control_id=f"c{i}") for i in range(4 if kind == "drop_midway" else 1)]
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await client.raw(client.envelope(*functions))
    assert sim.store.state()["BLUEMESA"]["invoices"] == invoices
    assert statuses(await client.send(*functions)).count("failure") == invoices


async def test_a_transaction_that_dies_midway_leaves_nothing(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="drop_midway", times=1))
    client.transaction = "true"
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await client.raw(client.envelope(invoice("A"), invoice("B")))
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0


@pytest.mark.parametrize(
    ("kind", "status"), [("timeout_524", 524), ("http_error_after_commit", 500), ("truncated", 200)]
)
async def test_an_answer_lost_after_the_commit_leaves_the_document(client: GatewayClient, sim, kind, status):
    sim.faults.add(Fault(kind=kind, times=1))
    answered, body = await client.raw(client.envelope(invoice(control_id="x")))
    assert answered == status
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(body)
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1
    assert statuses(await client.send(invoice(control_id="x"))) == ["failure"]


async def test_a_rate_limit_answers_429_with_its_header(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="throttled", retry_after=7, times=1))
    async with client.http.post(client.url, data=client.envelope(invoice())) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "7"
        assert errors(etree.fromstring(await response.read())) == ["GW-0010"]
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("offline", "The Service is Temporarily Off-line"),
        ("throttled_in_200", "API rate limit exceeded"),
        ("silent_failure", ""),
    ],
)
async def test_trouble_within_a_200_executes_nothing(client: GatewayClient, sim, kind, text):
    sim.faults.add(Fault(kind=kind, times=1))
    root = await client.send(invoice())
    assert statuses(root) == ["failure"]
    assert text in texts(root)
    assert (root.find(".//errormessage") is None) == (kind == "silent_failure")
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0


async def test_an_expired_session_is_refused_and_a_new_one_works(client: GatewayClient, sim):
    client.session = (await client.ok("<getAPISession/>")).findtext(".//api/sessionid")
    sim.faults.add(Fault(kind="expire_session", times=1))
    assert errors(await client.send(invoice())) == ["XL03000006"]
    client.session = ""
    await client.ok(invoice())


async def test_a_fault_strikes_only_its_company_and_function_and_so_often(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="http_error", company="HIGHLINE", times=5))
    sim.faults.add(Fault(kind="http_error", function="create_invoice", times=2))
    await client.ok("<getDimensions/>")
    assert [(await client.raw(client.envelope(invoice())))[0] for _ in range(3)] == [500, 500, 200]
    assert sim.faults.struck == 2


async def test_probabilities_are_repeatable(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="http_error", probability=0.5))
    answered = [(await client.raw(client.envelope("<getDimensions/>")))[0] for _ in range(12)]
    again = Faults(seed=1, active=[Fault(kind="http_error", probability=0.5)])
    assert answered == [500 if again.strike("BLUEMESA", ["getDimensions"]) else 200 for _ in range(12)]
    assert set(answered) == {200, 500}


async def test_latency_holds_up_no_other_request(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="latency", seconds=0.5, times=1))
    slow = asyncio.create_task(client.send(invoice("SLOW")))
    await asyncio.sleep(0.05)
    await client.ok(invoice("FAST"))
    assert not slow.done()
    await slow
    assert [document["number"] for document in sim.store.documents()] == ["FAST", "SLOW"]


async def test_a_slow_answer_was_committed_before_it_is_sent(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="slow_answer", seconds=0.5, times=1))
    slow = asyncio.create_task(client.send(invoice()))
    await asyncio.sleep(0.2)
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1
    assert not slow.done()
    await slow


async def test_beyond_its_limit_a_company_is_refused_and_its_neighbour_is_not(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", max_concurrent=1)
    sim.faults.add(Fault(kind="latency", seconds=0.3, times=1))
    first = asyncio.create_task(client.send(invoice("A")))
    await asyncio.sleep(0.05)
    status, body = await client.raw(client.envelope(invoice("B")))
    assert (status, errors(etree.fromstring(body))) == (429, ["GW-0010"])
    neighbour = GatewayClient(client.http, client.url, company="HIGHLINE", entity="")
    await neighbour.ok("<getDimensions/>")
    assert statuses(await first) == ["success"]
    assert sim.traffic.throttled == 1


async def test_beyond_its_limit_a_company_can_queue_instead(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", max_concurrent=1, when_busy="queue")
    sim.faults.add(Fault(kind="latency", seconds=0.05))
    await asyncio.gather(*(client.ok(invoice(f"N{number}")) for number in range(4)))
    assert sim.traffic.peaks["BLUEMESA"] == 1
    assert sim.store.state()["BLUEMESA"]["invoices"] == 4
