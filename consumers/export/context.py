"""Objects that all partitions of a worker share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from consumers.export.config import ExportConfig
from consumers.export.output_records import ResultWriter
from consumers.export.slices import Slices
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord
from kafka_client.clock import Clock


class SendingLanes(Protocol):
    """The lanes, one per Sage company, to which mapped documents go."""

    def send(self, work: WorkItem) -> None:
        """Post a mapped document."""

    def reconcile(self, work: WorkItem) -> None:
        """Look a claimed document up in Sage before anything is sent."""

    def is_blocked(self, blocker: str) -> bool:
        """Whether documents still have to wait for this blocker: a circuit is open, or older documents stand before."""

    def relieve(self, owner: PartitionHandle, share: int) -> None:
        """Park what a partition has queued beyond the next requests, because its window is full.

        Args:
            owner: The partition.
            share: How many of its documents may stay queued. The companies share it equally.
        """

    def resume_backlog(self, blocker: str) -> None:
        """Bring back the documents whose wait for this backlog is durable, in their turn."""

    def release_partition(self, owner: PartitionHandle) -> None:
        """Drop the documents of a partition that is being released, except those on their way to Sage."""


@dataclass(frozen=True, slots=True)
class ExportContext:
    """Objects that all sessions of a worker share."""

    writer: ResultWriter
    """Builds the records to write."""
    any_record_key: bool
    """Whether a record's key may differ from its document's. Then only upstream keeps revisions in one partition."""
    mapping: Callable[[], MappingState]
    """Returns the settings in force."""
    lanes: SendingLanes
    config: ExportConfig
    time: Clock
    slices: Slices
    """The long work of all partitions, which takes turns."""


ParseRecord = Callable[[bytes | None], ParsedRecord]
"""Parses the bytes of an event. Raises ContractError. Each topic's module provides its own."""
