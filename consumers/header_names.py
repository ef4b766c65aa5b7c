r"""Header names that are not UTF-8: aiokafka raises on them out of every poll, so one such record stops its reader.

Kafka says that names are UTF-8, but no broker looks, and a producer in C may write any bytes. aiokafka's parser has no
way around it. So a fetched chunk in which it fails is read a second time by aiokafka's own parser in Python, with such
names in escapes (`\xff`). The rest of the record is as it was sent; we read no header.
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
"""Where a batch has the version of its format; headers exist from version 2 on."""
_WITH_HEADERS = NEWEST_FORMAT = 2


def keep_bytes() -> None:
    """Have what is fetched keep its bytes. Whoever makes consumers gives them a `PartitionRecords` that wants them."""
    fetcher.MemoryRecords = Kept


class Kept(MemoryRecords):  # type: ignore[misc]  # aiokafka ships no types
    """Fetched records that remember their bytes."""

    def __init__(self, fetched: bytes) -> None:
        super().__init__(fetched)
        self.fetched = fetched

    def next_batch(self) -> object:
        """The next batch. Aiokafka would read one of a later format as if it were of today's."""
        batch = super().next_batch()
        if (version := getattr(batch, "magic", 0)) > NEWEST_FORMAT:  # batches of the first formats do not say theirs
            raise CorruptRecordException(f"its format is {version}; this service reads up to {NEWEST_FORMAT}")
        return batch


class _Names(bytearray):
    """A batch's bytes, of which nothing but header names is ever decoded."""

    def __getitem__(self, place: int | slice) -> "int | _Names":  # type: ignore[override]  # bytearray's is overloaded
        found = super().__getitem__(place)
        return found if isinstance(found, int) else _Names(found)

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # as above
    def __iter__(self) -> "_Batch":
        super().__iter__()  # decompresses
        self._buffer: bytearray = _Names(self._buffer)
        return self


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # as above
    def next_batch(self) -> object:
        found = self._next_slice
        if found is None or found[_MAGIC] < _WITH_HEADERS:
            return super().next_batch()
        self._cache_next()
        return _Batch(found)


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # as above
    """The records of one partition that were fetched together, whatever the names of their headers."""

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
            # From the beginning: records that were given out before are passed over by their offset.
            self._records = _Records(self._fetched)
            self._aborted_transactions = sorted(self._aborted or (), key=lambda one: one[1])
            self._aborted_producers: set[int] = set()
            yield from super()._unpack_records()
