"""What a broker says about topics: partitions and settings. Asking never creates a topic.

aiokafka reports a refusal inside the answer, not as an exception; here it becomes one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError, for_code

TOPIC_OVERRIDE = 1
"""`config_source` of a setting made for this topic, as opposed to one that it has from the broker."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic as the broker describes it. `overrides` are the settings made for it, `settings` all of them."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]
    overrides: Mapping[str, str]

    @property
    def cleanup(self) -> frozenset[str]:
        """The parts of the cleanup policy: compact, delete, or both."""
        return frozenset(part.strip() for part in self.settings.get("cleanup.policy", "").split(",")) - {""}


async def describe(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, TopicFacts]:
    """The facts of those of the topics that exist.

    Raises:
        KafkaError: The broker refused, for instance for want of the right to describe settings.
    """
    wanted = set(topics)
    # All topics, not the wanted ones by name: a broker that creates topics by itself would create what it is asked for.
    found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics() if topic["topic"] in wanted}
    facts: dict[str, TopicFacts] = {}
    for topic, settings, overrides in await _settings(admin, sorted(found)):
        partitions = found[topic]
        replicas = min((len(partition["replicas"]) for partition in partitions), default=0)
        facts[topic] = TopicFacts(len(partitions), replicas, settings, overrides)
    return facts


async def _settings(admin: AIOKafkaAdminClient, topics: list[str]) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    if not topics:
        return []
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics])
    read: list[tuple[str, dict[str, str], dict[str, str]]] = []
    for code, message, _, topic, entries in (resource for answer in answers for resource in answer.resources):
        if code == UnknownTopicOrPartitionError.errno:
            continue  # deleted between the two questions
        refuse(code, f"{topic}: {message or 'its settings cannot be read'}")
        settings = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
        overrides = {entry[0]: entry[1] for entry in entries if entry[3] == TOPIC_OVERRIDE and entry[1] is not None}
        read.append((topic, settings, overrides))
    return read


async def set_cleanup(admin: AIOKafkaAdminClient, topic: str, facts: TopicFacts, policy: str) -> None:
    """Change the cleanup policy of a topic, and nothing else.

    Raises:
        KafkaError: The broker refused.
    """
    # The request replaces all settings of the topic, so those that were made for it are sent along.
    settings = dict(facts.overrides) | {"cleanup.policy": policy}
    answers = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    for code, message, *_ in (resource for answer in answers for resource in answer.resources):
        refuse(code, f"{topic}: {message or 'its cleanup policy cannot be changed'}")


def refuse(code: int, text: str) -> None:
    """Raise the error that a code inside an answer stands for; 0 is none."""
    if code:
        raise for_code(code)(text)
