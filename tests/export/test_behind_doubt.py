"""A later revision of a document in doubt ends its record, and keeps its event and its turn. Promises 1 and 4."""

import pytest

from tests.support.eventually import until
from tests.support.exported_invoices import answers, stands
from tests.support.world import invoice, key


@pytest.mark.kafka("both")
async def test_what_stands_behind_a_doubt_ends_its_record_and_follows_in_the_next_worker(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker() as running:
        await world.until(1, "uncertain")
        await world.send_invoices("a", amount="110.00")
        await world.send_invoices("a", amount="120.00")
        results = await world.until(2, "deferred")
        assert sorted(answers(results)[1:]) == [
            ("deferred", "EARLIER_REVISION_IN_DOUBT"),
            ("deferred", "EARLIER_REVISION_IN_DOUBT"),
            ("skipped", "SUPERSEDED"),
        ]
        await world.until_all_committed()  # nothing is left to read: the ledger alone has the newest revision
        await running.kill()
    world.sage.hidden = False
    async with world.worker():
        results = await world.until(2, "posted")
    assert answers(results)[4:] == [("posted", None), ("reversed", None), ("posted", None)]
    assert [str(each.total) for each in world.sage.booked] == ["100.00", "120.00"]
    assert world.sage.corrected == [("reverse", "1")]


async def test_what_was_read_before_the_doubt_was_reported_ends_its_record_too(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    await world.send_invoices("a", amount="120.00")
    async with world.worker():
        assert answers(await world.until(1, "deferred")) == [
            ("uncertain", "OUTCOME_UNKNOWN"),
            ("deferred", "EARLIER_REVISION_IN_DOUBT"),
        ]
        await world.until_all_committed()
        world.sage.hidden = False
        await until(lambda: stands(world) == [("a", "120.00")])


async def test_behind_a_doubt_late_and_repeated_events_are_answered_at_once(world):
    older, doubted, newer = invoice("a", "90.00"), invoice("a", "100.00"), invoice("a", "120.00")
    world.sage.script.extend(["vanished"])
    await world.send((key("a"), doubted))
    async with world.worker():
        await world.until(1, "uncertain")
        await world.send((key("a"), older), (key("a"), doubted), (key("a"), newer), (key("a"), newer))
        results = await world.until(2, "deferred")
        await world.until_all_committed()
        assert answers(results)[1:] == [
            ("skipped", "SUPERSEDED"),
            ("uncertain", "OUTCOME_UNKNOWN"),
            ("deferred", "EARLIER_REVISION_IN_DOUBT"),
            ("deferred", "EARLIER_REVISION_IN_DOUBT"),
        ]
        await until(lambda: [str(each.total) for each in world.sage.booked] == ["100.00", "120.00"])
        assert [each["total"] for each in posted_of(await world.until(2, "posted"))] == ["100.00", "120.00"]


def posted_of(results):
    return [each["document"] for each in results if each["outcome"] == "posted"]


async def test_a_kept_revision_whose_content_is_in_sage_already_is_told_and_kept_no_longer(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.send((key("a"), invoice("a", "100.00")))  # the same content, later
        await world.until(1, "deferred")
        world.sage.hidden = False
        results = await world.until(1, "already_posted")
    async with world.worker() as running:
        await running.until_open(10)
        await world.send_invoices("b")
        assert answers(await world.until(2, "posted"))[len(results) :] == [("posted", None)]  # nothing came back of "a"
