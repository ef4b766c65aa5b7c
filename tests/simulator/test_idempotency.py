import asyncio

import pytest

from simulator import Fault, Simulator
from simulator.errors import ASSUMED_DUPLICATE_CONTROL_ID
from tests.support.gateway_client import LINE, GatewayClient, errors, invoice, statuses, texts


async def test_a_completed_function_is_refused_and_its_first_answer_is_not_given_again(client: GatewayClient, sim):
    await client.ok(invoice(control_id="once"))
    root = await client.send(invoice(control_id="once"))
    assert statuses(root) == ["failure"]
    assert errors(root) == [ASSUMED_DUPLICATE_CONTROL_ID]
    assert root.find(".//key") is None
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1


async def test_a_failed_function_may_be_sent_again_with_the_same_id(client: GatewayClient, sim):
    assert statuses(await client.send(invoice(party="NOBODY", control_id="again"))) == ["failure"]
    await client.ok(invoice(control_id="again"))
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1


async def test_a_control_id_used_twice_in_one_request_runs_once(client: GatewayClient, sim):
    root = await client.send(invoice("A", control_id="same"), invoice("B", control_id="same"))
    assert statuses(root) == ["success", "failure"]
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1


async def test_unique_ids_are_the_default_and_false_switches_them_off(client: GatewayClient, sim):
    client.unique = ""
    await client.ok(invoice(control_id="once"))
    assert statuses(await client.send(invoice(control_id="once"))) == ["failure"]
    client.unique = "<uniqueid>false</uniqueid>"
    await client.ok(invoice(control_id="once"))
    assert sim.store.state()["BLUEMESA"]["invoices"] == 2


async def test_control_ids_are_counted_per_company(client: GatewayClient, sim):
    await client.ok(invoice(control_id="once"))
    client.company, client.entity = "HIGHLINE", ""
    await client.ok(invoice(lines=LINE.replace("<locationid>100</locationid>", ""), party="C-1", control_id="once"))
    assert [state["control_ids"] for state in sim.store.state().values()] == [1, 1]


async def test_a_control_id_outlives_the_process(tmp_path, client: GatewayClient):
    path = str(tmp_path / "gateway.sqlite")
    async with Simulator(path, demo=True) as first:
        client.url = first.url
        await client.ok(invoice(control_id="once"))
    async with Simulator(path) as second:
        client.url = second.url
        assert errors(await client.send(invoice(control_id="once"))) == [ASSUMED_DUPLICATE_CONTROL_ID]
        assert second.store.state()["BLUEMESA"]["invoices"] == 1


async def test_a_duplicate_in_flight_is_refused(client: GatewayClient, sim):
    sim.faults.add(Fault(kind="latency", seconds=0.3, times=1))
    first = asyncio.create_task(client.send(invoice(control_id="once")))
    await asyncio.sleep(0.1)
    second = await client.send(invoice(control_id="once"))
    assert statuses(second) == ["failure"]
    assert "A request's function with the control ID once is in process." in texts(second)
    assert statuses(await first) == ["success"]
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1


async def test_a_transaction_rolls_back_everything_and_records_no_control_id(client: GatewayClient, sim):
    client.transaction = "true"
    functions = [
        invoice("A", control_id="t1"),
        invoice("B", party="NOBODY", control_id="t2"),
        invoice("C", control_id="t3"),
    ]
    root = await client.send(*functions)
    assert statuses(root) == ["aborted", "failure", "aborted"]
    failed = root.findall("operation/result")[1]
    assert [number.text for number in failed.iterfind("errormessage/error/errorno")][-1] == "XL03000009"
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0
    client.transaction = "false"
    assert statuses(await client.send(*functions)) == ["success", "failure", "success"]


async def test_a_crash_between_effect_and_control_id_leaves_neither(client: GatewayClient, sim, monkeypatch):
    def dies(*_: object) -> None:
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(sim.store, "remember", dies)
        status, _ = await client.raw(client.envelope(invoice(control_id="once")))
        assert status == 500
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0
    await client.ok(invoice(control_id="once"))
    assert sim.store.state()["BLUEMESA"]["invoices"] == 1


@pytest.mark.parametrize("count", [100])
async def test_results_answer_functions_by_control_id_in_order(client: GatewayClient, count):
    ids = [f"c-{number}" for number in range(count)]
    root = await client.ok(*(invoice(f"N-{name}", control_id=name) for name in ids))
    assert [element.text for element in root.iterfind("operation/result/controlid")] == ids
