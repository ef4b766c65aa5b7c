"""Which partitioner the producers of a source topic use. Decided once per topic, stored in its ledger, same for all.

All revisions of a document have to meet in one partition, so a record in another partition becomes a dead letter before
anything is made of it. Two workers with different rules would each take a revision of the same document, and both would
post. So one worker decides: the owner of partition 0 of the ledger, fenced like every owner, chooses the rule and
writes it there. Every other partition takes its rule from that record, and does not open before it exists. It keeps a
copy in its own ledger, so that it has to ask only once. A setting that contradicts the stored rule ends the worker.

If no setting names the rule, it is learned: from the documents that partition 0 of the ledger knows; else from the
records in partition 0 of the source, if enough of them fit one rule and none contradicts it. Else it is murmur2, which
is Kafka's own.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson
import structlog
from aiokafka.structs import TopicPartition

from consumers.export.ledger import generation
from consumers.export.ledger.store import LedgerStore
from consumers.export.protocol.document_state import INTERNAL
from consumers.export.record_parsing import PartitionCheck
from kafka_client.interface import KafkaClients, Producer
from kafka_client.partitioners import Partitioner, Placement
from kafka_client.read_to_end import LastStableOffset, connected_reader

log = structlog.get_logger(__name__)

OF_UPSTREAM = LastStableOffset("any records of the source will do, without waiting for a transaction of upstream")
OF_ANOTHER_WORKER = LastStableOffset(
    "a transaction that another worker left open must not hold up this one for a minute. Whoever misses the rule here "
    "asks again after a second"
)
RULE = f"{INTERNAL}partitioner"
"""Name of the internal record that holds the rule."""
SAMPLE = 1_000
"""Records of the source to look at, if the ledger knows no document."""
ENOUGH = 20
"""How many of them have to fit a rule. The first records of a newly started producer may be few."""

AT_ONCE = 1_000
"""Keys that are looked at without a pause. Each takes some microseconds."""


class PartitionerError(Exception):
    """The rule cannot be found out, or the setting contradicts the ledger. A person has to decide."""


class UndecidedError(Exception):
    """The owner of partition 0 has not written the rule yet. It will within seconds, so try again."""


@dataclass(frozen=True, slots=True)
class PartitionerRequest:
    """A source topic and its settings, before its ledger is read."""

    source: str
    rule: Partitioner | None
    """The rule that a setting names. None: the rule is learned."""
    unchecked: bool = False
    """True if records may have any key (`ALVYS_SAGE_RECORD_KEYS`). Then no key says where its document belongs."""


def encode(rule: Partitioner) -> bytes:
    """Encode the rule as the record's value."""
    return orjson.dumps({"rule": rule})


def decode(ledger: str, value: bytes) -> Partitioner:
    """Decode the rule's record.

    Args:
        ledger: Name of the ledger topic, for the error.
        value: The record's value.

    Raises:
        PartitionerError: The record is none of ours, or a later version's.
    """
    try:
        return Partitioner(orjson.loads(value)["rule"])
    except (ValueError, LookupError, TypeError) as error:
        raise PartitionerError(f"{ledger}: its record {RULE} cannot be read; was a later version at work?") from error


def stand_in(ledger: TopicPartition, internal: Mapping[str, bytes | None]) -> PartitionCheck | None:
    """Which keys belong in a partition, according to its ledger. None if its ledger does not say.

    Args:
        ledger: The ledger partition.
        internal: The internal records of that partition.

    Raises:
        PartitionerError: The rule's record cannot be read.
    """
    mark, rule = internal.get(generation.MARK), internal.get(RULE)
    if mark is None or rule is None:
        return None
    placement = Placement(decode(ledger.topic, rule), generation.decode(mark).partitions)
    return PartitionCheck(ledger.partition, placement)


async def settle(
    clients: KafkaClients,
    producers: Mapping[TopicPartition, Producer],
    restored: Mapping[TopicPartition, LedgerStore],
    asked: Mapping[str, PartitionerRequest],
) -> dict[str, Placement]:
    """Find the rule of each ledger topic, and write it to every partition that we own.

    Args:
        clients: The factory of Kafka clients.
        producers: The fencing producers of the ledger partitions that we own.
        restored: The restored ledgers of these partitions.
        asked: The source and settings of each ledger topic.

    Returns:
        The rule and partition count of each ledger topic.

    Raises:
        PartitionerError: A person has to decide.
        UndecidedError: Another worker has to decide first. What we have to decide is written by then.
        KafkaError: The broker did not answer.
    """
    placements: dict[str, Placement] = {}
    # Topics that we decide come first: else two workers would wait for each other for ever.
    topics = dict.fromkeys(ledger.topic for ledger in restored)
    for topic in sorted(topics, key=lambda each: TopicPartition(each, 0) not in restored):
        ours = {ledger: copy for ledger, copy in restored.items() if ledger.topic == topic}
        partitions = len(await producers[next(iter(ours))].partitions_for(topic))
        if partitions == 1:
            placements[topic] = Placement(Partitioner.ANY, partitions)
            continue
        if asked[topic].unchecked:
            placements[topic] = Placement(Partitioner.ANY, partitions)
            continue
        decision = _Decision(clients, asked[topic], partitions)
        rule = await decision.rule_of(ours)
        placements[topic] = Placement(rule, partitions)
        missing = {ledger: copy for ledger, copy in ours.items() if copy.internal(RULE) is None}
        # Partition 0 first: the others depend on its record, so it has to exist before their copies.
        for ledger in sorted(missing, key=lambda each: each.partition):
            await write(ledger, encode(rule), producers[ledger], missing[ledger])
    return placements


@dataclass(frozen=True, slots=True)
class _Decision:
    """Finds or decides the rule of one ledger topic."""

    clients: KafkaClients
    asked: PartitionerRequest
    partitions: int

    async def rule_of(self, ours: Mapping[TopicPartition, LedgerStore]) -> Partitioner:
        [topic] = {ledger.topic for ledger in ours}
        written = {decode(topic, value) for copy in ours.values() if (value := copy.internal(RULE)) is not None}
        if len(written) > 1:
            raise PartitionerError(f"{topic} names several partitioners: {', '.join(sorted(written))}")
        first = TopicPartition(topic, 0)
        if not written and first not in ours:
            value = await self._written_in(first)
            if value is None:
                raise UndecidedError(f"{topic}: the owner of partition 0 has not written its partitioner yet")
            written = {decode(topic, value)}
        rule = written.pop() if written else await self._decide(ours[first], topic)
        if self.asked.rule not in (None, rule):
            raise PartitionerError(
                f"{topic} holds the partitioner {rule}, and ALVYS_SAGE_PARTITIONER says {self.asked.rule}: by another "
                f"rule, documents that it knows would be looked for in partitions that do not know them. Set {rule} or "
                f"auto; or stop all workers and run `alvys-sage topics --partitioner {self.asked.rule}`, which changes "
                "it where no document is in the way"
            )
        return rule

    async def _decide(self, copy: LedgerStore, topic: str) -> Partitioner:
        if self.asked.rule is not None:
            log.info("partitioner", topic=self.asked.source, rule=self.asked.rule, why="set")
            return self.asked.rule
        rule: Partitioner | None
        known = await self._fitting(map(str.encode, copy.known()))
        if known:
            rule, why = self._of_the_ledger(known, topic), "learned from the ledger"
        else:
            rule, why = _only(await self._fitting(await self._waiting()), ENOUGH), "learned from the topic"
        log.info(
            "partitioner", topic=self.asked.source, rule=rule or Partitioner.MURMUR2, why=why if rule else "default"
        )
        return rule or Partitioner.MURMUR2

    async def _fitting(self, keys: Iterable[bytes]) -> Counter[Partitioner | None]:
        """Count the keys of partition 0 by the one rule that fits them (None: neither). Keys of both are skipped.

        There may be a million, so other tasks run after every few.
        """
        rules = [Placement(rule, self.partitions) for rule in (Partitioner.MURMUR2, Partitioner.CRC32)]
        found: Counter[Partitioner | None] = Counter()
        for number, key in enumerate(keys):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            fits = [each.rule for each in rules if each.partition_of(key) == 0]
            if len(fits) < len(rules):
                found[fits[0] if fits else None] += 1
        return found

    def _of_the_ledger(self, known: Counter[Partitioner | None], topic: str) -> Partitioner:
        if (rule := _only(known, 1)) is not None:
            return rule
        raise PartitionerError(
            f"{topic}: of its documents in partition 0, {known[Partitioner.MURMUR2]} are there by murmur2 alone, "
            f"{known[Partitioner.CRC32]} by crc32 alone and {known[None]} by neither, so producers with several "
            "partitioners have written to its source. Have all of them use one, then say which in "
            "ALVYS_SAGE_PARTITIONER (any: nothing is checked). Later revisions of documents that stand elsewhere "
            "are dead letters then, WRONG_PARTITION"
        )

    async def _waiting(self) -> list[bytes]:
        """The keys of the first records in partition 0 of the source."""
        source = TopicPartition(self.asked.source, 0)
        keys: list[bytes] = []
        async with connected_reader(self.clients, tolerant=True) as reader:
            sampled = reader.read_to_end(
                [source], only=OF_UPSTREAM, enough=lambda _: len(keys) >= SAMPLE, max_records=SAMPLE
            )
            async for batch in sampled:
                keys += [record.key for record in batch.records if record.key]
        return keys

    async def _written_in(self, first: TopicPartition) -> bytes | None:
        """The rule's record in partition 0, which another worker owns, as committed now. None if there is none."""
        value: bytes | None = None
        async with connected_reader(self.clients) as reader:
            async for batch in reader.read_to_end([first], only=OF_ANOTHER_WORKER):
                for record in batch.records:
                    value = record.value if record.key == RULE.encode() else value
        return value


def _only(found: Counter[Partitioner | None], enough: int) -> Partitioner | None:
    """The one rule that all keys fit. None if there is no such rule, or if too few keys fit it."""
    [(rule, count)] = found.items() if len(found) == 1 else [(None, 0)]
    return rule if count >= enough else None


async def write(ledger: TopicPartition, value: bytes | None, producer: Producer, copy: LedgerStore) -> None:
    """Write the rule to a ledger partition that we own. None makes the partition read it from partition 0 again."""
    await generation.write(producer, ledger, copy, [(RULE, value)])
