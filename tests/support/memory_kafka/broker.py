"""The broker: answers the requests of aiokafka's clients from memory."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from time import time
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

from aiokafka.errors import (
    CorruptRecordException,
    GroupIdNotFound,
    InvalidPartitionsError,
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    OperationNotAttempted,
    OutOfOrderSequenceNumber,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.structs import TopicPartition

from kafka_client.topic_ids import NO_ID, WITH_IDS
from tests.support.memory_kafka.groups import DEAD, Group, Joined, Member
from tests.support.memory_kafka.partition_log import (
    Batch,
    CorruptBatchError,
    PartitionLog,
    batches_in,
    has_keyless_record,
)
from tests.support.memory_kafka.timers import Timer
from tests.support.memory_kafka.transactions import OK, Later, Offsets, Transactions

NODE: Final = 1
VERSIONS: Final = {
    0: (0, 13),  # Produce
    1: (4, 17),  # Fetch
    2: (1, 10),  # ListOffsets
    3: (0, 13),  # Metadata
    8: (2, 9),  # OffsetCommit
    9: (1, 9),  # OffsetFetch
    10: (0, 6),  # FindCoordinator
    11: (0, 9),  # JoinGroup
    12: (0, 4),  # Heartbeat
    13: (0, 5),  # LeaveGroup
    14: (0, 5),  # SyncGroup
    15: (0, 6),  # DescribeGroups
    16: (0, 5),  # ListGroups
    19: (2, 7),  # CreateTopics
    20: (1, 6),  # DeleteTopics
    21: (0, 1),  # DeleteRecords
    22: (0, 5),  # InitProducerId
    24: (0, 5),  # AddPartitionsToTxn
    25: (0, 4),  # AddOffsetsToTxn
    26: (0, 5),  # EndTxn
    28: (0, 5),  # TxnOffsetCommit
    32: (1, 4),  # DescribeConfigs
    33: (0, 2),  # AlterConfigs
    37: (0, 3),  # CreatePartitions
    42: (0, 2),  # DeleteGroups
}
"""By request: the lowest and the highest version, as Kafka 4.1 offers them."""
DEFAULTS: Final = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "delete.retention.ms": "86400000",
    "max.compaction.lag.ms": "9223372036854775807",
    "max.message.bytes": "1048588",
    "message.timestamp.type": "CreateTime",
    "min.cleanable.dirty.ratio": "0.5",
    "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
    "retention.ms": "-1",
    "segment.bytes": "1073741824",
    "segment.ms": "604800000",
    "unclean.leader.election.enable": "false",
}
"""The settings of a topic that has none of its own, as far as anybody reads them."""
OVERRIDE, DEFAULT = 1, 5
"""Where a topic's setting comes from: the topic, or the broker's defaults."""
INVALID_RECORD: Final = 87
"""Error code for a record without a key in a compacted topic. aiokafka does not know it."""
FUTURE: Final = 3_600_000
"""Milliseconds that a record's timestamp may be ahead of the broker's clock."""
LATEST, EARLIEST = -1, -2

Reply = Callable[[Response], None]


@dataclass
class Topic:
    """A topic and its own settings."""

    settings: dict[str, str]
    partitions: list[PartitionLog] = field(default_factory=list)
    id: UUID = field(default_factory=uuid4)

    def setting(self, name: str) -> str:
        """The value in force."""
        return self.settings.get(name, DEFAULTS[name])


@dataclass(frozen=True)
class Client:
    """Where a request comes from."""

    loop: asyncio.AbstractEventLoop
    client_id: str


@dataclass(eq=False)
class _WaitingFetch:
    """A fetch that found nothing, until something comes or its time is over."""

    partitions: frozenset[TopicPartition]
    wake: Callable[[], None]


class MemoryKafka:
    """A broker of one node, for the clients of this process, whichever thread they run in.

    Args:
        bootstrap: Its address: ``memory:`` and a number of its own.
    """

    _numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self) -> None:
        self.host, self.port = "memory", next(self._numbers)
        self.topics: dict[str, Topic] = {}
        self.groups: dict[str, Group] = {}
        self._transactions = Transactions(self._mark, self._commit_offsets)
        self._fetches: set[_WaitingFetch] = set()
        self._lock = threading.RLock()

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``host:port``."""
        return f"{self.host}:{self.port}"

    def handle(self, request: RequestStruct, client: Client, reply: Reply) -> None:
        """Answer a request, at once or later.

        Raises:
            NotImplementedError: This broker does not know the request.
        """
        name = f"_on_{type(request).__name__.split('Request_')[0]}"
        handler: Callable[[Any, Client, Reply], None] | None = getattr(self, name, None)
        if handler is None:
            raise NotImplementedError(f"{type(request).__name__}: use the real broker for this test")
        with self._lock:
            handler(request, client, reply)

    def _later(self, client: Client) -> Later:
        def later(seconds: float, call: Callable[[], None]) -> Callable[[], None]:
            def locked() -> None:
                with self._lock:
                    call()

            return Timer(client.loop, seconds, locked).cancel

        return later

    def _log(self, partition: TopicPartition) -> PartitionLog | None:
        topic = self.topics.get(partition.topic)
        if topic is None or not 0 <= partition.partition < len(topic.partitions):
            return None
        log: PartitionLog = topic.partitions[partition.partition]
        return log

    # Cluster.

    def _on_ApiVersion(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802 - named after the request
        offered = [(key, lowest, highest) for key, (lowest, highest) in VERSIONS.items()]
        reply(_answer(request, error_code=OK, api_versions=offered, throttle_time_ms=0))

    def _on_Metadata(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        if request.API_VERSION == WITH_IDS:
            self._identify(request, reply)
            return
        names = sorted(self.topics) if request.topics is None else request.topics
        topics: list[tuple[Any, ...]] = []
        for name in names:
            topic = self.topics.get(name)
            code = OK if topic is not None else UnknownTopicOrPartitionError.errno
            logs = topic.partitions if topic is not None else []
            topics.append((code, name, False, [(OK, number, NODE, [NODE], [NODE], []) for number in range(len(logs))]))
        reply(
            _answer(
                request,
                throttle_time_ms=0,
                brokers=[(NODE, self.host, self.port, None)],
                cluster_id="memory",
                controller_id=NODE,
                topics=topics,
            )
        )

    def _identify(self, request: Any, reply: Reply) -> None:
        topics: list[tuple[Any, ...]] = []
        for _, name, _ in request.topics:
            topic = self.topics.get(name)
            code, number = (OK, topic.id) if topic is not None else (UnknownTopicOrPartitionError.errno, NO_ID)
            logs = range(len(topic.partitions) if topic is not None else 0)
            partitions: list[tuple[Any, ...]] = [(OK, each, NODE, 0, [NODE], [NODE], [], {}) for each in logs]
            topics.append((code, name, number, False, partitions, 0, {}))
        broker: tuple[Any, ...] = (NODE, self.host, self.port, None, {})
        reply(
            _answer(
                request,
                throttle_time_ms=0,
                brokers=[broker],
                cluster_id="memory",
                controller_id=NODE,
                topics=topics,
                tags={},
            )
        )

    def _on_FindCoordinator(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        reply(
            _answer(
                request,
                throttle_time_ms=0,
                error_code=OK,
                error_message=None,
                coordinator_id=NODE,
                host=self.host,
                port=self.port,
            )
        )

    # Topics.

    def _on_CreateTopics(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        errors = []
        for name, partitions, replicas, _assigned, settings in request.create_topic_requests:
            code, text = OK, None
            if name in self.topics:
                code, text = TopicAlreadyExistsError.errno, f"Topic '{name}' already exists."
            elif not name or len(name) > 249 or not name.replace(".", "").replace("_", "").replace("-", "").isalnum():
                code, text = InvalidTopicError.errno, f"Topic name is invalid: {name}"
            elif partitions == 0 or partitions < -1:
                code, text = InvalidPartitionsError.errno, "Number of partitions must be larger than 0."
            elif replicas > 1:
                code, text = 38, f"Unable to replicate the partition {replicas} time(s): only 1 broker is registered."
            elif not request.validate_only:
                topic = self.topics[name] = Topic(dict(settings))
                topic.partitions = [PartitionLog() for _ in range(max(partitions, 1))]
            errors.append((name, code, text))
        reply(_answer(request, throttle_time_ms=0, topic_errors=errors))

    def _on_DeleteTopics(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        codes = []
        for name in request.topics:
            gone = self.topics.pop(name, None)
            codes.append((name, OK if gone is not None else UnknownTopicOrPartitionError.errno))
            self._wake({TopicPartition(name, number) for number in range(len(gone.partitions) if gone else 0)})
        reply(_answer(request, throttle_time_ms=0, topic_error_codes=codes))

    def _on_CreatePartitions(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        errors: list[tuple[Any, ...]] = []
        for name, (wanted, _assigned) in request.topic_partitions:
            topic = self.topics.get(name)
            if topic is None:
                errors.append((name, UnknownTopicOrPartitionError.errno, "This server does not host this topic."))
            elif wanted <= len(topic.partitions):
                errors.append((name, InvalidPartitionsError.errno, f"Topic currently has {len(topic.partitions)}."))
            else:
                topic.partitions += [PartitionLog() for _ in range(wanted - len(topic.partitions))]
                errors.append((name, OK, None))
        reply(_answer(request, throttle_time_ms=0, topic_errors=errors))

    def _on_DescribeConfigs(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        resources: list[tuple[Any, ...]] = []
        for kind, name, wanted in request.resources:
            topic = self.topics.get(name)
            if topic is None:
                code = UnknownTopicOrPartitionError.errno
                resources.append((code, "This server does not host this topic-partition.", kind, name, []))
                continue
            found: list[tuple[Any, ...]] = [
                (
                    each,
                    topic.settings.get(each, value),
                    False,
                    OVERRIDE if each in topic.settings else DEFAULT,
                    False,
                    [],
                )
                for each, value in (DEFAULTS | topic.settings).items()
                if wanted is None or each in wanted
            ]
            resources.append((OK, None, kind, name, found))
        reply(_answer(request, throttle_time_ms=0, resources=resources))

    def _on_AlterConfigs(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        resources: list[tuple[Any, ...]] = []
        for kind, name, entries in request.resources:
            topic = self.topics.get(name)
            if topic is None:
                code = UnknownTopicOrPartitionError.errno
                resources.append((code, "This server does not host this topic-partition.", kind, name))
                continue
            topic.settings = dict(entries)
            resources.append((OK, None, kind, name))
        reply(_answer(request, throttle_time_ms=0, resources=resources))

    def _on_DeleteRecords(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        topics = []
        for name, partitions in request.topics:
            answers = []
            for number, offset in partitions:
                log = self._log(TopicPartition(name, number))
                if log is None:
                    answers.append((number, -1, UnknownTopicOrPartitionError.errno))
                elif offset > log.end:
                    answers.append((number, -1, OffsetOutOfRangeError.errno))
                else:
                    log.delete_before(log.end if offset < 0 else offset)
                    answers.append((number, log.start, OK))
            topics.append((name, answers))
        reply(_answer(request, throttle_time_ms=0, topics=topics))

    # Records.

    def _on_Produce(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        topics = []
        written: set[TopicPartition] = set()
        for name, partitions in request.topics:
            answers = []
            for number, produced in partitions:
                partition = TopicPartition(name, number)
                code, offset, start = self._produce(request.transactional_id, partition, bytes(produced))
                answers.append((number, code, offset, -1, start))
                written.add(partition)
            topics.append((name, answers))
        if request.required_acks != 0:
            reply(_answer(request, topics=topics, throttle_time_ms=0))
        self._wake(written)

    def _produce(
        self, transactional_id: str | None, partition: TopicPartition, produced: bytes
    ) -> tuple[int, int, int]:
        """Append what was produced. Returns error code, first offset, and the log's start."""
        log = self._log(partition)
        if log is None:
            return UnknownTopicOrPartitionError.errno, -1, -1
        topic = self.topics[partition.topic]
        try:
            batches = list(batches_in(produced))
        except CorruptBatchError:
            return CorruptRecordException.errno, -1, -1
        offset = -1
        for batch in batches:
            earlier = self._sent_before(log, batch)
            if earlier is not None:
                offset = earlier.first
                continue
            code = self._refuses_batch(topic, log, batch)
            if not code and batch.transactional:
                producer = batch.producer_id, batch.epoch
                code = self._transactions.refuses_batch(transactional_id, producer, partition)
            if code:
                return code, -1, -1
            first = log.append(batch)
            offset = first if offset < 0 else offset
        return OK, offset, log.start

    @staticmethod
    def _sent_before(log: PartitionLog, batch: Batch) -> Batch | None:
        last = log.last_of(batch.producer_id)
        same = last is not None and (last.epoch, last.sequence) == (batch.epoch, batch.sequence)
        return last if same else None

    @staticmethod
    def _refuses_batch(topic: Topic, log: PartitionLog, batch: Batch) -> int:
        if len(batch.data) > int(topic.setting("max.message.bytes")):
            return int(MessageSizeTooLargeError.errno)
        if batch.newest > time() * 1000 + FUTURE:
            return int(InvalidTimestampError.errno)
        last = log.last_of(batch.producer_id)
        if last is not None:
            expected = last.last_sequence + 1 if last.epoch == batch.epoch else 0
            if batch.sequence != expected:
                return int(OutOfOrderSequenceNumber.errno)
        keyless = "compact" in topic.setting("cleanup.policy") and has_keyless_record(batch)
        return INVALID_RECORD if keyless else OK

    def _on_Fetch(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        topics, found = self._fetch(request)
        if found or request.max_wait_time <= 0:
            reply(self._fetched(request, topics))
            return

        def wake() -> None:
            topics, found = self._fetch(request)
            if found:
                give_up()
                self._fetches.discard(waiting)
                reply(self._fetched(request, topics))

        def end() -> None:
            if waiting in self._fetches:
                self._fetches.discard(waiting)
                reply(self._fetched(request, self._fetch(request)[0]))

        partitions = {TopicPartition(name, each[0]) for name, parts in request.topics for each in parts}
        waiting = _WaitingFetch(frozenset(partitions), wake)
        self._fetches.add(waiting)
        give_up = self._later(client)(request.max_wait_time / 1000, end)

    def _fetch(self, request: Any) -> tuple[list[Any], bool]:
        """What is there now for a fetch, and whether that is something: records or an error."""
        found = False
        room = request.max_bytes
        topics = []
        for name, partitions in request.topics:
            answers = []
            for number, _epoch, offset, _start, limit in partitions:
                log = self._log(TopicPartition(name, number))
                code, data, aborted = OK, b"", list[tuple[int, int]]()
                if log is None:
                    code = UnknownTopicOrPartitionError.errno
                elif not log.start <= offset <= log.end:
                    code = OffsetOutOfRangeError.errno
                elif room > 0:
                    below = log.stable_end if request.isolation_level else log.end
                    data = log.read(offset, below, min(limit, room))
                    room -= len(data)
                    aborted = log.aborted_between(offset, below) if request.isolation_level else []
                found = found or bool(code or data)
                end, stable, start = (-1, -1, -1) if log is None else (log.end, log.stable_end, log.start)
                answers.append((number, code, end, stable, start, aborted, -1, data))
            topics.append((name, answers))
        return topics, found

    @staticmethod
    def _fetched(request: Any, topics: list[Any]) -> Response:
        return _answer(request, throttle_time_ms=0, error_code=OK, session_id=0, topics=topics)

    def _wake(self, partitions: Iterable[TopicPartition]) -> None:
        """Let the fetches that wait for these partitions look again."""
        changed = frozenset(partitions)
        for waiting in list(self._fetches):
            if waiting.partitions & changed:
                waiting.wake()

    def _on_Offset(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        topics = []
        for name, partitions in request.topics:
            answers = []
            for number, timestamp in partitions:
                log = self._log(TopicPartition(name, number))
                if log is None:
                    answers.append((number, UnknownTopicOrPartitionError.errno, -1, -1))
                elif timestamp == LATEST:
                    end = log.stable_end if request.isolation_level else log.end
                    answers.append((number, OK, -1, end))
                elif timestamp == EARLIEST:
                    answers.append((number, OK, -1, log.start))
                else:
                    answers.append((number, OK, *log.offset_at(timestamp)))
            topics.append((name, answers))
        reply(_answer(request, throttle_time_ms=0, topics=topics))

    # Transactions.

    def _mark(self, partition: TopicPartition, producer_id: int, epoch: int, committed: bool) -> None:
        log = self._log(partition)
        if log is not None:  # the topic may have been deleted since
            log.mark(producer_id, epoch, committed=committed, at=int(time() * 1000))
            self._wake({partition})

    def _commit_offsets(self, group: str, offsets: Offsets) -> None:
        self._group(group).offsets.update(offsets)

    def _on_InitProducerId(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        timeout = request.transaction_timeout_ms / 1000
        code, producer_id, epoch = self._transactions.new_producer(
            request.transactional_id, timeout, self._later(client)
        )
        reply(_answer(request, throttle_time_ms=0, error_code=code, producer_id=producer_id, producer_epoch=epoch))

    def _on_AddPartitionsToTxn(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        asked = [TopicPartition(name, number) for name, numbers in request.topics for number in numbers]
        missing = {each for each in asked if self._log(each) is None}
        code = OperationNotAttempted.errno
        if not missing:
            code = self._transactions.add(
                request.transactional_id, _producer(request), self._later(client), partitions=asked
            )
        unknown = UnknownTopicOrPartitionError.errno
        errors = [
            (name, [(number, unknown if TopicPartition(name, number) in missing else code) for number in numbers])
            for name, numbers in request.topics
        ]
        reply(_answer(request, throttle_time_ms=0, errors=errors))

    def _on_AddOffsetsToTxn(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        code = self._transactions.add(
            request.transactional_id, _producer(request), self._later(client), group=request.group_id
        )
        reply(_answer(request, throttle_time_ms=0, error_code=code))

    def _on_TxnOffsetCommit(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        code = self._transactions.add_offsets(
            request.transactional_id, _producer(request), request.group_id, _offsets(request.topics)
        )
        errors = [(name, [(each[0], code) for each in partitions]) for name, partitions in request.topics]
        reply(_answer(request, throttle_time_ms=0, errors=errors))

    def _on_EndTxn(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        code = self._transactions.end(
            request.transactional_id, _producer(request), self._later(client), committed=request.transaction_result
        )
        reply(_answer(request, throttle_time_ms=0, error_code=code))

    # Groups.

    def _group(self, name: str) -> Group:
        return self.groups.setdefault(name, Group(name))

    def _on_JoinGroup(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        if request.group_instance_id is not None:
            raise NotImplementedError("static membership: use the real broker for this test")
        group = self._group(request.group)
        group.protocol_type = request.protocol_type
        member = Member(
            request.member_id,
            client.client_id,
            request.session_timeout / 1000,
            request.rebalance_timeout / 1000,
            [(name, bytes(metadata)) for name, metadata in request.group_protocols],
            self._later(client),
        )

        def answer(joined: Joined) -> None:
            reply(
                _answer(
                    request,
                    throttle_time_ms=0,
                    error_code=joined.code,
                    generation_id=joined.generation,
                    group_protocol=joined.protocol,
                    leader_id=joined.leader,
                    member_id=joined.member_id,
                    members=list(joined.members),
                )
            )

        group.join(member, answer)

    def _on_SyncGroup(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        def answer(code: int, assignment: bytes) -> None:
            reply(_answer(request, throttle_time_ms=0, error_code=code, member_assignment=assignment))

        assignments = {member: bytes(assignment) for member, assignment in request.group_assignment}
        self._group(request.group).sync(request.member_id, request.generation_id, assignments, answer)

    def _on_Heartbeat(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        code = self._group(request.group).heartbeat(request.member_id, request.generation_id)
        reply(_answer(request, throttle_time_ms=0, error_code=code))

    def _on_LeaveGroup(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        reply(_answer(request, throttle_time_ms=0, error_code=self._group(request.group).leave(request.member_id)))

    def _on_OffsetCommit(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        group = self._group(request.consumer_group)
        code = group.commit(request.consumer_id, request.consumer_group_generation_id, _offsets(request.topics))
        topics = [(name, [(each[0], code) for each in partitions]) for name, partitions in request.topics]
        reply(_answer(request, throttle_time_ms=0, topics=topics))

    def _on_OffsetFetch(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        group = self.groups.get(request.consumer_group)
        offsets = group.offsets if group is not None else {}
        wanted: dict[str, list[int]] = {}
        if request.topics is None:
            for partition in offsets:
                wanted.setdefault(partition.topic, []).append(partition.partition)
        else:
            wanted = dict(request.topics)
        topics = [
            (name, [(number, *offsets.get(TopicPartition(name, number), (-1, "")), OK) for number in numbers])
            for name, numbers in wanted.items()
        ]
        reply(_answer(request, throttle_time_ms=0, topics=topics, error_code=OK))

    def _on_DescribeGroups(self, request: Any, client: Client, reply: Reply) -> None:  # noqa: N802
        groups: list[tuple[Any, ...]] = []
        for name in request.groups:
            group = self.groups.get(name)
            if group is None:
                groups.append((OK, name, DEAD, "", "", []))
                continue
            members = [
                (each.id, each.client_id, "/memory", dict(each.protocols).get(group.protocol, b""), each.assignment)
                for each in group.members.values()
            ]
            groups.append((OK, name, group.state, group.protocol_type, group.protocol, members))
        # aiokafka parses the newest version's answer as the one before, which has no rights at its end.
        reply(_answer(request, throttle_time_ms=0, groups=groups))

    def _on_ListGroups(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        groups = [(group.id, group.protocol_type) for group in self.groups.values()]
        reply(_answer(request, throttle_time_ms=0, error_code=OK, groups=groups))

    def _on_DeleteGroups(self, request: Any, _: Client, reply: Reply) -> None:  # noqa: N802
        results = []
        for name in request.groups_names:
            group = self.groups.get(name)
            code = GroupIdNotFound.errno if group is None else group.delete()
            if not code:
                del self.groups[name]
            results.append((name, code))
        reply(_answer(request, throttle_time_ms=0, results=results))


def _answer(request: RequestStruct, **fields: Any) -> Response:
    """The response to a request, with as many of the fields as its version has."""
    kind = request.RESPONSE_TYPE
    return kind(**{name: fields[name] for name in kind.SCHEMA.names})


def _producer(request: Any) -> tuple[int, int]:
    return request.producer_id, request.producer_epoch


def _offsets(topics: Iterable[Any]) -> Offsets:
    return {
        TopicPartition(name, number): (offset, metadata or "")
        for name, partitions in topics
        for number, offset, metadata in partitions
    }
