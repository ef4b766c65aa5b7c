"""``python -m demo.on_mock COMMAND``: `alvys-sage COMMAND` on librdkafka's mock cluster, the last resort of the demo.

The mock cannot say how its topics are configured and compacts none; the service rightly refuses such a broker. Here,
and nowhere else, the commands are told that the topics are as they should be: for a run of a minute it makes no odds.
"""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.cli import main

SOURCES = ("invoice-created", "settlement-finalized", "fuel-transaction", "toll-transaction")
COMPACTED = ("mapping-state", "payment-cursor", *(f"{source}.ledger" for source in SOURCES))
OTHERS = ("sage-export-results", "sage-payments", "sage-dead-letters", "export-commands")


async def create_topics(bootstrap: str, prefix: str) -> None:
    """The mock creates a topic when it is first asked about."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for name in (*SOURCES, *COMPACTED, *OTHERS):
            await producer.partitions_for(prefix + name)


async def _describe_configs(_admin: AIOKafkaAdminClient, resources: Sequence[ConfigResource]) -> list[SimpleNamespace]:
    """What a broker would answer if the topics had been created by `alvys-sage topics --create`."""
    found = []
    for resource in resources:
        policy = "compact" if resource.name.endswith(COMPACTED) else "delete"
        found.append((0, "", ConfigResourceType.TOPIC, resource.name, [("cleanup.policy", policy, False, 1, False)]))
    await asyncio.sleep(0)
    return [SimpleNamespace(resources=found)]


if __name__ == "__main__":
    AIOKafkaAdminClient.describe_configs = _describe_configs
    main()
