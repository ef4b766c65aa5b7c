"""All revisions of a document meet in one partition, or are dead letters before one is posted (promises 2 and 4)."""

import asyncio
from base64 import b64encode
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions

from app.errors import CommandError
from app.partitioner import change
from app.replay.group import GroupActiveError
from consumers.export.ledger import placement
from consumers.export.ledger.codec import encode as encode_entry
from consumers.export.ledger.generation import PartitionsChangedError
from consumers.export.ledger.placement import RULE, PartitionerError, decode, encode
from consumers.export.ledger.store import MEMORY, LedgerStore
from consumers.export.protocol.document_state import DocumentState, LastOutcome
from domain.outcomes import Outcome
from kafka_client.fencing import fence
from kafka_client.partitioners import Partitioner, Placement
from tests.support.eventually import counting_turns
from tests.support.kafka import admin_of, producing
from tests.support.world import World, invoice, key

MURMUR2, CRC32 = (Placement(rule, 2) for rule in (Partitioner.MURMUR2, Partitioner.CRC32))
NUMBERS = [f"I-{n}" for n in range(40)]
APART = [n for n in NUMBERS if MURMUR2.partition_of(key(n)) != CRC32.partition_of(key(n))]
"""Invoices that the two rules put in two partitions."""
AT_0_BY_CRC32 = [n for n in APART if CRC32.partition_of(key(n)) == 0]


async def send(world, rule, *numbers, amount="100.00"):
    async with producing(world.bootstrap) as producer:
        for number in numbers:
            record_key = key(number)
            where = rule.partition_of(record_key)
            await producer.send(world.topics.invoice_created, invoice(number, amount), record_key, partition=where)
        await producer.flush()


async def letters(world, count=None):
    async with asyncio.timeout(60):
        while len(found := await world.records(world.topics.sage_dead_letters)) < (count or 0):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # Kafka is polled
    assert {dict(each.headers)["alvys-sage-code"] for each in found} <= {b"WRONG_PARTITION"}
    return found


async def rules(world, source=None):
    """The rule in each partition of a ledger."""
    found = {}
    for record in await world.records(world.topics.ledger(source or world.topics.invoice_created)):
        if record.key == RULE.encode() and record.value is not None:
            found[record.partition] = decode(record.topic, record.value)
    return found


@pytest.mark.kafka("both")
async def test_of_two_producers_with_two_partitioners_one_posts_and_the_others_revisions_are_dead_letters(world: World):
    async with world.worker():
        await send(world, CRC32, *APART[:6])
        await letters(world, 6)
        await send(world, MURMUR2, *APART[:6], amount="110.00")
        await world.until(6, "posted")
    booked = sorted((each.number, str(each.total)) for each in world.sage.booked)
    assert booked == [(number, "110.00") for number in sorted(APART[:6])]
    assert set((await rules(world)).values()) == {Partitioner.MURMUR2}


async def test_a_rule_that_is_told_is_kept_for_all_partitions_and_our_own_topic_keeps_its_own(world: World):
    world.settings = world.settings.model_copy(update={"partitioner": "crc32"})
    async with world.worker():
        await send(world, CRC32, *APART[:6])
        await world.until(6, "posted")
        await send(world, MURMUR2, *APART[:6], amount="110.00")
        await letters(world, 6)
    assert await rules(world) == {0: Partitioner.CRC32, 1: Partitioner.CRC32}
    assert await rules(world, world.topics.consolidated_bill) == {0: Partitioner.MURMUR2, 1: Partitioner.MURMUR2}
    world.settings = world.settings.model_copy(update={"partitioner": "auto"})
    async with world.worker():  # what is written holds
        await send(world, CRC32, *APART[6:8])
        await world.until(8, "posted")


async def test_the_rule_is_learned_from_what_waits_in_the_topic(world: World):
    numbers = [f"I-{n}" for n in range(150)]
    await send(world, CRC32, *numbers)
    async with world.worker():
        await world.until(150, "posted")
    assert await rules(world) == {0: Partitioner.CRC32, 1: Partitioner.CRC32}
    assert await letters(world) == []


async def test_a_few_records_are_no_reason_to_leave_kafkas_own_rule(world: World):
    await send(world, CRC32, *APART[:6])
    async with world.worker():
        await letters(world, 6)
    assert await rules(world) == {0: Partitioner.MURMUR2, 1: Partitioner.MURMUR2}


async def test_a_ledger_from_before_learns_from_the_documents_that_it_knows(world: World, monkeypatch):
    async def before(*arguments, **options):
        return {each: Placement(Partitioner.ANY, 2) for each in map(world.topics.ledger, world.topics.sources)}

    with monkeypatch.context() as without:
        without.setattr("consumers.export.worker.settle", before)
        await send(world, CRC32, *APART[:8])
        async with world.worker():
            await world.until(8, "posted")
    assert await rules(world) == {}
    async with world.worker():
        await send(world, CRC32, *APART[:8], amount="110.00")
        await world.until(16)
        await send(world, MURMUR2, *APART[:2], amount="120.00")
        await letters(world, 2)
    assert await rules(world) == {0: Partitioner.CRC32, 1: Partitioner.CRC32}
    assert len(world.sage.standing_now) == 8


async def known(world, *numbers):
    """Have partition 0 of the ledger know documents."""
    ledger = TopicPartition(world.topics.ledger(world.topics.invoice_created), 0)
    async with producing(world.bootstrap) as producer:
        for number in numbers:
            name = key(number).decode()
            entry = DocumentState(name, last=LastOutcome("r", Outcome.SKIPPED, 1))
            await producer.send_and_wait(ledger.topic, encode_entry(entry), name.encode(), partition=0)


async def test_a_ledger_that_two_partitioners_filled_wants_to_be_told_which_is_right(world: World):
    await known(world, AT_0_BY_CRC32[0], *(n for n in APART if MURMUR2.partition_of(key(n)) == 0))
    async with world.worker() as running:
        running.killed = True  # it ends by itself, and how is the point
        with pytest.raises(PartitionerError, match="producers with several partitioners"):
            async with asyncio.timeout(60):
                await running.task
    world.settings = world.settings.model_copy(update={"partitioner": "murmur2"})
    async with world.worker() as running:
        await running.until_open(10)


async def test_a_rule_that_changed_ends_the_worker_before_it_reads(world: World):
    async with world.worker() as running:
        await running.until_open(10)
    world.settings = world.settings.model_copy(update={"partitioner": "crc32"})
    await send(world, CRC32, *APART[:4])
    async with world.worker() as running:
        running.killed = True
        with pytest.raises(PartitionerError, match="murmur2, and ALVYS_SAGE_PARTITIONER says crc32"):
            async with asyncio.timeout(60):
                await running.task
    assert world.sage.booked == []


async def test_a_wrong_partitioner_is_changed_where_no_document_is_in_the_way(world: World):
    async with world.worker() as running:
        await running.until_open(10)
        await send(world, CRC32, *APART[:6])
        letters_before = await letters(world, 6)
        with pytest.raises(GroupActiveError):
            await change(world.settings, Partitioner.CRC32)
    changed = await change(world.settings, Partitioner.CRC32)
    assert set(changed) == {*world.topics.sources} - {world.topics.consolidated_bill}
    async with world.worker():
        for letter in letters_before:
            headers = {name: value.decode() for name, value in letter.headers}
            await world.ask(
                "replay",
                topic=world.topics.invoice_created,
                partition=int(headers["kafka_dlt-original-partition"]),
                offset=int(headers["kafka_dlt-original-offset"]),
                timestamp=int(headers["kafka_dlt-original-timestamp"]),
                key=b64encode(letter.key).decode(),
                value=b64encode(letter.value).decode(),
            )
        await world.until(6, "posted")
    assert set((await rules(world)).values()) == {Partitioner.CRC32}
    with pytest.raises(CommandError, match="documents that partition"):
        await change(world.settings, Partitioner.MURMUR2)
    assert set((await rules(world)).values()) == {Partitioner.CRC32}


async def test_a_change_that_was_cut_off_leaves_one_rule_for_all(world: World, monkeypatch):
    async with world.worker() as running:
        await running.until_open(10)
    write, written = placement.write, []

    async def dying(ledger, value, producer, copy):
        if value is not None:
            raise ConnectionError("the machine is gone")
        written.append(ledger)
        await write(ledger, value, producer, copy)

    with monkeypatch.context() as broken:
        broken.setattr(placement, "write", dying)
        with pytest.raises(ConnectionError):
            await change(world.settings, Partitioner.CRC32)
    assert written
    async with world.worker() as running:
        await running.until_open(10)
    assert await rules(world) == {0: Partitioner.MURMUR2, 1: Partitioner.MURMUR2}


@pytest.mark.kafka("both")
async def test_no_partition_opens_before_the_owner_of_the_first_has_decided(world: World):
    """Two owners that decided apart could differ, and each would take a revision of one document."""
    topic = world.topics.ledger(world.topics.invoice_created)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    producers = dict(zip((first, second), await fence(world.clients, [first, second]), strict=True))

    async def settle(ledger, rule):
        asked = {topic: placement.PartitionerRequest(world.topics.invoice_created, rule)}
        copy = LedgerStore(MEMORY)
        try:
            found = await placement.settle(world.clients, {ledger: producers[ledger]}, {ledger: copy}, asked)
        finally:
            copy.close()
        return found[topic].rule

    async with AsyncExitStack() as stack:
        for producer in producers.values():
            stack.push_async_callback(producer.stop)
        with pytest.raises(placement.UndecidedError):
            await settle(second, Partitioner.MURMUR2)
        assert await settle(first, Partitioner.CRC32) is Partitioner.CRC32
        with pytest.raises(PartitionerError, match="holds the partitioner crc32"):
            await settle(second, Partitioner.MURMUR2)
        assert await settle(second, None) is Partitioner.CRC32
    assert await rules(world) == {0: Partitioner.CRC32, 1: Partitioner.CRC32}


class Cluster:
    """The ledgers of two topics, as far as their partitioners go: what is committed in each partition."""

    def __init__(self) -> None:
        self.written: dict[TopicPartition, bytes] = {}

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1}

    async def write(self, ledger, value, producer, copy) -> None:
        self.written[ledger] = value

    async def written_in(self, first: TopicPartition) -> bytes | None:
        return self.written.get(first)

    async def settle(self, *ledgers: TopicPartition) -> None:
        """Open these partitions, as a worker does that was given them."""
        copies = {ledger: LedgerStore(MEMORY) for ledger in ledgers}
        asked = {ledger.topic: placement.PartitionerRequest(ledger.topic, Partitioner.CRC32) for ledger in ledgers}
        try:
            await placement.settle(cast(Any, None), dict.fromkeys(ledgers, cast(Any, self)), copies, asked)
        finally:
            for copy in copies.values():
                copy.close()


async def test_two_workers_that_decide_for_one_topic_each_do_not_wait_for_each_other(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(placement, "write", cluster.write)
    monkeypatch.setattr(placement._Decision, "_written_in", cluster.written_in)
    first = TopicPartition("y", 1), TopicPartition("x", 0)
    second = TopicPartition("x", 1), TopicPartition("y", 0)
    with pytest.raises(placement.UndecidedError):
        await cluster.settle(*first)
    await cluster.settle(*second)  # the first has decided for x, though y was not decided
    await cluster.settle(*first)
    assert cluster.written == dict.fromkeys((*first, *second), encode(Partitioner.CRC32))


@pytest.mark.kafka("both")
async def test_partitions_added_while_a_worker_runs_stop_it_before_anything_is_posted_twice(world: World):
    numbers = NUMBERS[:20]
    await world.send_invoices(*numbers)
    async with world.worker() as running:
        running.killed = True  # it ends by itself, and how is the point
        await world.until(20, "posted")
        async with admin_of(world.bootstrap) as admin:
            await admin.create_partitions({world.topics.invoice_created: NewPartitions(3)})
        of_three = Placement(Partitioner.MURMUR2, 3)
        moved = [n for n in numbers if of_three.partition_of(key(n)) != MURMUR2.partition_of(key(n))]
        assert len(moved) > 5
        await send(world, of_three, *numbers, amount="110.00")
        with pytest.raises(PartitionsChangedError, match="began with 2 partitions and has 3"):
            async with asyncio.timeout(25):  # the broker's news alone would take longer
                await running.task
    times = Counter(each.number for each in world.sage.standing_now)
    assert times.keys() <= set(numbers)
    assert set(times.values()) == {1}  # a correction that the stop interrupts leaves a reversed one until it goes on


async def test_with_any_record_key_no_partition_is_wrong(world: World):
    world.settings = world.settings.model_copy(update={"record_keys": "any"})
    await send(world, CRC32, *APART[:4])
    async with world.worker():
        await world.until(4, "posted")
    assert await rules(world) == {}


async def test_a_ledger_of_many_documents_is_looked_through_in_slices():
    decision = placement._Decision(cast(Any, None), placement.PartitionerRequest("invoice-created", None), 2)
    async with counting_turns() as turns:
        found = await decision._fitting(key(str(number)) for number in range(20 * placement.AT_ONCE))
    assert turns() >= 20
    assert set(found) == {Partitioner.MURMUR2, Partitioner.CRC32, None}
