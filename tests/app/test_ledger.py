"""``alvys-sage ledger``: everything is deleted and restored, until a replay of it all makes no second posting."""

import json
from collections import Counter
from dataclasses import replace

import orjson

from app.commands.ledger import DRY_RUN
from consumers.export.ledger.damage import PartitionFault
from consumers.export.ledger.generation import MARK, decode
from tests.support.damaged_topics import expire_unread, held, make_anew
from tests.support.eventually import until
from tests.support.world import invoice, key

INVOICES = ("a", "b", "c", "d", "e", "f")


async def posted(world, *numbers):
    """These documents stand in Sage, and the worker that posted them has ended."""
    await world.send_invoices(*numbers)
    async with world.worker():
        await world.until(len(world.sage.booked) + len(numbers), "posted")
        await world.until_all_committed()


async def lose_the_ledger(world):
    await make_anew(world, world.topics.ledger(world.topics.invoice_created))


def times_posted(world):
    return Counter(each.number for each in world.sage.booked)


def once(*numbers):
    return Counter(dict.fromkeys(numbers, 1))


def settled(entries):
    """What results can tell of each document that ended: its record, its former ones, and the next control id."""
    return {
        key: (
            replace(entry.posted, content="", booked="", said="", alvys_party="", shown_by=None),
            [former.record_no for former in entry.former_records],
            entry.attempts,
            (entry.last.revision, entry.last.outcome, entry.last.offset),
        )
        for key, entry in entries.items()
        if entry.posted is not None and entry.parked is None
    }


async def test_a_document_in_doubt_is_not_sent_again_under_another_control_id(world, command):
    """Its answer was lost, then its ledger: read again, Sage itself says that it knows the call."""
    world.sage.script.append("lost")
    world.sage.hidden = True
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "uncertain")
    await lose_the_ledger(world)
    told = await command("ledger", "restore", "--from-results", "--json")
    [open_] = [each for part in json.loads(told.out)["ledgers"] for each in part["toBeReadAgain"]]
    assert (open_["documentKey"], open_["outcome"]) == ("invoice/a", "uncertain")
    assert (await command("ledger", "restore", "--from-results", "--execute")).code == 0
    world.sage.hidden = False
    await world.rewind()
    async with world.worker():
        await until(lambda: world.sage.keys["invoice/a"] == 1 and not world.sage.script)
        await world.until_all_committed()
    assert times_posted(world) == once("a")
    assert len({each.control_id for each in world.sage.booked}) == 1


async def replayed(world, *numbers):
    """Read everything again, and wait until each of these documents was answered from the ledger."""
    before = sum(bool(each.get("fromLedger")) for each in await world.results())
    await world.rewind()
    async with world.worker():
        await world.until_all_committed()
        return sum(bool(each.get("fromLedger")) for each in await world.results()) - before


async def test_whole_ledgers_are_told_with_what_they_hold(world, command):
    await posted(world, *INVOICES)
    told = await command("ledger", "verify", "--topic", "invoice-created", "--json")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert [each["damage"] for each in found] == [None, None]
    assert sum(each["documents"] for each in found) == 6
    shown = await command("ledger", "verify")
    assert shown.code == 0
    assert shown.out.count("\tok\n") == 10


async def test_an_exported_ledger_is_restored_and_a_replay_posts_nothing_twice(world, command, tmp_path):
    await posted(world, *INVOICES)
    copied = await command("ledger", "export", str(tmp_path / "copy"), "--json")
    assert copied.code == 0, copied.err
    assert sum(each["documents"] for each in json.loads(copied.out)["copied"]) == 6
    await lose_the_ledger(world)

    told = await command("ledger", "verify")
    assert told.code == 1
    assert told.out.count("LEDGER_EMPTY: ") == 2
    again = await command("ledger", "export", str(tmp_path / "copy"))
    assert again.code == 1, "the copy may be the last one, and is not overwritten"
    assert "LEDGER_EMPTY" in again.out

    dry = await command("ledger", "restore", str(tmp_path / "copy"))
    assert (dry.code, DRY_RUN in dry.err) == (0, True)
    assert (await command("ledger", "verify")).code == 1, "a dry run changes nothing"
    done = await command("ledger", "restore", str(tmp_path / "copy"), "--execute")
    assert done.code == 0, done.err
    assert (await command("ledger", "verify")).code == 0

    assert await replayed(world, *INVOICES) == 6
    assert times_posted(world) == once(*INVOICES)
    nothing = await command("ledger", "restore", str(tmp_path / "copy"), "--execute")
    assert nothing.code == 1
    assert "nothing to restore" in nothing.err


async def test_what_was_posted_after_the_copy_comes_from_the_results(world, command, tmp_path):
    await posted(world, "a", "b", "c")
    assert (await command("ledger", "export", str(tmp_path))).code == 0
    await posted(world, "d", "e")
    await lose_the_ledger(world)
    done = await command("ledger", "restore", str(tmp_path), "--from-results", "--execute", "--json")
    assert done.code == 0, done.err
    ledgers = json.loads(done.out)["ledgers"]
    assert sum(each["fromCopy"] for each in ledgers) == 3
    assert sum(each["fromResults"] for each in ledgers) == 2
    assert await replayed(world) == 5
    assert times_posted(world) == once("a", "b", "c", "d", "e")


async def test_when_all_copies_are_gone_the_results_are_enough(world, command):
    """Posted, corrected, withdrawn documents, and one that waits: nothing is posted twice, what waits goes on."""
    await world.connect("sub-2")  # no account: its document waits
    await posted(world, "a", "b", "c")
    await world.send_invoices("b", amount="150.00")
    waits = invoice("w", "10.00", subsidiary="sub-2")
    await world.send((key("w"), waits))
    async with world.worker():
        await world.until_all_committed()
    stands = {each.number: each.total for each in world.sage.standing_now}
    before, known = times_posted(world), settled((await world.ledger())[0])
    assert len(known) == 3
    await lose_the_ledger(world)

    told = await command("ledger", "restore", "--from-results")
    assert told.code == 0, told.err
    assert "invoice/w: deferred" in told.out
    assert "alvys-sage replay --topic" in told.out
    done = await command("ledger", "restore", "--from-results", "--execute")
    assert done.code == 0, done.err
    assert settled((await world.ledger())[0]) == known
    await replayed(world)
    assert times_posted(world) == before
    assert {each.number: each.total for each in world.sage.standing_now} == stands
    await world.set("sub-2/account/ar/default/default", {"account": "4000"})
    async with world.worker():
        await until(lambda: "w" in times_posted(world))

    await world.send_invoices("a", amount="90.00")  # a later revision corrects the record that the results named
    async with world.worker():
        await world.until_all_committed()
    assert {each.number: str(each.total) for each in world.sage.standing_now if each.number == "a"} == {"a": "90.00"}


async def test_a_running_worker_goes_on_by_itself_once_the_ledger_is_restored(world, command, tmp_path):
    await posted(world, *INVOICES)
    assert (await command("ledger", "export", str(tmp_path))).code == 0
    await lose_the_ledger(world)
    async with world.worker() as running:
        await until(lambda: set(held(world).values()) == {PartitionFault.LEDGER_EMPTY})
        done = await command("ledger", "restore", str(tmp_path), "--execute")
        assert done.code == 0, done.err
        await running.until_open(5 * world.partitions)
        assert held(world) == {}
        await world.send_invoices(*INVOICES, "g")
        await world.until(7, "posted")
    assert times_posted(world) == once(*INVOICES, "g")


async def test_a_copied_topic_is_known_by_its_id(world, command, tmp_path):
    """A mirror: the same records under the same name, in another topic."""
    await posted(world, *INVOICES)
    ledger = world.topics.ledger(world.topics.invoice_created)
    records = await world.records(ledger)
    await make_anew(world, ledger)
    for record in records:
        await world.send_to(ledger, record.partition, record.key, record.value)
    told = await command("ledger", "verify", "--json")
    assert told.code == 1
    codes = [each["damage"]["code"] for each in json.loads(told.out) if each["damage"]]
    assert codes == [PartitionFault.LEDGER_COPIED] * 2
    async with world.worker():
        await until(lambda: set(held(world).values()) == {PartitionFault.LEDGER_COPIED})


async def test_records_that_expired_unread_are_accepted_as_one_dead_letter(world, command):
    await posted(world, *INVOICES)
    await expire_unread(world, None)
    async with world.worker() as running:
        await until(lambda: list(held(world).values()) == [PartitionFault.SOURCE_RECORDS_EXPIRED])
        dry = await command("ledger", "accept")
        assert (dry.code, DRY_RUN in dry.err) == (0, True)
        assert held(world)
        done = await command("ledger", "accept", "--execute")
        assert done.code == 0, done.err
        await running.until_open(5 * world.partitions)
        [letter] = await world.until_dead(1)
        await world.send_invoices("later")
        await world.until(7, "posted")
    headers = dict(letter.headers)
    assert headers["alvys-sage-code"] == b"SOURCE_RECORDS_EXPIRED"
    assert int(headers["alvys-sage-last-offset"]) >= int(headers["__connect.errors.offset"])
    assert times_posted(world) == once(*INVOICES, "later")
    assert (await command("ledger", "verify")).code == 0
    again = await command("dead-letters", "replay", "--code", "SOURCE_RECORDS_EXPIRED")
    assert "have their events sent again" in again.out + again.err


async def test_a_source_that_was_made_anew_is_accepted_and_read_from_its_beginning(world, command):
    await posted(world, *INVOICES)
    await make_anew(world, world.topics.invoice_created)
    await world.send_invoices("a", "g")
    async with world.worker():
        await until(lambda: set(held(world).values()) == {PartitionFault.SOURCE_REPLACED})
        done = await command("ledger", "accept", "--execute")
        assert done.code == 0, done.err
        await until(lambda: not held(world))
        await world.until(7, "posted")
        await world.until_all_committed()
    assert times_posted(world) == once(*INVOICES, "g"), "the ledger still knows what stands"


async def test_an_empty_ledger_is_accepted_only_as_new(world, command):
    await posted(world, *INVOICES)
    await lose_the_ledger(world)
    refused = await command("ledger", "accept", "--execute")
    assert refused.code == 1
    assert "LEDGER_EMPTY" in refused.out
    assert (await command("ledger", "verify")).code == 1
    done = await command("ledger", "accept", "--as-new", "--execute")
    assert done.code == 0, done.err
    assert (await command("ledger", "verify")).code == 0
    await world.send_invoices("g")
    async with world.worker():
        await world.until(7, "posted")
    assert times_posted(world) == once(*INVOICES, "g")


async def test_a_person_without_the_role_may_not_repair(world, command, tmp_path):
    roles = tmp_path / "roles.json"
    roles.write_bytes(orjson.dumps({"kim": "Dispatcher", "ana": "Admin"}))
    for words in (("accept", "--execute"), ("restore", "--from-results", "--execute"), ("verify",)):
        refused = await command("ledger", *words, "--by", "kim", ALVYS_SAGE_ROLES_FILE=str(roles))
        assert refused.code == 2
        assert "NOT_ALLOWED" in refused.err
    assert (await command("ledger", "verify", "--by", "ana", ALVYS_SAGE_ROLES_FILE=str(roles))).code == 0


async def test_a_request_that_cannot_be_says_so(command, tmp_path):
    assert (await command("ledger", "restore")).code == 2
    missing = await command("ledger", "restore", str(tmp_path / "missing"))
    assert missing.code == 2
    assert "is no directory" in missing.err


async def marks_of(world):
    """The mark of each partition of the ledger of invoices: which log it is, and which logs it was restored from."""
    records = await world.records(world.topics.ledger(world.topics.invoice_created))
    return {each.partition: decode(each.value) for each in records if each.key == MARK.encode()}


async def test_a_copy_from_before_the_first_document_names_the_log_whose_local_stores_may_go(world, command, tmp_path):
    """Else a worker that has a store of the former log would hold the restored partition for ever."""
    async with world.worker() as running:
        await running.until_open(5 * world.partitions)
    before = await marks_of(world)
    assert (await command("ledger", "export", str(tmp_path))).code == 0
    await posted(world, *INVOICES)
    await lose_the_ledger(world)
    done = await command("ledger", "restore", str(tmp_path), "--from-results", "--execute")
    assert done.code == 0, done.err
    after = await marks_of(world)
    assert {number: mark.follows for number, mark in after.items()} == {
        number: (mark.id,) for number, mark in before.items()
    }


async def test_a_source_that_goes_on_under_another_name_takes_its_ledger_along(world, command, tmp_path):
    await posted(world, "a", "b")
    world.sage.script.append("lost")
    world.sage.hidden = True
    await world.send_invoices("doubted")
    async with world.worker():
        await world.until(1, "uncertain")
        await world.until_all_committed()
    assert (await command("ledger", "export", str(tmp_path))).code == 0
    world.sage.hidden = False

    former, now = (f"{world.prefix}{name}" for name in ("invoice-created", "invoices-anew"))
    world.settings = world.settings.model_copy(update={"topic_invoice_created": "invoices-anew"})
    world.topics = world.settings.topics
    renamed = {"ALVYS_SAGE_TOPIC_INVOICE_CREATED": "invoices-anew", "ALVYS_SAGE_PARTITIONS": str(world.partitions)}
    assert (await command("topics", "--create", **renamed)).code == 0
    restore = ("ledger", "restore", str(tmp_path), "--copied-from", former, "--execute")
    unnamed = await command(*restore, **renamed)
    assert (unnamed.code, "--topic" in unnamed.err) == (2, True)
    done = await command(*restore, "--topic", now, **renamed)
    assert done.code == 0, done.err

    requests = len(world.sage.requests)
    await world.send_invoices("a", "b", "doubted")  # upstream sends again what it is not sure of
    await world.send_invoices("b", amount="120.00")
    async with world.worker():
        await until(lambda: world.sage.keys["invoice/b"] == 1 and world.sage.corrected)
        await world.until_all_committed()
    assert dict(world.sage.keys) == {"invoice/a": 1, "invoice/b": 1, "invoice/doubted": 1}
    assert sum(world.sage.requests[requests:]) == 2, "the correction of b, and nothing else"
