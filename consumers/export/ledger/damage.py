"""Damage to a partition: its ledger or its source topic no longer holds the records that were written to it.

The ledger is the memory that keeps a document from being posted twice, so nothing is posted from a partition whose
ledger may be incomplete; and an event that was deleted before it was read must not go unnoticed. Such a partition is
held: it is not opened until a person has repaired it. The others go on. A local store is never emptied because its
topic is, for it may be the last copy.

docs/operation.md lists the codes and the repairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiokafka.structs import TopicPartition

RESTORE = "Restore the ledger: `alvys-sage ledger restore` says how."
READ_AGAIN = "If its records are to be read from the beginning, run `alvys-sage ledger accept`."
ACCEPT = "`alvys-sage ledger verify` lists them. When they are accounted for, run `alvys-sage ledger accept`."


class PartitionFault(StrEnum):
    """The codes of damage. They are stable, like every code."""

    LEDGER_EMPTY = "LEDGER_EMPTY"
    LEDGER_REPLACED = "LEDGER_REPLACED"
    LEDGER_TRUNCATED = "LEDGER_TRUNCATED"
    LEDGER_RECORDS_EXPIRED = "LEDGER_RECORDS_EXPIRED"
    LEDGER_COPIED = "LEDGER_COPIED"
    SOURCE_REPLACED = "SOURCE_REPLACED"
    SOURCE_RECORDS_EXPIRED = "SOURCE_RECORDS_EXPIRED"


@dataclass(frozen=True, slots=True)
class Damage:
    """The damage to one partition: what was found, and what a person can do about it."""

    fault: PartitionFault
    detail: str
    fix: str


class PartitionDamagedError(Exception):
    """Partitions are damaged: nothing may be posted from them.

    Args:
        damages: The damage to each ledger partition or its source.
    """

    def __init__(self, damages: Mapping[TopicPartition, Damage]) -> None:
        super().__init__(
            "; ".join(
                f"{each.topic}-{each.partition}: {found.fault}: {found.detail}. {found.fix}"
                for each, found in damages.items()
            )
        )
        self.damages = damages


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """A source partition, as the cluster and the consumer group know it.

    `begin` and `end` are the first offset of its log and the offset after the last record, `committed` is the group's
    committed offset (None: there is none). The ids are those of the source topic and of its ledger topic (None: the
    broker knows no ids).
    """

    source: TopicPartition
    begin: int
    end: int
    committed: int | None
    source_id: str | None = None
    ledger_id: str | None = None


def lost_records(position: SourcePosition) -> Damage | None:
    """The damage, if the group's committed offset is outside of the log: records are gone, or the log is another."""
    source, committed = position.source, position.committed
    if committed is None or position.begin <= committed <= position.end:
        return None
    if committed > position.end:
        return Damage(
            PartitionFault.SOURCE_REPLACED,
            f"the group has read {source.topic}-{source.partition} up to offset {committed}, and it ends at "
            f"{position.end}: it was deleted and created again, or brokers have lost records",
            READ_AGAIN,
        )
    return Damage(
        PartitionFault.SOURCE_RECORDS_EXPIRED,
        f"offsets {committed} to {position.begin - 1} of {source.topic}-{source.partition} were deleted, by retention "
        "or by hand, before they were read",
        f"Their events have to be sent again. {ACCEPT}",
    )


def empty_ledger(position: SourcePosition, *, holds: str) -> Damage:
    """The damage of a ledger without the mark of its beginning."""
    return Damage(
        PartitionFault.LEDGER_EMPTY,
        f"it holds {holds}, although the group has read {position.source.topic}-{position.source.partition} up to "
        f"offset {position.committed}: it was deleted and created again, or emptied",
        RESTORE,
    )
