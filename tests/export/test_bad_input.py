"""Promise 1 before whatever a topic may hold: every bad record ends by its code, and no record stops the others."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from consumers.export.ledger.codec import LedgerUnreadableError
from consumers.export.worker import RecordsTooLargeError
from kafka_client.partitioners import Partitioner, Placement
from producers import results
from tests.support.events import read
from tests.support.kafka import admin_of, create_topic
from tests.support.world import SAMPLES, SUBSIDIARY, World, invoice, key, sample

MEGABYTE = 1_000_000
ROOMY = {"max.message.bytes": str(64 * MEGABYTE)}
"""What an upstream topic may take: more than this service reads."""
Place = tuple[str, int, int]


@dataclass
class Sent:
    """What was put on the topics, and how it must end: a code, or an outcome without one."""

    world: World
    producer: AIOKafkaProducer
    wanted: dict[Place, str] = field(default_factory=dict)
    values: dict[Place, bytes | None] = field(default_factory=dict)

    async def put(
        self,
        ends: str,
        value: bytes | None,
        key: bytes | None = b"some-key",
        topic: str = "invoice",
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> None:
        name = self.topics[topic]
        if key is None and value is None:
            batch = self.producer.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=headers or [])
            done = await (await self.producer.send_batch(batch, name, partition=0))
        else:
            done = await self.producer.send_and_wait(name, value, key, headers=headers)
        place = (done.topic, done.partition, done.offset)
        self.wanted[place], self.values[place] = ends, value

    async def put_event(self, ends: str, sample: dict[str, Any], topic: str) -> None:
        await self.put(ends, json.dumps(sample).encode(), read(sample).key.encode(), topic)

    @property
    def topics(self) -> dict[str, str]:
        return dict(zip(("invoice", "settlement", "fuel", "toll", "day"), self.world.topics.sources, strict=True))


@pytest.fixture
async def sent(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix)
    for source in world.topics.sources:
        await create_topic(bootstrap, source, partitions=world.partitions, config=ROOMY)
    await world.set_up()
    for kind in ("fuel", "toll"):
        await world.set(f"{SUBSIDIARY}/vendor/{kind}/default", {"vendorId": "V-1"})
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=64 * MEGABYTE)
    await producer.start()
    yield Sent(world, producer)
    await producer.stop()


def altered(path: str, value: object) -> dict[str, Any]:
    """The invoice event with one field of its data changed."""
    made: dict[str, Any] = orjson.loads(invoice("altered"))
    place = made["data"]
    *steps, last = path.split("/")
    for step in steps:
        place = place[int(step) if step.isdecimal() else step]
    place[last] = value
    return made


def many_lines(number: str, count: int, padding: int = 0) -> bytes:
    made: dict[str, Any] = orjson.loads(invoice(number, f"{count}.00"))
    [line] = made["data"]["invoice"]["lineItems"]
    one = line | {"amount": {"amount": "1.00", "currency": 840}}
    made["data"]["invoice"]["lineItems"] = [one | {"loadNumber": f"L{n}"} for n in range(count)]
    made["data"]["notes"] = "x" * padding
    return orjson.dumps(made)


BROKEN: dict[str, tuple[str, bytes | None]] = {
    "no value": ("MALFORMED_JSON", None),
    "no bytes": ("MALFORMED_JSON", b""),
    "not UTF-8": ("MALFORMED_JSON", b'{"id": "\xff\xfe"}'),
    "UTF-16": ("MALFORMED_JSON", '{"id": "a"}'.encode("utf-16")),
    "half of it": ("MALFORMED_JSON", invoice("half")[:200]),
    "two of it": ("MALFORMED_JSON", invoice("two") * 2),
    "a lone surrogate": ("MALFORMED_JSON", invoice("x").replace(b"Prairie", b"\\ud800")),
    "a key twice": ("MALFORMED_JSON", invoice("x").replace(b'"id"', b'"type":"a","type"', 1)),
    "deep nesting": ("MALFORMED_JSON", b"[" * 100_000),
    "deep nesting in a field that nobody reads": (
        "MALFORMED_JSON",
        invoice("x")[:-1] + b',"more":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ),
    "a million digits": ("MALFORMED_JSON", b'{"id":' + b"9" * 1_000_000 + b"}"),
    "NaN": ("MALFORMED_JSON", invoice("x").replace(b'"100.00"', b"NaN")),
    "1e400": ("SCHEMA_VIOLATION", invoice("x").replace(b'"100.00"', b"1e400")),
    "minus 1e-400": ("SCHEMA_VIOLATION", invoice("x").replace(b'"100.00"', b"-1e-400")),
    "NaN as text": ("SCHEMA_VIOLATION", invoice("x", "NaN")),
    "Infinity as text": ("SCHEMA_VIOLATION", invoice("x", "-Infinity")),
    "a list": ("SCHEMA_VIOLATION", b"[]"),
    "a number": ("SCHEMA_VIOLATION", b"1"),
    "version 2": ("UNKNOWN_VERSION", invoice("x").replace(b'"v1"', b'"v2"')),
    "no version": ("SCHEMA_VIOLATION", invoice("x").replace(b'"version"', b'"edition"')),
    "another type": ("UNKNOWN_TYPE", invoice("x").replace(b"invoice.created", b"invoice.deleted")),
    "the type of another topic": ("WRONG_TOPIC", invoice("x").replace(b"invoice.created", b"toll.transaction.created")),
    "10 MB of garbage": ("MALFORMED_JSON", b"\x00\xff" * (5 * MEGABYTE)),
    "10 MB of nesting": ("MALFORMED_JSON", b"[" * (10 * MEGABYTE)),
    "12 MB, more than is read": ("EVENT_TOO_LARGE", b" " * (12 * MEGABYTE)),
    "20 MB, more than a dead letter takes": ("EVENT_TOO_LARGE", b"x" * (20 * MEGABYTE)),
}
FIELDS: dict[str, tuple[str, object]] = {
    "before 1970": ("invoice/createdDate", "1969-12-31T23:59:59Z"),
    "the year 0": ("invoice/createdDate", "0000-01-01T00:00:00Z"),
    "the year 9999": ("invoice/dueDate", "9999-12-31"),
    "the 30th of February": ("invoice/invoicedDate", "2026-02-30"),
    "the 13th month": ("invoice/invoicedDate", "2026-13-01"),
    "a time zone of 99 hours": ("invoice/createdDate", "2026-06-10T16:05:20+99:99"),
    "an endless fraction of a second": ("invoice/createdDate", f"2026-06-10T16:05:20.{'0' * 100}Z"),
    "Arabic digits in a date": ("invoice/invoicedDate", "\u0662\u0660\u0662\u0666-06-10"),
    "a control character in a name": ("customer/name", "Prairie\x00Gold"),
    "what XML cannot hold": ("customer/name", "Prairie\ufffe"),
    "a newline in an id": ("invoice/id", "a\nb"),
    "a mark of direction in an id": ("invoice/id", "a\u202eb"),
    "an empty id": ("invoice/id", " "),
    "an endless id": ("invoice/id", "9" * 10_000),
    "an endless name": ("customer/name", "n" * MEGABYTE),
    "a huge term": ("customer/paymentTermsInDays", 10**9),
    "lines of another kind": ("invoice/lineItems", {"a": 1}),
}
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no lines": ("NO_LINES", altered("invoice/lineItems", [])),
    "a total that is not the sum": ("LINES_DO_NOT_ADD_UP", altered("invoice/total", {"amount": 1, "currency": 840})),
    "two currencies": ("CURRENCIES_MIXED", altered("invoice/total", {"amount": 100, "currency": 978})),
    "an amount too fine": ("AMOUNT_TOO_FINE", altered("invoice/total", {"amount": "0.001", "currency": 840})),
    "a number of signs that nobody sees": ("NUMBER_UNUSABLE", altered("invoice/number", "\u200b\n\u202e")),
}


async def put_all(sent: Sent) -> None:
    """Everything bad, with a good document after each, on all four topics."""
    good = 0
    for name, (code, value) in BROKEN.items():
        await sent.put(code, value, name.encode())
        if len(value or b"") < MEGABYTE and b"invoice" not in (value or b""):
            for topic in SAMPLES:
                await sent.put(code, value, name.encode(), topic)
        good += 1
        await sent.put("posted", invoice(f"good-{good}"), key(f"good-{good}"))
    for path, wrong in FIELDS.values():
        await sent.put("SCHEMA_VIOLATION", json.dumps(altered(path, wrong)).encode())
        good += 1
        await sent.put("posted", invoice(f"good-{good}"), key(f"good-{good}"))
    for number, (code, made) in enumerate(REFUSED.values()):
        made["data"]["invoice"]["id"] = f"refused-{number}"
        await sent.put_event(code, made, "invoice")
    await sent.put("MALFORMED_JSON", None, None)
    for wrong_key in (None, b"", b"\xff\x00", b"k" * 100_000, b"invoice/other"):
        await sent.put("WRONG_KEY", invoice("keyed"), wrong_key)
    headers: list[tuple[str, bytes | None]] = [("", None), ("same", b"\xff"), ("same", b"\x00")]
    await sent.put("posted", invoice("headed"), key("headed"), headers=headers * 1_000)
    await sent.put("MALFORMED_JSON", b"{", b"headed", headers=headers * 1_000)
    for topic in SAMPLES:
        await sent.put_event("posted", sample(topic, "one-id"), topic)
    await sent.put("posted", invoice("one-id"), key("one-id"))
    await sent.put("posted", many_lines("large", 3, 10 * MEGABYTE), key("large"))
    await sent.put("TOO_MANY_LINES", many_lines("endless", 60_000), key("endless"))


async def offsets(world: World) -> tuple[dict[TopicPartition, int | None], dict[TopicPartition, int]]:
    """What is committed, and where the source topics end."""
    consumer = AIOKafkaConsumer(**world.kafka, group_id=world.settings.group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, n) for topic in world.topics.sources for n in range(world.partitions)]
        return {each: await consumer.committed(each) for each in partitions}, await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()


async def until_all_is_committed(world: World) -> None:
    async with asyncio.timeout(60):
        while True:
            if world.running is not None and world.running.task.done():
                world.running.task.result()
            committed, ends = await offsets(world)
            if all((committed[each] or 0) == end for each, end in ends.items()):
                return
            await asyncio.sleep(0.2)


async def ended(world: World) -> tuple[dict[Place, list[str]], dict[Place, list[Any]]]:
    """How each record ended, once for each time it did; and the dead letters."""
    ends: dict[Place, list[str]] = {}
    letters: dict[Place, list[Any]] = {}
    for record in await world.records(world.topics.sage_dead_letters):
        added = dict(record.headers)
        place = tuple(added[f"kafka_dlt-original-{part}"].decode() for part in ("topic", "partition", "offset"))
        at = (place[0], int(place[1]), int(place[2]))
        ends.setdefault(at, []).append(added["alvys-sage-code"].decode())
        letters.setdefault(at, []).append(record)
    for result in await world.results():
        source = result["source"]
        at = (source["topic"], source["partition"], source["offset"])
        ends.setdefault(at, []).append(result.get("code") or result["outcome"])
    return ends, letters


@pytest.mark.kafka("both")
async def test_every_bad_record_ends_by_its_code_and_every_good_one_between_them_is_posted_once(sent):
    world = sent.world
    await put_all(sent)
    async with world.worker():
        await until_all_is_committed(world)
        ends, letters = await ended(world)
        assert {place: found for place, found in ends.items() if found != [sent.wanted[place]]} == {}
        assert ends.keys() == sent.wanted.keys()
        for place, [letter] in letters.items():
            if letter.value != sent.values[place]:
                assert len(sent.values[place]) == 20 * MEGABYTE
                assert b"value, 20000000 bytes, sha256 " in dict(letter.headers)["alvys-sage-left-out"]
            assert all(value is None or b"\n" not in value for name, value in letter.headers if "alvys" in name)
        await sent.put("posted", invoice("after"), key("after"))
        await until_all_is_committed(world)
    assert set(world.sage.keys.values()) == {1}
    assert len(world.sage.keys) == sum(end == "posted" for end in sent.wanted.values())
    calls, before = len(world.sage.requests), await ended(world)

    await world.rewind(*world.topics.sources)
    async with world.worker():
        await until_all_is_committed(world)
    again = await ended(world)
    assert len(world.sage.requests) == calls
    assert {place: found[1:] for place, found in again[0].items()} == {
        place: ["already_posted" if end == "posted" else end] for place, end in sent.wanted.items()
    }
    assert before[0].keys() == again[0].keys()


@pytest.mark.kafka("both")
async def test_a_header_name_that_is_not_utf_8_stops_no_reader(sent):
    world = sent.world
    await sent.put("posted", invoice("before"), key("before"))
    await put_foreign_header(sent, world.topics.invoice_created, invoice("foreign"), key("foreign"))
    await put_foreign_header(sent, world.topics.invoice_created, b"{", key("broken"))
    await sent.put("posted", invoice("after"), key("after"))
    account = b'{"account": "4010"}'
    await put_foreign_header(
        sent, world.topics.mapping_state, account, f"{SUBSIDIARY}/account/ar/load/default".encode()
    )
    async with world.worker():
        await until_all_is_committed(world)
    assert world.sage.keys == {"invoice/before": 1, "invoice/foreign": 1, "invoice/after": 1}
    assert {each.accounts for each in world.sage.booked} == {("4010",)}
    [letter] = await world.records(world.topics.sage_dead_letters)
    assert (letter.value, letter.headers[0]) == (b"{", ("\\xff\\xfe", b"1"))


class ForeignName(str):
    """A header name as a producer in C may write it."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


async def put_foreign_header(sent: Sent, topic: str, value: bytes, record_key: bytes) -> None:
    batch = sent.producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1 << 20)
    batch.append(timestamp=None, key=record_key, value=value, headers=[(ForeignName("name"), b"1")])
    count = len(await sent.producer.partitions_for(topic))
    where = Placement(Partitioner.MURMUR2, count).partition_of(record_key) or 0
    await (await sent.producer.send_batch(batch, topic, partition=where))


async def test_a_document_of_very_many_lines_is_told_of_without_them(sent):
    world = sent.world
    await sent.put("posted", many_lines("many", 20_000), key("many"))
    await sent.put("posted", many_lines("few", 20), key("few"))
    async with world.worker(replace(world.config, max_lines_per_request=20_000)):
        await until_all_is_committed(world)
    told = {each["documentKey"]: each["document"] for each in await world.results()}
    assert len(told["invoice/few"]["lines"]) == 20
    assert "lines" not in told["invoice/many"]
    assert (told["invoice/many"]["linesLeftOut"], told["invoice/many"]["total"]) == (20_000, "20000.00")
    assert max(len(each.value) for each in await world.records(world.topics.sage_export_results)) <= results.LARGEST
    assert world.sage.requests == [1, 1]  # never more lines in one request than there may be


@pytest.mark.kafka("both")
async def test_the_largest_event_waits_in_the_ledger_and_goes_after_a_restart(sent):
    world = sent.world
    for number in range(3):
        made = orjson.loads(many_lines(f"large-{number}", 1_000, 9 * MEGABYTE))
        made["data"]["subsidiary"]["id"] = "sub-2"
        for line in made["data"]["invoice"]["lineItems"]:
            line["mapping"] = {"category": "Load", "item": line["loadNumber"] * 100}
        made["data"]["notes"] += "x" * (world.config.max_event_bytes - len(orjson.dumps(made)))
        await sent.put("deferred", orjson.dumps(made), key(f"large-{number}"))
    await world.connect("sub-2")
    async with world.worker():
        await until_all_is_committed(world)
    told = await world.results()
    assert [each["code"] for each in told] == ["ACCOUNT_UNMAPPED"] * 3
    assert all(len("".join(each["blockedBy"])) < 21_000 for each in told)
    # A busy machine needs more than a second for events of this size, and a call past its deadline is never sent.
    async with world.worker(replace(world.config, send_deadline=timedelta(seconds=30))):
        await world.set("sub-2/account/ar/default/default", {"account": "4000"})
        await world.until(3, "posted")
    assert set(world.sage.keys.values()) == {1}


@pytest.mark.kafka("both")
async def test_a_topic_that_takes_less_than_at_the_start_ends_the_worker_and_loses_nothing(sent):
    world = sent.world
    async with world.worker() as running:
        await running.until_open(10)
        running.killed = True  # it ends by itself, and how is the point
        await set_largest(world, world.topics.sage_dead_letters, 10_000)
        await sent.put("MALFORMED_JSON", b"x" * 50_000, b"k")
        with pytest.raises(RecordsTooLargeError, match="no longer takes"):
            async with asyncio.timeout(60):
                await running.task
    await set_largest(world, world.topics.sage_dead_letters, 16 * MEGABYTE)
    async with world.worker():
        await until_all_is_committed(world)
    ends, _ = await ended(world)
    assert ends == {place: [code] for place, code in sent.wanted.items()}


async def set_largest(world: World, topic: str, largest: int) -> None:
    async with admin_of(world.bootstrap) as admin:
        configs = {"max.message.bytes": str(largest), "cleanup.policy": "delete", "retention.ms": "-1"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])


async def test_one_id_on_four_topics_is_four_documents(sent):
    world = sent.world
    for topic in SAMPLES:
        await sent.put_event("posted", sample(topic, "same") | {"id": "one-event"}, topic)
    await sent.put_event("posted", orjson.loads(invoice("same")) | {"id": "one-event"}, "invoice")
    async with world.worker():
        await until_all_is_committed(world)
    told = await world.results()
    assert [each["eventId"] for each in told] == ["one-event"] * 4
    assert len({each["documentKey"] for each in told}) == len(world.sage.keys) == 4
    assert set(world.sage.keys.values()) == {1}


async def test_equal_numbers_of_two_subsidiaries_are_two_documents_and_equal_ids_are_one_that_moved(sent):
    world = sent.world
    await world.connect("sub-2")  # the same company in Sage
    await world.set("sub-2/account/ar/default/default", {"account": "4100"})
    for subsidiary in (SUBSIDIARY, "sub-2"):
        made = orjson.loads(invoice("1000", subsidiary=subsidiary))
        made["data"]["invoice"]["id"] = f"id-of-{subsidiary}"
        await sent.put("posted", orjson.dumps(made), f"invoice/id-of-{subsidiary}".encode())
    await sent.put("posted", invoice("2000"), key("2000"))
    await sent.put("posted", invoice("2000", subsidiary="sub-2"), key("2000"))
    moved = list(sent.wanted)[-1]
    async with world.worker(replace(world.config, max_execution_time=timedelta(minutes=5))):
        await until_all_is_committed(world)
    ends, _ = await ended(world)
    assert ends == {place: [code] for place, code in sent.wanted.items()} | {moved: ["reversed", "posted"]}
    assert world.sage.keys == {"invoice/id-of-sub-1": 1, "invoice/id-of-sub-2": 1, "invoice/2000": 1}


@pytest.mark.kafka("both")
@pytest.mark.parametrize(("record_key", "value"), [(b"invoice/a", b"{}"), (b"\xff", b"{}"), (b"", b"\x00")])
async def test_foreign_bytes_in_a_ledger_end_the_worker_with_a_clear_error(world, record_key, value):
    await world.send((record_key, value), topic=f"{world.topics.invoice_created}.ledger")
    async with world.worker() as running:
        running.killed = True  # it ends by itself, and how is the point
        with pytest.raises(LedgerUnreadableError, match="not one of ours"):
            async with asyncio.timeout(60):
                await running.task
