"""The administration client: aiokafka's, which asks for topics by name without creating them, and for their ids."""

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.metadata import MetadataRequest

from kafka_client.topic_ids import NO_ID, TopicIdentity, TopicIdRequest


class AdminClient(AIOKafkaAdminClient):  # type: ignore[misc]  # aiokafka ships no types
    """An administration client for a cluster that holds many other topics.

    aiokafka's own methods ask for all topics, because a broker may create those that it is asked for by name. They take
    seconds where there are ten thousand.
    """

    async def describe_topics(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        """See `kafka_client.interface.Admin`."""
        request = MetadataRequest(sorted(topics), allow_auto_topic_creation=False)
        described: list[dict[str, Any]] = (await self._send_request(request)).to_object()["topics"]
        return described

    async def describe_cluster(self) -> dict[str, Any]:
        """See `kafka_client.interface.Admin`."""
        described: dict[str, Any] = (await self._send_request(MetadataRequest([]))).to_object()
        return described

    async def identify_topics(self, topics: Iterable[str]) -> dict[str, TopicIdentity]:
        """See `kafka_client.interface.Admin`."""
        named = sorted(topics)
        try:
            answer = await self._send_request(TopicIdRequest(named))
        except (IncompatibleBrokerVersion, NotImplementedError):  # so aiokafka says that the broker is too old
            described = await self.describe_topics(named)
            return {
                topic["topic"]: TopicIdentity(None, len(topic["partitions"]))
                for topic in described
                if not topic["error_code"]
            }
        found: list[dict[str, Any]] = answer.to_object()["topics"]
        return {
            topic["topic"]: TopicIdentity(topic["topic_id"].hex, len(topic["partitions"]))
            for topic in found
            if not topic["error_code"] and topic["topic_id"] != NO_ID
        }
