"""Change of the partitioner of the source topics: only while no worker runs and if no document would be misplaced."""

import asyncio

from aiokafka import TopicPartition

from app.errors import CommandError
from app.kafka import admin_of, clients_of
from app.replay.group import refuse_if_active
from app.settings import Settings
from consumers.export.ledger import generation, placement
from consumers.export.ledger.restore import restore
from consumers.export.ledger.source_positions import source_positions
from kafka_client.fencing import fence
from kafka_client.partitioners import Partitioner, Placement
from kafka_client.topics import describe


async def change(settings: Settings, rule: Partitioner) -> list[str]:
    """Write another partitioner into the ledgers of upstream's topics.

    Each document in a ledger must be in the partition that the new rule computes for it. Otherwise its next revision
    would arrive in another partition and be posted a second time. Every partition is fenced first, so that a worker
    that starts in the meantime commits nothing by the old rule.

    Returns:
        The topics that use the new rule now.

    Raises:
        CommandError: A worker runs, or documents are in other partitions than the new rule says; nothing was changed.
        KafkaError: The broker refused. Run the same command again to complete the change.
    """
    clients, names = clients_of(settings), settings.topics
    ledgers = {source: names.ledger(source) for source in names.sources if source != names.consolidated_bill}
    source_of = {ledger: source for source, ledger in ledgers.items()}
    async with admin_of(settings) as admin:
        await refuse_if_active(admin, settings)
        facts = await describe(admin, ledgers.values())
    parts = [
        TopicPartition(ledger, number)
        for ledger in ledgers.values()
        if ledger in facts and facts[ledger].partitions > 1
        for number in range(facts[ledger].partitions)
    ]
    producers = dict(zip(parts, await fence(clients, parts), strict=True))
    copies = {}
    try:
        read = {part: TopicPartition(source_of[part.topic], part.partition) for part in parts}
        positions = await source_positions(clients, settings.group_id, read)
        copies = await restore(clients, parts)
        await generation.stamp_or_check(clients, producers, copies, positions)
        for part, copy in copies.items():
            there = Placement(rule, facts[part.topic].partitions)
            astray = [key for key in copy.known() if there.partition_of(key.encode()) not in (None, part.partition)]
            if astray:
                raise CommandError(
                    f"{part.topic}: by {rule}, {len(astray)} documents that partition {part.partition} knows would be "
                    f"looked for in others, such as {astray[0]}: their next revisions would be posted beside them. "
                    "Nothing was changed. Put new events on a new topic, and set the source's name to it"
                )
        # Remove the copies in the other partitions first: after a crash, whoever opens one of those asks partition 0,
        # which alone decides.
        for part in sorted(parts, key=lambda each: each.partition == 0):
            value = placement.encode(rule) if part.partition == 0 else None
            await placement.write(part, value, producers[part], copies[part])
    finally:
        for copy in copies.values():
            copy.close()
        await asyncio.gather(*(producer.stop() for producer in producers.values()), return_exceptions=True)
    return [source for source, ledger in ledgers.items() if any(part.topic == ledger for part in parts)]
