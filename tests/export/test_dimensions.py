"""Dimension values are checked in bulk before the call, and results tell what each line carried and why."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from sage_client import DimensionValue, ExchangeLevel
from sage_client.errors import PermissionDeniedError, RefusedError
from tests.support.world import SUBSIDIARY, World, invoice, key

CLASS = f"{SUBSIDIARY}/dimension/class"
ACTIVE = [DimensionValue("WEST", "West", "active"), DimensionValue("EAST", "East", "active")]


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix, partitions=1)
    await world.set_up()
    await world.set(CLASS, {"source": "fleet"})
    await world.set(f"{CLASS}/West Fleet", {"value": "WEST"})
    world.sage.values["CLASS"] = ACTIVE
    return world


async def send(world, *numbers, fleet="West Fleet", **more):
    records = []
    for number in numbers:
        event = orjson.loads(invoice(number))
        event["data"]["loads"] = [{"loadNumber": number, "fleet": {"name": fleet}} | more]
        records.append((key(number), orjson.dumps(event)))
    await world.send(*records)


@pytest.mark.requirement(7)
@pytest.mark.feature("dimensions")
async def test_a_result_tells_each_lines_dimensions_and_custom_fields_and_why(world):
    await world.set(f"{SUBSIDIARY}/custom-field/arinvoice/BOL", {"source": "load.bolNumber", "type": "text"})
    await world.set(
        f"{SUBSIDIARY}/custom-field/arinvoiceitem/NOTE", {"default": "x" * 9, "type": "text", "source": "load.office"}
    )
    await send(world, "a", bolNumber="B-1")
    async with world.worker():
        [result] = await world.until(1, "posted")
    document = result["document"]
    bol = {"field": "BOL", "value": "B-1", "how": "source", "key": f"{SUBSIDIARY}/custom-field/arinvoice/BOL"}
    assert document["customFields"] == [bol]
    [line] = document["lines"]
    west = {"dimension": "class", "value": "WEST", "how": "mapping", "key": f"{CLASS}/West Fleet"}
    assert line["dimensions"] == [west]
    assert [(each["field"], each["value"], each["how"]) for each in line["customFields"]] == [
        ("NOTE", "x" * 9, "default")
    ]


async def test_a_result_without_them_says_nothing_of_them(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix, partitions=1)
    await world.set_up()
    await world.send_invoices("a")
    async with world.worker():
        [result] = await world.until(1, "posted")
    assert "customFields" not in result["document"]
    assert {"dimensions", "customFields"}.isdisjoint(result["document"]["lines"][0])
    assert not world.sage.values_read


@pytest.mark.feature("dimensions", "dimensions before the call")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (None, "DIMENSION_VALUE_UNKNOWN"),
        ("inactive", "DIMENSION_VALUE_INACTIVE"),
        ("active non-posting", "DIMENSION_VALUE_NON_POSTING"),
    ],
)
async def test_a_value_that_nothing_can_be_posted_to_is_refused_before_the_call_and_goes_when_it_is_mapped(
    world, status, code
):
    world.sage.values["CLASS"] = ACTIVE if status is None else [*ACTIVE, DimensionValue("GONE", "", status)]
    await world.set(f"{CLASS}/West Fleet", {"value": "GONE"})
    await send(world, "a")
    async with world.worker():
        [waits] = await world.until(1, "deferred")
        assert (waits["code"], waits["blockedBy"]) == (code, [f"{CLASS}/west fleet"])
        assert not world.sage.booked
        assert not world.sage.requests
        await world.set(f"{CLASS}/West Fleet", {"value": "EAST"})
        await world.until(1, "posted")
    assert world.sage.keys == {"invoice/a": 1}


@pytest.mark.feature("dimensions")
async def test_one_read_serves_a_thousand_documents(world):
    await send(world, *(f"n{number}" for number in range(300)))
    async with world.worker(config=replace(world.config, max_documents_per_request=20)):
        await world.until(300, "posted")
    assert world.sage.values_read == {"CLASS": 1}
    assert len(world.sage.requests) >= 15


@pytest.mark.requirement(46)
@pytest.mark.feature("dimensions")
async def test_where_the_values_cannot_be_read_sage_decides(world):
    world.sage.values["CLASS"] = PermissionDeniedError("no", level=ExchangeLevel.RESULT)
    await send(world, "a", "b")
    async with world.worker():
        await world.until(2, "posted")
    assert world.sage.values_read == {"CLASS": 1}


@pytest.mark.feature("dimensions")
async def test_after_a_refusal_of_sages_the_values_are_read_anew(world):
    world.sage.refuse["a"] = RefusedError("Invalid Class 'WEST' specified", level=ExchangeLevel.RESULT)
    await send(world, "a")
    async with world.worker():
        await world.until(1, "rejected")
        world.sage.values["CLASS"] = ACTIVE[1:]
        await send(world, "b")
        [*_, waits] = await world.until(1, "deferred")
    assert waits["code"] == "DIMENSION_VALUE_UNKNOWN"
    assert set(world.sage.keys) == set()


async def test_a_value_made_in_sage_a_moment_ago_is_found_in_a_fresh_list(world):
    await send(world, "a")
    async with world.worker(config=replace(world.config, negative_cache_ttl=timedelta(0))):
        await world.until(1, "posted")
        world.sage.values["CLASS"] = [*ACTIVE, DimensionValue("New Fleet", "", "active")]
        await send(world, "b", fleet="New Fleet")
        await world.until(2, "posted")
    assert world.sage.keys == {"invoice/a": 1, "invoice/b": 1}


@pytest.mark.requirement(24)
@pytest.mark.feature("dimensions", "dimensions before the call")
async def test_a_required_dimension_without_a_value_waits_and_goes_by_itself_when_it_has_one(world):
    await world.set(f"{SUBSIDIARY}/dimension/department", {"source": "office", "required": True})
    world.sage.values["DEPARTMENT"] = [DimensionValue("OPS", "", "active")]
    await send(world, "a")
    async with world.worker():
        [waits] = await world.until(1, "deferred")
        assert (waits["code"], waits["blockedBy"]) == ("DIMENSION_MISSING", [f"{SUBSIDIARY}/dimension/department"])
        assert not world.sage.requests
        await world.set(f"{SUBSIDIARY}/dimension/department", {"source": "office", "required": True, "default": "OPS"})
        await world.until(1, "posted")
    assert world.sage.keys == {"invoice/a": 1}
