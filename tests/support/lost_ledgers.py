"""All memory of what was posted is deleted; the ledgers are restored from Sage; all topics are read again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from app.credentials import Credentials
from app.ledgers.rebuilding import Rebuilt, plan, write
from app.ledgers.sage_matching import SageReport, add_sage, side_of
from app.settings import Settings
from simulator import Simulator
from tests.support.damaged_topics import make_anew
from tests.support.world import World


def with_gateway(world: World, gateway: Simulator) -> Settings:
    """The settings of a command that may sign in to the simulator as the world's worker does."""
    return world.settings.model_copy(
        update={
            "gateway_url": gateway.url,
            "sender_password": SecretStr("sender-secret"),
            "credentials": {"acme": Credentials(user="user", password=SecretStr("p"))},
        }
    )


async def lose_everything(world: World, *, results: bool = True) -> None:
    """Delete all ledgers and, if wanted, the results; the group has a new name, so that its offsets are gone too."""
    lost = [world.topics.ledger(source) for source in world.topics.sources]
    for topic in [*lost, world.topics.sage_export_results] if results else lost:
        await make_anew(world, topic)
    world.settings = world.settings.model_copy(update={"group_id": f"{world.settings.group_id}-anew"})


@dataclass
class Restored:
    """What a restore found, and whether it wrote."""

    ledgers: Sequence[Rebuilt]
    report: SageReport

    @property
    def unproven(self) -> dict[str, str]:
        return {each.key: each.why for each in self.report.unproven}


async def restore(world: World, gateway: Simulator, *, results: bool = False) -> Restored:
    """Restore the ledgers from Sage, as `alvys-sage ledger restore --from-sage --execute` does."""
    settings = with_gateway(world, gateway)
    async with plan(settings, {}, None, results=results) as found:
        report = await add_sage(settings, found)
        open_ = [each for each in found if side_of(settings, each.position.source.topic) not in report.closed]
        await write(settings, open_)
        return Restored(found, report)


async def until_all_read(world: World, within: float = 60) -> None:
    """Wait until the group has committed everything of every source."""
    consumer = AIOKafkaConsumer(**world.kafka, group_id=world.settings.group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        sources = [TopicPartition(topic, n) for topic in world.topics.sources for n in range(world.partitions)]
        ends = await consumer.end_offsets(sources)
        async with asyncio.timeout(within):
            while any([(await consumer.committed(each) or 0) < ends[each] for each in sources]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await consumer.stop()


async def replay(world: World) -> list[dict[str, Any]]:
    """Read all sources from their beginning, until everything is answered. Returns the new results."""
    before = {(each.partition, each.offset) for each in await world.records(world.topics.sage_export_results)}
    await world.rewind(*world.topics.sources)
    async with world.worker():
        await until_all_read(world)
    records = await world.records(world.topics.sage_export_results)
    return [orjson.loads(each.value) for each in records if (each.partition, each.offset) not in before]


def outcomes(results: Sequence[dict[str, Any]]) -> Counter[tuple[str, str | None]]:
    """How many results there are of each outcome and code."""
    return Counter((each["outcome"], each.get("code")) for each in results)


def writes(gateway: Simulator) -> Counter[str]:
    """How often the gateway was asked for each function that changes something."""
    functions = gateway.traffic.counts(0)["functions"]
    return Counter(
        {name: n for name, n in functions.items() if name.startswith(("create", "update", "reverse", "delete"))}
    )
