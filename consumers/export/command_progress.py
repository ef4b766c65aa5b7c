"""Commands in progress in one partition: which are complete, and from which offset the next owner has to read.

A command is complete once every document that it concerns in this partition was answered. Until then the partition's
offset in the commands topic stays before the command, so that the next owner applies it again. Applying it twice is
harmless: it does not choose a document that was answered meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from consumers.export.protocol.document_state import INTERNAL
from domain.commands import Command
from kafka_client.offset_tracker import OffsetTracker

RECORD = f"{INTERNAL}commands"
"""Name of the ledger's internal record that holds the offsets up to which the commands topic was applied."""


@dataclass(slots=True, eq=False)
class PendingCommand:
    """One command, as far as it concerns one source partition."""

    command: Command
    partition: int
    """Partition of the commands topic; `offset` likewise."""
    offset: int
    open: set[str] = field(default_factory=set)
    """Keys of the documents that were not answered yet."""


class CommandProgress:
    """The commands in progress of one source partition.

    Args:
        kept: The internal record of the ledger: the offsets up to which commands were applied. None makes the partition
            begin at the end of the commands topic: commands older than its ledger were not meant for its documents.
        ends: End offset of each partition of the commands topic. A kept offset beyond the end is of another topic of
            the same name; the present topic is then read from its beginning.
    """

    def __init__(self, kept: bytes | None = None, ends: Mapping[int, int] | None = None) -> None:
        self.fresh = kept is None
        """Whether the ledger has no record of commands yet."""
        self._trackers: dict[int, OffsetTracker] = {}
        ends = ends or {}
        known = ends if kept is None else {int(number): place for number, place in orjson.loads(kept).items()}
        for number, end in ends.items():
            tracker = self._trackers[number] = OffsetTracker()
            place = known.get(number, 0)
            tracker.reached(place if place <= end else 0)

    @property
    def positions(self) -> Mapping[int, int]:
        """First offset to read of each partition of the commands topic."""
        return {number: place for number, each in self._trackers.items() if (place := each.committable) is not None}

    def take(self, partition: int, offset: int) -> bool:
        """Start a command. Returns False if its record was read before."""
        tracker = self._trackers.setdefault(partition, OffsetTracker())
        if tracker.position is not None and offset < tracker.position:
            return False
        tracker.begin(offset)
        return True

    def answered(self, order: PendingCommand, key: str) -> bool:
        """Mark one document of a command as answered. Returns True if it was the command's last."""
        if key not in order.open:
            return False
        order.open.discard(key)
        if order.open:
            return False
        self.end(order.partition, order.offset)
        return True

    def end(self, partition: int, offset: int) -> None:
        """Complete a command: nothing of it is left to do in this partition."""
        self._trackers[partition].end(offset)

    def record(self) -> tuple[str, bytes]:
        """Build the ledger's internal record (name and value) of the offsets up to which commands are applied."""
        return RECORD, orjson.dumps({str(number): place for number, place in sorted(self.positions.items())})
