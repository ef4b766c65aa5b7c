"""A topic whose settings change under a running service, so that it would lose records, ends the service in order."""

import asyncio

import pytest

from app import service
from app.errors import CommandError
from app.service import until_settings_are_wrong, until_stopped
from app.settings import Settings
from app.topic_checks import TopicFault, TopicSpec, _problems, create
from kafka_client.topics import TopicFacts, describe, set_cleanup
from tests.support.kafka import admin_of
from tests.support.processes import Process

LEDGER = TopicSpec("ledger", "compact", {}, partitions=1)
RESULTS = TopicSpec("results", "delete", {}, partitions=1)
UPSTREAM = TopicSpec("invoice-created", "upstream", {}, partitions=1)
SAFE = {"cleanup.policy": "compact", "min.insync.replicas": "2", "unclean.leader.election.enable": "false"}


@pytest.mark.parametrize(
    ("spec", "replicas", "changed", "faults"),
    [
        (LEDGER, 3, {}, set()),
        (LEDGER, 3, {"min.insync.replicas": "1"}, {TopicFault.ONE_COPY}),
        (LEDGER, 2, {"min.insync.replicas": "1"}, {TopicFault.ONE_COPY}),
        (LEDGER, 1, {"min.insync.replicas": "1"}, set()),  # a single broker: no setting gives it a second disk
        (LEDGER, 3, {"unclean.leader.election.enable": "true"}, {TopicFault.UNCLEAN}),
        (LEDGER, 3, {"cleanup.policy": "compact,delete", "retention.ms": "-1"}, {TopicFault.ALSO_DELETED}),
        (LEDGER, 3, {"cleanup.policy": "delete,compact"}, {TopicFault.ALSO_DELETED}),
        (RESULTS, 3, {"cleanup.policy": "delete", "min.insync.replicas": "1"}, {TopicFault.ONE_COPY}),
        (RESULTS, 3, {"cleanup.policy": "delete", "unclean.leader.election.enable": "true"}, set()),
        (UPSTREAM, 3, {"cleanup.policy": "delete", "min.insync.replicas": "1"}, set()),
    ],
)
def test_settings_by_which_an_acknowledged_record_may_be_lost(spec, replicas, changed, faults):
    facts = {spec.topic: TopicFacts(1, replicas, SAFE | changed, {})}
    found = list(_problems(spec, facts))
    assert {each.fault for each in found} == faults
    assert all("kafka-configs.sh --alter" in each.fix for each in found)


@pytest.fixture
async def installed(bootstrap, topic_prefix) -> Settings:
    settings = Settings(kafka_bootstrap_servers=bootstrap, topic_prefix=topic_prefix, partitions=2)
    async with admin_of(bootstrap) as admin:
        assert not (await create(admin, settings)).problems
    return settings


async def let_it_expire(settings: Settings, topic: str) -> None:
    async with admin_of(settings.kafka_bootstrap_servers) as admin:
        await set_cleanup(admin, topic, (await describe(admin, [topic]))[topic], "compact,delete")


async def test_it_goes_on_while_all_is_well_and_ends_once_a_topic_may_lose_records(installed, monkeypatch):
    monkeypatch.setattr(service, "CHECK_EVERY", 0.02)
    ledger = installed.topics.ledger(installed.topics.invoice_created)
    watching = asyncio.create_task(until_settings_are_wrong(installed, {ledger}))
    await let_it_expire(installed, installed.topics.payment_cursor)  # not one of those that are watched
    done, _ = await asyncio.wait({watching}, timeout=1)
    assert not done
    await let_it_expire(installed, ledger)
    async with asyncio.timeout(60):
        with pytest.raises(CommandError, match=f"TOPIC_COMPACTED_BUT_EXPIRES: {ledger} .*--add-config"):
            await watching


async def test_the_work_ends_in_order_before_the_guards_error_is_told():
    stop, order = asyncio.Event(), []

    async def work() -> None:
        await stop.wait()
        order.append("drained")

    async def guard() -> None:
        raise CommandError("the ledger expires")

    with pytest.raises(CommandError, match="the ledger expires"):
        await until_stopped(work(), stop, within=10, guard=guard())
    assert order == ["drained"]


async def test_a_guard_ends_with_the_work():
    ended = asyncio.Event()

    async def guard() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)

    async def work() -> None:
        await stop.wait()

    await until_stopped(work(), stop, within=10, guard=guard())
    async with asyncio.timeout(10):
        await ended.wait()


async def test_a_worker_ends_with_the_code_and_the_fix(installed):
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": installed.kafka_bootstrap_servers,
        "ALVYS_SAGE_TOPIC_PREFIX": installed.topic_prefix,
        "ALVYS_SAGE_GROUP_ID": f"{installed.topic_prefix}group",
        "ALVYS_SAGE_PARTITIONS": "2",
        "ALVYS_SAGE_SENDER_ID": "x",
        "ALVYS_SAGE_SENDER_PASSWORD": "y",
    }
    process = Process(["worker"], environment)
    try:
        await asyncio.to_thread(process.until_logged, "partitions open")
        await let_it_expire(installed, installed.topics.ledger(installed.topics.invoice_created))
        assert await process.ended() == 1
        last = process.log.read_text().splitlines()[-1]
        assert last.startswith("error: TOPIC_COMPACTED_BUT_EXPIRES: ")
    finally:
        process.close()
