"""One Kafka transaction after another for one source partition: claims, results, ledger entries, dead letters, offsets.

Whatever was asked for while a transaction was on its way goes into the next one together. So a transaction is paid per
batch, never per document: one of them takes 8 to 28 ms, which would cap the service at 32 documents a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from aiokafka import AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata, RecordMetadata, TopicPartition

from consumers.engine import metrics
from consumers.engine.ledger import Entry, encode
from consumers.engine.ledger_store import Change, Ledger
from consumers.engine.offsets import OffsetTracker
from consumers.engine.sizes import TRANSACTION

LARGEST = 2_000
"""Notes in one transaction: enough to fill a round trip, few enough to end well before the transaction's time-out."""


class LedgerReplacedError(Exception):
    """The ledger topic is not the one that was restored: a record got an offset that was passed before."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record for an outbound topic; its key decides the partition there."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What is to become true all at once: a ledger entry, records for the world, the end of a source record."""

    entry: Entry | None = None
    outgoing: tuple[Outgoing, ...] = ()
    ended: int | None = None
    """The offset of the source record that ends with this."""
    internal: tuple[tuple[str, bytes], ...] = ()
    """Records of the engine's own in the ledger: name (`ledger.INTERNAL`) and value."""

    @property
    def size(self) -> int:
        """Bytes that it takes in a transaction, but for what is small in all notes."""
        parked = self.entry.parked if self.entry is not None else None
        internal = sum(len(value) for _, value in self.internal)
        return sum(len(out.value or b"") for out in self.outgoing) + internal + len(parked or b"") * 4 // 3


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Which partition is being worked off, by which group, and where its ledger is."""

    source: TopicPartition
    ledger_topic: str
    group_id: str


class Journal:
    """The only writer of one partition's ledger. Fenced by its producer's transactional id.

    A transaction that does not commit fails the journal for good: what it held was never visible, the offsets did not
    move, and whoever opens the partition next reads the records again (promise 1).
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        place: JournalPlace,
        ledger: Ledger,
        tracker: OffsetTracker,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._producer = producer
        self._place = place
        self._ledger = ledger
        self._tracker = tracker
        self._on_failure = on_failure
        self._pending: list[tuple[Note, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._committed: int | None = None
        self._failure: BaseException | None = None
        self._task = asyncio.create_task(self._run(), name=f"journal {place.source.topic}:{place.source.partition}")

    def write(self, note: Note) -> asyncio.Future[None]:
        """Ask for a note to be made; the future is done once it is durable and in the local ledger.

        The future fails with the journal's failure; a caller who does not wait loses nothing by not looking.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            _fail(future, self._failure)
            return future
        self._pending.append((note, future))
        self._wake.set()
        return future

    def commit_position(self) -> None:
        """Commit the offset if it has moved without a note: over transaction markers and compacted holes."""
        if self._failure is None and self._tracker.committable not in (None, self._committed):
            self._wake.set()

    async def close(self, patience: float) -> None:
        """Commit what was asked for, then end; what is not committed within `patience` seconds is given up."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=patience)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._pending or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            count = self._fitting()
            batch, self._pending = self._pending[:count], self._pending[count:]
            if self._pending or self._closing:
                self._wake.set()
            try:
                with metrics.TRANSACTION_SECONDS.time():
                    await self._commit([note for note, _ in batch])
            except BaseException as error:  # noqa: BLE001  # whatever it is, nothing of the batch may count as durable
                self._fail(batch, error)
                return
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    def _fitting(self) -> int:
        """How many of the pending notes go into one transaction: a few large ones, or many."""
        size = 0
        for count, (note, _) in enumerate(islice(self._pending, LARGEST)):
            size += note.size
            if count and size > TRANSACTION:
                return count
        return LARGEST

    async def _commit(self, notes: Sequence[Note]) -> None:
        """Make the notes durable in one transaction, with the offset that is committable once they are."""
        for note in notes:
            if note.ended is not None:
                self._tracker.end(note.ended)
        offset = self._tracker.committable
        moved = offset is not None and offset != self._committed
        if not notes and not moved:
            return
        producer = self._producer
        await producer.begin_transaction()
        sent: list[asyncio.Future[RecordMetadata]] = []
        changes: list[Change] = []
        ledgered: list[asyncio.Future[RecordMetadata]] = []
        for note in notes:
            for change in _changes(note):
                changes.append(change)
                ledgered.append(await self._send_to_ledger(change))
            sent.extend([await self._send(out) for out in note.outgoing])
        if offset is not None and moved:
            # Group metadata cannot be sent along: aiokafka has none. A former owner is fenced by the transactional id.
            await producer.send_offsets_to_transaction(
                {self._place.source: OffsetAndMetadata(offset, "")}, self._place.group_id
            )
        await asyncio.gather(*sent, *ledgered)
        changes = [
            change._replace(offset=future.result().offset) for change, future in zip(changes, ledgered, strict=True)
        ]
        checkpoint = self._checkpoint_after(changes)
        await producer.commit_transaction()
        # Only now, and nothing may be awaited in between: what is here is committed there.
        self._committed = offset
        if changes:
            self._ledger.apply(changes, checkpoint)

    def _checkpoint_after(self, changes: Sequence[Change]) -> int | None:
        """Everything before it is in the local ledger once these are: nobody else writes the partition."""
        checkpoint = self._ledger.checkpoint
        for change in changes:
            if change.offset is None or (checkpoint is not None and change.offset < checkpoint):
                raise LedgerReplacedError(
                    f"{self._place.ledger_topic} gave offset {change.offset} after {checkpoint}: it was made anew"
                )
            checkpoint = change.offset + 1
        return checkpoint

    async def _send_to_ledger(self, change: Change) -> "asyncio.Future[RecordMetadata]":
        sent: asyncio.Future[RecordMetadata] = await self._producer.send(
            self._place.ledger_topic,
            key=change.key.encode(),
            value=change.value,
            partition=self._place.source.partition,
        )
        return sent

    async def _send(self, out: Outgoing) -> "asyncio.Future[RecordMetadata]":
        if out.key is not None or out.value is not None:
            sent: asyncio.Future[RecordMetadata] = await self._producer.send(
                out.topic, key=out.key, value=out.value, headers=list(out.headers)
            )
            return sent
        # A dead letter may be as empty as what came in; `send` refuses that, a batch of one does not.
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=list(out.headers))
        partitions = await self._producer.partitions_for(out.topic)
        sent = await self._producer.send_batch(batch, out.topic, partition=min(partitions))
        return sent  # noqa: RET504 - named above with its type, which aiokafka lacks

    def _fail(self, batch: Sequence[tuple[Note, asyncio.Future[None]]], error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            error = ConnectionAbortedError("the partition was given up before this was committed")
        self._failure = error
        for _, future in [*batch, *self._pending]:
            if not future.done():
                _fail(future, error)
        self._pending.clear()
        self._on_failure(error)


def _changes(note: Note) -> list[Change]:
    """The note's records for the ledger."""
    entry = [] if note.entry is None else [Change(note.entry.key, encode(note.entry), note.entry)]
    return entry + [Change(name, value) for name, value in note.internal]


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    """Mark the failure as seen at once: the session hears of it once, through `on_failure`."""
    future.set_exception(error)
    future.exception()
