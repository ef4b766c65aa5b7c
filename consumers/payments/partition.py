"""One partition of the cursor topic: its single writer, and the cursors restored from its records.

Payment records and the cursor changes that belong to them are written in one Kafka transaction. If a transaction does
not commit, the writer is closed for good. The next owner of the partition reads what was committed, and queries Sage
again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from aiokafka.structs import TopicPartition

from consumers.payments.cursor import CompanyCursor, CursorRecord, CursorUnreadableError, decode, encode, key
from kafka_client.fencing import fence
from kafka_client.interface import KafkaClients, Producer
from kafka_client.read_to_end import connected_reader
from kafka_client.stopping import stop_client

AT_ONCE = 1_000
"""Records decoded before other tasks of the event loop may run."""
PATIENCE = 300.0
"""Seconds that restoring the cursors may take."""


class PartitionClosedError(Exception):
    """This process no longer owns the partition; nothing was written."""


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A record for `sage-payments`."""

    key: str
    value: bytes
    kind: str
    """The kind of payment, a label of the metrics."""


def partition_of(company_id: str, partitions: int) -> int:
    """The partition of the cursor topic that holds all records of a company."""
    return crc32(company_id.encode()) % partitions


class CursorPartition:
    """The writer of one partition, made by `Cursors.open`. The tasks of its companies use it concurrently.

    Args:
        place: The partition of the cursor topic.
        producer: A transactional producer that has fenced the former owner.
        payments: The full name of the payments topic.
        memories: The restored cursors, by company id.
        on_failure: Called with the partition and the error when a transaction does not commit.
    """

    def __init__(
        self,
        place: TopicPartition,
        producer: Producer,
        payments: str,
        memories: dict[str, CompanyCursor],
        on_failure: Callable[[TopicPartition, BaseException], None],
    ) -> None:
        self.place = place
        self._producer = producer
        self._payments = payments
        self._memories = memories
        self._on_failure = on_failure
        self._one_at_a_time = asyncio.Lock()
        self._open = True

    def cursor_of(self, company_id: str) -> CompanyCursor:
        """The cursor of a company; an empty one if nothing is stored."""
        return self._memories.setdefault(company_id, CompanyCursor(company_id))

    async def write(
        self, company_id: str, changes: Sequence[CursorRecord], records: Sequence[PaymentRecord] = ()
    ) -> None:
        """Write changes and records in one transaction, then apply the changes to the cursor in memory.

        Raises:
            PartitionClosedError: Another process owns the partition, or it was closed; no reader sees any of it.
        """
        if not changes and not records:
            return
        # Shielded: if the caller is cancelled, the transaction still ends. An open one would block the next owner.
        await asyncio.shield(asyncio.ensure_future(self._write(company_id, changes, records)))

    async def _write(self, company_id: str, changes: Sequence[CursorRecord], records: Sequence[PaymentRecord]) -> None:
        async with self._one_at_a_time:
            if not self._open:
                raise PartitionClosedError(str(self.place))
            try:
                await self._commit(company_id, changes, records)
            except Exception as error:
                self._open = False
                self._on_failure(self.place, error)
                raise PartitionClosedError(f"{self.place}: {error!r}") from error
            company_cursor = self.cursor_of(company_id)
            for change in changes:
                company_cursor.apply(change)

    async def _commit(self, company_id: str, changes: Sequence[CursorRecord], records: Sequence[PaymentRecord]) -> None:
        producer, place = self._producer, self.place
        await producer.begin_transaction()
        sent = [
            await producer.send(
                place.topic, encode(company_id, change), key(company_id, change), partition=place.partition
            )
            for change in changes
        ]
        sent += [await producer.send(self._payments, record.value, record.key.encode()) for record in records]
        await asyncio.gather(*sent)
        await producer.commit_transaction()

    async def close(self) -> None:
        """Wait for a transaction that is under way, then refuse further writes and stop the producer."""
        async with self._one_at_a_time:
            self._open = False
        await asyncio.gather(stop_client(self._producer), return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Cursors:
    """Opener of cursor partitions.

    Attributes:
        topic: The full name of the cursor topic.
        payments: The full name of the payments topic.
        partitions: The number of partitions of the cursor topic.
        clients: The factory of Kafka clients.
    """

    topic: str
    payments: str
    partitions: int
    clients: KafkaClients

    async def open(
        self, numbers: Sequence[int], on_failure: Callable[[TopicPartition, BaseException], None]
    ) -> list[CursorPartition]:
        """Fence the former owners of these partitions, then restore the cursors.

        Args:
            numbers: The partitions to open.
            on_failure: Called with the partition and the error when one of its transactions does not commit.

        Returns:
            One writer per partition, in the order of `numbers`.

        Raises:
            CursorUnreadableError: A record cannot be read; without it facts would be published twice.
            KafkaError, TimeoutError: The broker did not answer.
        """
        places = [TopicPartition(self.topic, number) for number in numbers]
        producers = await fence(self.clients, places)
        try:
            memories = await self._read(places)
        except BaseException:
            await asyncio.gather(*(stop_client(producer) for producer in producers), return_exceptions=True)
            raise
        return [
            CursorPartition(place, producer, self.payments, memories[place], on_failure)
            for place, producer in zip(places, producers, strict=True)
        ]

    async def _read(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, dict[str, CompanyCursor]]:
        newest: dict[TopicPartition, dict[bytes, bytes | None]] = {place: {} for place in places}
        async with connected_reader(self.clients, within=PATIENCE) as reader:
            # The ends are reached for certain: the fence has ended every open transaction.
            async for batch in reader.read_to_end(places):
                for record in batch.records:
                    newest[batch.partition][record.key] = record.value
        return {place: await self._memories(place, list(values.values())) for place, values in newest.items()}

    async def _memories(self, place: TopicPartition, values: Sequence[bytes | None]) -> dict[str, CompanyCursor]:
        memories: dict[str, CompanyCursor] = {}
        for number, value in enumerate(values):
            if not number % AT_ONCE:
                await asyncio.sleep(0)  # lets heartbeats be sent
            if value is None:
                continue
            company_id, change = decode(value)
            if partition_of(company_id, self.partitions) != place.partition:
                raise CursorUnreadableError(
                    f"{place.topic} has {self.partitions} partitions and had another number before: what was told of "
                    f"{company_id} would not be found; go back to that number"
                )
            memories.setdefault(company_id, CompanyCursor(company_id)).apply(change)
        return memories
