import time

from tests.support.gateway_client import LINE, GatewayClient, invoice


async def test_a_hundred_invoices_in_one_request_take_a_fraction_of_a_second(client: GatewayClient, sim):
    spans = []
    for batch in range(3):
        functions = [invoice(f"N-{batch}-{number}", LINE * 3) for number in range(100)]
        start = time.perf_counter()
        await client.ok(*functions)
        spans.append(time.perf_counter() - start)
    assert min(spans) < 0.5
    assert sim.store.state()["BLUEMESA"]["invoices"] == 300
