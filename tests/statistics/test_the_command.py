"""``alvys-sage statistics`` as a process, on the real broker: results in, summaries out, ended by real signals."""

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from aiokafka import TopicPartition

from app.settings import Settings
from app.topic_checks import create, topic_specs
from tests.support.kafka import admin_of, compress_topics, producing, read_to_end
from tests.support.processes import Process

STOPS_WITHIN = 8  # seconds; measured 2


def result(document, outcome="posted", *, subsidiary="sub-1", total=None, **more):
    body = {"schema": 1, "documentKey": document, "outcome": outcome, "at": datetime.now(UTC), **more}
    if total is not None:
        body["document"] = {"currency": "USD", "total": total}
    return document.encode(), orjson.dumps(body | {"subsidiaryId": subsidiary})


class Rig:
    def __init__(self, bootstrap, prefix):
        self.bootstrap = bootstrap
        self.settings = Settings(
            kafka_bootstrap_servers=bootstrap, topic_prefix=prefix, group_id=f"{prefix}group", partitions=3
        )
        self.topics = self.settings.topics
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "ALVYS_SAGE_TOPIC_PREFIX": prefix,
            "ALVYS_SAGE_GROUP_ID": self.settings.group_id,
            "ALVYS_SAGE_STATISTICS_WINDOW_SECONDS": "2",
            "ALVYS_SAGE_STATISTICS_GRACE_SECONDS": "1",
            "ALVYS_SAGE_SESSION_TIMEOUT_MS": "6000",
        }

    async def send(self, *records):
        async with producing(self.bootstrap) as producer:
            for key, value in records:
                await producer.send(self.topics.sage_export_results, value, key)
            await producer.flush()

    async def send_and_abort(self, *records):
        transactional_id = f"{self.settings.group_id}-abort"
        async with producing(self.bootstrap, transactional_id) as producer:
            await producer.begin_transaction()
            for key, value in records:
                await (await producer.send(self.topics.sage_export_results, value, key))
            await producer.abort_transaction()

    async def send_in_transaction(self, *records):
        async with producing(self.bootstrap, f"{self.settings.group_id}-commit") as producer, producer.transaction():
            for key, value in records:
                await producer.send(self.topics.sage_export_results, value, key)

    async def records(self, topic):
        return await read_to_end(self.bootstrap, [TopicPartition(topic, number) for number in range(3)])

    async def until(self, enough, seconds=180):
        """The summaries, once `enough` says so of them."""
        deadline = time.monotonic() + seconds
        while True:
            records = await self.records(self.topics.sage_export_statistics)
            found = [orjson.loads(record.value) for record in records]
            if enough(found):
                assert [record.key for record in records] == [_key(each) for each in found]
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.3)

    async def until_kept(self, changes):
        """Wait for so many changes of the table of open windows."""
        async with asyncio.timeout(120):
            while len(await self.records(self.topics.statistics_windows)) < changes:  # noqa: ASYNC110 - Kafka is polled
                await asyncio.sleep(0.1)

    @contextmanager
    def statistics(self, module=("app",)):
        process = Process(["statistics"], self.environment, module)
        try:
            yield process
        finally:
            process.close()


def _key(summary):
    return None if summary["subsidiaryId"] is None else summary["subsidiaryId"].encode()


def counted(summaries, subsidiary="sub-1"):
    """Summaries of all windows, added up."""
    total: Counter[str] = Counter()
    for each in summaries:
        if each["subsidiaryId"] == subsidiary:
            total.update(each["outcomes"])
    return total


def read(summaries):
    return sum(each["documents"] + each["fromLedger"] + each["unreadable"] for each in summaries)


def stop(process):
    began = time.monotonic()
    assert process.stop(timeout=STOPS_WITHIN) == 0
    took = time.monotonic() - began
    assert "did not stop in time" not in process.log.read_text()
    print(f"stopped in {took:.1f} s")  # noqa: T201 - pytest shows it on failure
    return took


@pytest.fixture
async def rig(bootstrap, topic_prefix):
    rig = Rig(bootstrap, topic_prefix)
    async with admin_of(bootstrap) as admin:
        assert not (await create(admin, rig.settings)).problems
    return rig


async def test_results_in_summaries_out_and_a_restart_goes_on(rig):
    with rig.statistics() as process:
        await rig.send_in_transaction(*(result(f"invoice/{n}", total="0.10") for n in range(30)))
        await rig.send(
            *(result(f"bill/{n}", "rejected", subsidiary="sub-2", code="NO_LINES") for n in range(6)),
            result("bill/7", "uncertain", subsidiary="sub-2", code="OUTCOME_UNKNOWN"),
            (b"x", b"{"),
            (b"x", None),
            (None, b"\xff"),
        )
        await rig.send_and_abort(*(result(f"aborted/{n}", total="1") for n in range(10)))
        first = await rig.until(lambda found: read(found) >= 40)
        stop(process)
    assert counted(first) == {"posted": 30}
    assert sum(Decimal(each["posted"].get("USD", "0")) for each in first) == Decimal("3.00")
    assert counted(first, "sub-2") == {"rejected": 6, "uncertain": 1}
    assert {each["subsidiaryId"]: each["unreadable"] for each in first if each["unreadable"]} == {None: 3}
    told = {alert["alert"] for each in first if each["subsidiaryId"] == "sub-2" for alert in each["alerts"]}
    assert told == {"UNCERTAIN_DOCUMENTS", "REJECTS_ABOVE_SHARE"}

    # While it is away, and after: nothing is counted twice, and what waited before still waits.
    await rig.send(result("bill/8", subsidiary="sub-2", total="5.00"))
    with rig.statistics() as process:
        second = await rig.until(lambda found: read(found) >= 41)
        await rig.send(result("bill/7", subsidiary="sub-2", total="7.00"))
        third = await rig.until(lambda found: read(found) >= 42)
        stop(process)
    assert read(second) == 41
    assert [
        each["waiting"]["uncertain"] for each in second if each["documents"] == 1 and each["subsidiaryId"] == "sub-2"
    ] == [1]
    latest = max((each for each in third if each["subsidiaryId"] == "sub-2"), key=lambda each: each["window"]["start"])
    assert latest["waiting"] == {"deferred": 0, "uncertain": 0, "oldest": None, "connectionsSetAside": []}
    assert (latest["posted"], latest["alerts"]) == ({"USD": "7.00"}, [])


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_topics_that_are_compressed_are_counted_and_a_restart_goes_on(rig, codec):
    await asyncio.to_thread(compress_topics, rig.bootstrap, [each.topic for each in topic_specs(rig.settings)], codec)
    for count in (20, 40):
        with rig.statistics() as process:
            await rig.send(*(result(f"invoice/{count}/{n}", total="0.10", detail="x" * 500) for n in range(20)))
            found = await rig.until(lambda found, count=count: read(found) >= count)
            stop(process)
        assert counted(found) == {"posted": count}


async def test_a_window_that_was_open_at_a_stop_is_told_of_whole_after_the_restart(rig):
    rig.environment["ALVYS_SAGE_STATISTICS_WINDOW_SECONDS"] = "12"
    at = datetime.fromtimestamp(time.time() + 12, UTC)  # so that the window is not over before the stop
    with rig.statistics() as process:
        await rig.send(*(result(f"a/{n}", total="1", at=at) for n in range(20)))
        await rig.until_kept(20)
        stop(process)
    assert await rig.records(rig.topics.sage_export_statistics) == []
    rig.environment["ALVYS_SAGE_STATISTICS_WINDOW_SECONDS"] = "2"  # the open window keeps its length
    await rig.send(result("a/20", total="1", at=at))
    with rig.statistics() as process:
        # What came while nobody read may be counted or not (the module says so); the open window is what is promised.
        found = await rig.until(lambda found: read(found) >= 20, seconds=90)
        stop(process)
    assert max(found, key=lambda each: each["documents"])["posted"] == {"USD": "20"}


async def test_killed_it_goes_on_and_counts_nothing_twice_that_is_in_an_open_window(rig):
    with rig.statistics() as process:
        await rig.send(*(result(f"a/{n}", total="1") for n in range(50)))
        await rig.until_kept(10)
        process.kill()
    with rig.statistics() as process:
        await rig.send(*(result(f"b/{n}", total="1", subsidiary="sub-2") for n in range(50)))
        found = await rig.until(lambda found: read(found) >= 100)
        stop(process)
    assert counted(found) == counted(found, "sub-2") == {"posted": 50}


async def test_tables_that_are_read_sooner_than_anybody_waits_for_it_are_counted_on(rig):
    for count in (10, 20):
        with rig.statistics(("tests.support.late_waiting",)) as process:
            await rig.send(*(result(f"a/{count}/{n}", total="1") for n in range(10)))
            found = await rig.until(lambda found, count=count: read(found) >= count)
            stop(process)
        assert counted(found) == {"posted": count}


async def test_results_that_wait_at_a_start_are_counted_also_where_they_are_read_before_all_is_ready(rig):
    sent = 0
    for count in (10, 300):  # at the second start there are tables to be read first, and so the reading has begun
        await rig.send(*(result(f"a/{n}", total="1") for n in range(count)))
        sent += count
        with rig.statistics(("tests.support.late_seeking",)) as process:
            found = await rig.until(lambda found, total=sent: read(found) >= total)
            stop(process)
    assert counted(found) == {"posted": sent}


async def test_it_stops_at_once_while_it_starts(rig):
    with rig.statistics() as process:
        async with asyncio.timeout(20):
            while "statistics started" not in process.log.read_text():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.02)
        assert process.stop(timeout=15) == 0
