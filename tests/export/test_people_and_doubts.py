"""Where a person's word, a newer revision and a doubt meet. Promises 1, 2, 4 and 6."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from consumers.export import metrics
from domain.codes import Code
from domain.events import ContractError
from sage_client.errors import RefusedError, SignInError
from tests.support.eventually import until
from tests.support.exported_invoices import rejected
from tests.support.world import MASTER, QUICK, invoice, key


async def test_a_command_about_an_older_revision_does_not_end_the_search_for_a_newer_one(world):
    await rejected(world, "a")
    held = asyncio.Event()
    world.sage.script.extend([held, "vanished"])
    async with world.worker() as running:
        await world.ask("retry", documents=["invoice/a"])
        await running.until_waiting("invoice/a", 0)
        await world.sage.arrived.wait()
        await world.send_invoices("a", amount="120.00")
        await running.until_waiting("invoice/a", 1)
        await world.ask("retry", documents=["invoice/a"])
        await running.until_waiting("invoice/a", 2)
        world.sage.refuse = {"a": RefusedError("Invalid customer")}
        held.set()
        await world.until(2, "rejected")
        world.sage.refuse.clear()
        await world.until(1, "posted")
    assert [str(each.total) for each in world.sage.booked] == ["120.00"]


async def test_an_older_record_that_is_read_again_does_not_take_the_place_of_a_newer_one_in_doubt(world):
    older = invoice("a", "100.00")
    await world.send((key("a"), b"{"))
    world.sage.script.extend(["vanished"])
    async with world.worker():
        [dead] = await world.until_dead(1)
        headers = dict(dead.headers)
        source = {
            "topic": world.topics.invoice_created,
            "partition": int(headers["kafka_dlt-original-partition"]),
            "offset": int(headers["kafka_dlt-original-offset"]),
        }
        await world.send_invoices("a", amount="120.00")
        await world.until(1, "uncertain")
        await world.read_again(source, key("a"), older)
        results = await world.until(1, "skipped")
    assert [str(each.total) for each in world.sage.booked] == ["120.00"]
    assert [each["outcome"] for each in results] == ["uncertain", "posted", "skipped"]
    assert results[-1]["code"] == "SUPERSEDED"


async def test_a_record_that_is_read_again_takes_no_mark_away(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="by hand")
        [*_, marked] = await world.until(1, "skipped")
        later = marked["source"] | {"offset": marked["source"]["offset"] + 10}
        await world.read_again(later, key("a"), invoice("a", "120.00"))
        await world.until(2, "rejected")
        await world.send_invoices("a")
        await world.until(2, "skipped")
    assert world.sage.booked == []


async def test_a_mark_that_was_taken_away_does_not_come_back_with_a_doubt(world):
    await rejected(world, "a")
    world.sage.script.extend(["vanished"])
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="by hand")
        await world.until(1, "skipped")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "uncertain")
        await world.set(MASTER, None)
        await world.until(1, "deferred")
        await world.set(MASTER, {"account": "4000"})
        await world.until(1, "posted")


@pytest.mark.kafka("both")
@pytest.mark.parametrize("seen", [True, False], ids=["found", "found later"])
async def test_a_doubt_that_was_ended_by_a_mark_is_looked_up_when_the_mark_is_taken_away(world, seen):
    """By then Sage may have forgotten the control id: the look-up is a guard of its own."""
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.ask("mark-synced", documents=["invoice/a"], why="seen in Sage")
        await world.until(1, "skipped")
    world.sage.executed.clear()
    world.sage.hidden = not seen
    async with world.worker():
        await world.ask("retry", documents=["invoice/a"])
        if not seen:
            await world.until(2, "uncertain")
            world.sage.hidden = False
        await world.until(1, "posted")
    entries, _ = await world.ledger()
    assert dict(world.sage.keys) == {"invoice/a": 1}
    assert entries["invoice/a"].marked is None


async def test_a_retry_takes_away_no_mark_that_was_made_after_it(world):
    """It is read again when its worker stopped before all that it asked for was answered."""
    await rejected(world, "a")
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand")
        await world.until(1, "skipped")
        await world.ask("retry", documents=["invoice/a"], at="2026-06-11T07:59:59Z")
        await world.ask("mark-synced", documents=["invoice/b"], why="nobody knows it")
        await world.send_invoices("z")
        await world.until(1, "posted")
    entries, _ = await world.ledger()
    assert dict(world.sage.keys) == {"invoice/z": 1}
    assert entries["invoice/a"].marked is not None


async def test_a_mark_that_is_read_again_does_not_reach_a_later_revision(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand")
        await world.until(1, "skipped")
        await world.send_invoices("a", amount="120.00")
        await world.until(2, "rejected")
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand")
        await world.send_invoices("z")
        await world.until(1, "posted")
    entries, _ = await world.ledger()
    assert entries["invoice/a"].last.code == "CHANGED_AFTER_POSTING"


async def test_a_trial_passes_over_an_event_that_can_no_longer_be_read(world):
    world.sage.down = SignInError("wrong password")
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
    slow = replace(QUICK, half_open_after=timedelta(seconds=1))
    async with world.worker(slow) as running:
        await running.until_open(10)
        await asyncio.sleep(0.2)  # what waits is looked at, and the circuit opens
        for session in running.worker._sessions.values():
            session.receive = unreadable(session.receive)
        world.sage.down = None
        await until(lambda: world.sage.probes)
        await world.send_invoices("b")
        await world.until(1, "posted")
    assert dict(world.sage.keys) == {"invoice/b": 1}


def unreadable(receive):
    def read(value):
        received = receive(value)
        if received.key == "invoice/a":
            raise ContractError(Code.SCHEMA_VIOLATION, "a version that reads it otherwise")
        return received

    return read


async def test_documents_in_doubt_hold_up_neither_what_waits_nor_what_people_ask(world):
    config = replace(QUICK, max_in_flight=2, max_execution_time=timedelta(minutes=1))
    await world.connect("sub-2", company="OTHER")
    await world.set("sub-2/account/ar/default/default", None)
    await world.send(*((key(each), invoice(each, subsidiary="sub-2")) for each in ("w", "x", "y")))
    async with world.worker(config):
        await world.until(3, "deferred")
        world.sage.script.extend(["lost"] * 6)
        world.sage.hidden = True
        await world.send_invoices(*(f"n{number}" for number in range(6)))
        await world.until(6, "uncertain")
        world.sage.script.clear()
        await world.set("sub-2/account/ar/default/default", {"account": "4100"})
        await world.until(3, "posted")


async def test_a_document_that_a_person_spoke_for_needs_nobody_any_more(world):
    metrics.NEED_A_PERSON.clear()  # a worker that an earlier test killed takes its figure along no more
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")

    def need():
        return metrics.NEED_A_PERSON.labels("ACME")._value.get()  # the registry would collect every figure each time

    async with world.worker(replace(QUICK, max_half_open_delay=timedelta(seconds=0.2))):
        await until(lambda: need() == 1)
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand")
        await world.until(1, "skipped")
        await until(lambda: need() == 0)


async def test_a_defect_met_between_two_turns_ends_the_worker_and_is_not_swallowed(world):
    async with world.worker() as running:
        await running.until_open(10)
        session = next(iter(running.worker._sessions.values()))

        def defect():
            raise ZeroDivisionError

        session._recall._next = defect
        asyncio.get_running_loop().call_soon(session._recall.drain)
        running.killed = True
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(5):
                await running.task
