"""Copies of ledgers in a directory: one local store for each partition, of the same kind as a worker's."""

from collections.abc import Mapping
from pathlib import Path

from aiokafka import TopicPartition

from app.kafka import clients_of
from app.ledgers.survey import sources_of
from app.output import note
from app.replay.request import Scope
from app.settings import Settings
from consumers.export.ledger.damage import Damage
from consumers.export.ledger.restore import restore_undamaged


async def export(
    settings: Settings, scope: Scope, directory: Path
) -> tuple[dict[TopicPartition, int], Mapping[TopicPartition, Damage]]:
    """Write a copy of each ledger partition. A directory that holds earlier copies of the same ledgers is brought up.

    Args:
        settings: Where the broker is.
        scope: The source topics, and the partitions of each; all if it is empty.
        directory: The directory; it is made if it does not exist.

    Returns:
        The number of documents in each copy; and the damage of the ledgers that were not copied, because the topic no
        longer holds what the copy in the directory does.

    Raises:
        LedgerUnreadableError: A record of a ledger cannot be read.
        KafkaError: The broker refused.
    """
    clients = clients_of(settings)
    wanted = list(await sources_of(settings, scope))
    note(f"reading {len(wanted)} ledger partitions")
    copies, damages = await restore_undamaged(clients, wanted, state_dir=directory)
    counts: dict[TopicPartition, int] = {}
    for ledger, copy in copies.items():
        with copy:
            counts[ledger] = len(copy)
    return counts, damages
