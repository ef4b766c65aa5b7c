"""Promises 1 and 2 when topics are damaged: nothing is posted from a partial memory, and no loss is silent."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from app.ledgers.acceptance import accept, acceptances
from app.ledgers.survey import survey
from consumers.export.ledger.damage import PartitionFault, SourcePosition, lost_records
from consumers.export.ledger.generation import TopicGeneration, TopicIds, encode, encode_ids, examine
from consumers.export.ledger.source_positions import traces
from consumers.export.worker import HELD_AGAIN
from tests.support.damaged_topics import expire_unread, held, make_anew
from tests.support.eventually import until
from tests.support.world import World, key

SOURCE, LEDGER = TopicPartition("invoice-created", 0), TopicPartition("invoice-created.ledger", 0)
READ = SourcePosition(SOURCE, begin=0, end=100, committed=80, source_id="s", ledger_id="l")
MARK, IDS = encode(TopicGeneration("m", 2)), encode_ids(TopicIds("l", "s"))


@pytest.mark.parametrize(
    ("position", "fault"),
    [
        (READ, None),
        (replace(READ, committed=None, begin=50), None),  # a group that begins has lost nothing
        (replace(READ, begin=80), None),
        (replace(READ, committed=100), None),
        (replace(READ, begin=81), PartitionFault.SOURCE_RECORDS_EXPIRED),
        (replace(READ, committed=101), PartitionFault.SOURCE_REPLACED),
    ],
)
def test_a_committed_offset_outside_of_the_log_is_damage(position, fault):
    damage = lost_records(position)
    assert (None if damage is None else damage.fault) is fault


@pytest.mark.parametrize(
    ("mark", "ids", "position", "fault"),
    [
        (MARK, IDS, READ, None),
        (MARK, IDS, replace(READ, ledger_id=None, source_id=None), None),
        (MARK, encode_ids(TopicIds(None, None)), READ, None),
        (MARK, IDS, replace(READ, ledger_id="copy"), PartitionFault.LEDGER_COPIED),
        (MARK, IDS, replace(READ, source_id="anew"), PartitionFault.SOURCE_REPLACED),
        (None, None, READ, PartitionFault.LEDGER_EMPTY),
        (None, None, replace(READ, committed=None), None),
        (None, None, replace(READ, committed=0), PartitionFault.LEDGER_EMPTY),  # set back for a replay
        (None, None, replace(READ, begin=80), PartitionFault.LEDGER_EMPTY),  # what was read has expired
    ],
)
def test_the_records_of_a_ledger_show_whether_it_is_the_one_that_began(mark, ids, position, fault):
    damage = examine(LEDGER, mark, ids, position, documents=0)
    assert (None if damage is None else damage.fault) is fault


def test_a_ledger_that_ends_behind_its_mark_is_the_beginning_of_a_copy():
    damage = examine(LEDGER, MARK, None, READ, documents=0)
    assert damage is not None
    assert damage.fault is PartitionFault.LEDGER_EMPTY
    # Of a version before ids, of brokers that know none, or one that begins:
    assert examine(LEDGER, MARK, None, READ, documents=1) is None
    assert examine(LEDGER, MARK, None, replace(READ, ledger_id=None), documents=0) is None
    assert examine(LEDGER, MARK, None, replace(READ, committed=None), documents=0) is None


async def test_a_ledger_that_is_emptied_is_not_taken_for_new_because_the_source_was_set_back_or_has_expired(world):
    await world.send_invoices("a", "b")
    async with world.worker():
        await world.until(2, "posted")
        await world.until_all_committed()
    await make_anew(world, world.topics.ledger(world.topics.invoice_created))
    await world.rewind()
    async with world.worker():
        await until(lambda: len(held(world)) == world.partitions, within=60)
        assert set(held(world).values()) == {PartitionFault.LEDGER_EMPTY}
    assert sum(world.sage.requests) == 2


def posted_once(world: World, *numbers: str) -> bool:
    times = Counter(each.number for each in world.sage.standing_now)
    return times == Counter(dict.fromkeys(numbers, 1))


INVOICES = ("a", "b", "c", "d", "e", "f")
BOTH = {("invoice-created", 0), ("invoice-created", 1)}


async def six_posted(world: World) -> None:
    """The invoices stand in Sage, their offsets are committed, and the worker that posted them has ended."""
    await world.send_invoices(*INVOICES)
    async with world.worker():
        await world.until(6, "posted")
        await world.until_all_committed()


@pytest.mark.kafka("both")
async def test_a_ledger_that_was_deleted_between_runs_posts_nothing_twice_and_others_go_on(world: World):
    await six_posted(world)
    await make_anew(world, world.topics.ledger(world.topics.invoice_created))
    await world.send_invoices(*INVOICES)
    with capture_logs() as logs:
        async with world.worker() as running:
            await until(lambda: held(world) == dict.fromkeys(BOTH, PartitionFault.LEDGER_EMPTY))
            await running.until_open(4 * world.partitions)
            assert not any(each.topic == world.topics.invoice_created for each in running.worker.assigned)
    assert posted_once(world, *INVOICES)
    told = [each for each in logs if each["event"] == "partition is held"]
    assert {each["code"] for each in told} == {PartitionFault.LEDGER_EMPTY}
    assert all("alvys-sage ledger restore" in each["fix"] for each in told)
    assert held(world) == {}, "nothing is held by a worker that has ended"


@pytest.mark.kafka("both")
async def test_a_ledger_that_is_replaced_under_a_running_worker_is_noticed_within_seconds(world: World):
    await world.send_invoices(*INVOICES)
    async with world.worker():
        await world.until(6, "posted")
        await world.until_all_committed()
        await make_anew(world, world.topics.ledger(world.topics.invoice_created))
        await until(lambda: held(world) == dict.fromkeys(BOTH, PartitionFault.LEDGER_EMPTY), within=60)
        await world.send_invoices(*INVOICES)
    assert posted_once(world, *INVOICES)


@pytest.mark.kafka("both")
@pytest.mark.parametrize("running_then", [False, True], ids=["between runs", "while it runs"])
async def test_records_that_expire_before_they_are_read_are_told_and_not_passed_over(world: World, running_then):
    """Six were posted, then records came that nobody read before they were deleted."""
    await world.send_invoices(*INVOICES)
    async with world.worker(max_poll_records=1) as running:
        await world.until(6, "posted")
        await world.until_all_committed()
        if running_then:
            expired = await expire_unread(world, running)
            await until(lambda: held(world) == dict.fromkeys(expired, PartitionFault.SOURCE_RECORDS_EXPIRED), within=60)
    if not running_then:
        expired = await expire_unread(world, None)
        async with world.worker():
            await until(lambda: held(world) == dict.fromkeys(expired, PartitionFault.SOURCE_RECORDS_EXPIRED), within=60)
    assert posted_once(world, *INVOICES)


@pytest.mark.kafka("both")
async def test_a_source_that_was_made_anew_is_not_read_from_the_middle(world: World):
    await six_posted(world)
    await make_anew(world, world.topics.invoice_created)
    others = [str(number) for number in range(40)]
    await world.send_invoices(*others)
    async with world.worker():
        await until(lambda: held(world) == dict.fromkeys(BOTH, PartitionFault.SOURCE_REPLACED))
    assert posted_once(world, *INVOICES)


async def test_a_held_partition_opens_by_itself_once_it_is_repaired(world: World):
    await six_posted(world)
    expired = await expire_unread(world, None)
    async with world.worker() as running:
        await until(lambda: held(world) == dict.fromkeys(expired, PartitionFault.SOURCE_RECORDS_EXPIRED))
        await repair_by_hand(world)
        await running.until_open(5 * world.partitions)
        assert held(world) == {}
        await world.send_invoices("later")
        await world.until(7, "posted")


async def test_a_repair_that_came_before_the_first_look_is_seen_a_minute_later(world: World, monkeypatch):
    await six_posted(world)
    await expire_unread(world, None)
    looked = traces

    async def as_after_the_repair(clients, group_id, sources):
        now = await looked(clients, group_id, sources)
        return {ledger: replace(trace, committed=0, lost=None) for ledger, trace in now.items()}

    monkeypatch.setattr("consumers.export.worker.traces", as_after_the_repair)
    async with world.worker() as running:
        await until(lambda: held(world))
        await repair_by_hand(world)
        began = asyncio.get_running_loop().time()
        await until(lambda: len(running.worker.assigned) == 5 * world.partitions, within=300)
        assert asyncio.get_running_loop().time() - began > HELD_AGAIN / 2
    assert held(world) == {}


async def repair_by_hand(world: World) -> None:
    """Commit the log's beginning in a transaction, which the group's members do not hinder."""
    source = TopicPartition(world.topics.invoice_created, 0)
    begin = (await world.ends())[0]
    producer = world.clients.transactional_producer(f"{world.prefix}repair")
    await producer.start()
    await producer.begin_transaction()
    await producer.send_offsets_to_transaction({source: begin}, world.settings.group_id)
    await producer.commit_transaction()
    await producer.stop()


async def test_a_ledger_without_documents_that_is_made_anew_can_be_accepted_beside_its_local_store(world, tmp_path):
    """Only dead letters came: the store of such a ledger is no copy of anything, and keeps no partition closed."""
    topic = world.topics.invoice_created
    await world.send((key("a"), b"{"), (key("b"), b"{"))
    async with world.worker(state_dir=tmp_path):
        await world.until_dead(2)
        await world.until_all_committed()
    await make_anew(world, world.topics.ledger(topic))
    async with world.worker(state_dir=tmp_path):
        await until(lambda: held(world))
        assert set(held(world).values()) == {PartitionFault.LEDGER_EMPTY}
        able, unable = acceptances(await survey(world.settings, {topic: None}), as_new=True)
        assert not unable
        await accept(world.settings, able)
        await until(lambda: not held(world))
        await world.send_invoices("a", "b")
        await world.until(2, "posted")
