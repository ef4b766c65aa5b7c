"""Partitions and settings of topics, as the broker describes them. The requests never create a topic.

aiokafka reports a refusal inside the answer; the functions here raise it as an exception.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from kafka_client.interface import Admin

MISSING = (UnknownTopicOrPartitionError.errno, InvalidTopicError.errno)
"""The broker's codes for a topic that does not exist, and for one that cannot, because of its name."""
TOPIC_OVERRIDE = 1
"""`config_source` of a setting made for the topic itself, as opposed to a default of the broker."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic as the broker describes it.

    `settings` holds all its settings, `overrides` only those made for the topic itself. `replicas` is the replication
    factor (the least of its partitions).
    """

    partitions: int
    replicas: int
    settings: Mapping[str, str]
    overrides: Mapping[str, str]

    @property
    def cleanup(self) -> frozenset[str]:
        """The parts of the cleanup policy: compact, delete, or both."""
        return frozenset(part.strip() for part in self.settings.get("cleanup.policy", "").split(",")) - {""}


async def describe(admin: Admin, topics: Iterable[str]) -> dict[str, TopicFacts]:
    """Describe the given topics, by name. Topics that do not exist are left out.

    Raises:
        KafkaError: The broker refused, for instance because the user may not describe a topic or its settings.
    """
    found: dict[str, Any] = {}
    for told in await admin.describe_topics(sorted(set(topics))):
        if told["error_code"] == TopicAuthorizationFailedError.errno:
            refuse(told["error_code"], f"{told['topic']}: the user may not describe it")
        if told["error_code"] not in MISSING:
            found[told["topic"]] = told["partitions"]
    facts: dict[str, TopicFacts] = {}
    for topic, settings, overrides in await _settings(admin, sorted(found)):
        partitions = found[topic]
        replicas = min((len(partition["replicas"]) for partition in partitions), default=0)
        facts[topic] = TopicFacts(len(partitions), replicas, settings, overrides)
    return facts


async def _settings(admin: Admin, topics: list[str]) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    if not topics:
        return []
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics])
    read: list[tuple[str, dict[str, str], dict[str, str]]] = []
    for code, message, _, topic, entries in (resource for answer in answers for resource in answer.resources):
        if code == UnknownTopicOrPartitionError.errno:
            continue  # deleted between the two requests
        refuse(code, f"{topic}: {message or 'its settings cannot be read'}")
        settings = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
        overrides = {entry[0]: entry[1] for entry in entries if entry[3] == TOPIC_OVERRIDE and entry[1] is not None}
        read.append((topic, settings, overrides))
    return read


async def set_cleanup(admin: Admin, topic: str, facts: TopicFacts, policy: str) -> None:
    """Change only the cleanup policy of a topic.

    Args:
        admin: A connected client.
        topic: The full name.
        facts: The topic as `describe` returned it.
        policy: `compact`, `delete`, or both with a comma.

    Raises:
        KafkaError: The broker refused.
    """
    # The request replaces all settings of the topic, so its present overrides are sent along.
    settings = dict(facts.overrides) | {"cleanup.policy": policy}
    answers = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    for code, message, *_ in (resource for answer in answers for resource in answer.resources):
        refuse(code, f"{topic}: {message or 'its cleanup policy cannot be changed'}")


def refuse(code: int, text: str) -> None:
    """Raise the error of a code inside a broker's answer. Code 0 means success.

    Raises:
        KafkaError: The code is not 0.
    """
    if code:
        raise for_code(code)(text)
