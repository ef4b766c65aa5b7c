"""A worker in this process, on the real broker, before a `FakeSage`: for tests of what the engine promises."""

import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from app.bootstrap import subscription_of
from app.kafka import clients_of, kafka_options
from app.settings import Settings
from app.topic_checks import create
from consumers.export.command_progress import RECORD
from consumers.export.config import ExportConfig
from consumers.export.ledger.codec import decode
from consumers.export.protocol.document_state import INTERNAL, DocumentState
from consumers.export.sending.lane import Lane
from consumers.export.sending.sage_access import SageAccess
from consumers.export.worker import Worker
from consumers.mapping_state import MappingTable
from domain.documents import Connection
from kafka_client.admin import AdminClient
from kafka_client.clock import Clock
from sage_client import Login, SageClient
from tests.support.events import event
from tests.support.eventually import until
from tests.support.kafka import producing, read_to_end
from tests.support.sage import FakeSage
from tests.support.virtual_time import now

SUBSIDIARY = "sub-1"
MASTER = f"{SUBSIDIARY}/account/ar/default/default"
"""The account of every AR line that no other setting has one for."""
SAMPLES = {"settlement": "driver-statement-1099", "fuel": "fuel-reefer", "toll": "toll"}
"""The sample event of each topic but that of invoices."""
QUICK = ExportConfig(
    max_documents_per_request=50,
    send_deadline=timedelta(seconds=1),
    request_timeout=timedelta(seconds=0.2),
    max_execution_time=timedelta(seconds=1),
    open_circuit_after=timedelta(seconds=5),
    half_open_after=timedelta(seconds=0.2),
    backoff=timedelta(seconds=0.02),
    max_backoff=timedelta(seconds=0.1),
    drain_timeout=timedelta(seconds=5),
    negative_cache_ttl=timedelta(seconds=0),
)
"""The engine's numbers, small enough for a test; the ratios between them are the real ones."""


_emissions = count()


def emission() -> int:
    """The number of an event that is newer than all before it."""
    return next(_emissions)


def emitted(number: int) -> str:
    """When that event was emitted."""
    return (datetime(2026, 6, 10, 16, 5, 22, tzinfo=UTC) + timedelta(seconds=number)).isoformat()


def invoice(
    number: str,
    amount: str = "100.00",
    *,
    subsidiary: str = SUBSIDIARY,
    customer: str = "C-1",
    emission: int | None = None,
    **envelope: str,
) -> bytes:
    """An invoice event of one line, newer than all before it.

    Args:
        number: The invoice's.
        amount: Of its line.
        subsidiary: Its subsidiary's id.
        customer: Its customer's id in Sage.
        emission: Which event it is, where it is to be older, or the same again.
        envelope: The event's `id` or `timestamp`, where they are to be others.
    """
    money = {"amount": amount, "currency": 840}
    which = next(_emissions) if emission is None else emission
    return orjson.dumps(
        {
            "id": f"event-{number}-{which}",
            "type": "invoice.created",
            "timestamp": emitted(which),
            **envelope,
            "version": "v1",
            "data": {
                "subsidiary": {"id": subsidiary, "name": "Blue Mesa"},
                "invoice": {
                    "id": number,
                    "number": number,
                    "type": "LoadInvoice",
                    "createdDate": "2026-06-10T16:05:20Z",
                    "invoicedDate": "2026-06-10T00:00:00Z",
                    "dueDate": "2026-07-10T00:00:00Z",
                    "total": money,
                    "lineItems": [
                        {"id": "1", "category": "Load", "name": "Linehaul", "loadNumber": number, "amount": money}
                    ],
                },
                "customer": {"id": "c", "name": "Prairie Gold", "externalAccountingId": customer},
                "loads": [],
            },
        }
    )


def key(number: str) -> bytes:
    """The document key of `invoice`."""
    return f"invoice/{number}".encode()


def sample(topic: str, number: str, change: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """A sample event of a topic, as the document `number`."""
    made = event(SAMPLES[topic])
    data = made["data"]
    if topic == "settlement":
        data["statement"]["number"] = number
        data["statement"]["driver"]["subsidiaryId"] = SUBSIDIARY
    else:
        data[topic] |= {"id": number, "transactionId": number, "subsidiaryId": SUBSIDIARY}
    if change is not None:
        change(made)
    return made


@dataclass
class World:
    """Topics of its own, a Sage, and workers that come and go."""

    bootstrap: str
    prefix: str
    partitions: int = 2
    sage: FakeSage = field(default_factory=FakeSage)
    config: ExportConfig = QUICK
    running: "Running | None" = None
    asked: int = 0

    def __post_init__(self) -> None:
        self.settings = Settings(
            kafka_bootstrap_servers=self.bootstrap,
            topic_prefix=self.prefix,
            group_id=f"{self.prefix}group",
            partitions=self.partitions,
            sender_password=SecretStr("s"),
            session_timeout_ms=10_000,
        )
        self.kafka = kafka_options(self.settings)
        self.clients = clients_of(self.settings)
        self.topics = self.settings.topics

    async def set_up(self) -> None:
        admin = AdminClient(**self.kafka)
        await admin.start()
        try:
            report = await create(admin, self.settings)
        finally:
            await admin.close()
        assert not report.problems
        await self.connect(SUBSIDIARY)
        await self.set(MASTER, {"account": "4000"})
        await self.set(f"{SUBSIDIARY}/account/ap/default/default", {"account": "5000"})

    async def connect(
        self,
        subsidiary: str = SUBSIDIARY,
        company: str = "ACME",
        state: str = "active",
        credentials: str = "acme",
        **more: Any,
    ) -> None:
        """Write a subsidiary's connection; `more`: other fields of it, by the names of the setting."""
        await self.set(
            f"{subsidiary}/connection",
            {
                "companyId": company,
                "credentials": credentials,
                "state": state,
                "activatedAt": "2026-01-01T00:00:00Z",
                **more,
            },
        )

    async def set(self, setting: str, value: object | None) -> None:
        data = None if value is None else orjson.dumps(value)
        async with producing(self.bootstrap) as producer:
            await producer.send_and_wait(self.topics.mapping_state, data, setting.encode())

    async def send(self, *records: tuple[bytes | None, bytes | None], topic: str | None = None) -> None:
        async with producing(self.bootstrap) as producer:
            for record_key, value in records:
                await producer.send(topic or self.topics.invoice_created, value, record_key)
            await producer.flush()

    async def send_to(self, topic: str, partition: int, record_key: bytes, value: bytes | None) -> None:
        async with producing(self.bootstrap) as producer:
            await producer.send_and_wait(topic, value, record_key, partition=partition)

    async def send_emptiness(self) -> None:
        """A record with neither key nor value, which only some producers can write."""
        async with producing(self.bootstrap) as producer:
            batch = producer.create_batch()
            batch.append(timestamp=None, key=None, value=None)
            await (await producer.send_batch(batch, self.topics.invoice_created, partition=0))

    async def send_invoices(self, *numbers: str, amount: str = "100.00") -> None:
        await self.send(*((key(number), invoice(number, amount)) for number in numbers))

    async def ask(self, action: str, **more: Any) -> None:
        """Write a command, as `alvys-sage` would."""
        self.asked += 1
        name = f"c{self.asked}"
        command = {"schema": 1, "id": name, "action": action, "by": "ana", "at": "2026-06-11T08:00:00Z"}
        data = orjson.dumps(command | more)
        async with producing(self.bootstrap) as producer:
            await producer.send_and_wait(self.topics.export_commands, data, name.encode())

    async def read_again(self, source: Mapping[str, Any], record_key: bytes, value: bytes) -> None:
        """Write the command that has a record read again, as `alvys-sage replay` would."""
        await self.ask(
            "replay",
            topic=source["topic"],
            partition=source["partition"],
            offset=source["offset"],
            timestamp=0,
            key=base64.b64encode(record_key).decode(),
            value=base64.b64encode(value).decode(),
        )

    @asynccontextmanager
    async def worker(
        self, config: ExportConfig | None = None, *, now: Callable[[], datetime] = now, **changes: Any
    ) -> AsyncIterator["Running"]:
        table = MappingTable(self.topics.mapping_state, self.clients)
        async with table:
            worker = Worker(
                replace(subscription_of(self.settings), **changes),
                self.clients,
                SageAccess(cast(SageClient, self.sage), _login),
                table,
                config or self.config,
                Clock(now, time.monotonic, asyncio.sleep, random.Random(7).random),
            )
            running = Running(worker)
            running.task = asyncio.create_task(worker.run(running.stop))
            self.running = running
            try:
                yield running
            finally:
                if not running.killed:
                    running.stop.set()
                    async with asyncio.timeout(60):
                        await running.task

    async def records(self, topic: str) -> list[Any]:
        partitions = [TopicPartition(topic, number) for number in range(self.partitions)]
        return await read_to_end(self.bootstrap, partitions)

    async def results(self) -> list[dict[str, Any]]:
        return [orjson.loads(each.value) for each in await self.records(self.topics.sage_export_results)]

    async def until(self, count: int, outcome: str | None = None, topic: str | None = None) -> list[dict[str, Any]]:
        """Wait for so many committed results (of one outcome), then return all there are."""
        topic = topic or self.topics.sage_export_results
        consumer = AIOKafkaConsumer(
            **self.kafka, isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        found: list[dict[str, Any]] = []
        try:
            consumer.assign([TopicPartition(topic, number) for number in range(self.partitions)])
            await consumer.seek_to_beginning()
            async with asyncio.timeout(60):
                while sum(outcome is None or each["outcome"] == outcome for each in found) < count:
                    if self.running is not None and self.running.task.done():
                        self.running.task.result()  # raises what ended the worker
                    for batch in (await consumer.getmany(timeout_ms=100)).values():
                        found.extend(orjson.loads(each.value) for each in batch)
        except TimeoutError:
            raise AssertionError(f"{count} results ({outcome}) did not come; there are {found}") from None
        finally:
            await consumer.stop()
        return found

    async def until_dead(self, count: int) -> list[Any]:
        """Wait for so many dead letters, then return all there are."""
        async with asyncio.timeout(60):
            while True:
                if len(letters := await self.records(self.topics.sage_dead_letters)) >= count:
                    return letters

    async def ledger(self) -> tuple[dict[str, DocumentState], dict[int, int]]:
        """The ledger of invoices as a new owner would restore it, and how far each partition has applied commands."""
        topic = self.topics.ledger(self.topics.invoice_created)
        entries: dict[str, DocumentState] = {}
        places: dict[int, int] = {}
        for number in range(self.partitions):
            for record in await read_to_end(self.bootstrap, [TopicPartition(topic, number)]):
                if record.key.decode() == RECORD:
                    places[number] = sum(orjson.loads(record.value).values())
                elif not record.key.startswith(INTERNAL.encode()):
                    entries[record.key.decode()] = decode(record.key.decode(), record.value)
        return entries, places

    async def rewind(self, *topics: str) -> None:
        """Set offsets back to the beginning, as an operator does to replay: of these topics, else of invoices."""
        names = topics or (self.topics.invoice_created,)
        partitions = [TopicPartition(topic, number) for topic in names for number in range(self.partitions)]
        consumer = AIOKafkaConsumer(**self.kafka, group_id=self.settings.group_id, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
        finally:
            await consumer.stop()

    async def committed(self) -> dict[int, int | None]:
        """The group's committed offsets of the invoice topic, by partition."""
        consumer = AIOKafkaConsumer(**self.kafka, group_id=self.settings.group_id, enable_auto_commit=False)
        await consumer.start()
        try:
            topic = self.topics.invoice_created
            return {n: await consumer.committed(TopicPartition(topic, n)) for n in range(self.partitions)}
        finally:
            await consumer.stop()

    async def until_all_committed(self, within: float = 60) -> None:
        """Wait until the group has committed everything of the invoice topic, so many seconds at most."""
        async with asyncio.timeout(within):
            while await self.committed() != await self.ends():  # noqa: ASYNC110 - Kafka tells nobody of a commit
                await asyncio.sleep(0.05)

    async def ends(self) -> dict[int, int]:
        """The high watermarks of the invoice topic, by partition."""
        consumer = AIOKafkaConsumer(**self.kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            topic = self.topics.invoice_created
            ends = await consumer.end_offsets([TopicPartition(topic, n) for n in range(self.partitions)])
            return {tp.partition: end for tp, end in ends.items()}
        finally:
            await consumer.stop()


class Running:
    """A worker that runs."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.stop = asyncio.Event()
        self.killed = False
        self.task: asyncio.Task[None] = cast("asyncio.Task[None]", None)

    async def until_open(self, partitions: int) -> None:
        await until(lambda: len(self.worker.assigned) >= partitions)

    async def lane(self, company: str) -> Lane:
        """The company's lane, once a document came for it."""
        lanes = self.worker._lanes._lanes
        await until(lambda: company in lanes)
        return lanes[company]

    async def until_waiting(self, document: str, count: int) -> None:
        """Wait until so many revisions wait for the one of the document that is under way."""
        async with asyncio.timeout(60):
            while not any(  # noqa: ASYNC110 - the session has no event for it
                len(session._documents._waiting.get(document, ())) == count and document in session._documents
                for session in self.worker._sessions.values()
            ):
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End as by SIGKILL: nothing is drained."""
        self.killed = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def _login(connection: Connection) -> Login:
    return Login(connection.company_id, "user", SecretStr("p"), connection.entity_id)
