"""How producers choose a record's partition from its key: pure.

Two rules cover almost all clients; docs/contract.md has the table. They agree on no more keys than chance has it, so
one document's revisions from two producers may stand in two partitions.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

_MASK = 0xFFFFFFFF
_FACTOR = 0x5BD1E995
_SEED = 0x9747B28C


class Rule(StrEnum):
    """How a key chooses its partition."""

    MURMUR2 = "murmur2"
    """Java's, and that of the clients which follow it."""
    CRC32 = "crc32"
    """librdkafka's (`consistent`, `consistent_random`)."""
    ANY = "any"
    """Not known here: upstream sees to it, and nothing is checked."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The rule of one topic."""

    rule: Rule
    partitions: int

    def partition_of(self, key: bytes) -> int | None:
        """The partition in which records of this key stand; None: in any."""
        if self.rule is Rule.ANY or self.partitions == 1:
            return None
        if self.rule is Rule.CRC32:
            return zlib.crc32(key) % self.partitions
        return (murmur2(key) & 0x7FFFFFFF) % self.partitions


def murmur2(key: bytes) -> int:
    """MurmurHash2 with Kafka's seed, 32 bits; twice as fast as aiokafka's, since a record pays for it."""
    words = len(key) >> 2
    found: int = _SEED ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        mixed = word * _FACTOR & _MASK
        found = (found * _FACTOR & _MASK) ^ ((mixed ^ mixed >> 24) * _FACTOR & _MASK)
    if len(key) & 3:
        found = (found ^ int.from_bytes(key[words * 4 :], "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    return found ^ found >> 15
