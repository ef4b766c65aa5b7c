"""Parses a record of a source topic. The worker, a replay's forecast and the command line share this one function."""

from dataclasses import dataclass

from consumers.export.context import ParseRecord
from domain.codes import Code
from domain.events import ContractError
from domain.translation import ParsedRecord
from kafka_client.partitioners import Placement


@dataclass(frozen=True, slots=True)
class PartitionCheck:
    """The partition that a record was read from, and the rule that says where its key belongs."""

    partition: int
    placement: Placement

    def check(self, key: bytes | None) -> None:
        """Raise ContractError if records of this key belong in another partition."""
        belongs = self.placement.partition_of(key or b"")
        if belongs not in (None, self.partition):
            raise ContractError(
                Code.WRONG_PARTITION,
                f"it is in partition {self.partition}; by {self.placement.rule} over {self.placement.partitions} "
                f"partitions its key {key!r} belongs in {belongs}",
            )


def read(
    receive: ParseRecord,
    key: bytes | None,
    value: bytes | None,
    *,
    any_record_key: bool,
    largest_event: int,
    stand: PartitionCheck | None = None,
) -> ParsedRecord:
    """Parse a record.

    Args:
        receive: Parses the events of the record's topic.
        key: The record's key.
        value: The record's value.
        any_record_key: Whether the key may differ from the document's.
        largest_event: Maximum size of the value in bytes.
        stand: The partition that the record was read from, to check it against the key. None skips the check.

    Raises:
        ContractError: The record breaks the contract; the code says how.
    """
    if (size := len(value or b"")) > largest_event:
        raise ContractError(Code.EVENT_TOO_LARGE, f"it has {size} bytes, {largest_event} are read")
    received = receive(value)
    if key != received.key.encode() and not any_record_key:
        raise ContractError(Code.WRONG_KEY, f"the record's key is {key!r}, its document's is {received.key!r}")
    if stand is not None and not any_record_key:
        stand.check(key)
    return received
