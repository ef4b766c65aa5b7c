"""The engine with the real client before the simulator, over real HTTP: promise 2 where the wire has a part in it."""

from dataclasses import replace

import orjson
import pytest

from simulator import Fault
from tests.support.eventually import until
from tests.support.over_http import COMPANY, creates, customer, send
from tests.support.world import SUBSIDIARY, invoice, key

KINDS = [("100.00", "create_invoice", "ARINVOICE"), ("-100.00", "create_aradjustment", "ARADJUSTMENT")]


@pytest.fixture
def world(world_over_http):
    return world_over_http


@pytest.mark.feature("ar.creditMemos")
@pytest.mark.parametrize(("amount", "function", "kind"), KINDS)
@pytest.mark.parametrize("fault", ["slow_answer", "drop_after_commit", "timeout_524", "truncated"])
async def test_a_time_out_after_the_bytes_left_is_looked_up_and_never_sent_again(
    world, gateway, fault, amount, function, kind
):
    await world.connect(SUBSIDIARY, company=COMPANY, ar={"creditMemos": True})
    gateway.faults.add(Fault(kind=fault, function=function, times=1, seconds=3))
    await send(world, "a", "b", "c", amount=amount)
    async with world.worker():
        await world.until(3, "posted")
        await send(world, "a", "b", "c", amount=amount)
        await world.until(3, "already_posted")
    booked = [(each["number"], each["kind"], each["total"]) for each in gateway.store.documents(COMPANY)]
    assert sorted(booked) == [(number, kind, amount) for number in "abc"]
    assert creates(gateway, function) == 3


@pytest.mark.kafka("both")
@pytest.mark.feature("ar.creditMemos")
@pytest.mark.parametrize(("amount", "function", "kind"), KINDS)
async def test_a_worker_killed_with_the_call_on_its_way_posts_nothing_twice(world, gateway, amount, function, kind):
    await world.connect(SUBSIDIARY, company=COMPANY, ar={"creditMemos": True})
    gateway.faults.add(Fault(kind="slow_answer", function=function, times=1, seconds=2))
    await send(world, "a", amount=amount)
    async with world.worker() as running:
        await until(lambda: gateway.store.documents(COMPANY))
        await running.kill()
    async with world.worker():
        results = await world.until(1, "posted")
    [document] = gateway.store.documents(COMPANY)
    assert (document["kind"], document["total"]) == (kind, amount)
    assert results[-1]["sage"]["recordNo"] == str(document["recordno"])
    assert creates(gateway, function) == 1


@pytest.mark.feature("negative documents")
async def test_a_credit_that_changed_is_refused_by_its_own_code_and_stays_as_it_is(world, gateway):
    await world.connect(SUBSIDIARY, company=COMPANY, ar={"creditMemos": True})
    await send(world, "a", amount="-100.00")
    async with world.worker():
        await world.until(1, "posted")
        await send(world, "a", amount="-90.00")
        [result] = [each for each in await world.until(1, "rejected") if each["outcome"] == "rejected"]
    assert result["code"] == "CREDIT_CHANGED"
    assert [each["total"] for each in gateway.store.documents(COMPANY)] == ["-100.00"]


@pytest.mark.feature("ar.creditMemos")
async def test_a_credit_without_the_setting_waits_for_nobody_and_is_exported_when_it_is_switched_on(world, gateway):
    await send(world, "a", amount="-100.00")
    async with world.worker():
        [result] = await world.until(1, "rejected")
        assert result["code"] == "NEGATIVE_TOTAL"
        await world.connect(SUBSIDIARY, company=COMPANY, ar={"creditMemos": True})
        await send(world, "a", amount="-100.00")
        [posted] = [each for each in await world.until(1, "posted") if each["outcome"] == "posted"]
    assert (posted["document"]["object"], posted["document"]["total"]) == ("ARADJUSTMENT", "-100.00")


async def test_a_number_that_someone_elses_document_carries_is_refused_and_never_adopted(world, gateway):
    gateway.store.configure(COMPANY, refuse_duplicate_numbers=True)
    await send(world, "a")
    async with world.worker():
        await world.until(1, "posted")
        theirs = gateway.store.database
        theirs.execute("UPDATE ARINVOICE SET DESCRIPTION = 'entered by hand', RECORDID = 'b' WHERE RECORDID = 'a'")
        await send(world, "b")
        results = await world.until(1, "rejected")
    assert results[-1]["code"] == "SAGE_DUPLICATE_NUMBER"
    assert "which is not ours" in results[-1]["detail"]
    assert len(gateway.store.documents(COMPANY)) == 1


@pytest.mark.parametrize("refused", [False, True], ids=["duplicates allowed", "duplicates refused"])
async def test_a_number_that_another_document_of_ours_has_does_not_answer_for_a_call_that_was_dropped(
    world, gateway, refused
):
    gateway.store.configure(COMPANY, refuse_duplicate_numbers=refused)
    event = orjson.loads(invoice("b", "120.00", customer=customer()))
    event["data"]["invoice"]["number"] = "a"
    await send(world, "a")
    async with world.worker():
        await world.until(1, "posted")
        gateway.faults.add(Fault(kind="drop_before_commit", function="create_invoice", times=1))
        await world.send((key("b"), orjson.dumps(event)))
        results = await (world.until(1, "rejected") if refused else world.until(2, "posted"))
    assert [each["outcome"] for each in results] == ["posted", "uncertain", "rejected" if refused else "posted"]
    booked = sorted((each["number"], each["total"]) for each in gateway.store.documents(COMPANY))
    assert booked == [("a", "100.00"), ("a", "120.00")][: 1 if refused else 2]
    if refused:
        assert results[-1]["code"] == "SAGE_DUPLICATE_NUMBER"
        assert "another document of Alvys" in results[-1]["detail"]


async def test_all_requests_of_the_engine_to_one_company_share_its_limit(world, gateway):
    gateway.store.configure(COMPANY, max_concurrent=1, when_busy="refuse")
    gateway.faults.add(Fault(kind="drop_after_commit", function="create_invoice", probability=0.5, seconds=0))
    await send(world, *(f"n{number}" for number in range(40)))
    async with world.worker(config=replace(world.config, max_documents_per_request=4)):
        await until(lambda: len(gateway.store.documents(COMPANY)) == 40)
        gateway.faults.clear()
        await world.until(40, "posted")
    counts = gateway.traffic.counts(0)
    assert counts["in_flight_max_by_company"] == {COMPANY: 1}
    assert counts["throttled"] == 0
    assert creates(gateway) == 40
