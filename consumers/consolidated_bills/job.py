"""The job that reads rows, sends the bills that are due and deletes old rows, until it is stopped or once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from consumers.consolidated_bills.groups import BillToSend, Groups, Schedule, SentBill, mark_record
from kafka_client.clock import Clock
from kafka_client.interface import KafkaClients, Producer
from kafka_client.read_to_end import PartitionReader, connected_reader
from kafka_client.size_limits import LARGEST_EVENT
from kafka_client.stopping import stop_client

log = structlog.get_logger(__name__)

POLL_MS = 500


class TakenOverError(Exception):
    """Another process has fenced this one and makes the bills from now on."""

    def __init__(self) -> None:
        super().__init__("another `alvys-sage consolidate-bills` was started after this one, and makes the bills now")


@dataclass(frozen=True, slots=True)
class Job:
    """The job's topics, schedule and limits.

    `largest_event` is in bytes.
    """

    rows: str
    """The topic of rows and sent-marks."""
    bills: str
    """The topic of the events."""
    clients: KafkaClients
    schedule: Schedule
    time: Clock
    largest_event: int = LARGEST_EVENT

    async def run(self, stop: asyncio.Event, *, now: bool = False) -> int:
        """Send the bills that are due until `stop` is set.

        Args:
            stop: Set from outside to end the job.
            now: Send the bills of all days that are over, without waiting for their run, then return.

        Returns:
            The number of bills sent.

        Raises:
            TakenOverError: Another process took over.
            RowUnreadableError: A record cannot be read; a bill without it could be too small.
            KafkaError: The broker did not answer. Nothing is lost; start the job again.
        """
        producer = self.clients.transactional_producer(f"{self.rows}-bills")
        try:
            await producer.start()  # fences the former process; only then does the end of the topic stay put
            partitions = [TopicPartition(self.rows, number) for number in await producer.partitions_for(self.rows)]
            async with connected_reader(self.clients) as reader:
                await reader.assign(partitions)
                return await _Run(self, producer, reader, partitions).until(stop, now=now)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise TakenOverError from error
        finally:
            await stop_client(producer)


class _Run:
    """One run of the job, with its clients and the rows read so far."""

    def __init__(
        self, job: Job, producer: Producer, reader: PartitionReader, partitions: Sequence[TopicPartition]
    ) -> None:
        self._job = job
        self._producer = producer
        self._reader = reader
        self._partitions = partitions
        self._groups = Groups()
        self._sent = 0
        self._told: set[str] = set()

    async def until(self, stop: asyncio.Event, *, now: bool) -> int:
        schedule = None if now else self._job.schedule
        await self._read_to_end()
        log.info("lines of consolidated bills read", topic=self._job.rows)
        while not stop.is_set():
            if any(True for _ in self._groups.due(self._job.time.now(), schedule)):
                await self._read_to_end()  # rows committed by now belong in the bills
                await self._send_due(schedule)
            self._tell_late()
            await self._end_old()
            if now:
                break
            for batch in await self._reader.poll(POLL_MS):
                self._take(batch.records)
        return self._sent

    async def _read_to_end(self) -> None:
        ends = await self._reader.ends(self._partitions)
        async for batch in self._reader.read_to(ends):
            self._take(batch.records)

    def _take(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            self._groups.apply((record.key or b"").decode(), record.value, at)

    async def _send_due(self, schedule: Schedule | None) -> None:
        for sending in list(self._groups.due(self._job.time.now(), schedule)):
            if len(sending.event) > self._job.largest_event:
                log.error(
                    "a consolidated bill is too large to be sent", bill=sending.bill.key, bytes=len(sending.event)
                )
                self._groups.give_up(sending)
                continue
            await self._send(sending)
            self._sent += 1
            log.info("a consolidated bill was sent", bill=sending.bill.key, bytes=len(sending.event))

    async def _send(self, sending: BillToSend) -> None:
        """Write the event and its sent-mark in one transaction."""
        await self._producer.begin_transaction()
        await self._producer.send_and_wait(self._job.bills, key=sending.bill.key.encode(), value=sending.event)
        await self._mark(sending.mark)
        await self._producer.commit_transaction()
        self._groups.mark(sending.mark)

    def _tell_late(self) -> None:
        for row in self._groups.late():
            if row.key not in self._told:
                self._told.add(row.key)
                log.error("a row came after its bill had ended", row=row.key, bill=row.bill.key)

    async def _end_old(self) -> None:
        for mark, rows in self._groups.over(self._job.time.now()):
            await self._producer.begin_transaction()
            for row in rows:
                await self._producer.send_and_wait(self._job.rows, key=row.encode(), value=None)
            await self._mark(mark)
            await self._producer.commit_transaction()
            self._groups.mark(mark)

    async def _mark(self, mark: SentBill) -> None:
        key, value = mark_record(mark)
        await self._producer.send_and_wait(self._job.rows, key=key, value=value)
