"""A Kafka broker in memory, behind aiokafka's own clients: only the network and the broker are replaced.

The clients encode and decode real record batches, join groups, retry and fence as they do before a real broker, so
a test may patch, spoil or interrupt them in the same way. tests/broker/test_memory_is_like_kafka.py holds this broker
against a real one.
"""

from tests.support.memory_kafka.broker import MemoryKafka
from tests.support.memory_kafka.connection import install, serve

__all__ = ["MemoryKafka", "install", "serve"]
