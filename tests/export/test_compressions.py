"""Whatever compression upstream's producers or a broker's settings choose, every topic is read."""

import asyncio

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from app.topic_checks import topic_specs
from kafka_client import compression
from kafka_client.compression import LARGEST_BATCH, BatchTooLargeError, CompressionMissingError
from kafka_client.partitioners import Partitioner, Placement
from kafka_client.reader import KafkaReader
from kafka_client.unreadable import UnreadableRecordsError
from tests.support import spoiling
from tests.support.kafka import compress_topics, producing
from tests.support.spoiling import Spoiler, install
from tests.support.world import SUBSIDIARY, World, invoice, key

pytestmark = pytest.mark.kafka("real")  # who compresses is the broker, or a client that is not ours
ALL = ("gzip", "snappy", "lz4", "zstd")
PADDING = b" " * 4_000
"""So that it is worth compressing."""


def produce_by_librdkafka(bootstrap, topic, codec, records):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "partitioner": "murmur2_random"})
    for record_key, value in records:
        producer.produce(topic, value, record_key)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("codec", ALL)
async def test_events_compressed_by_any_producer_are_posted(world: World, codec):
    names = [f"I-{codec}-{n}" for n in range(6)]
    records = [(key(name), invoice(name) + PADDING) for name in names]
    await asyncio.to_thread(produce_by_librdkafka, world.bootstrap, world.topics.invoice_created, codec, records[:3])
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap, compression_type=codec)
    await producer.start()
    for record_key, value in records[3:]:
        await producer.send(world.topics.invoice_created, value, record_key)
    await producer.stop()
    async with world.worker():
        await world.until(6, "posted")
    assert sorted(each.number for each in world.sage.booked) == sorted(names)


@pytest.mark.parametrize("codec", ALL)
async def test_topics_that_the_broker_compresses_are_read_by_all_who_read_them(world: World, codec):
    names = [each.topic for each in topic_specs(world.settings)]
    await asyncio.to_thread(compress_topics, world.bootstrap, names, codec)
    await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "4000", "comment": "x" * 4_000})
    await world.send(*[(key(f"I-{n}"), invoice(f"I-{n}") + PADDING) for n in range(3)], (b"k", b"no JSON" + PADDING))
    async with world.worker():
        await world.until(3, "posted")
    async with world.worker():  # its ledgers and settings are compressed now; so are commands and dead letters
        await world.send((key("I-0"), invoice("I-0") + b" "))
        await world.ask("retry", documents=[key("I-1").decode()], why="x" * 4_000)
        await world.until(1, "already_posted")
    [letter] = await world.records(world.topics.sage_dead_letters)
    assert letter.value == b"no JSON" + PADDING
    assert len(world.sage.booked) == 3


@pytest.mark.parametrize("kind", spoiling.KINDS)
async def test_records_that_cannot_be_read_are_a_dead_letter_and_hold_up_nobody(world: World, monkeypatch, kind):
    for number in ("I-0", "I-1", "I-SPOILED", "I-3", "I-4", "I-5"):
        await world.send((key(number), invoice(number)))
    spoiler = install(monkeypatch, Spoiler(b"I-SPOILED", spoiling.KINDS[kind]))
    async with world.worker():
        await world.until(5, "posted")
        await world.until_all_committed(within=30)
    spoiler.times = 0
    [letter] = await world.records(world.topics.sage_dead_letters)
    headers = dict(letter.headers)
    assert headers["alvys-sage-code"] == b"RECORDS_UNREADABLE"
    assert headers["alvys-sage-last-offset"] == headers["kafka_dlt-original-offset"]
    assert letter.value == spoiler.spoiled[-1]

    # Mended, it is read again: what was posted is not posted again.
    world.settings = world.settings.model_copy(update={"group_id": f"{world.prefix}again"})
    async with world.worker():
        await world.until(6, "posted")
    assert len(world.sage.booked) == 6


async def test_a_batch_of_many_that_cannot_be_read_is_one_dead_letter_for_all_of_them(world: World, monkeypatch):
    murmur2 = Placement(Partitioner.MURMUR2, 2)
    numbers = [n for n in (f"I-{n}" for n in range(20)) if murmur2.partition_of(key(n)) == 0][:3]
    async with producing(world.bootstrap) as producer:
        batch = producer.create_batch()
        for number in (*numbers[:2], "SPOILED"):
            batch.append(timestamp=None, key=key(number), value=invoice(number))
        await (await producer.send_batch(batch, world.topics.invoice_created, partition=0))
    await world.send_invoices(numbers[2])
    spoiler = install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip))
    async with world.worker():
        await world.until(1, "posted")
        await world.until_all_committed(within=30)
    spoiler.times = 0
    [letter] = await world.records(world.topics.sage_dead_letters)
    headers = dict(letter.headers)
    assert (headers["kafka_dlt-original-offset"], headers["alvys-sage-last-offset"]) == (b"0", b"2")
    assert set(world.sage.keys) == {key(numbers[2]).decode()}


async def test_a_batch_that_would_fill_the_memory_is_a_dead_letter(world: World):
    producer = AIOKafkaProducer(
        bootstrap_servers=world.bootstrap, compression_type="zstd", max_request_size=2 * LARGEST_BATCH
    )
    await producer.start()
    await producer.send_and_wait(world.topics.invoice_created, bytes(LARGEST_BATCH), key("I-bomb"))
    await producer.stop()
    await world.send_invoices("I-0", "I-1", "I-2")
    async with world.worker():
        await world.until(3, "posted")
    [letter] = await world.records(world.topics.sage_dead_letters)
    assert b"more than" in dict(letter.headers)["__connect.errors.exception.message"]


async def test_a_ledger_that_cannot_be_read_stops_its_worker_with_its_place(world: World, monkeypatch):
    async with world.worker():
        await world.send_invoices("I-SPOILED")
        await world.until(1, "posted")
    install(monkeypatch, Spoiler(b"I-SPOILED", spoiling.flip))
    with pytest.raises(UnreadableRecordsError, match=r"invoice-created\.ledger:\d: the record"):
        async with world.worker() as running, asyncio.timeout(60):
            await asyncio.wait({running.task})
    assert len(world.sage.booked) == 1


async def test_a_command_that_cannot_be_read_is_passed_over(world: World, monkeypatch):
    await world.ask("retry", documents=["SPOILED"])
    install(monkeypatch, Spoiler(b"SPOILED", spoiling.flip))
    async with world.worker():
        await world.send_invoices("I-0")
        await world.until(1, "posted")


@pytest.mark.parametrize("codec", ALL)
def test_each_compression_is_read_within_a_bound(codec):
    compression.require_all()
    encode, decode = compression.ENCODERS[codec], compression.DECODERS[codec]
    for value in (b"", b"x", orjson.dumps(list(range(10_000)))):
        assert decode(encode(value)) == value
    assert len(decode(encode(bytes(LARGEST_BATCH)))) == LARGEST_BATCH
    with pytest.raises(BatchTooLargeError):
        decode(encode(bytes(LARGEST_BATCH + 1)))


async def test_nothing_starts_that_cannot_read_every_compression(monkeypatch):
    monkeypatch.setitem(compression.DECODERS, "lz4", lambda _: b"")
    with pytest.raises(CompressionMissingError, match="compressed with lz4 cannot be read"):
        KafkaReader()
