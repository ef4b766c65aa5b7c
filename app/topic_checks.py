"""The topics of the contract: their required configuration, the check of existing topics, creation of missing ones.

A ledger is co-partitioned with its source topic: its partition 3 holds the outcomes of the records in partition 3 of
the source. So the two partition counts must always be equal; a worker refuses to start if they are not.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, RequestTimedOutError, TopicAlreadyExistsError

from app.errors import UsageError
from app.settings import Settings
from app.variables import variable
from kafka_client.interface import Admin
from kafka_client.size_limits import LARGEST_RECORD, event_within, max_record_bytes
from kafka_client.topics import TopicFacts, describe, refuse
from producers.results import RESULT_ROOM

DAY = 24 * 60 * 60 * 1000
FOR_EVER = "-1"
USUAL_REPLICAS = 3
VISIBLE_WITHIN = 120.0
"""Seconds that a broker may take, on a slow machine, until its metadata shows a topic that it has acknowledged."""
TELL_AFTER = 10.0
"""Seconds before the first line that says what is waited for, and between two such lines."""

COMPACTED = {
    "cleanup.policy": "compact",
    # Small, short segments and an eager cleaner: a table or ledger is read from the beginning at every start, and only
    # segments that are closed are cleaned.
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": str(DAY),
    "min.cleanable.dirty.ratio": "0.1",
    # A reader that is away for less than a week still sees each tombstone.
    "delete.retention.ms": str(7 * DAY),
}
# A tombstone carries who cleared the setting, when, and its former value (`mappings history`).
TOMBSTONES_90_DAYS = {"delete.retention.ms": str(90 * DAY)}
KEPT_90_DAYS = {"cleanup.policy": "delete", "retention.ms": str(90 * DAY)}
KEPT_7_DAYS = {"cleanup.policy": "delete", "retention.ms": str(7 * DAY)}
KEPT_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": FOR_EVER}
# A record about an event must fit: a dead letter with headers, a ledger entry with the parked event, a result.
LARGE = {"max.message.bytes": str(LARGEST_RECORD)}
UPSTREAMS = {"cleanup.policy": "delete"}


class TopicFault(StrEnum):
    """The codes of topic problems. They are stable, like every code."""

    MISSING = "TOPIC_MISSING"
    NOT_COMPACTED = "TOPIC_NOT_COMPACTED"
    ALSO_DELETED = "TOPIC_COMPACTED_BUT_EXPIRES"
    COMPACTED = "TOPIC_COMPACTED"
    PARTITIONS = "TOPIC_PARTITIONS_DIFFER"
    NOT_CREATED = "TOPIC_NOT_CREATED"
    NOT_SHOWN = "TOPIC_NOT_SHOWN"
    TOO_SMALL = "TOPIC_RECORDS_TOO_SMALL"
    UNCLEAN = "TOPIC_LEADER_MAY_LACK_RECORDS"
    ONE_COPY = "TOPIC_ACKNOWLEDGED_BY_ONE_COPY"


SETTINGS = frozenset(
    {
        *(TopicFault.NOT_COMPACTED, TopicFault.ALSO_DELETED, TopicFault.COMPACTED),
        *(TopicFault.TOO_SMALL, TopicFault.UNCLEAN, TopicFault.ONE_COPY),
    }
)
"""The faults of a topic's settings, which a person may change at any time."""


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """One problem of one topic, and how to correct it. A worker does not start while there is a problem."""

    fault: TopicFault
    topic: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The required configuration of a topic.

    `config` and `partitions` are for creating it. `ledger_of` names the topic whose partition count it must share.
    """

    topic: str
    cleanup: Literal["compact", "delete", "upstream"]
    config: Mapping[str, str]
    partitions: int
    ledger_of: str | None = None
    takes: int = 0
    """The smallest allowed `max.message.bytes`."""


@dataclass(slots=True)
class Report:
    """Result of a check: the topics that exist, the problems, and the names of topics that were created."""

    facts: dict[str, TopicFacts]
    problems: list[TopicProblem]
    created: list[str] = field(default_factory=list)


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """List all topics of the contract with their configuration, in the order of the contract's table."""
    names, many = settings.topics, settings.partitions
    event = max_record_bytes(settings.largest_event_bytes)
    sources = [
        TopicSpec(name, "upstream", UPSTREAMS, many) for name in names.sources if name != names.consolidated_bill
    ]
    return [
        *sources,
        TopicSpec(names.consolidated_bill, "delete", KEPT_90_DAYS | LARGE, many, takes=settings.largest_event_bytes),
        TopicSpec(names.consolidated_lines, "compact", COMPACTED, many),
        # One partition, so that one offset names the whole state that answered (the result's mapping offset).
        TopicSpec(names.mapping_state, "compact", COMPACTED | TOMBSTONES_90_DAYS, 1),
        TopicSpec(names.sage_export_results, "delete", KEPT_90_DAYS | LARGE, many, takes=RESULT_ROOM),
        TopicSpec(names.sage_payments, "delete", KEPT_90_DAYS, many),
        TopicSpec(names.sage_parties, "compact", COMPACTED, many),
        TopicSpec(names.sage_dead_letters, "delete", KEPT_FOR_EVER | LARGE, many, takes=event),
        TopicSpec(names.export_commands, "delete", KEPT_90_DAYS | LARGE, many),
        *(
            TopicSpec(names.ledger(source), "compact", COMPACTED | LARGE, many, ledger_of=source, takes=event)
            for source in names.sources
        ),
        TopicSpec(names.payment_cursor, "compact", COMPACTED, many),
        TopicSpec(names.sage_export_statistics, "delete", KEPT_90_DAYS, many),
        TopicSpec(names.statistics_facts, "delete", KEPT_7_DAYS, many),
        # Changelogs of the tables filled from the facts: a key's changes are in the partition of its facts.
        TopicSpec(names.statistics_windows, "compact", COMPACTED, many, ledger_of=names.statistics_facts),
        TopicSpec(names.statistics_waiting, "compact", COMPACTED, many, ledger_of=names.statistics_facts),
    ]


def source_named(name: str, settings: Settings) -> str:
    """Find the full name of a source topic, given with or without the prefix.

    Raises:
        UsageError: There is no source topic of that name.
    """
    sources = settings.topics.sources
    for full in (name, settings.topic_prefix + name):
        if full in sources:
            return full
    raise UsageError(f"{name!r} is not a topic that this service reads: {', '.join(sources)}")


async def check_topics(admin: Admin, settings: Settings) -> list[TopicProblem]:
    """Check all topics. The list of problems is empty if a worker may start.

    Raises:
        KafkaError: The broker does not answer, or the user may not describe topics.
    """
    return (await check(admin, settings)).problems


async def check(admin: Admin, settings: Settings) -> Report:
    """Check all topics, and report also the topics that exist; errors as for `check_topics`."""
    every = topic_specs(settings)
    facts = await describe(admin, [topic.topic for topic in every])
    return Report(facts, [problem for topic in every for problem in _problems(topic, facts)])


async def create(admin: Admin, settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Create the missing topics, then check all. A topic that exists is never changed.

    Args:
        admin: A connected administration client.
        settings: The topics' names, partition count and replication factor.
        tell: Called with a progress line now and then during a wait.

    Raises:
        KafkaError: As `check_topics`.
    """
    every = topic_specs(settings)
    facts = await describe(admin, [topic.topic for topic in every])
    replicas = settings.replication_factor or min(USUAL_REPLICAS, len((await admin.describe_cluster())["brokers"]))
    missing = [topic for topic in every if topic.topic not in facts]
    refused: list[TopicProblem] = []
    created: set[str] = set()
    for topic in missing:
        source = facts.get(topic.ledger_of or "")
        partitions = topic.partitions if source is None else source.partitions
        try:
            await _create(admin, topic, partitions, replicas)
        except (TopicAlreadyExistsError, RequestTimedOutError):
            pass  # another process created it, or the slow broker may have: the check below finds out
        except KafkaError as error:
            fix = (
                f"Correct {variable('replication_factor')} or the rights of the Kafka user, or have the topic created."
            )
            refused.append(TopicProblem(TopicFault.NOT_CREATED, topic.topic, str(error), fix))
            continue
        created.add(topic.topic)
    report = await _check_when_visible(admin, settings, created, tell)
    named = {problem.topic for problem in refused}
    report.problems = refused + [
        _not_shown(problem) if problem.topic in created and problem.fault is TopicFault.MISSING else problem
        for problem in report.problems
        if problem.topic not in named
    ]
    report.created = [topic.topic for topic in missing if topic.topic in report.facts]
    return report


async def _check_when_visible(
    admin: Admin, settings: Settings, created: set[str], tell: Callable[[str], None]
) -> Report:
    # A broker acknowledges a topic before its metadata shows it: milliseconds earlier, on a busy machine many seconds.
    begun = told = time.monotonic()
    while True:
        report = await check(admin, settings)
        unseen = created - report.facts.keys()
        now = time.monotonic()
        if not unseen or now - begun > VISIBLE_WITHIN:
            return report
        if now - told > TELL_AFTER:
            told = now
            tell(f"the broker shows {len(created) - len(unseen)} of {len(created)} new topics; waiting for the rest")
        await asyncio.sleep(0.05)


def _not_shown(problem: TopicProblem) -> TopicProblem:
    detail = f"the broker took the request to create it, and does not show it after {VISIBLE_WITHIN:.0f} s"
    fix = "Is the broker overloaded, or short of disk? Run `alvys-sage topics` to see whether it shows it by now."
    return TopicProblem(TopicFault.NOT_SHOWN, problem.topic, detail, fix)


async def _create(admin: Admin, topic: TopicSpec, partitions: int, replicas: int) -> None:
    config = dict(topic.config)
    if replicas > 1:
        config["min.insync.replicas"] = "2"  # an acknowledged record survives the loss of one broker
    if topic.cleanup == "compact":
        config["unclean.leader.election.enable"] = "false"  # a replica that lacks records never becomes the leader
    new = NewTopic(topic.topic, num_partitions=partitions, replication_factor=replicas, topic_configs=config)
    answer = await admin.create_topics([new])
    for _, code, message in answer.topic_errors:
        refuse(code, message or "the broker gave no reason")


def _problems(topic: TopicSpec, facts: Mapping[str, TopicFacts]) -> Iterable[TopicProblem]:
    found = facts.get(topic.topic)
    if found is None:
        yield TopicProblem(TopicFault.MISSING, topic.topic, "does not exist", "Run `alvys-sage topics --create`.")
        return
    yield from _cleanup(topic, found)
    yield from _size(topic, found)
    yield from _copies(topic, found)
    source = facts.get(topic.ledger_of or "")
    if source is not None and source.partitions != found.partitions:
        yield TopicProblem(
            TopicFault.PARTITIONS,
            topic.topic,
            f"has {found.partitions} partitions, its source {topic.ledger_of} has {source.partitions}",
            "A source's partition count may not change: its keys move to partitions whose ledger does not know them. "
            f"Go on with {found.partitions} partitions under a new topic name, and move the ledger to it: "
            "docs/operation.md, Partitions.",
        )


def _alter(topic: TopicSpec, setting: str) -> str:
    """The advice to change one setting of a topic, without its full stop."""
    return f"Run `kafka-configs.sh --alter --entity-type topics --entity-name {topic.topic} --add-config {setting}`"


def _copies(topic: TopicSpec, found: TopicFacts) -> Iterable[TopicProblem]:
    """The settings by which brokers may lose a record that they have acknowledged, of topics that we write."""
    if topic.cleanup == "upstream" or found.replicas <= 1:  # a single copy is a choice that no setting mends
        return
    if int(found.settings.get("min.insync.replicas", "2")) < 2:  # noqa: PLR2004 - the leader and one other
        yield TopicProblem(
            TopicFault.ONE_COPY,
            topic.topic,
            f"has {found.replicas} replicas and min.insync.replicas 1: a record that one broker alone acknowledged is "
            "lost with its disk",
            _alter(topic, "min.insync.replicas=2") + ".",
        )
    if topic.cleanup == "compact" and found.settings.get("unclean.leader.election.enable") == "true":
        yield TopicProblem(
            TopicFault.UNCLEAN,
            topic.topic,
            "has unclean.leader.election.enable true: a replica that lacks acknowledged records may become the leader",
            _alter(topic, "unclean.leader.election.enable=false") + ".",
        )


def _size(topic: TopicSpec, found: TopicFacts) -> Iterable[TopicProblem]:
    taken = int(found.settings.get("max.message.bytes", topic.takes))  # not told: taken as large enough
    if taken >= topic.takes:
        return
    fix = _alter(topic, f"max.message.bytes={topic.takes}")
    least = Settings.model_fields["largest_event_bytes"].metadata[0].ge
    if topic.takes != RESULT_ROOM and (smaller := event_within(taken)) >= least:
        fix += f", or set {variable('largest_event_bytes')} to {smaller} or less"
    yield TopicProblem(
        TopicFault.TOO_SMALL,
        topic.topic,
        f"takes records of {taken} bytes, {topic.takes} may be written to it",
        f"{fix}.",
    )


def _cleanup(topic: TopicSpec, found: TopicFacts) -> Iterable[TopicProblem]:
    said = ",".join(sorted(found.cleanup)) or "unknown"
    mend = _alter(topic, f"cleanup.policy={topic.cleanup}") + "."
    if topic.cleanup == "compact" and "compact" not in found.cleanup:
        yield TopicProblem(
            TopicFault.NOT_COMPACTED, topic.topic, f"cleanup.policy is {said}, so its records expire", mend
        )
    elif topic.cleanup == "compact" and "delete" in found.cleanup:  # by time, by size, or by a command
        yield TopicProblem(
            TopicFault.ALSO_DELETED, topic.topic, f"cleanup.policy is {said}: records may be deleted all the same", mend
        )
    elif topic.cleanup == "delete" and "compact" in found.cleanup:
        yield TopicProblem(
            TopicFault.COMPACTED, topic.topic, f"cleanup.policy is {said}: only the last record of a key is kept", mend
        )
