"""Commands under way in one partition: which are applied, and from where the next owner has to read.

A command counts as applied once every document that it concerns here was answered. Until then the partition's place
in the commands topic stays before it, so that whoever owns the partition next applies it again: asking twice is
harmless, since a document that was answered meanwhile is no longer among those it chooses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from consumers.engine.ledger import INTERNAL
from consumers.engine.ledger_store import Ledger
from consumers.engine.offsets import OffsetTracker
from domain.commands import Command, MarkSynced, Retry

RECORD = f"{INTERNAL}commands"
"""The ledger's record of how far the commands topic was applied."""


@dataclass(slots=True, eq=False)
class Order:
    """One command, as it concerns one partition."""

    command: Command
    partition: int
    offset: int
    open: set[str] = field(default_factory=set)
    """Keys of documents that were not answered yet."""


class Orders:
    """The commands of one partition.

    Args:
        kept: The ledger's record of how far they were applied. Without one the partition begins at the end: what was
            asked before its ledger knew any document was not meant for its documents.
        ends: Where the commands topic ends, by partition. A place beyond its end belongs to another topic of the same
            name, which is read whole.
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
    def places(self) -> Mapping[int, int]:
        """From where each partition of the commands topic has to be read."""
        return {number: place for number, each in self._trackers.items() if (place := each.committable) is not None}

    def take(self, partition: int, offset: int) -> bool:
        """Whether the record is new here; it is under way from now on."""
        tracker = self._trackers.setdefault(partition, OffsetTracker())
        if tracker.position is not None and offset < tracker.position:
            return False
        tracker.begin(offset)
        return True

    def answered(self, order: Order, key: str) -> bool:
        """One of its documents was answered; True when it was the last."""
        if key not in order.open:
            return False
        order.open.discard(key)
        if order.open:
            return False
        self.end(order.partition, order.offset)
        return True

    def end(self, partition: int, offset: int) -> None:
        """A command has nothing more to do here."""
        self._trackers[partition].end(offset)

    def record(self) -> tuple[str, bytes]:
        """The ledger's record of how far commands are applied."""
        return RECORD, orjson.dumps({str(number): place for number, place in sorted(self.places.items())})


def chosen(command: Retry | MarkSynced, topic: str, ledger: Ledger) -> tuple[str, ...]:
    """The documents of one partition of `topic` that a command is about: those that are not done with."""
    keys = [key for key in command.documents if ledger.get(key).parked is not None]
    if isinstance(command, Retry):
        if command.topics and topic not in command.topics:
            return ()
        keys += [key for code in command.codes for key in ledger.coded(code)]
        keys += [key for blocker in command.blocked_by for key in ledger.blocked_by(blocker)]
    return tuple(dict.fromkeys(keys))
