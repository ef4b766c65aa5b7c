"""Bytes that break on their way from a real broker: what a bad disk, a bad mirror or a client of the future would give.

A broker looks at what it is sent, so that such batches cannot be produced; they are made of good ones, between the
consumer's socket and its parser.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from aiokafka.record.util import calc_crc32c

from kafka_client import header_names

Spoil = Callable[[bytearray], None]
HEAD, CRC, ATTRIBUTES, FORMAT, COUNT = 61, 17, 21, 16, 57


def flip(batch: bytearray) -> None:
    """One bit of the last value is another: the checksum is wrong."""
    batch[-2] ^= 1


def unknown_compression(batch: bytearray) -> None:
    """Compression 6, which Kafka does not have yet; the checksum is right."""
    batch[ATTRIBUTES + 1] |= 6
    seal(batch)


def unknown_format(batch: bytearray) -> None:
    batch[FORMAT] = 3


def no_records(batch: bytearray) -> None:
    """Bytes that are no records, under a right checksum."""
    batch[HEAD:] = b"\xff" * (len(batch) - HEAD)
    seal(batch)


def no_lz4(batch: bytearray) -> None:
    """Said to be lz4, and is not."""
    batch[ATTRIBUTES + 1] |= 3
    seal(batch)


def lying_head(batch: bytearray) -> None:
    """The head says that a million records are here; the checksum is wrong, as anything may be."""
    struct.pack_into(">i", batch, COUNT - 34, 1_000_000)


def seal(batch: bytearray) -> None:
    struct.pack_into(">I", batch, CRC, calc_crc32c(bytes(batch[ATTRIBUTES:])))


KINDS: dict[str, Spoil] = {
    "checksum": flip,
    "compression": unknown_compression,
    "format": unknown_format,
    "records": no_records,
    "lz4": no_lz4,
    "head": lying_head,
}


@dataclass
class Spoiler:
    """Spoils every batch that holds `marker`, so many times."""

    marker: bytes
    spoil: Spoil
    times: int = 1_000_000
    spoiled: list[bytes] = field(default_factory=list)

    def __call__(self, fetched: bytes) -> bytes:
        out, place = bytearray(fetched), 0
        while place + 12 <= len(out):
            end = place + 12 + struct.unpack_from(">i", out, place + 8)[0]
            batch = out[place:end]
            if self.marker in batch and len(self.spoiled) < self.times:
                self.spoil(batch)
                out[place:end] = batch
                self.spoiled.append(bytes(batch))
            place = end
        return bytes(out)


def install(monkeypatch: pytest.MonkeyPatch, spoiler: Spoiler) -> Spoiler:
    """Between socket and parser of every consumer that is made from now on."""

    class Spoiled(header_names.Kept):
        def __init__(self, fetched: bytes) -> None:
            super().__init__(spoiler(bytes(fetched)))

    monkeypatch.setattr(header_names, "Kept", Spoiled)
    return spoiler
