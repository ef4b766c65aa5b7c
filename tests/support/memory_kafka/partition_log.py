"""One partition's log: record batches as bytes, the offsets that they take, and its open transactions."""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c, decode_varint

_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
_FRAME: Final = struct.Struct(">qi")
_CRC_FROM: Final = 21
"""Where the bytes under the checksum begin: the offset before them may change."""
_TRANSACTIONAL: Final = 0x10
_CONTROL: Final = 0x20
_COMPRESSION: Final = 0x07
_NO_PRODUCER: Final = -1


class CorruptBatchError(Exception):
    """The bytes of a produce request are no intact record batch."""


@dataclass(slots=True)
class Batch:
    """A stored record batch."""

    first: int
    last: int
    data: bytes
    producer_id: int
    epoch: int
    sequence: int
    """Sequence number of its first record; -1 if its producer has no id."""
    transactional: bool
    newest: int
    """The largest timestamp of its records, in milliseconds since 1970."""

    @property
    def last_sequence(self) -> int:
        """Sequence number of its last record."""
        return self.sequence + self.last - self.first


@dataclass(frozen=True, slots=True)
class Aborted:
    """An aborted transaction: its producer, its first record here, and the offset of its marker."""

    producer_id: int
    first: int
    marker: int


def has_keyless_record(batch: Batch) -> bool:
    """Whether a record of an uncompressed batch has no key. Of compressed ones nothing is known."""
    (attributes, count), place = struct.unpack_from(">h34xi", batch.data, _CRC_FROM), _HEAD.size
    for _ in range(count if not attributes & _COMPRESSION else 0):
        length, begin = decode_varint(batch.data, place)
        _, at = decode_varint(batch.data, begin + 1)  # behind the attributes: the timestamp
        _, at = decode_varint(batch.data, at)  # the offset
        key_length, _ = decode_varint(batch.data, at)
        if key_length < 0:
            return True
        place = begin + length
    return False


def batches_in(produced: bytes) -> Iterator[Batch]:
    """Parse the batches of a produce request. Their offsets count from 0.

    Raises:
        CorruptBatchError: A batch is cut, of an older format, or does not fit its checksum.
    """
    place = 0
    while place < len(produced):
        if len(produced) - place < _HEAD.size:
            raise CorruptBatchError("cut")
        head = _HEAD.unpack_from(produced, place)
        _, length, _, version, checksum, attributes, span, _, newest, producer_id, epoch, sequence, _ = head
        data = produced[place : place + _FRAME.size + length]
        if version != 2 or len(data) != _FRAME.size + length or calc_crc32c(data[_CRC_FROM:]) != checksum:
            raise CorruptBatchError("damaged")
        transactional = bool(attributes & _TRANSACTIONAL)
        yield Batch(0, span, data, producer_id, epoch, sequence, transactional, newest)
        place += len(data)


class PartitionLog:
    """The log of one partition."""

    def __init__(self) -> None:
        self.start = 0
        """The first offset that was not deleted."""
        self.end = 0
        """The high watermark: the offset of the next record."""
        self.batches: list[Batch] = []
        self.open: dict[int, int] = {}
        """By producer id: the first offset of its transaction under way."""
        self.aborted: list[Aborted] = []
        self._last_batches: dict[int, Batch] = {}

    @property
    def stable_end(self) -> int:
        """The last stable offset: from here on, a transaction may still be under way."""
        return min(self.open.values(), default=self.end)

    def append(self, batch: Batch) -> int:
        """Store a batch, and return the offset of its first record."""
        count = batch.last - batch.first + 1
        batch.first, batch.last = self.end, self.end + count - 1
        batch.data = batch.first.to_bytes(8, "big") + batch.data[8:12] + bytes(4) + batch.data[16:]
        if batch.transactional:
            self.open.setdefault(batch.producer_id, batch.first)
        if batch.producer_id != _NO_PRODUCER:
            self._last_batches[batch.producer_id] = batch
        self.batches.append(batch)
        self.end += count
        return batch.first

    def last_of(self, producer_id: int) -> Batch | None:
        """The newest batch of a producer with an id, or None."""
        return None if producer_id == _NO_PRODUCER else self._last_batches.get(producer_id)

    def mark(self, producer_id: int, epoch: int, *, committed: bool, at: int) -> None:
        """Write the marker that ends a producer's transaction here.

        Args:
            producer_id: The producer's id.
            epoch: The producer's epoch.
            committed: Whether the transaction was committed; else it was aborted.
            at: The time in milliseconds since 1970.
        """
        builder = DefaultRecordBatchBuilder(2, 0, 1, producer_id, epoch, -1, 1_000)
        key = struct.pack(">hh", 0, 1 if committed else 0)
        builder.append(0, timestamp=at, key=key, value=bytes(6), headers=[])
        data = bytearray(builder.build())
        data[_CRC_FROM + 1] |= _CONTROL
        struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[_CRC_FROM:])))
        first = self.open.pop(producer_id, None)
        if first is not None and not committed:
            self.aborted.append(Aborted(producer_id, first, self.end))
        self.append(Batch(0, 0, bytes(data), _NO_PRODUCER, epoch, -1, transactional=False, newest=at))

    def read(self, offset: int, below: int, limit: int) -> bytes:
        """The whole batches from the one that holds `offset` up to `below`: at least one, else up to `limit` bytes."""
        found: list[bytes] = []
        size = 0
        for batch in self.batches[bisect_left(self.batches, offset, key=attrgetter("last")) :]:
            if batch.first >= below or (found and size + len(batch.data) > limit):
                break
            found.append(batch.data)
            size += len(batch.data)
        return b"".join(found)

    def aborted_between(self, offset: int, below: int) -> list[tuple[int, int]]:
        """Producer id and first offset of each aborted transaction with records between two offsets."""
        return [(one.producer_id, one.first) for one in self.aborted if one.first < below and one.marker >= offset]

    def offset_at(self, timestamp: int) -> tuple[int, int]:
        """Timestamp and offset of the first record that is not older. Both are -1 if there is none."""
        for batch in self.batches:
            if batch.newest >= timestamp and batch.last >= self.start:
                records = MemoryRecords(batch.data).next_batch()
                for record in records:
                    if record.timestamp >= timestamp and record.offset >= self.start:
                        return record.timestamp, record.offset
        return -1, -1

    def delete_before(self, offset: int) -> None:
        """Delete the records below an offset."""
        self.start = max(self.start, offset)
        self.batches = [batch for batch in self.batches if batch.last >= self.start]
