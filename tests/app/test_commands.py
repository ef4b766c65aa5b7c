"""``alvys-sage retry``, ``mark-synced`` and ``dead-letters``: asked on a terminal, answered by a worker."""

import json

import pytest

from sage_client.errors import RefusedError
from tests.support.world import invoice, key


@pytest.fixture
async def refused(world):
    """Two documents that Sage refused, one posted, one skipped, two dead letters; Sage would take all by now."""
    world.sage.refuse = {number: RefusedError("Invalid customer") for number in ("a", "b")}
    await world.send_invoices("a", "b", "posted")
    await world.send((key("other"), invoice("other", subsidiary="sub-2")))
    await world.send((key("bad"), b"{"), (b"wrong", invoice("keyed")))
    async with world.worker():
        await world.until(4)
    world.sage.refuse.clear()
    return world


async def test_a_retry_shows_first_and_asks_when_it_is_told_to(refused, command):
    shown = await command("retry", "--code", "SAGE_REFUSED")
    assert shown.code == 0, shown
    header, *rows = (line.split("\t") for line in shown.out.splitlines())
    assert header == ["DOCUMENT", "OUTCOME", "CODE", "RECORD", "READ AGAIN", "DETAIL"]
    assert sorted((row[0], row[2], row[4]) for row in rows) == [
        ("invoice/a", "SAGE_REFUSED", "from the ledger"),
        ("invoice/b", "SAGE_REFUSED", "from the ledger"),
    ]
    assert "2 of 2 documents can be looked at again" in shown.err
    assert "dry run" in shown.err
    asked = await command("retry", "--code", "SAGE_REFUSED", "--execute", "--why", "customer made")
    assert asked.code == 0, asked.err
    async with refused.worker():
        await refused.until(3, "posted")
    assert dict(refused.sage.keys) == {"invoice/a": 1, "invoice/b": 1, "invoice/posted": 1}


async def test_a_skipped_document_is_read_from_its_source_record(refused, command):
    await refused.connect("sub-2")
    await refused.set("sub-2/account/ar/default/default", {"account": "4000"})
    told = json.loads((await command("retry", "--code", "NOT_CONNECTED", "--execute", "--json")).out)
    assert [(each["key"], each["way"]) for each in told["documents"]] == [("invoice/other", "source")]
    async with refused.worker():
        await refused.until(2, "posted")
    assert refused.sage.keys["invoice/other"] == 1


async def test_what_stands_in_sage_is_shown_and_left_alone_and_the_unknown_is_named(refused, command):
    told = await command("retry", "--document", "invoice/posted", "--document", "invoice/none", "--execute")
    assert told.code == 1
    assert "invoice/none: no ledger knows it" in told.err
    assert "0 of 1 documents can be looked at again" in told.err
    assert await refused.records(refused.topics.export_commands) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry",),
        ("retry", "--code", "NO_SUCH"),
        ("retry", "--code", "SAGE_REFUSED", "--document", "invoice/a"),
        ("retry", "--code", "SAGE_REFUSED", "--topic", "nowhere"),
        ("mark-synced", "invoice/a", "--why", " "),
        ("mark-synced", "invoice/a"),
        ("mark-synced", "invoice/a", "invoice/b", "--why", "x", "--record-no", "1"),
        ("dead-letters", "replay"),
        ("dead-letters", "list", "--code", "NO_SUCH"),
    ],
)
def test_a_request_that_cannot_be_is_refused(run, arguments):
    assert run(*arguments).code == 2


def test_a_mark_needs_somebody_who_says_so(run):
    told = run("mark-synced", "invoice/a", "--why", "by hand", USER="")
    assert told.code == 2
    assert "--by is needed" in told.err


async def test_a_mark_is_answered_with_who_and_why(refused, command):
    for wrong in ("invoice/posted", "invoice/none", "invoice/other"):
        told = await command("mark-synced", "invoice/a", wrong, "--why", "by hand", "--execute")
        assert told.code == 1
        assert wrong in told.err
    told = await command("mark-synced", "invoice/a", "--why", "by hand", "--record-no", "77", "--execute")
    assert told.code == 0, told
    async with refused.worker():
        marked = (await refused.until(2, "skipped"))[-1]
    assert marked["code"] == "MARKED_SYNCED"
    assert "accountant" in marked["detail"]
    assert "by hand" in marked["detail"]
    assert refused.sage.keys["invoice/a"] == 0
    [listed] = json.loads((await command("mark-synced", "--list", "--json")).out)
    assert (listed["document"], listed["recordNo"]) == ("invoice/a", "77")
    assert listed["by"] in marked["detail"]
    assert "by hand" in (await command("mark-synced", "--list")).out
    assert (await command("mark-synced", "--list", "invoice/a")).code == 2


async def test_dead_letters_are_listed_and_read_again_only_when_they_can_be(refused, command):
    listed = json.loads((await command("dead-letters", "list", "--json")).out)
    assert sorted(each["code"] for each in listed) == ["MALFORMED_JSON", "WRONG_KEY"]
    assert all("value" not in each for each in listed)
    told = await command("dead-letters", "replay", "--topic", "invoice-created", "--execute")
    assert told.code == 0, told
    assert "0 of 2 dead letters can be read now" in told.err
    assert await refused.records(refused.topics.export_commands) == []
    formerly = json.loads((await command("dead-letters", "list", "--code", "UNDECODABLE", "--json")).out)
    assert [each["code"] for each in formerly] == ["MALFORMED_JSON"]
    place = next(each["place"] for each in listed if each["code"] == "WRONG_KEY")
    # The fix: this installation takes such records.
    told = await command("dead-letters", "replay", "--at", place, "--execute", ALVYS_SAGE_RECORD_KEYS="any")
    assert "1 of 1 dead letters can be read now" in told.err
    async with refused.worker(any_record_key=True):
        await refused.until(2, "posted")
    assert refused.sage.keys["invoice/keyed"] == 1


async def test_a_place_that_is_no_dead_letter_is_named(refused, command):
    told = await command("dead-letters", "replay", "--at", "nowhere:0:0", "--execute")
    assert told.code == 1
    assert "no dead letter of nowhere:0:0" in told.err
