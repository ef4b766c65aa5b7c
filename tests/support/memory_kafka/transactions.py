"""The coordinator of transactions: producer ids and epochs, transactions under way, the offsets they hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from aiokafka.errors import ConcurrentTransactions, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState
from aiokafka.structs import TopicPartition

MARKERS_AFTER: Final = 0.002
"""Seconds between the answer to a commit and the markers in the partitions. A real broker, too, answers first."""

Offsets = dict[TopicPartition, tuple[int, str]]
"""Committed offsets, each with its metadata."""
Later = Callable[[float, Callable[[], None]], Callable[[], None]]
"""Calls something after so many seconds. Returns what calls it off."""
OK: Final = 0


@dataclass
class Transaction:
    """A transactional id, its producer, and its transaction under way."""

    producer_id: int
    timeout: float
    """Seconds until the coordinator aborts a transaction that does not end."""
    epoch: int = 0
    ending: bool = False
    """Whether it was committed or aborted, and its markers are not written yet."""
    partitions: set[TopicPartition] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    offsets: dict[str, Offsets] = field(default_factory=dict)
    """By group: the offsets to commit with the transaction."""
    cancel_timeout: Callable[[], None] | None = None

    @property
    def under_way(self) -> bool:
        """Whether it has partitions or groups, and was neither committed nor aborted."""
        return bool(self.partitions or self.groups) and not self.ending


class Transactions:
    """All transactions of a broker.

    Args:
        mark: Writes the marker into a partition: partition, producer id, epoch, and whether it was committed.
        commit_offsets: Stores the offsets of a group.
    """

    def __init__(
        self,
        mark: Callable[[TopicPartition, int, int, bool], None],
        commit_offsets: Callable[[str, Offsets], None],
    ) -> None:
        self._mark = mark
        self._commit_offsets = commit_offsets
        self._by_id: dict[str, Transaction] = {}
        self._next_producer = 1_000

    def new_producer(self, transactional_id: str | None, timeout: float, later: Later) -> tuple[int, int, int]:
        """Give out a producer id: error code, producer id, epoch. A former owner of a transactional id is fenced."""
        if transactional_id is None:
            self._next_producer += 1
            return OK, self._next_producer, 0
        known = self._by_id.get(transactional_id)
        if known is None:
            self._next_producer += 1
            self._by_id[transactional_id] = Transaction(self._next_producer, timeout)
            return OK, self._next_producer, 0
        if known.under_way:
            known.epoch += 1
            self._end(known, later, committed=False)
        if known.ending:
            return ConcurrentTransactions.errno, -1, -1
        known.epoch += 1
        known.timeout = timeout
        return OK, known.producer_id, known.epoch

    def add(
        self,
        transactional_id: str,
        producer: tuple[int, int],
        later: Later,
        *,
        partitions: Iterable[TopicPartition] = (),
        group: str | None = None,
    ) -> int:
        """Add partitions and a group to the transaction of a producer (id, epoch), and begin it if need be."""
        transaction, code = self._of(transactional_id, producer)
        if transaction is None:
            return code
        if transaction.ending:
            return int(ConcurrentTransactions.errno)
        if not transaction.under_way:
            transaction.cancel_timeout = later(transaction.timeout, lambda: self._expire(transaction, later))
        transaction.partitions.update(partitions)
        if group is not None:
            transaction.groups.add(group)
        return OK

    def add_offsets(self, transactional_id: str, producer: tuple[int, int], group: str, offsets: Offsets) -> int:
        """Keep offsets until the transaction is committed."""
        transaction, code = self._of(transactional_id, producer)
        if transaction is None:
            return code
        if group not in transaction.groups or transaction.ending:
            return int(InvalidTxnState.errno)
        transaction.offsets.setdefault(group, {}).update(offsets)
        return OK

    def end(self, transactional_id: str, producer: tuple[int, int], later: Later, *, committed: bool) -> int:
        """Commit or abort the transaction of a producer (id, epoch). The markers follow later."""
        transaction, code = self._of(transactional_id, producer)
        if transaction is None:
            return code
        if transaction.ending:
            return int(ConcurrentTransactions.errno)
        if not transaction.under_way:
            return int(InvalidTxnState.errno)
        self._end(transaction, later, committed=committed)
        return OK

    def refuses_batch(self, transactional_id: str | None, producer: tuple[int, int], partition: TopicPartition) -> int:
        """The error code with which a batch of a transaction is refused, or 0."""
        transaction, code = self._of(transactional_id or "", producer)
        if transaction is None:
            return code
        return OK if partition in transaction.partitions and not transaction.ending else int(InvalidTxnState.errno)

    def _of(self, transactional_id: str, producer: tuple[int, int]) -> tuple[Transaction | None, int]:
        known = self._by_id.get(transactional_id)
        if known is None or known.producer_id != producer[0]:
            return None, InvalidProducerIdMapping.errno
        if known.epoch != producer[1]:
            return None, InvalidProducerEpoch.errno
        return known, OK

    def _expire(self, transaction: Transaction, later: Later) -> None:
        transaction.epoch += 1  # a producer that comes too late is fenced
        self._end(transaction, later, committed=False)

    def _end(self, transaction: Transaction, later: Later, *, committed: bool) -> None:
        if transaction.cancel_timeout is not None:
            transaction.cancel_timeout()
            transaction.cancel_timeout = None
        transaction.ending = True
        epoch = transaction.epoch

        def finish() -> None:
            for partition in sorted(transaction.partitions):
                self._mark(partition, transaction.producer_id, epoch, committed)
            if committed:
                for group, offsets in transaction.offsets.items():
                    self._commit_offsets(group, offsets)
            transaction.partitions.clear()
            transaction.groups.clear()
            transaction.offsets.clear()
            transaction.ending = False

        later(MARKERS_AFTER, finish)
