from datetime import datetime

import pytest
from lxml import etree

from simulator.seed import Company, Sender, User
from tests.support.gateway_client import GatewayClient, errors, query, statuses


@pytest.mark.parametrize("wrong", ["company", "user", "password", "entity"])
async def test_a_wrong_sign_in_fails_beside_the_authentication_block(client: GatewayClient, wrong):
    setattr(client, wrong, "wrong")
    root = await client.send("<getDimensions/>")
    assert root.findtext("control/status") == "success"
    assert root.findtext("operation/authentication/status") == "failure"
    assert root.findtext("operation/errormessage/error/errorno") == "XL03000006"
    assert statuses(root) == []


async def test_a_child_location_is_no_place_to_sign_in(client: GatewayClient):
    client.entity = "110"
    assert errors(await client.send("<getDimensions/>")) == ["XL03000006"]


@pytest.mark.parametrize("wrong", ["sender", "sender_password"])
async def test_an_unknown_sender_is_refused_by_the_gateway(client: GatewayClient, wrong):
    setattr(client, wrong, "wrong")
    status, body = await client.raw(client.envelope("<getDimensions/>"))
    assert status == 401
    assert errors(etree.fromstring(body)) == ["XMLGW_JPP0002"]


async def test_a_sender_the_company_did_not_authorise_is_refused(client: GatewayClient, sim):
    company = Company(company_id="CLOSED", users=(User(id="u", password="p"),))
    sim.store.load_company(company, (Sender(id="other", password="x"),))
    client.company, client.user, client.password, client.entity = "CLOSED", "u", "p", ""
    root = await client.send("<getDimensions/>")
    assert root.findtext("operation/authentication/status") == "failure"
    assert root.findtext("operation/errormessage/error/description") == "Invalid Web Services Authorization"


async def test_a_session_opens_at_the_entity_and_names_its_endpoint(client: GatewayClient):
    client.entity = ""
    root = await client.ok("<getAPISession><locationid>200</locationid></getAPISession>")
    assert root.findtext(".//api/locationid") == "200"
    assert root.findtext(".//api/endpoint") == client.url
    client.session = root.findtext(".//api/sessionid")
    answer = await client.ok("<getDimensions/>")
    assert answer.findtext("operation/authentication/locationid") == "200"


async def test_an_empty_location_opens_the_session_at_the_top_level(client: GatewayClient):
    root = await client.ok("<getAPISession><locationid/></getAPISession>")
    assert not root.findtext(".//api/locationid")


async def test_a_session_slides_and_then_expires(client: GatewayClient, clock):
    client.session = (await client.ok("<getAPISession/>")).findtext(".//api/sessionid")
    for _ in range(3):
        clock.advance(minutes=100)
        root = await client.ok("<getDimensions/>")
        until = datetime.fromisoformat(root.findtext("operation/authentication/sessiontimeout"))
        assert (until - clock.now).total_seconds() == 7200
    clock.advance(minutes=121)
    root = await client.send("<getDimensions/>")
    assert root.findtext("operation/authentication/status") == "failure"
    assert errors(root) == ["XL03000006"]


async def test_a_denied_object_is_a_missing_permission(client: GatewayClient, sim):
    sim.store.load_company(
        Company(company_id="ACME", senders=("AlvysMPP",), users=(User(id="u", password="p", denied=("query VENDOR",)),))
    )
    client.company, client.user, client.password, client.entity = "ACME", "u", "p", ""
    assert errors(await client.send(query("VENDOR", "NAME"))) == ["PL04000005"]
    await client.ok(query("CUSTOMER", "NAME"))


async def test_the_endpoint_of_a_session_is_the_address_the_caller_used(client: GatewayClient):
    client.url = client.url.replace("127.0.0.1", "localhost")  # as through a mapped port, or a container's name
    root = await client.send("<getAPISession/>")
    assert root.findtext(".//endpoint") == client.url
