"""The ids of topics. A topic that was deleted and created again has the same name, and another id.

aiokafka asks for metadata in versions that know no ids, so this module adds the first version that may name topics and
answers with their ids: 12, of Apache Kafka 3.1 and later (KIP-516).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

METADATA = 3
WITH_IDS = 12
NO_ID = UUID(int=0)
"""What a broker answers for a topic that it does not know."""


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """A topic as the cluster knows it."""

    id: str | None
    """The topic's id, as 32 hexadecimal digits. No two topics ever have the same. None: the brokers know no ids."""
    partitions: int


class Uuid(AbstractType[UUID]):  # type: ignore[misc]  # aiokafka ships no types
    """A field of 16 bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        """The bytes of the id."""
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        """The id that the next 16 bytes hold."""
        return UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")


class MetadataResponse_v12(Response):  # type: ignore[misc]  # noqa: N801 - aiokafka ships no types; its style of names
    """The brokers and topics of the cluster, with the ids of the topics."""

    API_KEY = METADATA
    API_VERSION = WITH_IDS
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("topic_authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MetadataRequest_v12(RequestStruct):  # type: ignore[misc]  # noqa: N801
    """Asks for topics by name."""

    API_KEY = METADATA
    API_VERSION = WITH_IDS
    RESPONSE_TYPE = MetadataResponse_v12
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdRequest(Request[MetadataRequest_v12]):  # type: ignore[misc]
    """Asks for the ids of topics. It creates none.

    Args:
        topics: Their names.
    """

    API_KEY = METADATA

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = sorted(topics)

    def build(self, request_struct_class: type[MetadataRequest_v12]) -> MetadataRequest_v12:
        """Build the request of the version that the broker takes."""
        return request_struct_class([(NO_ID, topic, {}) for topic in self._topics], False, False, {})
