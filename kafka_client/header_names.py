r"""Tolerance for header names that are not UTF-8: aiokafka raises on them at every poll, so one record stops a reader.

Kafka's documentation requires UTF-8, but no broker checks it, and a producer in C may write any bytes. aiokafka's
parser has no option for this. So when parsing a fetched chunk fails, the chunk is parsed again by aiokafka's own parser
in Python, which writes such names as escapes (`\xff`). The rest of the record is unchanged, and the export never
interprets headers.
"""

from collections.abc import Iterator

import structlog
from aiokafka import ConsumerRecord
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.structs import TopicPartition

log = structlog.get_logger(__name__)

_MAGIC = 16
"""Position of the format version in a batch. Headers exist from version 2 on."""
_WITH_HEADERS = NEWEST_FORMAT = 2


def keep_bytes() -> None:
    """Make aiokafka keep the bytes of fetched records, for every consumer of this process.

    The caller also has to install a `LenientPartitionRecords` that uses the bytes (`unreadable.install` does).
    """
    fetcher.MemoryRecords = Kept


class Kept(MemoryRecords):  # type: ignore[misc]  # aiokafka ships no types
    """Fetched records that remember their bytes."""

    def __init__(self, fetched: bytes) -> None:
        super().__init__(fetched)
        self.fetched = fetched

    def next_batch(self) -> object:
        """Return the next batch, or None at the end.

        aiokafka would read a batch of a later format as if it were in the current one; here that is an error.

        Raises:
            CorruptRecordException: The batch has a later format.
        """
        batch = super().next_batch()
        if (version := getattr(batch, "magic", 0)) > NEWEST_FORMAT:  # batches of the oldest formats have no `magic`
            raise CorruptRecordException(f"its format is {version}; this service reads up to {NEWEST_FORMAT}")
        return batch


class _Names(bytearray):
    """A batch's bytes with a lenient `decode`. aiokafka's parser decodes nothing but header names."""

    def __getitem__(self, place: int | slice) -> "int | _Names":  # type: ignore[override]  # bytearray's is overloaded
        found = super().__getitem__(place)
        return found if isinstance(found, int) else _Names(found)

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # as above
    def __iter__(self) -> "_LenientBatch":
        super().__iter__()  # decompresses
        self._buffer: bytearray = _Names(self._buffer)
        return self


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # as above
    def next_batch(self) -> object:
        found = self._next_slice
        if found is None or found[_MAGIC] < _WITH_HEADERS:
            return super().next_batch()
        self._cache_next()
        return _LenientBatch(found)


class LenientPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # as above
    """Records of one partition that were fetched together, readable whatever their header names are.

    Args:
        source: The partition.
        records: The fetched records, with their bytes.
        aborted: Producer and first offset of each aborted transaction; None if the reader reads uncommitted records.
        more: What aiokafka's class takes besides; it is passed on.
    """

    def __init__(
        self, source: TopicPartition, records: Kept, aborted: list[tuple[int, int]] | None, *more: object
    ) -> None:
        super().__init__(source, records, aborted, *more)
        self._fetched, self._aborted = records.fetched, aborted

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            log.warning("a header name is not UTF-8; its record is read all the same", partition=str(self._tp))
            # Parse again from the beginning: records that were returned before are skipped by their offset.
            self._records = _Records(self._fetched)
            self._aborted_transactions = sorted(self._aborted or (), key=lambda one: one[1])
            self._aborted_producers: set[int] = set()
            yield from super()._unpack_records()
