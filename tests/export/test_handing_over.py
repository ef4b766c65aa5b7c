"""Promises 1 and 2 where a partition changes hands in the middle of something."""

import asyncio

import pytest

from tests.support.exported_invoices import once


@pytest.mark.kafka("both")
async def test_records_read_before_a_rewind_are_not_handed_to_the_session_that_opened_after_it(world):
    numbers = [f"n{number}" for number in range(10)]
    async with world.worker() as running:
        await running.until_open(10)
        worker = running.worker
        fresh = worker._settings_are_fresh
        reopened: list[object] = []

        async def meanwhile():
            """The partitions fail and are opened again while the records are in our hands."""
            if not reopened:
                for session in [each for source, each in worker._sessions.items() if "invoice" in source.topic]:
                    reopened.append(session)
                    await worker._reopen(session, 0)
            return await fresh()

        worker._settings_are_fresh = meanwhile
        await world.send_invoices(*numbers)
        results = await world.until(10, "posted")
    assert reopened
    assert len(results) == 10
    assert once(world, numbers)


@pytest.mark.kafka("both")
async def test_a_rebalance_during_a_stop_loses_nothing_and_posts_nothing_twice(world):
    held = asyncio.Event()
    world.sage.script.extend([held])
    await world.send_invoices("a", "b", "c")
    async with world.worker(session_timeout_ms=6_000) as first:
        await world.sage.arrived.wait()
        first.stop.set()
        await asyncio.sleep(0)  # it is letting go, and waits for its call
        async with world.worker(session_timeout_ms=6_000) as second:
            await asyncio.sleep(0.5)  # the second asks for its share meanwhile
            assert not second.worker.assigned
            held.set()
            results = await world.until(3, "posted")
            await second.until_open(10)
    posted = sorted(each["documentKey"] for each in results if each["outcome"] == "posted")
    assert posted == ["invoice/a", "invoice/b", "invoice/c"]
    # On a busy machine, a call may have been in doubt before.
    assert {each["outcome"] for each in results} <= {"posted", "uncertain"}
    assert once(world, ["a", "b", "c"])
    assert await world.committed() == await world.ends()
