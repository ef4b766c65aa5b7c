"""Asks the cluster for the positions and identities of source partitions, in one look."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka.structs import TopicPartition

from consumers.export.ledger.damage import PartitionFault, SourcePosition, lost_records
from kafka_client.clients import connected_admin
from kafka_client.interface import KafkaClients
from kafka_client.read_to_end import LastStableOffset, connected_reader
from kafka_client.topic_ids import TopicIdentity

OF_REPAIRS = LastStableOffset("a repair under way must not be seen before its end, and is waited for anyway")
LOOK_WITHIN = 30.0
"""Seconds that a look at the ledgers may take."""
NO_OFFSET = -1
"""The broker's answer for a partition of which the group has committed no offset."""


async def source_positions(
    clients: KafkaClients, group_id: str, sources: Mapping[TopicPartition, TopicPartition]
) -> dict[TopicPartition, SourcePosition]:
    """Ask for the position of each source partition.

    Args:
        clients: The factory of Kafka clients.
        group_id: The consumer group that reads the sources.
        sources: The source partition of each ledger partition.

    Returns:
        The positions, by ledger partition.

    Raises:
        KafkaError: The broker did not answer, or refused.
    """
    wanted = list(sources.values())
    if not wanted:
        return {}
    async with connected_admin(clients) as admin:
        committed = await admin.list_consumer_group_offsets(group_id, partitions=wanted)
        topics = {each.topic for each in [*sources, *wanted]}
        ids = await admin.identify_topics(topics)
    async with connected_reader(clients, tolerant=True) as reader:
        begins, ends = await reader.begins(wanted), await reader.ends(wanted)
    at = {source: found.offset for source, found in committed.items() if found.offset != NO_OFFSET}
    return {
        ledger: SourcePosition(
            source=source,
            begin=begins[source],
            end=ends[source],
            committed=at.get(source),
            source_id=_id(ids, source.topic),
            ledger_id=_id(ids, ledger.topic),
        )
        for ledger, source in sources.items()
    }


@dataclass(frozen=True, slots=True)
class RepairTrace:
    """What any repair of a partition changes, and nothing else does while the partition is held."""

    committed: int | None
    source_id: str | None
    ledger_id: str | None
    stable: int
    """The last stable offset of the ledger: a command that restores it moves it once, at its end."""
    lost: PartitionFault | None
    """The damage to the source that its offsets show: it may have been a broker that did not know better yet."""
    under_way: bool = field(compare=False)
    """Whether somebody is writing to the ledger now, perhaps to restore it."""


async def traces(
    clients: KafkaClients, group_id: str, sources: Mapping[TopicPartition, TopicPartition]
) -> dict[TopicPartition, RepairTrace]:
    """The trace of each ledger partition. Arguments and errors as of `source_positions`."""
    positions = await source_positions(clients, group_id, sources)
    async with connected_reader(clients, within=LOOK_WITHIN) as reader:
        stable = await reader.ends(list(sources), only=OF_REPAIRS)
        ends = await reader.ends(list(sources))
    found: dict[TopicPartition, RepairTrace] = {}
    for ledger, at in positions.items():
        lost = lost_records(at)
        fault = None if lost is None else lost.fault
        found[ledger] = RepairTrace(
            at.committed, at.source_id, at.ledger_id, stable[ledger], fault, stable[ledger] < ends[ledger]
        )
    return found


def _id(ids: Mapping[str, TopicIdentity], topic: str) -> str | None:
    found = ids.get(topic)
    return None if found is None else found.id
