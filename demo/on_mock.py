"""``python -m demo.on_mock COMMAND``: `alvys-sage COMMAND` on librdkafka's mock cluster, the last resort of the demo.

The mock cannot create topics on request, say how one is configured, or compact it; the service rightly refuses such a
broker. Here, and nowhere else, the commands are told that the topics are as they should be: for a run of a minute it
makes no odds.
"""

import asyncio
import sys
from collections.abc import Sequence
from types import SimpleNamespace

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.cli import main
from app.kafka import kafka_options
from app.settings import Settings
from app.topic_checks import topic_specs

CREATE = ["topics", "--create"]
FROM_THE_TOPIC = 1
"""The source of a setting that was made for the topic itself, in Kafka's protocol."""


async def create_topics(settings: Settings) -> None:
    """The mock creates a topic when it is first asked about."""
    async with AIOKafkaProducer(**kafka_options(settings)) as producer:
        for topic in topic_specs(settings):
            await producer.partitions_for(topic.topic)


async def _describe_configs(_admin: AIOKafkaAdminClient, resources: Sequence[ConfigResource]) -> list[SimpleNamespace]:
    """What a broker would answer if the topics had been created by `alvys-sage topics --create`."""
    config = {topic.topic: topic.config for topic in topic_specs(Settings.load())}
    found = []
    for resource in resources:
        entries = [(name, value, False, FROM_THE_TOPIC, False) for name, value in config[resource.name].items()]
        found.append((0, "", ConfigResourceType.TOPIC, resource.name, entries))
    await asyncio.sleep(0)
    return [SimpleNamespace(resources=found)]


if __name__ == "__main__":
    if sys.argv[1:] == CREATE:
        asyncio.run(create_topics(Settings.load()))
    else:
        AIOKafkaAdminClient.describe_configs = _describe_configs
        main()
