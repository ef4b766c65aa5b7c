"""Events that come again and events that come late, on the real broker. Promises 1, 4 and 7."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from app.replay.forecast import RecordOutcome
from app.replay.report import total
from app.replay.request import ResetTo
from app.replay.run import look
from consumers.export.ledger.codec import encode
from sage_client.errors import RefusedError
from tests.support.consolidated import by_day, group, rows_of, toll
from tests.support.consolidated import send as send_tolls
from tests.support.exported_invoices import answers
from tests.support.kafka import producing
from tests.support.world import MASTER, emitted, invoice, key


def of(amount, emission, **envelope):
    """A record of document a: emitted as the event of that number."""
    return key("a"), invoice("a", amount, emission=emission, **envelope)


def standing(world):
    return [str(each.total) for each in world.sage.standing_now]


@pytest.mark.kafka("both")
async def test_an_event_delivered_again_or_late_brings_no_old_money_back(world):
    first, second = of("1000.00", 1), of("1150.00", 3)
    late = of("900.00", 2)
    again_later = of("1000.00", 1, timestamp=emitted(60))  # the same event, which its producer stamped anew
    await world.send(first, second, first, late, again_later, late, second)
    async with world.worker():
        results = await world.until(8)
    assert answers(results) == [
        ("posted", None),
        ("reversed", None),
        ("posted", None),
        *[("skipped", "SUPERSEDED")] * 4,
        ("already_posted", None),
    ]
    assert emitted(3) in results[4]["detail"]
    assert standing(world) == ["1150.00"]


async def test_a_true_change_back_is_a_correction_and_a_replay_of_all_of_it_makes_no_call(world):
    await world.send(of("100.00", 1), of("120.00", 2), of("100.00", 3), of("120.00", 2))
    async with world.worker():
        await world.until(1, "skipped")
    assert standing(world) == ["100.00"]
    requests = len(world.sage.requests)
    found = await look(world.settings, ResetTo.EARLIEST, {world.topics.invoice_created: None})
    await world.rewind()
    kinds = total(found, skips=False).kinds
    async with world.worker():
        results = await world.until(10)
    assert Counter(answers(results)[-4:]) == {("already_posted", None): 2, ("skipped", "SUPERSEDED"): 2}
    assert (kinds[RecordOutcome.ALREADY_POSTED], kinds[RecordOutcome.SUPERSEDED]) == (2, 2)
    assert len(world.sage.requests) == requests


@pytest.mark.parametrize("newer_first", [True, False])
async def test_while_a_call_is_in_doubt_older_events_wait_and_come_too_late_and_newer_ones_correct(world, newer_first):
    held = asyncio.Event()
    world.sage.script.extend([held, "vanished"])
    doubtful, other = (of("120.00", 2), of("100.00", 1)) if newer_first else (of("100.00", 1), of("120.00", 2))
    await world.send(doubtful)
    async with world.worker() as running:
        await world.sage.arrived.wait()
        await world.send(other)
        await running.until_waiting("invoice/a", 1)
        held.set()
        results = await world.until(1, "skipped") if newer_first else await world.until(2, "posted")
    assert standing(world) == ["120.00"]
    assert answers(results)[-1] == (("skipped", "SUPERSEDED") if newer_first else ("posted", None))


@pytest.mark.parametrize("newer_first", [True, False])
async def test_a_doubt_that_outlives_its_worker_is_ended_in_the_order_of_the_events(world, newer_first):
    world.sage.script.append("lost")
    world.sage.hidden = True
    doubtful, other = (of("120.00", 2), of("100.00", 1)) if newer_first else (of("100.00", 1), of("120.00", 2))
    await world.send(doubtful)
    async with world.worker(replace(world.config, max_execution_time=timedelta(minutes=5))):
        await world.until(1, "uncertain")
    world.sage.hidden = False
    await world.send(other)
    async with world.worker():
        await (world.until(1, "skipped") if newer_first else world.until(2, "posted"))
    assert standing(world) == ["120.00"]


@pytest.mark.parametrize("newer_first", [True, False])
async def test_what_waits_goes_as_its_newest_event(world, newer_first):
    await world.set(MASTER, None)
    events = [of("100.00", 1), of("120.00", 2)]
    await world.send(*(reversed(events) if newer_first else events))
    async with world.worker():
        await world.until(2)
        await world.set(MASTER, {"account": "4000"})
        await world.until(1, "posted")
        await world.send((key("z"), invoice("z")))
        results = await world.until(2, "posted")
    assert sorted(standing(world)) == ["100.00", "120.00"]
    assert [each["document"]["total"] for each in results if each["outcome"] == "posted"] == ["120.00", "100.00"]


@pytest.mark.parametrize("newer_first", [True, False])
async def test_what_was_refused_is_asked_again_as_its_newest_event(world, newer_first):
    world.sage.refuse = {"a": RefusedError("Invalid customer")}
    events = [of("100.00", 1), of("120.00", 2)]
    await world.send(*(reversed(events) if newer_first else events))
    async with world.worker():
        await world.until(2)
        world.sage.refuse.clear()
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")
    assert standing(world) == ["120.00"]


@pytest.mark.parametrize("newer", [True, False])
async def test_a_dead_letter_that_is_read_again_counts_by_when_its_event_was_emitted(world, newer):
    await world.send((key("a"), b"{"))
    async with world.worker():
        [dead] = await world.until_dead(1)
        headers = dict(dead.headers)
        source = {
            "topic": world.topics.invoice_created,
            "partition": int(headers["kafka_dlt-original-partition"]),
            "offset": int(headers["kafka_dlt-original-offset"]),
        }
        await world.send(of("120.00", 2))
        await world.until(1, "posted")
        await world.read_again(source, *of("100.00", 3 if newer else 1))
        await (world.until(2, "posted") if newer else world.until(1, "skipped"))
    assert standing(world) == ["100.00" if newer else "120.00"]


async def test_an_event_from_the_future_is_refused_kept_and_blocks_nothing(world):
    await world.send(of("100.00", 1), of("999.00", 2, timestamp="2099-01-01T00:00:00Z"))
    async with world.worker():
        results = await world.until(1, "rejected")
        assert answers(results) == [("posted", None), ("rejected", "EVENT_TIME_AHEAD")]
        await world.send(of("120.00", 3))
        await world.until(2, "posted")
        assert standing(world) == ["120.00"]
        await world.send(of("777.00", 4, timestamp="2099-01-01T00:00:00Z"))
        await world.until(2, "rejected")
        await world.ask("retry", codes=["EVENT_TIME_AHEAD"])
        await world.until(3, "posted")
        assert standing(world) == ["777.00"]
        await world.send(of("130.00", 5))
        await world.until(4, "posted")
    assert standing(world) == ["130.00"]


async def test_one_id_and_timestamp_with_two_contents_is_refused_until_a_person_says_which(world):
    await world.send(of("100.00", 1), of("120.00", 1))
    async with world.worker():
        results = await world.until(1, "rejected")
        assert answers(results) == [("posted", None), ("rejected", "EVENT_ID_REUSED")]
        assert standing(world) == ["100.00"]
        await world.ask("retry", documents=["invoice/a"])
        await world.until(2, "posted")
    assert standing(world) == ["120.00"]


async def test_what_an_earlier_version_left_is_read_and_order_holds_from_the_next_event_on(world):
    """Its entries do not say when their events were emitted."""
    await world.send(of("100.00", 1), of("120.00", 2))
    async with world.worker():
        await world.until(2, "posted")
    entries, _ = await world.ledger()
    old = entries["invoice/a"]
    topic, place = world.topics.ledger(world.topics.invoice_created), await where(world, "invoice/a")
    async with producing(world.bootstrap) as producer:
        await producer.send_and_wait(topic, as_it_was(old), b"invoice/a", partition=place)
    await world.send(of("130.00", 4))
    async with world.worker():
        await world.until(3, "posted")
        await world.send(of("100.00", 1), of("125.00", 3), of("120.00", 2))
        results = await world.until(3, "skipped")
    assert [code for _, code in answers(results)[-3:]] == ["SUPERSEDED"] * 3
    assert standing(world) == ["130.00"]


async def where(world, document):
    topic = world.topics.ledger(world.topics.invoice_created)
    [place] = {each.partition for each in await world.records(topic) if each.key == document.encode()}
    return place


def as_it_was(entry):
    """The entry in the words of the version before."""
    body = orjson.loads(encode(entry))
    del body["answered"], body["last"]["emitted"]
    return orjson.dumps(body)


async def test_a_row_that_is_told_of_late_or_again_changes_no_grouped_bill(world):
    await by_day(world)
    first, second = toll("a", "1.00", which=10), toll("a", "2.00", which=20)
    await send_tolls(world, second, first, second)
    async with world.worker():
        results = await world.until(3, "skipped")
        assert [each["code"] for each in results] == ["GROUPED", "SUPERSEDED", "GROUPED"]
        await group(world)
        await world.until(1, "posted")
    [bill] = await world.records(world.topics.consolidated_bill)
    assert rows_of(bill.value) == {"a": "2.00"}


async def test_a_grouped_bill_that_comes_back_to_rows_that_it_had_is_corrected_each_time(world):
    await by_day(world)
    async with world.worker():
        for count, amount in enumerate(("1.00", "2.00", "1.00"), 1):
            await send_tolls(world, toll("a", amount))
            await world.until(count, "skipped")
            assert await group(world) == 1
            await world.until(count, "posted")
    bills = [orjson.loads(each.value) for each in await world.records(world.topics.consolidated_bill)]
    assert len({each["id"] for each in bills}) == 3
    assert [each.total for each in world.sage.standing_now] == [Decimal("1.00")]
