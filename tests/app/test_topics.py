"""``alvys-sage topics``: creates what is missing, says what is wrong, changes nothing that is there."""

import json

from aiokafka.admin import NewPartitions

from app.settings import Settings
from app.topic_checks import TopicFault, check_topics, create
from kafka_client.topics import describe
from tests.support.kafka import admin_of, create_topic


def settings_for(bootstrap: str, prefix: str, partitions: int = 6, replicas: int = 0) -> Settings:
    return Settings(
        kafka_bootstrap_servers=bootstrap, topic_prefix=prefix, partitions=partitions, replication_factor=replicas
    )


async def test_missing_topics_are_named_and_created_as_the_contract_says(bootstrap: str, topic_prefix: str):
    settings = settings_for(bootstrap, topic_prefix, partitions=3)
    async with admin_of(bootstrap) as admin:
        before = await check_topics(admin, settings)
        assert {problem.fault for problem in before} == {TopicFault.MISSING}
        report = await create(admin, settings)
        assert report.problems == []
        assert len(report.created) == len(before) == 22
        assert await check_topics(admin, settings) == []
        assert (await create(admin, settings)).created == []
    facts, names = report.facts, settings.topics
    assert facts[names.mapping_state].partitions == 1
    for source in names.sources:
        assert facts[names.ledger(source)].partitions == facts[source].partitions == 3
        assert facts[names.ledger(source)].cleanup == {"compact"}
    assert facts[names.sage_dead_letters].settings["retention.ms"] == "-1"


async def test_a_slow_broker_is_waited_for_and_one_that_never_shows_a_topic_is_told_truly(
    bootstrap: str, topic_prefix: str, monkeypatch
):
    settings = settings_for(bootstrap, topic_prefix, partitions=1)
    hidden: set[str] = {settings.topics.sage_payments}
    looks = 0

    async def slowly(admin, names):
        nonlocal looks
        looks += 1
        if looks > 3:
            hidden.clear()
        return {name: each for name, each in (await describe(admin, names)).items() if name not in hidden}

    monkeypatch.setattr("app.topic_checks.describe", slowly)
    monkeypatch.setattr("app.topic_checks.TELL_AFTER", 0.0)
    told: list[str] = []
    async with admin_of(bootstrap) as admin:
        report = await create(admin, settings, told.append)
        assert report.problems == []
        assert told[0].startswith("the broker shows ")
        assert told[0].endswith(" of 22 new topics; waiting for the rest")
        await admin.delete_topics([settings.topics.sage_payments])
        hidden.add(settings.topics.sage_payments)
        looks = -1_000_000
        monkeypatch.setattr("app.topic_checks.VISIBLE_WITHIN", 0.5)
        report = await create(admin, settings)
    [problem] = report.problems
    assert (problem.fault, problem.topic) == (TopicFault.NOT_SHOWN, settings.topics.sage_payments)
    assert "--create" not in problem.fix


async def test_a_ledger_is_created_with_the_partition_count_its_source_has(bootstrap: str, topic_prefix: str):
    settings = settings_for(bootstrap, topic_prefix, partitions=3)
    await create_topic(bootstrap, settings.topics.fuel_transaction, partitions=5)
    async with admin_of(bootstrap) as admin:
        report = await create(admin, settings)
    assert report.facts[settings.topics.ledger(settings.topics.fuel_transaction)].partitions == 5
    assert report.problems == []


async def test_a_changed_partition_count_is_refused(bootstrap: str, topic_prefix: str):
    settings = settings_for(bootstrap, topic_prefix, partitions=2)
    source = settings.topics.invoice_created
    async with admin_of(bootstrap) as admin:
        await create(admin, settings)
        await admin.create_partitions({source: NewPartitions(4)})
        problems = await check_topics(admin, settings)
        while not problems:  # the broker's metadata shows it some milliseconds later
            problems = await check_topics(admin, settings)
    (problem,) = problems
    assert problem.fault is TopicFault.PARTITIONS
    assert problem.detail == f"has 2 partitions, its source {source} has 4"


async def test_cleanup_policies_that_lose_records_are_found(bootstrap: str, topic_prefix: str):
    settings = settings_for(bootstrap, topic_prefix)
    names = settings.topics
    await create_topic(bootstrap, names.mapping_state, config={"cleanup.policy": "delete"})
    await create_topic(bootstrap, names.sage_export_results, config={"cleanup.policy": "compact"})
    both = {"cleanup.policy": "compact,delete", "retention.ms": "1000"}
    await create_topic(bootstrap, names.payment_cursor, config=both)
    async with admin_of(bootstrap) as admin:
        found = {problem.topic: problem.fault for problem in (await create(admin, settings)).problems}
    assert found == {
        names.mapping_state: TopicFault.NOT_COMPACTED,
        names.sage_export_results: TopicFault.COMPACTED,
        names.payment_cursor: TopicFault.ALSO_DELETED,
    }


async def test_too_many_replicas_is_a_problem_with_a_way_out(bootstrap: str, topic_prefix: str):
    settings = settings_for(bootstrap, topic_prefix, replicas=9)
    async with admin_of(bootstrap) as admin:
        report = await create(admin, settings)
    assert {problem.fault for problem in report.problems} == {TopicFault.NOT_CREATED}
    assert "ALVYS_SAGE_REPLICATION_FACTOR" in report.problems[0].fix
    assert len(report.problems) == 22


def test_the_command_is_honest_about_its_exit_code(run, bootstrap: str, topic_prefix: str):
    at = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "ALVYS_SAGE_TOPIC_PREFIX": topic_prefix}
    missing = run("topics", "--check", "--json", **at)
    assert missing.code == 1
    assert len(json.loads(missing.out)["problems"]) == 22
    made = run("topics", "--create", **at)
    assert made.code == 0, made
    assert f"{topic_prefix}invoice-created.ledger\t6\t1\tcompact\tcreated" in made.out
    assert run("topics", **at).code == 0
    assert run("topics", "--create", "--check", **at).code == 2


async def test_a_topic_that_takes_less_than_may_be_written_to_it_is_refused_with_two_ways_out(
    bootstrap: str, topic_prefix: str
):
    settings = settings_for(bootstrap, topic_prefix, partitions=1)
    ledger = settings.topics.ledger(settings.topics.toll_transaction)
    small, letters = {"max.message.bytes": "100000"}, settings.topics.sage_dead_letters
    await create_topic(bootstrap, ledger, config={"cleanup.policy": "compact"})  # what Kafka takes by itself
    await create_topic(bootstrap, letters, config=small)
    await create_topic(bootstrap, settings.topics.sage_export_results, config=small)
    async with admin_of(bootstrap) as admin:
        found = {problem.topic: problem for problem in (await create(admin, settings)).problems}
        lower = settings.model_copy(update={"largest_event_bytes": 589_833})
        still = {problem.topic for problem in await check_topics(admin, lower)}
    assert {problem.fault for problem in found.values()} == {TopicFault.TOO_SMALL}
    assert found.keys() == {ledger, letters, settings.topics.sage_export_results}
    assert "max.message.bytes=14243158" in found[ledger].fix
    assert "ALVYS_SAGE_LARGEST_EVENT_BYTES to 589833 or less" in found[ledger].fix
    assert "ALVYS_SAGE" not in found[letters].fix  # no setting is low enough
    assert still == found.keys() - {ledger}
