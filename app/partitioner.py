"""A source topic's partitioner, changed: only while nobody works, and only where no document is in the way."""

import asyncio

from aiokafka import TopicPartition

from app.admin import admin_of
from app.errors import CommandError
from app.replay.group import refuse_if_active
from app.settings import Settings, kafka_options
from consumers.export.ledger import generation as incarnation
from consumers.export.ledger import placement
from consumers.export.ledger.restore import fence, restore
from consumers.partitioners import Placement, Rule
from consumers.topic_facts import describe


async def change(settings: Settings, rule: Rule) -> list[str]:
    """Write another partitioner into the ledgers of upstream's topics.

    Documents that a ledger knows have to stand where the new rule puts them: a revision that came elsewhere would be
    posted beside them. Every partition is fenced first, so that a worker which starts meanwhile commits nothing by the
    old rule.

    Returns:
        The topics whose rule is the new one now.

    Raises:
        CommandError: Somebody works, or documents are in the way; nothing was changed.
        KafkaError: The broker refused. What was begun is completed by the same command.
    """
    kafka, names = kafka_options(settings), settings.topics
    ledgers = {source: names.ledger(source) for source in names.sources if source != names.roadside_bill}
    async with admin_of(settings) as admin:
        await refuse_if_active(admin, settings)
        facts = await describe(admin, ledgers.values())
    parts = [
        TopicPartition(ledger, number)
        for ledger in ledgers.values()
        if ledger in facts and facts[ledger].partitions > 1
        for number in range(facts[ledger].partitions)
    ]
    producers = dict(zip(parts, await fence(kafka, parts), strict=True))
    copies = {}
    try:
        copies = await restore(kafka, parts, check_crcs=settings.check_crcs)
        await incarnation.stamp_or_check(kafka, producers, copies, check_crcs=settings.check_crcs)
        for part, copy in copies.items():
            there = Placement(rule, facts[part.topic].partitions)
            astray = [key for key in copy.known() if there.partition_of(key.encode()) not in (None, part.partition)]
            if astray:
                raise CommandError(
                    f"{part.topic}: by {rule}, {len(astray)} documents that partition {part.partition} knows would be "
                    f"looked for in others, such as {astray[0]}: their next revisions would be posted beside them. "
                    "Nothing was changed. Put new events on a new topic, and set the source's name to it"
                )
        # Copies first, so that whoever opens a partition after a crash asks partition 0, whose word is the only one.
        for part in sorted(parts, key=lambda each: each.partition == 0):
            value = placement.encode(rule) if part.partition == 0 else None
            await placement.write(part, value, producers[part], copies[part])
    finally:
        for copy in copies.values():
            copy.close()
        await asyncio.gather(*(producer.stop() for producer in producers.values()), return_exceptions=True)
    return [source for source, ledger in ledgers.items() if any(part.topic == ledger for part in parts)]
