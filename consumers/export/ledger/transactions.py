"""Writes the Kafka transactions of one source partition: claims, results, ledger entries, dead letters, offsets.

One transaction follows the other, each a group commit: everything requested during one transaction goes into the next
one together. A transaction takes 8 to 28 ms, so one per document would cap the service at 32 documents a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from aiokafka.structs import OffsetAndMetadata, RecordMetadata, TopicPartition

from consumers.export import metrics
from consumers.export.ledger.codec import encode
from consumers.export.ledger.store import LedgerRecord, LedgerStore
from consumers.export.protocol.document_state import DocumentState
from kafka_client.interface import Producer
from kafka_client.offset_tracker import OffsetTracker
from kafka_client.size_limits import TRANSACTION

MAX_BATCH = 400
"""Maximum number of notes in one transaction: enough to fill a round trip, few enough that a claim soon has a turn."""


class LedgerReplacedError(Exception):
    """The ledger topic is not the one that was restored: a new record got an offset that was already passed."""


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record for an outbound topic. Its key decides its partition there."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A write that takes effect all at once: a ledger entry, outbound records, the end of a source record."""

    entry: DocumentState | None = None
    outgoing: tuple[OutputRecord, ...] = ()
    completed_offset: int | None = None
    """Offset of the source record that ends with this note. None if none does."""
    internal: tuple[tuple[str, bytes | None], ...] = ()
    """Internal records for the ledger: name (with the prefix `document_state.INTERNAL`) and value. None deletes it."""

    @property
    def size(self) -> int:
        """Bytes that the note takes in a transaction, without the parts that are small in every note."""
        parked = self.entry.parked if self.entry is not None else None
        internal = sum(len(value or b"") for _, value in self.internal)
        return sum(len(out.value or b"") for out in self.outgoing) + internal + len(parked or b"") * 4 // 3


@dataclass(frozen=True, slots=True)
class TransactionScope:
    """A source partition, its ledger topic, and the consumer group that commits its offsets."""

    source: TopicPartition
    ledger_topic: str
    group_id: str


class TransactionWriter:
    """The only writer of one partition's ledger, fenced by its producer's transactional id.

    If a transaction does not commit, the writer has failed for good. Nothing of the transaction is visible, the
    offsets have not moved, and the partition's next owner reads the records again (promise 1).

    Args:
        producer: The transactional producer.
        place: The source partition, its ledger topic and its group.
        ledger: The local copy of the ledger, updated after each commit.
        tracker: The source records in flight, which give the offset to commit.
        on_failure: Called once with the error if a transaction fails.
    """

    def __init__(
        self,
        producer: Producer,
        place: TransactionScope,
        ledger: LedgerStore,
        tracker: OffsetTracker,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._producer = producer
        self._place = place
        self._ledger = ledger
        self._tracker = tracker
        self._on_failure = on_failure
        self._urgent: list[tuple[PendingWrite, asyncio.Future[None]]] = []
        self._pending: list[tuple[PendingWrite, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._committed: int | None = None
        self._failure: BaseException | None = None
        self._task = asyncio.create_task(
            self._run(), name=f"transactions {place.source.topic}:{place.source.partition}"
        )

    def write(self, note: PendingWrite, *, urgent: bool = False) -> asyncio.Future[None]:
        """Request a write. The returned future is done once the note is durable and in the local ledger.

        If the writer fails, the future fails with its error. A caller need not await the future.

        Args:
            note: What to write.
            urgent: Whether a request to Sage waits for it. It goes before notes that are not urgent, so it may be about
                no document of which another note is still to be written.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            _fail(future, self._failure)
            return future
        (self._urgent if urgent else self._pending).append((note, future))
        self._wake.set()
        return future

    def commit_position(self) -> None:
        """Commit the offset if it moved without a note, over transaction markers and compacted holes."""
        if self._failure is None and self._tracker.committable not in (None, self._committed):
            self._wake.set()

    async def close(self, patience: float) -> None:
        """Commit everything requested, then stop. What is not committed within `patience` seconds is dropped."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=patience)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._urgent or self._pending or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            self._pending[:0] = self._urgent
            self._urgent.clear()
            count = self._fitting()
            batch, self._pending = self._pending[:count], self._pending[count:]
            if self._pending or self._closing:
                self._wake.set()
            try:
                with metrics.TRANSACTION_SECONDS.time():
                    await self._commit([note for note, _ in batch])
            except BaseException as error:  # noqa: BLE001  # after any error, nothing of the batch counts as durable
                self._fail(batch, error)
                return
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    def _fitting(self) -> int:
        """Number of pending notes that go into one transaction: a few large ones, or many small ones."""
        size = 0
        for count, (note, _) in enumerate(islice(self._pending, MAX_BATCH)):
            size += note.size
            if count and size > TRANSACTION:
                return count
        return MAX_BATCH

    async def _commit(self, notes: Sequence[PendingWrite]) -> None:
        """Write the notes in one transaction, with the offset that is committable once they are durable."""
        for note in notes:
            if note.completed_offset is not None:
                self._tracker.end(note.completed_offset)
        offset = self._tracker.committable
        moved = offset is not None and offset != self._committed
        if not notes and not moved:
            return
        producer = self._producer
        await producer.begin_transaction()
        sent: list[asyncio.Future[RecordMetadata]] = []
        changes: list[LedgerRecord] = []
        ledgered: list[asyncio.Future[RecordMetadata]] = []
        for note in notes:
            for change in _changes(note):
                changes.append(change)
                ledgered.append(await self._send_to_ledger(change))
            sent.extend([await self._send(out) for out in note.outgoing])
        if offset is not None and moved:
            # Without group metadata, which aiokafka cannot send. The transactional id fences a former owner instead.
            await producer.send_offsets_to_transaction(
                {self._place.source: OffsetAndMetadata(offset, "")}, self._place.group_id
            )
        await asyncio.gather(*sent, *ledgered)
        changes = [
            change._replace(offset=future.result().offset) for change, future in zip(changes, ledgered, strict=True)
        ]
        checkpoint = self._checkpoint_after(changes)
        await producer.commit_transaction()
        # Only after the commit, and without an await in between: the local ledger holds only what the topic holds.
        self._committed = offset
        if changes:
            self._ledger.apply(changes, checkpoint)

    def _checkpoint_after(self, changes: Sequence[LedgerRecord]) -> int | None:
        """The offset up to which the local ledger is complete after these changes: nobody else writes the partition."""
        checkpoint = self._ledger.checkpoint
        for change in changes:
            if change.offset is None or (checkpoint is not None and change.offset < checkpoint):
                raise LedgerReplacedError(
                    f"{self._place.ledger_topic} gave offset {change.offset} after {checkpoint}: it was made anew"
                )
            checkpoint = change.offset + 1
        return checkpoint

    async def _send_to_ledger(self, change: LedgerRecord) -> "asyncio.Future[RecordMetadata]":
        place = self._place
        return await self._producer.send(
            place.ledger_topic, key=change.key.encode(), value=change.value, partition=place.source.partition
        )

    async def _send(self, out: OutputRecord) -> "asyncio.Future[RecordMetadata]":
        if out.key is not None or out.value is not None:
            return await self._producer.send(out.topic, key=out.key, value=out.value, headers=list(out.headers))
        # A dead letter may have no key and no value, like its source. `send` refuses that, `send_batch` does not.
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=list(out.headers))
        partitions = await self._producer.partitions_for(out.topic)
        return await self._producer.send_batch(batch, out.topic, partition=min(partitions))

    def _fail(self, batch: Sequence[tuple[PendingWrite, asyncio.Future[None]]], error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            error = ConnectionAbortedError("the partition was given up before this was committed")
        self._failure = error
        for _, future in [*batch, *self._urgent, *self._pending]:
            if not future.done():
                _fail(future, error)
        self._urgent.clear()
        self._pending.clear()
        self._on_failure(error)


def _changes(note: PendingWrite) -> list[LedgerRecord]:
    """The note's records for the ledger topic."""
    entry = [] if note.entry is None else [LedgerRecord(note.entry.key, encode(note.entry), note.entry)]
    return entry + [LedgerRecord(name, value) for name, value in note.internal]


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    """Fail a future and mark its error as retrieved: the session learns of it once, through `on_failure`."""
    future.set_exception(error)
    future.exception()
