"""``alvys-sage replay``: tells what a worker would do and is right; moves offsets only while nobody is in the group."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from app import progress, topic_reader
from app.errors import CommandError, UsageError
from app.replay.forecast import RecordOutcome
from app.replay.group import GroupActiveError
from app.replay.report import total
from app.replay.request import (
    AtOffset,
    AtTime,
    Listed,
    ResetTo,
    Shift,
    export_lines,
    read_duration,
    read_file,
    read_scope,
    read_time,
)
from app.replay.run import execute, look
from app.settings import Settings
from kafka_client import fencing
from kafka_client.fencing import transactional_id
from sage_client.errors import RefusedError
from tests.support.kafka import admin_of, producing
from tests.support.world import QUICK, SUBSIDIARY, invoice, key

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


def everything(world):
    return {world.topics.invoice_created: None}


async def posted(world, *numbers):
    """These documents stand in Sage, and the worker that posted them has ended."""
    await world.send_invoices(*numbers)
    async with world.worker():
        await world.until(len(world.sage.booked) + len(numbers), "posted")


async def until_dead(world, count):
    async with asyncio.timeout(60):
        while len(await world.records(world.topics.sage_dead_letters)) < count:
            pass  # each look is some 100 ms long


def answers_of(results):
    return Counter((each["outcome"], each.get("code"), each.get("fromLedger", False)) for each in results)


def spot(world, partition):
    return TopicPartition(world.topics.invoice_created, partition)


def again(found):
    return {kind: count for kind, count in total(found, skips=False).kinds.items() if count}


# What is foretold is what happens.


async def everything_that_can_be(world):
    """Documents in every state that a record may find its document in, and no worker."""
    await world.connect("sub-2")  # no accounts: its documents wait
    await world.connect("sub-3")
    world.sage.refuse["refused"] = RefusedError("Invalid customer")
    broken = orjson.loads(invoice("by-rule"))
    broken["data"]["invoice"]["total"]["amount"] = "1.00"
    await world.send_invoices("a", "b", "refused", "a")
    await world.send_invoices("b", amount="200.00")  # a later revision of what stands in Sage
    await world.send(
        (key("by-rule"), orjson.dumps(broken)),
        (key("waits"), invoice("waits", "1.00", subsidiary="sub-2")),
        (key("waits"), invoice("waits", "2.00", subsidiary="sub-2")),
        (key("freed"), invoice("freed", subsidiary="sub-3")),
        (key("skipped"), invoice("skipped", subsidiary="nobody")),
        (key("later"), invoice("later", subsidiary="sub-4")),
        (key("later"), invoice("later", subsidiary="sub-4")),
        (key("moves"), invoice("moves")),
        (key("moves"), invoice("moves", "150.00", subsidiary="sub-4")),
        (key("unnamed"), invoice("unnamed", customer="").replace(b"Prairie Gold", b" ")),
        (key("unfound"), invoice("unfound", customer="")),
        (key("wrong key"), invoice("right-key")),
        (key("broken"), b"{"),
    )
    async with world.worker():
        await world.until(17)
        await until_dead(world, 2)
    world.sage.hidden = True
    world.sage.script.append("lost")
    await world.send_invoices("doubt")
    async with world.worker(replace(QUICK, max_execution_time=timedelta(hours=1))):
        await world.until(1, "uncertain")
    world.sage.hidden = False
    # Settings that arrive while nobody works.
    await world.set("sub-3/account/ar/default/default", {"account": "4000"})
    await world.connect("sub-4")
    await world.set("sub-4/account/ar/default/default", {"account": "4000"})


async def test_a_worker_does_exactly_what_the_dry_run_foretold(world):
    await everything_that_can_be(world)
    before, calls = await world.committed(), len(world.sage.booked)
    found = await look(world.settings, ResetTo.EARLIEST, everything(world))
    assert again(found) == {
        RecordOutcome.ALREADY_POSTED: 6,  # a twice, b's later one, moves, freed by itself, later the second time
        RecordOutcome.SUPERSEDED: 2,
        RecordOutcome.REFUSED: 1,
        RecordOutcome.CORRECTS: 1,
        RecordOutcome.IN_DOUBT: 1,
        RecordOutcome.MAY_POST: 2,  # later the first time; unfound, if its party were there now
        RecordOutcome.WAITS: 1,
        RecordOutcome.SKIPPED: 1,
        RecordOutcome.REJECTED: 2,
        RecordOutcome.DEAD: 2,
    }
    foretold = total(found, skips=False)
    assert (foretold.released, foretold.without_party, foretold.records) == (1, 1, 19)
    assert await world.committed() == before, "a dry run changes nothing"

    had = answers_of(await world.results())
    await execute(world.settings, found)
    assert await world.committed() == {0: 0, 1: 0}
    async with world.worker():
        # 17 records with results, the two that end by themselves (the one in doubt and the one that was released), and
        # the reversal of the one that is corrected.
        await world.until(had.total() + 20)
        await until_dead(world, 4)
    happened = answers_of(await world.results()) - had
    booked = foretold.kinds[RecordOutcome.MAY_POST] - foretold.without_party + foretold.released
    assert happened == {
        ("already_posted", None, True): foretold.kinds[RecordOutcome.ALREADY_POSTED]
        + foretold.kinds[RecordOutcome.IN_DOUBT],
        ("skipped", "SUPERSEDED", True): foretold.kinds[RecordOutcome.SUPERSEDED],
        ("rejected", "SAGE_REFUSED", True): foretold.kinds[RecordOutcome.REFUSED],
        ("reversed", None, False): foretold.kinds[RecordOutcome.CORRECTS],
        ("posted", None, False): booked
        + foretold.kinds[RecordOutcome.IN_DOUBT]
        + foretold.kinds[RecordOutcome.CORRECTS],
        ("deferred", "ACCOUNT_UNMAPPED", False): foretold.kinds[RecordOutcome.WAITS],
        ("skipped", "NOT_CONNECTED", False): foretold.kinds[RecordOutcome.SKIPPED],
        ("rejected", "LINES_DO_NOT_ADD_UP", False): foretold.kinds[RecordOutcome.REJECTED] - 1,
        ("rejected", "PARTY_UNNAMED", False): 1,
        ("rejected", "PARTY_NOT_FOUND", False): foretold.without_party,
    }
    assert len(world.sage.booked) == calls + booked + foretold.kinds[RecordOutcome.CORRECTS]
    assert max(world.sage.keys.values()) == 1
    assert await world.committed() == await world.ends()


async def test_a_replay_of_what_was_posted_makes_no_call(world, command):
    await posted(world, *(f"n{number}" for number in range(20)))
    requests = len(world.sage.requests)
    told = await command("replay", "--topic", "invoice-created", "--to-earliest", "--execute")
    assert told.code == 0, told
    assert "20 records are read again" in told.out
    assert "       20  already posted  answered from the ledger, no call" in told.out
    async with world.worker():
        await world.until(20, "already_posted")
    assert len(world.sage.requests) == requests
    assert await world.committed() == await world.ends()


async def test_the_second_of_two_new_equal_records_is_foretold_to_be_posted_already(world):
    await world.connect("sub-9", state="paused")
    waiting = (key("n"), invoice("n", subsidiary="sub-9"))
    await world.send(waiting, waiting)
    async with world.worker():
        await world.until(2, "deferred")
    found = await look(world.settings, ResetTo.EARLIEST, everything(world))
    assert again(found) == {RecordOutcome.WAITS: 2}


async def test_a_mark_stays_in_what_is_foretold_after_a_later_revision(world):
    world.sage.refuse = {"a": RefusedError("no")}
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "rejected")
        await world.ask("mark-synced", documents=["invoice/a"], why="by hand")
        await world.until(1, "skipped")
        await world.send_invoices("a", amount="120.00")
        await world.send_invoices("a")
        await world.until(2, "skipped")
    found = await look(world.settings, ResetTo.EARLIEST, everything(world))
    assert again(found) == {RecordOutcome.SKIPPED: 2, RecordOutcome.SUPERSEDED: 1}


async def test_an_event_that_is_too_large_or_has_too_many_lines_is_foretold_so(world):
    await world.set(f"{SUBSIDIARY}/account/ar/default/default", None)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "deferred")
    few_lines = world.settings.model_copy(update={"lines_per_request": 0})
    assert again(await look(few_lines, ResetTo.EARLIEST, everything(world))) == {RecordOutcome.REJECTED: 1}
    few_bytes = world.settings.model_copy(update={"largest_event_bytes": 10})
    assert again(await look(few_bytes, ResetTo.EARLIEST, everything(world))) == {RecordOutcome.DEAD: 1}


# Where to.


async def test_every_place_to_go_to(world):
    await posted(world, *(f"n{number}" for number in range(12)))
    (half,) = [max(await world.committed())]  # a partition
    end = (await world.ends())[half]
    scope = {world.topics.invoice_created: frozenset({half})}

    async def new(target):
        found = await look(world.settings, target, scope, offsets_only=True)
        assert [move.source for move in found.plan.moves] == [spot(world, half)]
        return found.plan.moves[0].new, len(found.plan.warnings)

    assert await new(ResetTo.EARLIEST) == (0, 0)
    assert await new(ResetTo.LATEST) == (end, 0)
    assert await new(ResetTo.CURRENT) == (end, 0)
    assert await new(AtOffset(2)) == (2, 0)
    assert await new(AtOffset(end + 5)) == (end, 1), "clamped, with a warning"
    assert await new(Shift(-1)) == (end - 1, 0)
    assert await new(Shift(-100)) == (0, 1)
    assert await new(Listed({spot(world, half): 1})) == (1, 0)
    times = [
        record.timestamp for record in await world.records(world.topics.invoice_created) if record.partition == half
    ]
    second = next(number for number, at in enumerate(times) if at >= times[1])
    assert await new(AtTime(datetime.fromtimestamp(times[1] / 1000, UTC))) == (second, 0)
    assert await new(AtTime(datetime.now(UTC) + timedelta(days=1))) == (end, 0), "later than the last record: the end"


async def test_partitions_that_were_not_named_stay_where_they_are(world):
    await posted(world, *(f"n{number}" for number in range(12)))
    before = await world.committed()
    found = await look(world.settings, ResetTo.EARLIEST, {world.topics.invoice_created: frozenset({1})})
    await execute(world.settings, found)
    assert await world.committed() == {0: before[0], 1: 0}


async def test_a_partition_that_was_never_committed_is_shown_as_a_dash(world, command):
    await world.send_invoices("n")
    told = await command("replay", "--topic", f"{world.settings.topic_prefix}invoice-created:0", "--to-current")
    assert told.out.splitlines()[1].split("\t")[1:4] == ["0", "-", "0"]


async def test_what_retention_deleted_is_told(world):
    await posted(world, *(f"n{number}" for number in range(12)))
    before = await world.committed()
    async with admin_of(world.bootstrap) as admin:
        await admin.delete_records({spot(world, 0): RecordsToDelete(2)})
    found = await look(world.settings, AtOffset(0), everything(world))
    assert found.plan.moves[0].new == 2
    assert "retention" in found.plan.warnings[0]
    assert total(found, skips=False).records == before[0] - 2 + before[1]
    assert [move.new for move in (await look(world.settings, ResetTo.EARLIEST, everything(world))).plan.moves] == [2, 0]


async def test_an_export_is_read_back(world, command, tmp_path):
    await posted(world, *(f"n{number}" for number in range(6)))
    before = await world.committed()
    exported = await command("replay", "--all-topics", "--to-current", "--export")
    assert len(exported.out.splitlines()) == 10
    file = tmp_path / "before.csv"
    file.write_text(exported.out)
    assert (await command("replay", "--all-topics", "--to-earliest", "--execute")).code == 0
    assert await world.committed() == {0: 0, 1: 0}
    refused = await command("replay", "--from-file", str(file), "--execute")
    assert refused.code == 1
    assert "--skip" in refused.err
    back = await command("replay", "--from-file", str(file), "--execute", "--skip")
    assert back.code == 0, back
    assert await world.committed() == before


# Promise 1: nothing is skipped unless it is said.


async def test_going_forward_is_refused_until_it_is_confirmed_and_says_what_is_lost(world, command):
    await posted(world, "a", "b")
    await world.send_invoices("c", "d", "a")
    before = await world.committed()
    refused = await command("replay", "--all-topics", "--to-latest", "--execute")
    assert refused.code == 1
    assert "3 records are SKIPPED" in refused.out
    assert "3 records would never be read; 2 of them have no answer in the ledger: these would be lost" in refused.out
    assert "--skip" in refused.err
    assert await world.committed() == before
    assert (await command("replay", "--all-topics", "--to-latest", "--execute", "--skip")).code == 0
    assert await world.committed() == await world.ends()
    async with world.worker() as running:
        await running.until_open(10)
        await world.send_invoices("e")
        await world.until(3, "posted")
    assert set(world.sage.keys) == {"invoice/a", "invoice/b", "invoice/e"}


async def test_offsets_alone_are_not_skipped_unconfirmed_either(world):
    await world.send_invoices("a", "b", "c")
    found = await look(world.settings, ResetTo.LATEST, everything(world), offsets_only=True)
    with pytest.raises(CommandError, match="--skip"):
        await execute(world.settings, found)


async def test_events_of_an_open_transaction_are_not_skipped(world):
    await world.send_invoices("a")
    async with producing(world.bootstrap, f"{world.prefix}upstream") as upstream:
        await upstream.begin_transaction()
        await upstream.send_and_wait(world.topics.invoice_created, invoice("b"), key("b"))
        found = await look(world.settings, ResetTo.LATEST, everything(world), offsets_only=True)
        await execute(world.settings, found, skip=True)
        await upstream.commit_transaction()
    async with world.worker():
        await world.until(1, "posted")
    assert set(world.sage.keys) == {"invoice/b"}


# Only while nobody is in the group.


async def test_while_a_worker_runs_it_is_refused_and_a_dry_run_says_so(world, command):
    await posted(world, "a")
    async with world.worker() as running:
        await running.until_open(10)
        refused = await command("replay", "--all-topics", "--to-earliest", "--execute")
        told = await command("replay", "--all-topics", "--to-earliest")
        before = await world.committed()
    assert refused.code == 1
    assert refused.out == ""
    assert re.search(r"is active: 1 in it \(alvys-sage at [\d.]+\)\. Stop every worker with SIGTERM", refused.err)
    assert told.code == 0
    assert "--execute refuses" in told.err
    assert await world.committed() == before == await world.ends()


async def test_a_worker_that_comes_between_check_and_commit_makes_it_fail(world, monkeypatch):
    await posted(world, "a", "b", "c")
    before = await world.committed()
    found = await look(world.settings, ResetTo.EARLIEST, everything(world))
    member = AIOKafkaConsumer(
        world.topics.invoice_created, **world.kafka, group_id=world.settings.group_id, enable_auto_commit=False
    )
    real = fencing.fence

    async def joined_meanwhile(*arguments):
        await member.start()  # returns once it has joined
        return await real(*arguments)

    monkeypatch.setattr("app.replay.group.fence", joined_meanwhile)
    try:
        with pytest.raises(GroupActiveError):
            await execute(world.settings, found)
    finally:
        await member.stop()
    assert await world.committed() == before


async def test_a_worker_that_was_paused_and_put_out_cannot_undo_it_when_it_wakes(world):
    await posted(world, "a", "b", "c")
    before = await world.committed()
    ledger = TopicPartition(world.topics.ledger(world.topics.invoice_created), 0)
    async with producing(world.bootstrap, transactional_id(ledger)) as zombie:
        await zombie.begin_transaction()
        await execute(world.settings, await look(world.settings, ResetTo.EARLIEST, everything(world)))
        stands = {spot(world, 0): OffsetAndMetadata(before[0], "")}
        with pytest.raises(KafkaError):
            await zombie.send_offsets_to_transaction(stands, world.settings.group_id)
    assert await world.committed() == {0: 0, 1: 0}


async def test_offsets_that_moved_after_the_dry_run_are_not_overwritten(world):
    await posted(world, "a", "b", "c")
    found = await look(world.settings, ResetTo.EARLIEST, everything(world))
    await posted(world, "d", "e", "f")
    before = await world.committed()
    with pytest.raises(CommandError, match="moved meanwhile"):
        await execute(world.settings, found)
    assert await world.committed() == before


# Long ranges.


async def test_a_long_range_is_streamed_and_progress_is_told(world, monkeypatch, capsys):
    await world.send_invoices(*(f"n{number}" for number in range(3_000)))
    monkeypatch.setattr(topic_reader, "READ_AT_ONCE", 200)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    most = 0
    real = topic_reader.TopicReader.records

    async def watched(reader, *arguments, **options):
        nonlocal most
        async for records in real(reader, *arguments, **options):
            most = max(most, len(records))
            yield records

    monkeypatch.setattr(topic_reader.TopicReader, "records", watched)
    found = await look(world.settings, ResetTo.LATEST, everything(world))
    assert total(found, skips=True).kinds == {RecordOutcome.MAY_POST: 3_000}
    assert 0 < most <= 200
    assert "reading events and ledgers: 100 % of" in capsys.readouterr().err


# Words.


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--to-earliest"],
        ["--all-topics"],
        ["--all-topics", "--to-earliest", "--to-latest"],
        ["--all-topics", "--topic", "invoice-created", "--to-earliest"],
        ["--topic", "no-such-topic", "--to-earliest"],
        ["--topic", "invoice-created:one", "--to-earliest"],
        ["--all-topics", "--to-offset", "-1"],
        ["--all-topics", "--to-offset", "many"],
        ["--all-topics", "--to-datetime", "yesterday"],
        ["--all-topics", "--by-duration", "1h"],
        ["--from-file", "no-such-file"],
        ["--all-topics", "--to-earliest", "--execute", "--dry-run"],
        ["--all-topics", "--to-earliest", "--execute", "--export"],
    ],
)
def test_a_request_that_cannot_be_is_exit_code_2(run, arguments: list[str]):
    refused = run("replay", *arguments, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (refused.code, refused.out) == (2, ""), refused


async def test_a_partition_that_does_not_exist_is_exit_code_2(world, command):
    refused = await command("replay", "--topic", "invoice-created:7", "--to-earliest")
    assert refused.code == 2
    assert "has no partition 7: it has 0 to 1" in refused.err


async def test_json_says_the_same(world, command):
    await posted(world, "a", "b")
    told = json.loads((await command("replay", "--topic", "invoice-created", "--to-earliest", "--json")).out)
    assert (told["executed"], told["group_active"], told["warnings"]) == (False, False, [])
    assert told["read_again"]["records"] == told["read_again"]["already_posted"] == 2
    assert sum(each["read_again"]["records"] for each in told["partitions"]) == 2


def test_times_and_durations():
    assert read_time("2026-06-10T12:00:00").at == NOW
    assert read_time("2026-06-10T14:00:00.000+02:00").at == NOW
    assert read_duration("P1DT2H3M4.5S", NOW).at == NOW - timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    for text in ("P", "PT", "1D", "P1M", "-P1D", "P1DT", "P99999999999D"):
        with pytest.raises(UsageError):
            read_duration(text, NOW)
    for text in ("2026-06-10", "12:00:00", "1969-12-31T00:00:00Z", ""):
        with pytest.raises(UsageError):
            read_time(text)


def test_topics_are_named_with_or_without_prefix(world_settings):
    scope = read_scope(["invoice-created:0,1", "p-invoice-created:3", "fuel-transaction"], world_settings)
    assert scope == {"p-invoice-created": frozenset({0, 1, 3}), "p-fuel-transaction": None}
    assert read_scope(["invoice-created", "invoice-created:1"], world_settings) == {"p-invoice-created": None}


@pytest.mark.parametrize(
    "text", ["", "t,0,1\n", "p-invoice-created,0\n", "p-invoice-created,0,-1\n", "p-invoice-created,0,1\n" * 2]
)
def test_a_file_that_is_no_export_is_refused(tmp_path, world_settings, text: str):
    file = tmp_path / "offsets.csv"
    file.write_text(text)
    with pytest.raises(UsageError):
        read_file(file, world_settings)
    good = {TopicPartition("p-invoice-created", 0): 3}
    file.write_text("\n".join(export_lines(good)))
    assert read_file(file, world_settings) == Listed(good)


@pytest.fixture
def world_settings():
    return Settings(topic_prefix="p-")
