"""Record batches that aiokafka cannot read, returned as `Unreadable` so that they can be reported and skipped.

A batch with a wrong checksum, an unknown compression or version, or bytes that are no records makes aiokafka raise at
every poll. All other partitions wait behind it, and records already taken from them for the same poll are lost to the
caller. So the parser here never raises: it returns the records before the bad batch, and then an `Unreadable` in the
batch's place, always as the last item of a poll.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from aiokafka import ConsumerRecord
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from kafka_client import header_names

_FRAME = struct.Struct(">qiib")
"""The start of every batch: first offset, length of the rest, leader epoch, format version.

Before version 2 the place of the epoch holds the checksum, and the offset is that of the batch's last record.
"""
_BEHIND_LENGTH = struct.calcsize(">qi")
_HEAD = struct.Struct(">qiibIhiqqqhii")
"""The whole header of a batch from version 2 on."""
_NEWEST = 2
"""The current format version."""
_LATEST = 4_102_444_800_000
"""The end of 2099 in milliseconds since 1970. A later time stamp is taken as broken."""
_CODECS = ("not compressed", "gzip", "snappy", "lz4", "zstd")
_CODEC_MASK = 7


class UnreadableRecordsError(Exception):
    """A topic whose records must all be read holds records that cannot be read."""

    def __init__(self, found: "Unreadable") -> None:
        super().__init__(
            f"{found.topic}:{found.partition}: {found.reason}. Nothing of this topic may be left out, so nothing goes "
            "on without it: look at the disks of the brokers and at who writes to the topic, and have a broker that "
            "holds a whole copy lead the partition, or restore the topic"
        )


@dataclass
class Unreadable(ConsumerRecord):  # type: ignore[misc]  # aiokafka ships no types
    """Placeholder for records that cannot be read. `offset` is that of the last one; key and value are None."""

    first: int = 0
    """The offset of the first unreadable record."""
    why: str = ""
    """Why the records cannot be read."""
    batch: bytes = b""
    """The bytes as the broker sent them: a record batch, in the format of Kafka's log files."""

    @property
    def reason(self) -> str:
        """A sentence that names the unreadable records and says why they cannot be read."""
        one = self.first == self.offset
        which = f"the record at offset {self.first}" if one else f"the records at offsets {self.first} to {self.offset}"
        return f"{which} cannot be read: {self.why}"


@dataclass(frozen=True, slots=True)
class _FoundBatch:
    """A batch as its header describes it. The header may be as broken as the rest."""

    content: bytes
    next: int
    """The offset after the batch's last record."""
    timestamp: int
    described: str


class ReportingPartitionRecords(header_names.LenientPartitionRecords):
    """The records of one partition that were fetched together; what cannot be read is returned as `Unreadable`.

    Args:
        source: The partition.
        records: The fetched records, with their bytes.
        aborted: Producer and first offset of each aborted transaction; None if the reader reads uncommitted records.
        more: What aiokafka's class takes besides; it is passed on.
    """

    next_fetch_offset: int

    def __init__(
        self,
        source: TopicPartition,
        records: header_names.Kept,
        aborted: list[tuple[int, int]] | None,
        *more: object,
    ) -> None:
        super().__init__(source, records, aborted, *more)
        self._begun = self.next_fetch_offset

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        try:
            yield from super()._unpack_records()
        except Exception as error:  # noqa: BLE001 - libraries in three languages parse here, each with its own errors
            if self.next_fetch_offset > self._begun:
                return  # keep the records read so far; the bad batch comes first in the next fetch
            yield self._in_its_place(error)

    def _in_its_place(self, error: Exception) -> Unreadable:
        first, source = self.next_fetch_offset, self._tp
        found = batch_at(self._fetched, first)
        self.next_fetch_offset = found.next
        why = f"{type(error).__name__}: {error} ({found.described})"
        place = source.topic, source.partition, found.next - 1, found.timestamp, 0
        return Unreadable(*place, None, None, None, -1, -1, (), first=first, why=why, batch=found.content)


def batch_at(fetched: bytes, offset: int) -> _FoundBatch:
    """Find the batch that holds `offset` among the fetched bytes.

    A header that contradicts itself or the next batch is not trusted: the batch then counts as one record, and fetching
    continues at the next offset. So no readable record is ever skipped.
    """
    place = 0
    while place + _FRAME.size <= len(fetched):
        base, length, _, version = _FRAME.unpack_from(fetched, place)
        end = place + _BEHIND_LENGTH + length
        if end <= place + _BEHIND_LENGTH or end > len(fetched):
            break
        after, timestamp, described = _described(fetched, place, base, version)
        if after > offset:
            behind = _FRAME.unpack_from(fetched, end)[0] if end + _FRAME.size <= len(fetched) else None
            if after <= 0 or base > offset or (behind is not None and behind < after):
                after = offset + 1
            return _FoundBatch(fetched[place:end], after, timestamp, described)
        place = end
    return _FoundBatch(fetched[place:], offset + 1, 0, "no batch begins there")


def _described(fetched: bytes, place: int, base: int, version: int) -> tuple[int, int, str]:
    """Read a batch header: the offset after the batch, its time stamp (0 if not credible), and its format in words."""
    if version < _NEWEST:
        return base + 1, 0, f"format {version}"
    if place + _HEAD.size > len(fetched):
        return base + 1, 0, f"format {version}, cut"
    _, _, _, _, _, attributes, span, _, newest, _, _, _, count = _HEAD.unpack_from(fetched, place)
    number = attributes & _CODEC_MASK
    codec = _CODECS[number] if number < len(_CODECS) else f"compression {number}"
    believable = span >= 0 and 0 < count <= span + 1
    after = base + span + 1 if believable else base + 1
    return after, newest if 0 <= newest <= _LATEST else 0, f"format {version}, {codec}, {count} records"


def begin_of(record: ConsumerRecord) -> int:
    """The offset to seek to so that this record, or the unreadable batch, is delivered again."""
    offset: int = record.first if isinstance(record, Unreadable) else record.offset
    return offset


def install() -> None:
    """Patch aiokafka, so that every consumer of this process returns `Unreadable` instead of raising."""
    header_names.keep_bytes()
    fetcher.PartitionRecords = ReportingPartitionRecords
