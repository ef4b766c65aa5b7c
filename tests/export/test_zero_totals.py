"""Lines that cancel out stand in Sage with a total of zero, and are corrected like any other. Promises 2 and 3."""

import orjson
import pytest

from sage_client import ExchangeLevel
from sage_client.errors import RefusedError
from tests.support.consolidated import GROUP, by_day, group, send, toll
from tests.support.exported_invoices import posted, stands, told
from tests.support.world import invoice, key

pytestmark = pytest.mark.feature("zeroTotals")


def of(*amounts: str, number: str = "a") -> bytes:
    """An invoice of these lines."""
    made = orjson.loads(invoice(number))
    line = made["data"]["invoice"]["lineItems"][0]
    made["data"]["invoice"]["lineItems"] = [line | {"amount": line["amount"] | {"amount": one}} for one in amounts]
    made["data"]["invoice"]["total"] = {"amount": str(sum(map(int, amounts))), "currency": 840}
    return orjson.dumps(made)


async def test_a_posted_document_that_comes_to_zero_keeps_its_lines_and_goes_on_from_there(world):
    await posted(world)
    await world.send((key("a"), of("500", "-500")))
    async with world.worker():
        results = await world.until(2, "posted")
        assert told(results[1:]) == [("reversed", None, "1"), ("posted", None, "2")]
        assert [each["amount"] for each in results[-1]["document"]["lines"]] == ["500.00", "-500.00"]
        assert stands(world) == [("a", "0.00")]
        await world.send((key("a"), of("-500", "500")))  # the same
        await world.until(1, "already_posted")
        await world.send((key("a"), of("500", "-480")))
        await world.until(3, "posted")
        assert stands(world) == [("a", "20.00")]
        await world.send((key("a"), of("0", "0")))
        results = await world.until(1, "skipped")
    assert results[-1]["code"] == "ZERO_TOTAL"
    assert stands(world) == []


async def test_a_lost_answer_about_a_total_of_zero_is_looked_up_and_adopted(world):
    world.sage.script.append("lost")
    await world.send((key("a"), of("500", "-500")))
    async with world.worker():
        await world.until(1, "posted")
    assert stands(world) == [("a", "0.00")]


async def test_a_refusal_of_a_total_of_zero_has_its_own_advice_and_any_other_its_own_code(world):
    world.sage.refuse["a"] = RefusedError("no", level=ExchangeLevel.RESULT)
    world.sage.refuse["b"] = RefusedError("no", level=ExchangeLevel.RESULT)
    await world.send((key("a"), of("500", "-500")), (key("b"), of("500", number="b")))
    async with world.worker():
        results = await world.until(2, "rejected")
        codes = {each["documentKey"]: each["code"] for each in results}
        assert codes == {"invoice/a": "SAGE_ZERO_TOTAL", "invoice/b": "SAGE_REFUSED"}
        await world.connect(zeroTotals="refuse")
        requests = len(world.sage.requests)
        await world.send((key("c"), of("500", "-500", number="c")))
        results = await world.until(3, "rejected")
    assert results[-1]["code"] == "LINES_CANCEL_OUT"
    assert len(world.sage.requests) == requests


async def test_what_stands_is_named_when_its_next_revision_is_no_document(world):
    await posted(world)
    await world.send((key("a"), of()))
    async with world.worker():
        results = await world.until(1, "rejected")
    assert told(results[1:]) == [("rejected", "NO_LINES", "1")]
    assert "record 1 stands in Sage" in results[-1]["detail"]
    assert stands(world) == [("a", "100.00")]


async def test_a_day_of_tolls_that_were_all_given_back_is_a_bill_of_its_rows(world):
    await by_day(world)
    await send(world, toll("a", "5.00"), toll("b", "-5.00"))
    async with world.worker():
        await world.until(2, "skipped")
        await group(world)
        results = await world.until(1, "posted")
    assert results[-1]["documentKey"] == GROUP
    assert (results[-1]["document"]["total"], len(results[-1]["document"]["lines"])) == ("0.00", 2)
