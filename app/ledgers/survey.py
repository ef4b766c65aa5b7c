"""What each ledger partition holds, and the damage to it or to its source. Nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from app.kafka import admin_of, clients_of
from app.output import note
from app.replay.request import Scope
from app.settings import Settings
from consumers.export.ledger.damage import Damage, SourcePosition, lost_records
from consumers.export.ledger.generation import MARK, TOPICS, compare, examine
from consumers.export.ledger.restore import restore_undamaged
from consumers.export.ledger.source_positions import source_positions
from consumers.export.ledger.store import LedgerStore
from consumers.export.ledger.store_files import existing
from kafka_client.interface import KafkaClients
from kafka_client.read_to_end import connected_reader
from kafka_client.topics import describe


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One ledger partition: its source, the number of its documents, and its damage (None: it is whole).

    `in_doubt` documents have a call whose outcome is not known. The numbers are None if the ledger cannot be read.
    """

    ledger: TopicPartition
    position: SourcePosition
    documents: int | None
    in_doubt: int | None
    damage: Damage | None


async def survey(settings: Settings, scope: Scope) -> list[Surveyed]:
    """Read the ledgers, and hold them against their sources, their topics' ids, and the local stores.

    Args:
        settings: Where the broker, the topics and the local stores are.
        scope: The source topics, and the partitions of each; all if it is empty.

    Raises:
        LedgerUnreadableError: A record of a ledger cannot be read.
        KafkaError: The broker refused.
    """
    clients = clients_of(settings)
    sources = await sources_of(settings, scope)
    positions = await source_positions(clients, settings.group_id, sources)
    copies, unreadable = await restore_undamaged(clients, list(sources))
    against = await _local_damages(clients, settings, list(copies))
    found: list[Surveyed] = []
    for ledger in sources:
        if (copy := copies.get(ledger)) is None:
            found.append(Surveyed(ledger, positions[ledger], None, None, unreadable[ledger]))
            continue
        with copy:
            seen = examine(ledger, copy.internal(MARK), copy.internal(TOPICS), positions[ledger], len(copy))
            damage = against.get(ledger) or seen or lost_records(positions[ledger])
            found.append(Surveyed(ledger, positions[ledger], len(copy), sum(1 for _ in copy.in_doubt()), damage))
    return found


async def sources_of(settings: Settings, scope: Scope) -> dict[TopicPartition, TopicPartition]:
    """The source partition of each ledger partition in the scope, in order. Topics that do not exist are left out."""
    names = settings.topics
    ledgers = {names.ledger(source): source for source in names.sources if not scope or source in scope}
    async with admin_of(settings) as admin:
        facts = await describe(admin, [*ledgers, *ledgers.values()])
    for missing in [name for each in ledgers.items() for name in each if name not in facts]:
        note(f"{missing} does not exist; `alvys-sage topics --create` makes it")
    return {
        TopicPartition(ledger, number): TopicPartition(source, number)
        for ledger, source in ledgers.items()
        if ledger in facts and source in facts
        for number in range(facts[ledger].partitions)
        if not (wanted := scope.get(source)) or number in wanted
    }


async def _local_damages(
    clients: KafkaClients, settings: Settings, ledgers: Sequence[TopicPartition]
) -> Mapping[TopicPartition, Damage]:
    """What the local stores show that no process uses now. Without a state directory: nothing."""
    if settings.state_dir is None:
        return {}
    stores: dict[TopicPartition, LedgerStore] = {}
    try:
        for ledger in ledgers:
            if (store := existing(settings.state_dir, ledger)) is not None:
                stores[ledger] = store
        async with connected_reader(clients) as reader:
            return (await compare(reader, await reader.ends(list(stores)), stores)).damages
    finally:
        for store in stores.values():
            store.close()
