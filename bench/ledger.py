"""`ledger`: opening a ledger partition with and without its local store, and the replay of documents that are posted.

The replay is a real worker before a gateway that does not exist: it answers everything from its ledger, or nothing.
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from bench.measure import BenchResult, Figure, Size, real_broker
from bench.transactions import create
from consumers.export.ledger import generation
from consumers.export.ledger.codec import encode
from consumers.export.ledger.damage import SourcePosition
from consumers.export.ledger.restore import restore
from consumers.export.protocol.document_state import DocumentState, LastOutcome, Posted
from demo.events import good_events
from demo.events.invoices import load_invoice
from demo.processes import command, running
from demo.rig import environment
from domain.documents import Connection, SageObject
from domain.events import EventKind
from domain.outcomes import Outcome
from domain.translation import parse_record
from kafka_client.clients import BrokerClients, Brokers
from kafka_client.fencing import fence
from kafka_client.interface import KafkaClients

DOCUMENTS = 20_000
TAIL = 100
"""Records that came after the store was closed."""
SEED = 29
NOWHERE = "http://127.0.0.1:9/ia/xml/xmlgw.phtml"
SOURCE, RESULTS = "invoice-created", "sage-export-results"
DEADLINE = 120.0


def run(size: Size) -> BenchResult:
    """Both, on one broker."""
    outcome = BenchResult(
        "ledger", f"A ledger of {size.of(DOCUMENTS):,} documents: opening it, and replaying its source"
    )
    with real_broker() as broker, tempfile.TemporaryDirectory(prefix="alvys-sage-bench-") as name:
        asyncio.run(_opening(outcome, broker.bootstrap, Path(name) / "opening", size))
        _replaying(outcome, broker.bootstrap, Path(name), size)
    outcome.notes.append(f"ratio: against the line above it; the store was {size.of(TAIL)} records behind")
    return outcome


async def _opening(outcome: BenchResult, bootstrap: str, folder: Path, size: Size) -> None:
    clients = BrokerClients(Brokers(bootstrap))
    ledger = TopicPartition(f"bench-{uuid4().hex[:8]}.ledger", 0)
    await create(bootstrap, [ledger.topic])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.partitions_for(ledger.topic)
        [fenced] = await fence(clients, [ledger])
        restored = await restore(clients, [ledger])
        begins = SourcePosition(TopicPartition(f"{ledger.topic}.source", 0), begin=0, end=0, committed=None)
        await generation.stamp_or_check(clients, {ledger: fenced}, restored, {ledger: begins})
        await fenced.stop()
        restored[ledger].close()
        await _send(producer, ledger, range(size.of(DOCUMENTS)))
        whole = [await _open(clients, ledger, None) for _ in range(size.runs)]
        await _open(clients, ledger, folder)
        tails = []
        for _ in range(size.runs):
            await _send(producer, ledger, range(size.of(TAIL)))
            tails.append(await _open(clients, ledger, folder))
    slow, quick = median(whole), median(tails)
    outcome.figures += [
        Figure("read from the topic", size.of(DOCUMENTS) / slow, "entries/s"),
        Figure("opened without a store", slow * 1000, "ms"),
        Figure("opened with one", quick * 1000, "ms", slow / quick),
    ]


async def _open(clients: KafkaClients, ledger: TopicPartition, folder: Path | None) -> float:
    began = perf_counter()
    copies = await restore(clients, [ledger], state_dir=folder)
    took = perf_counter() - began
    copies[ledger].close()
    return took


async def _send(producer: AIOKafkaProducer, ledger: TopicPartition, numbers: range) -> None:
    sent = [
        await producer.send(ledger.topic, _posted(f"r{number}", number), b"invoice/%d" % number, ledger.partition)
        for number in numbers
    ]
    await asyncio.gather(*sent)


def _posted(revision: str, offset: int) -> bytes:
    connection = Connection("sub-1", "BLUEMESA", "100", "blue_mesa")
    posted = Posted(revision, str(offset), uuid4().hex, connection, SageObject.AR_INVOICE, f"INV-{offset}", "C-1")
    return encode(DocumentState("", posted=posted, last=LastOutcome(revision, Outcome.POSTED, offset)))


def _replaying(outcome: BenchResult, bootstrap: str, folder: Path, size: Size) -> None:
    """Without a folder for stores and with one, in turns: a busy machine is busy for both."""
    rates = [
        (_replay(bootstrap, folder, size, None), _replay(bootstrap, folder, size, folder / "replaying"))
        for _ in range(size.runs)
    ]
    without, kept = (median(column) for column in zip(*rates, strict=True))
    outcome.figures += [
        Figure("replay without a folder for stores", without, "documents/s"),
        Figure("replay with one", kept, "documents/s", kept / without),
    ]


def _replay(bootstrap: str, folder: Path, size: Size, kept: Path | None) -> float:
    """Documents per second, through topics of their own."""
    prefix = f"bench-{uuid4().hex[:8]}-"
    env = environment(bootstrap, prefix, real=True) | {"ALVYS_SAGE_GATEWAY_URL": NOWHERE}
    if kept is not None:
        env["ALVYS_SAGE_STATE_DIR"] = str(kept)
    command(["topics", "--create"], env)
    count = size.of(DOCUMENTS)
    asyncio.run(_fill(bootstrap, prefix, count))
    with running("worker", ["worker"], env, folder):
        return asyncio.run(_answers(bootstrap, f"{prefix}{RESULTS}", count))


async def _fill(bootstrap: str, prefix: str, count: int) -> None:
    """Events, and a ledger that knows each of them as posted."""
    source, ledger = prefix + SOURCE, f"{prefix}{SOURCE}.ledger"
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
        sent = []
        for number, event in enumerate(good_events(SEED, count, load_invoice)):
            value = event.value or b""
            known = _posted(parse_record(EventKind.INVOICE, value).revision, number)
            sent.append(await producer.send(source, value, event.key))
            sent.append(await producer.send(ledger, known, event.key))
        await asyncio.gather(*sent)


async def _answers(bootstrap: str, topic: str, count: int) -> float:
    """Results per second, by their own times: who reads them here takes no time from the worker's clock."""
    times: list[int] = []
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as consumer:
        async with asyncio.timeout(DEADLINE):
            while len(times) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    wrong = [record.value for record in records if b'"already_posted"' not in record.value]
                    if wrong:
                        raise RuntimeError(f"not answered from the ledger: {wrong[0]!r}")
                    times.extend(record.timestamp for record in records)
    return 1000 * count / max(1, max(times) - min(times))
