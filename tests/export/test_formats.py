"""What Sage cannot hold as Alvys has it: refused before a call, or changed and told. Promises 2, 3 and 6."""

import importlib
from typing import Any

import orjson
import pytest

from domain.translation.revision import earlier_revisions
from domain.translation.texts import former_number, formerly
from tests.support.exported_invoices import stands, told
from tests.support.world import invoice, key


def changed(document: str, amount: str = "100.00", loads: tuple[str, ...] = (), **fields: Any) -> tuple[bytes, bytes]:
    """The invoice event of a document, with other fields of its invoice and these order numbers."""
    made = orjson.loads(invoice(document, amount))
    made["data"]["invoice"] |= fields
    made["data"]["loads"] = [{"orderNumber": number} for number in loads]
    return key(document), orjson.dumps(made)


def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and book as the version did that knew 30 and 20 characters."""
    monkeypatch.setattr("domain.translation.invoice.document_number", former_number)
    monkeypatch.setattr("domain.export.several", lambda values, _: formerly(values))
    receiving = importlib.import_module("domain.translation.parse_record")
    monkeypatch.setattr(receiving, "revision_of", lambda document: earlier_revisions(document)[1])


LOADS = ("PO-7700001", "PO-7700002")


@pytest.mark.parametrize("number", ["A#1", "N" * 40, "A-1"])
async def test_what_an_earlier_version_posted_is_known_and_neither_corrected_nor_posted_again(
    world, number, monkeypatch
):
    with monkeypatch.context() as then:
        as_before(then)
        await world.send(changed("a", number=number, loads=LOADS))
        async with world.worker():
            await world.until(1, "posted")
    [was] = world.sage.booked
    assert was.number == former_number(number)
    assert was.reference == LOADS[0]
    await world.send(changed("a", number=number, loads=LOADS))  # delivered again
    await world.rewind()
    async with world.worker():
        results = await world.until(2, "already_posted")
    assert {each["outcome"] for each in results[1:]} == {"already_posted"}
    assert world.sage.booked == [was]
    # A true change afterwards is booked under today's number, in place of what stood.
    await world.send(changed("a", "120.00", number=number, loads=LOADS))
    async with world.worker():
        results = await world.until(2, "posted")
    assert told(results[-2:]) == [("reversed", None, "1"), ("posted", None, "2")]
    assert results[-1]["document"]["reference"] == ", ".join(LOADS)
    now = results[-1]["document"]
    assert (now["number"] == was.number) is (number == "A-1")
    assert now.get("alvysNumber") == (number if number == "A#1" else None)


async def test_a_draft_that_an_earlier_version_made_keeps_its_number_when_it_is_updated(world, monkeypatch):
    await world.connect(ar={"autopost": False})
    with monkeypatch.context() as then:
        as_before(then)
        await world.send(changed("a", number="A#1"))
        async with world.worker():
            await world.until(1, "posted")
    await world.send(changed("a", "120.00", number="A#1"))
    async with world.worker():
        results = await world.until(1, "updated")
    assert told(results[1:]) == [("updated", None, "1")]
    assert stands(world) == [("A-1", "120.00")]


async def test_two_numbers_that_differ_by_a_replaced_sign_are_two_in_sage_and_the_results_say_which(world):
    await world.send(*(changed(f"doc-{place}", number=number) for place, number in enumerate(("A#1", "A&1", "A-1"))))
    world.sage.unique_numbers = True
    async with world.worker():
        results = await world.until(3, "posted")
    numbers = {each["documentKey"]: each["document"] for each in results}
    assert len({each["number"] for each in numbers.values()}) == 3
    assert numbers["invoice/doc-2"]["number"] == "A-1"
    assert [numbers[f"invoice/doc-{place}"].get("alvysNumber") for place in range(3)] == ["A#1", "A&1", None]


MONEY = {"amount": "1.234", "currency": 414}
LARGE = {"amount": "100000000000.00", "currency": 840}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"total": MONEY, "lineItems": [{"category": "Load", "name": "x", "amount": MONEY}]}, "AMOUNT_TOO_FINE"),
        ({"total": LARGE, "lineItems": [{"category": "Load", "name": "x", "amount": LARGE}]}, "AMOUNT_TOO_LARGE"),
        ({"dueDate": "2026-06-09T00:00:00Z"}, "DUE_BEFORE_DATE"),
        ({"loads": ("P" * 101,)}, "REFERENCE_TOO_LONG"),
    ],
)
async def test_what_sage_would_refuse_or_round_is_refused_by_name_before_a_call(world, fields, code):
    await world.send(changed("a", **fields))
    async with world.worker():
        [result] = await world.until(1, "rejected")
    assert result["code"] == code
    assert result["fix"]
    assert world.sage.booked == []
    assert await world.committed() == await world.ends()
