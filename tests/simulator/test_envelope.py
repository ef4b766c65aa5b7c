import pytest
from lxml import etree

from tests.support.gateway_client import LINE, GatewayClient, errors, invoice


async def test_xml_that_is_not_well_formed_is_refused_at_the_control_level(client: GatewayClient):
    status, body = await client.raw("<request><control>")
    root = etree.fromstring(body)
    assert status == 200
    assert root.findtext("control/status") == "failure"
    assert errors(root) == ["XL03000003"]
    assert root.find("operation") is None


async def test_an_answer_carries_the_documented_content_type(client: GatewayClient):
    async with client.http.post(client.url, data=b"<x/>") as response:
        assert response.headers["Content-Type"] == 'text/xml; encoding="UTF-8"'


@pytest.mark.parametrize(
    "body",
    [
        invoice()
        .replace("<invoiceno>INV-1</invoiceno>", "")
        .replace("<customerid>", "<invoiceno>1</invoiceno><customerid>"),
        invoice(LINE.replace("<memo>", "<surprise/><memo>"))
        .replace("INV-1", "X")
        .replace("<invoiceitems>", "<invoiceitems><x/>"),
        invoice().replace("<customerid>CUST-10021</customerid>", ""),
        invoice(created="<month>03</month><year>2026</year><day>09</day>"),
    ],
)
async def test_a_legacy_function_out_of_the_schema_refuses_the_whole_request(client: GatewayClient, sim, body):
    root = await client.send(invoice("GOOD"), body)
    assert root.findtext("control/status") == "failure"
    assert errors(root) == ["XL03000003"]
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0


@pytest.mark.parametrize(
    "middle", ["<batchkey>B</batchkey><action>Submit</action>", "<action>Submit</action><batchkey>B</batchkey>"]
)
async def test_both_orders_of_action_and_batchkey_are_accepted(client: GatewayClient, middle):
    await client.ok(invoice(action=middle))


async def test_a_document_type_with_entities_is_refused(client: GatewayClient):
    body = '<!DOCTYPE request [<!ENTITY x "y">]>' + client.envelope("<getDimensions/>")
    _, answer = await client.raw(body)
    assert errors(etree.fromstring(answer)) == ["XL03000003"]


async def test_control_elements_out_of_order_are_refused(client: GatewayClient):
    body = (
        client.envelope("<getDimensions/>")
        .replace(client.unique, "")
        .replace("<senderid>", f"{client.unique}<senderid>")
    )
    _, answer = await client.raw(body)
    assert errors(etree.fromstring(answer)) == ["XL03000003"]


async def test_get_api_session_must_be_alone(client: GatewayClient):
    root = await client.send("<getAPISession/>", "<getDimensions/>")
    assert errors(root) == ["XL03000003"]


async def test_additional_information_is_given_on_request(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", refuse_duplicate_numbers=True)
    await client.ok(invoice())
    client.extra_control = "<showadditionalerrorinfo>true</showadditionalerrorinfo>"
    root = await client.send(invoice())
    assert root.findtext(".//error/additionalinfo/category") == "Duplication Prevention"
    assert "%7E" in root.findtext(".//error/description2")
