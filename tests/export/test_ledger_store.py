"""The local copy of a ledger is a cache: a restart reads the tail, and no state of the file changes an answer."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.errors import ProducerFenced
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.export import metrics
from consumers.export.ledger import generation
from consumers.export.ledger import store as ledger_store
from consumers.export.ledger.codec import LedgerUnreadableError, encode
from consumers.export.ledger.damage import PartitionDamagedError, PartitionFault, SourcePosition
from consumers.export.ledger.generation import MARK, PartitionsChangedError, TopicGeneration
from consumers.export.ledger.restore import PATIENCE, restore
from consumers.export.ledger.store import CACHED, MEMORY, LedgerRecord, LedgerStore
from consumers.export.ledger.store_files import existing, file_name, open_ledger
from consumers.export.ledger.transactions import LedgerReplacedError, PendingWrite, TransactionScope, TransactionWriter
from consumers.export.protocol.document_state import DocumentState, LastOutcome
from domain.outcomes import Outcome
from kafka_client.offset_tracker import OffsetTracker
from kafka_client.reader import KafkaReader
from tests.support.kafka import COMPACTED, admin_of, clients_at, create_topic, producing, read_to_end
from tests.support.ledger_entries import entries

AT = TopicPartition("invoice-created.ledger", 0)
KEYS = ["a", "b", "c"]


# The file alone.


@given(st.lists(entries | st.sampled_from(["drop a", "drop b", "stop", "crash"]), max_size=25))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_to_it_the_copy_and_the_tail_of_the_topic_are_the_whole_ledger(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("state")
    topic: list[LedgerRecord] = []
    truth: dict[str, DocumentState] = {}
    ledger, taken = open_ledger(folder, AT), 0
    for step in steps:
        if step == "stop":  # in order, with everything taken over
            ledger.apply(topic[taken:], len(topic))
            ledger.close()
        elif step == "crash":  # what was not taken over yet is lost, and so is the process
            ledger.close()
        else:
            change = (
                LedgerRecord(step[-1], None) if isinstance(step, str) else LedgerRecord(step.key, encode(step), step)
            )
            topic.append(change)
            truth.pop(change.key, None)
            if change.entry is not None:
                truth[change.key] = change.entry
            if len(topic) % 3 == 0:
                ledger.apply(topic[taken:], len(topic))
                taken = len(topic)
            continue
        ledger = open_ledger(folder, AT)
        taken = ledger.checkpoint or 0
    ledger.apply(topic[taken:], len(topic))
    assert {key: ledger.get(key) for key in KEYS} == {key: truth.get(key, DocumentState(key)) for key in KEYS}
    assert len(ledger) == len(truth)
    claimed = [entry for entry in truth.values() if entry.claim is not None]
    assert {entry.key for entry in ledger.in_doubt()} == {entry.key for entry in claimed if entry.parked is not None}
    assert dict(ledger.claims_without_event()) == {entry.key: entry.claim for entry in claimed if entry.parked is None}
    kept = [entry for entry in truth.values() if entry.parked is not None and entry.last is not None]
    codes = {entry.last.code for entry in kept if entry.last is not None and entry.last.code is not None}
    for code in codes:
        assert set(ledger.coded(code)) == {entry.key for entry in kept if entry.last and entry.last.code == code}
    blocked = {by: {e.key for e in truth.values() if by in e.released_by} for by in ledger.blockers()}
    assert {by: set(ledger.blocked_by(by)) for by in ledger.blockers()} == blocked
    for by in (each for each in ledger.blockers() if each.isprintable() and each):  # SQLite cuts texts at a NUL
        assert [key for _, key in ledger.waiting_for(by)] == list(ledger.blocked_by(by))
    assert set(blocked) == {by for entry in truth.values() for by in entry.released_by}
    ledger.close()


def test_entries_and_checkpoint_are_taken_over_together_or_not_at_all(tmp_path):
    ledger = open_ledger(tmp_path, AT)
    ledger.apply([_change("a", 1)], 1)
    with pytest.raises(sqlite3.Error):
        ledger.apply([_change("a", 2), LedgerRecord("b", {}, DocumentState("b"))], 2)  # type: ignore[arg-type]  # the disk fails half way
    assert not list(tmp_path.iterdir())  # it was behind what is committed: nobody may ask it again


def test_memory_does_not_grow_with_the_number_of_documents():
    ledger = LedgerStore()
    for start in range(0, 100_000, 1_000):
        ledger.apply(_change(f"invoice/{number}", number) for number in range(start, start + 1_000))
    assert len(ledger) == 100_000
    assert ledger.cached <= CACHED
    assert ledger.get("invoice/17").attempts == 17
    ledger.apply([_change("parked", 1, parked=b"x" * 1_000_000)])
    assert ledger.cached <= CACHED
    assert "parked" not in ledger._recent


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "layout", "foreign", "page"])
def test_a_file_that_is_broken_or_of_another_kind_is_built_anew(tmp_path, damage):
    ledger = open_ledger(tmp_path, AT)
    ledger.apply((_change(f"k{number}", number) for number in range(5_000)), 5_000)
    ledger.close()
    file = tmp_path / file_name(AT)
    whole = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(b"no database at all" * 1_000)
    elif damage == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "page":
        file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    else:
        file.unlink()
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE something (else_ TEXT)")
        other.execute(f"PRAGMA user_version = {ledger_store.LAYOUT if damage == 'foreign' else 7}")
        other.close()
    ledger = open_ledger(tmp_path, AT)
    assert ledger.checkpoint is None
    assert len(ledger) == 0
    ledger.close()


def test_a_disk_that_turns_a_record_to_dust_costs_a_new_file_never_an_answer(tmp_path):
    ledger = open_ledger(tmp_path, AT)
    ledger.apply([_change("a", 1)], 1)
    ledger._db.execute("UPDATE entry SET value = x'7b22'")
    ledger._recent.clear()
    with pytest.raises(ValueError, match="not one of ours"):
        ledger.get("a")
    assert not list(tmp_path.iterdir())


def test_two_processes_with_one_folder_have_a_file_each_and_a_stopped_one_keeps_its_own(tmp_path):
    hold = (
        "import sys, time; from pathlib import Path; from aiokafka import TopicPartition as T\n"
        "from consumers.export.protocol.document_state import DocumentState\n"
        "from consumers.export.ledger.store_files import open_ledger\n"
        "ledger = open_ledger(Path(sys.argv[1]), T('invoice-created.ledger', 0))\n"
        "ledger.put(DocumentState('a', attempts=1)); print('ready', flush=True); sys.stdin.readline()\n"
        "ledger.put(DocumentState('b', attempts=1)); print(ledger.get('a').attempts, len(ledger), flush=True)"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as old:
        assert old.stdin
        assert old.stdout
        assert old.stdout.readline() == "ready\n"
        os.kill(old.pid, signal.SIGSTOP)
        new = open_ledger(tmp_path, AT)
        new.put(DocumentState("a", attempts=2))
        os.kill(old.pid, signal.SIGCONT)
        old.stdin.write("\n")
        old.stdin.flush()
        assert old.stdout.readline() == "1 2\n"
        assert (new.get("a").attempts, len(new)) == (2, 1)
        new.close()
    assert {file.name for file in tmp_path.iterdir()} == {file_name(AT, 0), file_name(AT, 1)}


def test_a_folder_that_cannot_be_written_leaves_the_ledger_in_memory(tmp_path):
    (tmp_path / "file").write_text("no folder")
    ledger = open_ledger(tmp_path / "file", AT)
    ledger.put(DocumentState("a", attempts=3))
    assert ledger.get("a").attempts == 3


# With the topic.


@pytest.mark.kafka("both")
async def test_a_restart_reads_only_the_tail(world, tmp_path):
    await world.send_invoices(*(f"n{number}" for number in range(30)))
    async with world.worker(state_dir=tmp_path):
        await world.until(30, "posted")
    whole = await _entries_in_topic(world)
    read = _records_read(world)
    async with world.worker(state_dir=tmp_path) as running:
        await running.until_open(10)
        assert _records_read(world) == read
        await world.send_invoices("late")
        await world.until(31, "posted")
    assert len(whole) == 30


async def test_a_deleted_store_is_built_anew_and_nothing_is_posted_twice(world, tmp_path):
    await world.send_invoices("a", "b", "c")
    async with world.worker(state_dir=tmp_path):
        await world.until(3, "posted")
    for file in tmp_path.iterdir():
        file.unlink()
    await world.send_invoices("a", "b", "c")
    async with world.worker(state_dir=tmp_path):
        await world.until(3, "already_posted")
    assert set(world.sage.keys.values()) == {1}
    assert list(tmp_path.iterdir())


@pytest.mark.kafka("both")
async def test_a_store_from_before_the_topic_was_made_anew_is_kept_as_the_last_copy(bootstrap, topic_prefix, tmp_path):
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=5)
    mark = (MARK, generation.encode(TopicGeneration("another", 1)))
    others = [(f"new{number}", encode(DocumentState(f"n{number}"))) for number in range(50)]
    for records, fault in (
        ([], PartitionFault.LEDGER_EMPTY),
        ([mark, *others], PartitionFault.LEDGER_REPLACED),  # as the service writes it
        (others, PartitionFault.LEDGER_REPLACED),
    ):
        await _make_anew(bootstrap, ledger)
        await _write(bootstrap, ledger, *records)
        assert await _damage(bootstrap, ledger, tmp_path) is fault
    with LedgerStore(tmp_path / file_name(ledger)) as kept:
        assert [kept.get(f"old{number}").attempts for number in range(5)] == [1] * 5


@pytest.mark.kafka("both")
async def test_a_store_whose_log_was_restored_into_the_topic_is_built_anew(bootstrap, topic_prefix, tmp_path):
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=5)
    with LedgerStore(tmp_path / file_name(ledger)) as held:
        before = generation.decode(held.internal(MARK) or b"")
    await _make_anew(bootstrap, ledger)
    await _write(
        bootstrap,
        ledger,
        (MARK, generation.encode(generation.new_mark(1, follows=(before.id,)))),
        ("old0", encode(DocumentState("old0", attempts=7))),
    )
    copy = (await restore(clients_at(bootstrap), [ledger], state_dir=tmp_path))[ledger]
    assert (copy.get("old0").attempts, len(copy)) == (7, 1)
    copy.close()


@pytest.mark.kafka("both")
async def test_a_store_that_is_ahead_of_the_topic_shows_that_brokers_lost_records(bootstrap, topic_prefix, tmp_path):
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=5)
    with sqlite3.connect(tmp_path / file_name(ledger)) as file:
        file.execute("UPDATE checkpoint SET at = 1000")
    file.close()
    assert await _damage(bootstrap, ledger, tmp_path) is PartitionFault.LEDGER_TRUNCATED
    with LedgerStore(tmp_path / file_name(ledger)) as kept:
        assert len(kept) == 5


@pytest.mark.kafka("both")
@pytest.mark.parametrize("kept", [True, False], ids=["with a store", "without a store"])
async def test_a_ledger_whose_first_records_were_deleted_is_not_read(bootstrap, topic_prefix, tmp_path, kept):
    expiring = {"cleanup.policy": "compact,delete"}  # of a compacted topic, the broker deletes no records
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=5, config=expiring)
    async with admin_of(bootstrap) as admin:
        await admin.delete_records({ledger: RecordsToDelete(before_offset=3)})
    assert await _damage(bootstrap, ledger, tmp_path if kept else None) is PartitionFault.LEDGER_RECORDS_EXPIRED


def test_a_copy_with_a_record_that_cannot_be_read_is_not_deleted(tmp_path):
    file = tmp_path / file_name(AT)
    with LedgerStore(file) as store:
        store.apply([LedgerRecord("a", b'{"schema":9}', DocumentState("a"))], 1)
    copy = existing(tmp_path, AT)
    assert copy is not None
    with pytest.raises(LedgerUnreadableError):
        copy.get("a")
    assert file.exists()
    assert existing(tmp_path / "elsewhere", AT) is None


async def test_a_restore_without_progress_is_given_up_and_keeps_what_it_read(bootstrap, topic_prefix, tmp_path):
    """A transaction that nobody ends, neither by fencing its producer nor, within ten minutes, the broker."""
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=3)
    await _write(bootstrap, ledger, *((f"new{n}", encode(DocumentState(f"new{n}"))) for n in range(4)))
    producer = clients_at(bootstrap).transactional_producer(f"{topic_prefix}open", timeout_ms=600_000)
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(ledger.topic, encode(DocumentState("open")), b"open", partition=0)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await restore(clients_at(bootstrap), [ledger], state_dir=tmp_path)
        assert asyncio.get_running_loop().time() - began < PATIENCE + 10
    finally:
        await producer.abort_transaction()
        await producer.stop()
    with LedgerStore(tmp_path / file_name(ledger)) as kept:
        assert len(kept) == 7


async def test_a_restore_may_take_as_long_as_it_makes_progress(bootstrap, topic_prefix, monkeypatch):
    (ledger,) = await create_topic(bootstrap, f"{topic_prefix}ledger", config=COMPACTED)
    await _write(bootstrap, ledger, *((f"a{n}", encode(DocumentState(f"a{n}"))) for n in range(6)))
    poll = KafkaReader.getmany

    async def slow(reader, *partitions, **options):
        await asyncio.sleep(0.6 * PATIENCE)
        return await poll(reader, *partitions, **options | {"max_records": 1})

    monkeypatch.setattr(KafkaReader, "getmany", slow)
    copies = await restore(clients_at(bootstrap), [ledger])
    assert len(copies[ledger]) == 6
    copies[ledger].close()


@pytest.mark.kafka("both")
async def test_a_record_deleted_from_the_topic_is_forgotten_by_the_next_owner(bootstrap, topic_prefix, tmp_path):
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=3)
    await _write(bootstrap, ledger, ("old1", None))
    copy = (await restore(clients_at(bootstrap), [ledger], state_dir=tmp_path))[ledger]
    assert [copy.get(f"old{number}").attempts for number in range(3)] == [1, 0, 1]
    assert len(copy) == 2
    copy.close()


@pytest.mark.kafka("both")
async def test_what_an_aborted_transaction_held_is_never_in_the_store(bootstrap, topic_prefix, tmp_path):
    (ledger,) = await create_topic(bootstrap, f"{topic_prefix}ledger", config=COMPACTED)
    source = TopicPartition(f"{topic_prefix}source", 0)
    copy = open_ledger(tmp_path, ledger)
    failures: list[BaseException] = []
    async with producing(bootstrap, f"{topic_prefix}id") as producer:
        await generation.stamp_or_check(clients_at(bootstrap), {ledger: producer}, {ledger: copy}, unread(ledger))
        journal = TransactionWriter(
            producer, TransactionScope(source, ledger.topic, "group"), copy, OffsetTracker(), failures.append
        )
        await journal.write(PendingWrite(DocumentState("committed", attempts=1)))
        checkpoint = copy.checkpoint
        async with producing(bootstrap, f"{topic_prefix}id"):  # fences the first
            with pytest.raises(ProducerFenced):
                await journal.write(PendingWrite(DocumentState("aborted", attempts=1)))
        await journal.close(1)
    assert len(failures) == 1
    assert copy.checkpoint == checkpoint
    assert (copy.get("committed").attempts, copy.get("aborted").attempts, len(copy)) == (1, 0, 1)
    copy.close()


@pytest.mark.kafka("both")
async def test_a_ledger_that_was_made_anew_under_a_running_worker_is_noticed_before_anything_is_committed(
    bootstrap, topic_prefix
):
    (ledger,) = await create_topic(bootstrap, f"{topic_prefix}ledger", config=COMPACTED)
    source = TopicPartition(f"{topic_prefix}source", 0)
    copy = LedgerStore(MEMORY)
    copy.apply([], 1_000)
    async with producing(bootstrap, f"{topic_prefix}id") as producer:
        journal = TransactionWriter(
            producer, TransactionScope(source, ledger.topic, "g"), copy, OffsetTracker(), lambda _: None
        )
        with pytest.raises(LedgerReplacedError, match="made anew"):
            await journal.write(PendingWrite(DocumentState("a")))
    async with producing(bootstrap, f"{topic_prefix}id"):
        pass  # ends what was left open
    assert await read_to_end(bootstrap, [ledger]) == []


@pytest.mark.kafka("both")
async def test_a_ledger_that_grew_with_its_source_is_refused(world):
    async with world.worker() as running:
        await running.until_open(10)
    topic = world.topics.invoice_created
    async with admin_of(world.bootstrap) as admin:
        for name in (topic, f"{topic}.ledger"):
            await admin.create_partitions({name: NewPartitions(world.partitions + 1)})
    async with world.worker() as running:
        running.killed = True  # it ends by itself, and how is the point
        with pytest.raises(PartitionsChangedError, match="began with 2 partitions and has 3"):
            async with asyncio.timeout(60):
                await running.task


@pytest.mark.kafka("both")
async def test_the_owner_of_an_added_partition_alone_notices_that_the_ledger_grew(bootstrap, topic_prefix, tmp_path):
    ledger = await _begun(bootstrap, topic_prefix, tmp_path, records=1)
    async with admin_of(bootstrap) as admin:
        await admin.create_partitions({ledger.topic: NewPartitions(2)})
    added = TopicPartition(ledger.topic, 1)
    async with producing(bootstrap, f"{topic_prefix}added") as producer:
        async with asyncio.timeout(10):
            while len(await producer.partitions_for(ledger.topic)) < 2:
                await producer.client.force_metadata_update()
        with pytest.raises(PartitionsChangedError, match="began with 1 partitions and has 2"):
            await generation.stamp_or_check(
                clients_at(bootstrap), {added: producer}, {added: LedgerStore(MEMORY)}, unread(added)
            )


async def _damage(bootstrap, ledger, folder):
    with pytest.raises(PartitionDamagedError) as refused:
        await restore(clients_at(bootstrap), [ledger], state_dir=folder)
    assert refused.value.damages.keys() == {ledger}
    return refused.value.damages[ledger].fault


def unread(*ledgers):
    """The positions of sources of which the group has read nothing."""
    return {each: SourcePosition(TopicPartition("source", each.partition), 0, 0, None) for each in ledgers}


def _change(key, attempts, **more):
    entry = DocumentState(key, attempts=attempts, last=LastOutcome("r", Outcome.REJECTED, 1), **more)
    return LedgerRecord(key, encode(entry), entry)


def _records_read(world):
    return sum(metrics.RESTORED.labels(world.topics.ledger(source))._value.get() for source in world.topics.sources)


async def _entries_in_topic(world):
    ledgers = [TopicPartition(world.topics.ledger(world.topics.invoice_created), n) for n in range(world.partitions)]
    copies = await restore(world.clients, ledgers)
    found: dict[str, DocumentState] = {}
    for copy in copies.values():
        found |= {key: copy.get(key) for (key,) in copy._db.execute("SELECT key FROM entry").fetchall()}
        copy.close()
    return found


async def _write(bootstrap, ledger, *records):
    async with producing(bootstrap) as producer:
        for key, value in records:
            await producer.send_and_wait(ledger.topic, value, key.encode(), partition=ledger.partition)


async def _begun(bootstrap, prefix, folder, records, config=COMPACTED):
    """A ledger topic with its mark and some records, and a store of it that was closed in order."""
    (ledger,) = await create_topic(bootstrap, f"{prefix}ledger", config=config)
    clients = clients_at(bootstrap)
    restored = await restore(clients, [ledger], state_dir=folder)
    async with producing(bootstrap, f"{prefix}id") as producer:
        await generation.stamp_or_check(clients, {ledger: producer}, restored, unread(ledger))
    restored[ledger].close()
    await _write(
        bootstrap, ledger, *((f"old{n}", encode(DocumentState(f"old{n}", attempts=1))) for n in range(records))
    )
    (await restore(clients, [ledger], state_dir=folder))[ledger].close()
    return ledger


async def _make_anew(bootstrap, ledger):
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics([ledger.topic])
    async with asyncio.timeout(60):
        while True:
            try:
                await create_topic(bootstrap, ledger.topic, config=COMPACTED)
            except Exception:  # noqa: BLE001  # the broker deletes in its own time
                await asyncio.sleep(0.1)
            else:
                return
