"""The Kafka clients as the rest of the code sees them: aiokafka's own method names, and a factory that makes them.

`kafka_client.clients` implements the factory for real brokers. Another implementation, such as one in memory, can take
its place: code outside of this package depends only on these Protocols.

A client is not connected when it is made. The caller awaits `start`, and ends the client by
`kafka_client.stopping.stop_client` (an admin client by its `close`), also if `start` failed.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from kafka_client.topic_ids import TopicIdentity

Batches = dict[TopicPartition, list[ConsumerRecord]]
"""The result of one poll, by partition; no list is empty. An `Unreadable` is the only item of its list."""

OffsetReset = Literal["earliest", "latest", "none"]
"""Where a consumer goes on if its offset does not exist: the log's beginning, its end, or not at all (an error)."""


class Consumer(Protocol):
    """A consumer, with the methods and the meaning of `aiokafka.AIOKafkaConsumer`."""

    async def start(self) -> None:
        """Connect. Raises `KafkaError` if no broker answers."""

    async def stop(self) -> None:
        """Disconnect, and leave the group."""

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener | None = None) -> None:
        """Join the group for these topics."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Read exactly these partitions, without a group's assignment. Replaces the earlier assignment."""

    def assignment(self) -> set[TopicPartition]:
        """The partitions that are read now."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Batches:
        """Poll. Without `partitions`, all assigned ones that are not paused."""

    async def position(self, partition: TopicPartition) -> int:
        """The offset that is read next. It passes transaction markers, aborted records and compacted holes."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """The high watermark as of the last poll. None before the first."""

    async def committed(self, partition: TopicPartition) -> int | None:
        """The group's committed offset. None: there is none."""

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit offsets for the group."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from this offset."""

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        """Read on from the logs' beginnings. Without `partitions`, it moves every assigned one."""

    async def seek_to_committed(self, *partitions: TopicPartition) -> dict[TopicPartition, int | None]:
        """Read on from the committed offsets, which are returned. A partition without one stays where it is."""

    def pause(self, *partitions: TopicPartition) -> None:
        """Leave these partitions out of polls."""

    def resume(self, *partitions: TopicPartition) -> None:
        """End `pause`."""

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each log."""

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The high watermarks; for a consumer that reads committed records, the last stable offsets."""

    async def offsets_for_times(self, timestamps: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        """The first offset at or after each time, in milliseconds since 1970. None if there is no such record."""

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """The partition numbers of a topic as far as this client knows. None: it knows nothing of the topic."""


class Producer(Protocol):
    """A producer, with the methods and the meaning of `aiokafka.AIOKafkaProducer`."""

    async def start(self) -> None:
        """Connect. With a transactional id, this fences the former producer and aborts its open transaction."""

    async def stop(self) -> None:
        """Send what is still buffered, and disconnect."""

    async def partitions_for(self, topic: str) -> set[int]:
        """The partition numbers of a topic."""

    async def begin_transaction(self) -> None:
        """Begin a transaction."""

    async def commit_transaction(self) -> None:
        """Commit. It returns once the decision is durable, and before the markers are written to the partitions."""

    async def abort_transaction(self) -> None:
        """Abort. Readers of committed records never see the transaction's records."""

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, Any], group_id: str) -> None:
        """Commit a group's offsets within the transaction."""

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes | None]] | None = None,
    ) -> "asyncio.Future[Any]":
        """Buffer a record. The returned future gives its `topic`, `partition` and `offset` once it is durable."""

    def create_batch(self) -> Any:
        """Make an empty batch; its `append` takes records, also with neither key nor value."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        """Buffer a batch. The returned future gives its offset once it is durable."""

    async def send_and_wait(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes | None]] | None = None,
    ) -> Any:
        """Send a record, and wait until it is durable. Returns its `topic`, `partition` and `offset`."""


class Admin(Protocol):
    """An administration client, with the methods and the answers of `aiokafka.admin.AIOKafkaAdminClient`.

    The answers are those of Kafka's protocol: a refusal is a code in the answer (`kafka_client.topics.refuse`).
    """

    async def start(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    async def describe_topics(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        """Describe topics and their partitions. A topic that does not exist has an error code; none is created."""

    async def identify_topics(self, topics: Iterable[str]) -> dict[str, TopicIdentity]:
        """The ids and partition counts of topics, by name. Topics that do not exist are left out; none is created.

        Raises:
            KafkaError: The broker did not answer.
        """

    async def describe_cluster(self) -> dict[str, Any]:
        """Describe the cluster and its brokers."""

    async def describe_configs(self, config_resources: Sequence[Any]) -> list[Any]:
        """Read the settings of topics."""

    async def alter_configs(self, config_resources: Sequence[Any]) -> list[Any]:
        """Replace all settings of topics."""

    async def create_topics(self, new_topics: Sequence[Any], validate_only: bool = False) -> Any:
        """Create topics."""

    async def find_coordinator(self, group_id: str) -> int:
        """The broker that coordinates a group."""

    async def describe_consumer_groups(self, group_ids: Sequence[str]) -> list[Any]:
        """Describe groups and their members."""

    async def list_consumer_group_offsets(
        self, group_id: str, *, partitions: Sequence[TopicPartition] | None = None
    ) -> dict[TopicPartition, Any]:
        """The committed offsets of a group."""


class KafkaClients(Protocol):
    """The factory of all Kafka clients. It knows the brokers and how to sign in."""

    def reader(
        self, *, tolerant: bool = False, offset_reset: OffsetReset = "earliest", fetch_bytes: int | None = None
    ) -> Consumer:
        """Make a consumer of committed records, without a group. It commits nothing; the caller assigns its partitions.

        Args:
            tolerant: Whether unreadable records are delivered as `Unreadable`; otherwise they raise
                `UnreadableRecordsError`.
            offset_reset: Where to go on if the offset does not exist. With `none`, `getmany` raises
                `OffsetOutOfRangeError`, whose argument maps the partition to the offset.
            fetch_bytes: Bytes of one partition per fetch. None: aiokafka's default.
        """

    def member(
        self,
        group_id: str,
        *,
        session_timeout_ms: int,
        tolerant: bool = False,
        offset_reset: OffsetReset = "earliest",
        options: Mapping[str, object] | None = None,
    ) -> Consumer:
        """Make a member of a consumer group. It reads committed records only, and commits no offset by itself.

        Args:
            group_id: The group.
            session_timeout_ms: Silence in milliseconds after which the group expels the member.
            tolerant: As for `reader`.
            offset_reset: Where to go on if the offset does not exist, as for `reader`; also where to begin without a
                committed offset, which is the log's beginning with `none`.
            options: More keywords of `AIOKafkaConsumer`, such as `group_instance_id`.
        """

    def committer(self, group_id: str) -> Consumer:
        """Make a consumer that reads or commits a group's offsets without being its member."""

    def scout(self, *, retry_backoff_ms: int | None = None) -> Consumer:
        """Make a consumer for requests of high watermarks: its `end_offsets` count open transactions too.

        Args:
            retry_backoff_ms: Milliseconds between two requests for the partitions' leaders. None: aiokafka's default.
        """

    def producer(self, *, max_request_size: int | None = None) -> Producer:
        """Make an idempotent producer: a retry neither doubles a record nor swaps two of one key.

        Args:
            max_request_size: Bytes of the largest record. None: aiokafka's default, 1 MiB.
        """

    def transactional_producer(self, transactional_id: str, *, timeout_ms: int | None = None) -> Producer:
        """Make a producer of transactions. Its `start` fences the former producer with the same id.

        Args:
            transactional_id: The id.
            timeout_ms: Milliseconds after which the broker aborts a transaction. None: aiokafka's default, a minute.
        """

    def admin(self) -> Admin:
        """Make an administration client."""
