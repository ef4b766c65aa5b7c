"""What people ask through `export-commands`: retry, mark as synced, read a record again. Promises 1, 2 and 6."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sage_client.errors import RefusedError
from tests.support.eventually import until
from tests.support.exported_invoices import rejected
from tests.support.world import MASTER, invoice, key

SLOW, SLOW_COMPANY = "sub-slow", "TORTOISE"
HOURS = timedelta(hours=2)


@pytest.mark.parametrize(
    "choice",
    [{"documents": ["invoice/a", "invoice/b"]}, {"codes": ["SAGE_REFUSED"]}],
    ids=["by document", "by code"],
)
async def test_a_retry_posts_what_was_rejected_under_a_new_attempt(world, choice):
    await rejected(world, "a", "b")
    async with world.worker():
        await world.ask("retry", **choice)
        results = await world.until(2, "posted")
    assert all(each["attempt"] == 1 for each in results if each["outcome"] == "posted")
    assert dict(world.sage.keys) == {"invoice/a": 1, "invoice/b": 1}


@pytest.mark.kafka("both")
async def test_a_retry_while_no_worker_runs_is_done_by_the_next_one_and_only_once(world):
    await rejected(world, "a")
    await world.ask("retry", documents=["invoice/a"])
    world.sage.refuse = {"a": RefusedError("Invalid customer")}
    async with world.worker():
        await world.until(2, "rejected")
    async with world.worker():
        await world.send_invoices("b")
        results = await world.until(1, "posted")
    assert [each["outcome"] for each in results] == ["rejected", "rejected", "posted"]


async def test_an_old_command_is_not_meant_for_a_document_that_came_later(world):
    await world.ask("retry", codes=["SAGE_REFUSED"])
    await world.ask("mark-synced", documents=["invoice/a"], why="by hand")
    await rejected(world, "a")
    async with world.worker():
        await world.send_invoices("b")
        results = await world.until(1, "posted")
    assert [each["outcome"] for each in results] == ["rejected", "posted"]


async def test_a_retry_by_blocking_key_looks_at_exactly_what_it_blocks(world):
    await world.set(MASTER, None)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
        await world.ask("retry", blockedBy=[MASTER])
        results = await world.until(2, "deferred")
    assert world.sage.requests == []
    assert results[1]["blockedBy"] == results[0]["blockedBy"]


async def test_a_retry_can_be_kept_to_one_topic(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("retry", codes=["SAGE_REFUSED"], topics=[world.topics.fuel_transaction])
        await world.ask("retry", codes=["SAGE_REFUSED"], topics=[world.topics.invoice_created])
        results = await world.until(1, "posted")
    assert len(results) == 2


async def test_what_is_marked_as_synced_is_never_posted_and_the_record_keeps_who_and_why(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="entered by hand", recordNo="4711")
        results = await world.until(1, "skipped")
        marked = results[-1]
        assert marked["code"] == "MARKED_SYNCED"
        assert marked["sage"]["recordNo"] == "4711"
        assert "ana" in marked["detail"]
        assert "entered by hand" in marked["detail"]
        await world.send_invoices("a")
        results = await world.until(2, "skipped")
        await world.send_invoices("a", amount="120.00")
        results = await world.until(2, "rejected")
        assert results[-1]["code"] == "CHANGED_AFTER_POSTING"
    assert world.sage.booked == []
    entries, _ = await world.ledger()
    assert "entered by hand" in entries["invoice/a"].marked.by
    assert entries["invoice/a"].marked.record_no == "4711"


async def test_a_mark_that_was_a_mistake_is_taken_away_by_a_retry(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("mark-synced", documents=["invoice/a"], why="by hand")
        await world.until(1, "skipped")
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")
    assert dict(world.sage.keys) == {"invoice/a": 1}


async def test_a_person_can_end_a_doubt(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True  # sage does not show what it booked
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.ask("mark-synced", documents=["invoice/a"], why="seen in Sage as record 1", recordNo="1")
        await world.until(1, "skipped")
        world.sage.hidden = False
        await world.send_invoices("a", "b")
        results = await world.until(2, "skipped")
        await world.until(1, "posted")
    assert dict(world.sage.keys) == {"invoice/a": 1, "invoice/b": 1}
    assert [each["outcome"] for each in results if each["documentKey"] == "invoice/a"] == [
        "uncertain",
        "skipped",
        "skipped",
    ]


async def test_a_retry_of_a_document_in_doubt_looks_it_up_now_and_never_posts_it_twice(world):
    world.sage.script.extend(["lost"])
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
        world.sage.hidden = False
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")
    assert dict(world.sage.keys) == {"invoice/a": 1}


async def test_a_record_is_read_again_by_a_command_that_brings_it_along(world):
    await world.connect("sub-2", state="active")
    await world.set("sub-2/connection", None)
    await world.send((key("a"), invoice("a", subsidiary="sub-2")))
    async with world.worker():
        results = await world.until(1, "skipped")
        await world.connect("sub-2")
        await world.set("sub-2/account/ar/default/default", {"account": "4000"})
        await world.read_again(results[0]["source"], key("a"), invoice("a", subsidiary="sub-2"))
        results = await world.until(1, "posted")
        await world.read_again(results[0]["source"], key("a"), invoice("a", subsidiary="sub-2"))
        await world.until(1, "already_posted")
    assert dict(world.sage.keys) == {"invoice/a": 1}


async def test_a_dead_letter_read_again_too_early_is_a_dead_letter_again(world):
    await world.send((key("a"), b"{"))
    async with world.worker():
        [dead] = await world.until_dead(1)
        place = {name: int(value) for name, value in place_of(dead).items() if name != "topic"}
        await world.read_again({"topic": world.topics.invoice_created} | place, key("a"), b"{")
        letters = await world.until_dead(2)
    assert [letter.value for letter in letters] == [b"{", b"{"]
    assert place_of(letters[0]) == place_of(letters[1])


async def test_a_record_that_is_no_command_is_passed_over(world):
    await rejected(world, "a")
    async with world.worker():
        await world.send((None, b"{"), (b"k", b"[]"), topic=world.topics.export_commands)
        await world.ask("fly")
        await world.ask("retry", documents=["invoice/a"], codes=["SAGE_REFUSED"])
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")


async def test_how_far_commands_are_applied_is_kept_with_the_answers(world):
    await rejected(world, "a")
    async with world.worker():
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")
        await world.ask("retry", documents=["invoice/none"])
        await rejected_again(world)
    _, places = await world.ledger()
    assert set(places) == {0, 1}
    assert len(set(places.values())) == 1


async def rejected_again(world):
    """Something that is answered after the last command was read by every partition."""
    world.sage.refuse = {"z": RefusedError("no")}
    await world.send_invoices("z")
    await world.until(2, "rejected")
    world.sage.refuse.clear()
    await world.ask("retry", documents=["invoice/z"])
    await world.until(2, "posted")


def place_of(letter):
    names = ("topic", "partition", "offset")
    headers = dict(letter.headers)
    return {name: headers[f"kafka_dlt-original-{name}"].decode() for name in names}


async def test_a_mark_does_not_wait_for_all_the_documents_of_a_retry_before_it(world):
    world.config = replace(world.config, max_documents_per_request=10, max_in_flight=100)
    many = [f"r{number}" for number in range(400)]
    await rejected(world, *many, "m")
    world.sage.seconds = {"ACME": 1.0}
    async with world.worker():
        await world.ask("retry", documents=[f"invoice/{number}" for number in many])
        await until(lambda: len(world.sage.booked) >= 10)
        await world.ask("mark-synced", documents=["invoice/m"], why="entered by hand", recordNo="4711")
        await world.until(1, "skipped")
        assert len(world.sage.booked) < 100
        await until(lambda: len(world.sage.booked) == len(many))
    assert set(world.sage.keys.values()) == {1}
    assert "invoice/m" not in world.sage.keys


async def refused_by_a_company_that_hangs(world, many: list[str]) -> None:
    """Documents of one company that wait for a person, and `m` of another. From now on the first company hangs."""
    await world.connect(SLOW, SLOW_COMPANY)
    await world.set(f"{SLOW}/account/ar/default/default", {"account": "4000"})
    world.sage.refuse = {number: RefusedError("no") for number in (*many, "m")}
    await world.send(*((key(number), invoice(number, subsidiary=SLOW)) for number in many), (key("m"), invoice("m")))
    async with world.worker():
        await world.until(len(many) + 1, "rejected")
    world.sage.refuse = {}
    world.sage.seconds = {SLOW_COMPANY: HOURS.total_seconds()}


@pytest.mark.parametrize(("documents", "commands"), [(60, 5), (400, 400)], ids=["long ones", "many of them"])
async def test_retries_of_one_subsidiary_hold_up_no_command_of_another(world, documents, commands):
    """Together they would fill the window with documents of a company that does not answer, or stop the reader."""
    world.config = replace(world.config, max_documents_per_request=10, max_in_flight=20, request_timeout=HOURS)
    many = [f"r{number}" for number in range(documents)]
    await refused_by_a_company_that_hangs(world, many)
    async with world.worker():
        for part in range(commands):
            await world.ask("retry", documents=[f"invoice/{number}" for number in many[part::commands]])
        await until(lambda: world.sage.running)
        await world.ask("retry", documents=["invoice/m"])
        await world.until(1, "posted")
        assert [each.number for each in world.sage.booked] == ["m"]
