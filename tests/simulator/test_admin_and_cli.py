import asyncio
import re
import signal
import sys

import aiohttp
import pytest

from simulator import demo_seed
from tests.support.gateway_client import GatewayClient, bill, errors, invoice, query


async def test_the_state_is_counted_from_the_database(client: GatewayClient, sim):
    await client.ok(invoice("A"), invoice("B"), bill("C"))
    async with client.http.get(f"{sim.base_url}/admin/state") as response:
        state = (await response.json())["companies"]["BLUEMESA"]
    assert state == {
        "invoices": 2,
        "invoice_total": "4900.00",
        "bills": 1,
        "bill_total": "1800.00",
        "payments": 0,
        "control_ids": 3,
    }


async def test_documents_are_listed_with_the_control_id_that_created_them(client: GatewayClient, sim):
    await client.ok(invoice(control_id="abc"))
    async with client.http.get(f"{sim.base_url}/admin/documents", params={"company": "BLUEMESA"}) as response:
        (document,) = (await response.json())["documents"]
    assert (document["control_id"], document["total"], document["entity"]) == ("abc", "2450.00", "100")
    assert document["lines"][0]["dimensions"] == {"LOCATIONID": "100"}


async def test_requests_are_counted_by_function(client: GatewayClient, sim):
    await asyncio.gather(*(client.ok(invoice(f"N{number}"), "<getDimensions/>") for number in range(3)))
    async with client.http.get(f"{sim.base_url}/admin/requests") as response:
        counts = await response.json()
    assert counts["requests"] == 3
    assert counts["functions"] == {"create_invoice": 3, "getDimensions": 3}
    assert counts["in_flight"] == 0


async def test_faults_are_set_listed_and_removed_over_http(client: GatewayClient, sim):
    url = f"{sim.base_url}/admin/faults"
    async with client.http.post(url, json={"kind": "http_error", "status": 503, "times": 3}) as response:
        assert [fault["kind"] for fault in (await response.json())["faults"]] == ["http_error"]
    assert (await client.raw(client.envelope(invoice())))[0] == 503
    async with client.http.delete(url) as response:
        assert await response.json() == {"faults": []}
    await client.ok(invoice())
    async with client.http.post(url, json={"kind": "earthquake"}) as response:
        assert response.status == 400


async def test_a_company_is_loaded_changed_and_paid_over_http(client: GatewayClient, sim):
    admin = f"{sim.base_url}/admin"
    company = {
        "company_id": "NEWCO",
        "senders": ["AlvysMPP"],
        "users": [{"id": "u", "password": "p"}],
        "customers": [{"id": "C", "name": "Cee", "status": "active"}],
        "accounts": [{"number": "4000", "title": "Revenue"}],
        "ar_terms": [{"name": "Net 30", "days": 30}],
    }
    async with client.http.post(f"{admin}/company", json=company) as response:
        assert "NEWCO" in (await response.json())["companies"]
    client.company, client.user, client.password, client.entity = "NEWCO", "u", "p", ""
    line = "<lineitem><glaccountno>4000</glaccountno><amount>10</amount></lineitem>"
    await client.ok(invoice("A", line, party="C"))
    payment = {"company": "NEWCO", "side": "AR", "applied": {"1": "4.00"}, "on": "2026-03-15"}
    async with client.http.post(f"{admin}/payments", json=payment) as response:
        assert await response.json() == {"recordno": 1}
    assert sim.store.documents("NEWCO")[0]["due"] == "6.00"
    void = {"company": "NEWCO", "side": "AR", "recordno": 1}
    async with client.http.post(f"{admin}/payments/void", json=void) as response:
        assert response.status == 200
    async with client.http.patch(f"{admin}/company/NEWCO/customer/C", json={"STATUS": "inactive"}) as response:
        assert response.status == 200
    assert (await client.send(invoice("B", line, party="C"))).findtext("operation/result/status") == "failure"
    async with client.http.patch(f"{admin}/company/NEWCO", json={"books_closed_through": "2026-12-31"}) as response:
        assert (await response.json())["books_closed_through"] == "2026-12-31"
    async with client.http.patch(f"{admin}/company/NOBODY", json={}) as response:
        assert response.status == 404
    async with client.http.post(f"{admin}/company", json={"company_id": "X", "colour": "red"}) as response:
        assert response.status == 400
        assert "colour" in await response.text()


async def test_what_a_company_has_is_changed_over_http(client: GatewayClient, sim):
    projects = query("PROJECT", "PROJECTID")
    assert errors(await client.send(projects)) == []
    url = f"{sim.base_url}/admin/company/BLUEMESA"
    for preset, status in (("barest", 200), ("bare", 400)):
        async with client.http.patch(url, json={"preset": preset}) as response:
            assert response.status == status
    assert errors(await client.send(projects)) == ["XL03000009"]
    async with client.http.patch(url, json={"subscriptions": ["Projects"]}) as response:
        assert (await response.json())["common_fields_only"]
    assert errors(await client.send(projects)) == []


async def test_loading_a_company_again_keeps_its_documents_and_record_numbers(client: GatewayClient, sim):
    await client.ok(invoice())
    before = sim.store.documents()
    sim.store.load(demo_seed())
    assert sim.store.documents() == before
    await client.ok(invoice("INV-2"))


@pytest.mark.parametrize("module", [["-m", "simulator"]])
async def test_the_command_says_where_it_listens_and_stops_on_sigterm(module, tmp_path):
    arguments = ["--port", "0", "--demo", "--preset", "barest", "--database", str(tmp_path / "gateway.sqlite")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *module, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/ia/xml/xmlgw\.phtml)", line)
    assert found, line
    async with aiohttp.ClientSession() as http:
        client = GatewayClient(http, found.group(1))
        await client.ok(invoice())
        assert errors(await client.send(query("PROJECT", "PROJECTID"))) == ["XL03000009"]
    taken = await asyncio.create_subprocess_exec(
        sys.executable, *module, "--port", found.group(1).split(":")[2].split("/")[0],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, complaint = await asyncio.wait_for(taken.communicate(), 20)
    assert (taken.returncode, out) == (2, b"")
    assert b"Traceback" not in complaint
    process.send_signal(signal.SIGTERM)
    rest, complaints = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, rest, complaints) == (0, b"", b"")
