"""Every compression that Kafka knows, read with a bound: a small batch may not fill a process's memory.

Which compression a topic has is decided by its producers and by the broker (`compression.type`), record batch by
record batch, never by us: so every process can read all of them, or does not start. A broker bounds batches by their
compressed size only; nine kilobytes of zstd may be 300 megabytes of zeros.
"""

import gzip
import io
import mmap
import threading
from collections.abc import Callable

import cramjam
from aiokafka import codec
from aiokafka.record import default_records, legacy_records

LARGEST_BATCH = 128 * 1024 * 1024
"""Bytes of a batch when it is decompressed: many times what clients put into one, and the largest event."""

Decode = Callable[[bytes], bytes]

SAMPLE = b"alvys"
ENCODERS: dict[str, Decode] = {
    "gzip": codec.gzip_encode,
    "snappy": codec.snappy_encode,
    "lz4": codec.lz4_encode,
    "zstd": codec.zstd_encode,
}


class CompressionMissingError(Exception):
    """A compression cannot be read by this installation; the text says which, and what to do."""


class BatchTooLargeError(Exception):
    """A batch would be larger than `LARGEST_BATCH` when it is decompressed."""

    def __init__(self) -> None:
        super().__init__(f"it holds more than {LARGEST_BATCH} bytes when it is decompressed")


class _Scratch(threading.local):
    """Memory to decompress into, taken from the machine as it is touched; one for each thread."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, LARGEST_BATCH)


_scratch = _Scratch()


def require_all() -> None:
    """Have every aiokafka consumer of this process read all compressions, within the bound.

    Raises:
        CompressionMissingError: This installation cannot read one of them.
    """
    for module in _decoding_modules():
        for name, decode in DECODERS.items():
            if hasattr(module, f"{name}_decode"):
                setattr(module, f"{name}_decode", decode)
    for name, decode in DECODERS.items():
        try:
            read = decode(ENCODERS[name](SAMPLE))
        except Exception as error:  # whatever a broken installation raises
            raise CompressionMissingError(_missing(name, repr(error))) from error
        if read != SAMPLE:
            raise CompressionMissingError(_missing(name, f"{SAMPLE!r} comes back as {read!r}"))


def _missing(name: str, why: str) -> str:
    return (
        f"records compressed with {name} cannot be read ({why}), and any producer may send some: install the service "
        "with what its lock file names (cramjam)"
    )


def _decoding_modules() -> list[object]:
    """Where aiokafka's parsers look the decoders up: those in C where they are installed, and those in Python."""
    modules: list[object] = [default_records, legacy_records]
    if default_records.DefaultRecordBatch is not default_records._DefaultRecordBatchPy:  # noqa: SLF001 - it has no name for it
        from aiokafka.record._crecords import default_records as fast  # noqa: PLC0415 - absent without a compiler
        from aiokafka.record._crecords import legacy_records as fast_legacy  # noqa: PLC0415 - as above

        modules += [fast, fast_legacy]
    return modules


def gzip_decode(payload: bytes) -> bytes:
    """Read gzip.

    Raises:
        BatchTooLargeError: It is larger than the bound.
        OSError, EOFError, zlib.error: It is broken.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(payload)) as file:
        found = file.read(LARGEST_BATCH + 1)
    if len(found) > LARGEST_BATCH:
        raise BatchTooLargeError
    return found


def snappy_decode(payload: bytes) -> bytes:
    """Read snappy, raw as librdkafka writes it, or in the blocks of snappy-java.

    Raises:
        BatchTooLargeError: As above.
        cramjam.DecompressionError, struct.error: It is broken.
    """
    payload = bytes(payload)  # from Python it comes so, from C as a view
    blocks = [payload]
    if payload.startswith(XERIAL):
        blocks, place = [], XERIAL_HEADER
        while place < len(payload):
            size = int.from_bytes(payload[place : place + 4], "big")
            blocks.append(payload[place + 4 : place + 4 + size])
            place += 4 + size
    if sum(map(cramjam.snappy.decompress_raw_len, blocks)) > LARGEST_BATCH:
        raise BatchTooLargeError
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


XERIAL, XERIAL_HEADER = b"\x82SNAPPY\0", 16
"""How snappy-java's format begins, and the bytes before its first block."""


def _into(decompress: Callable[[bytes, memoryview], int]) -> Decode:
    def decode(payload: bytes) -> bytes:
        with memoryview(_scratch.memory) as room:
            try:
                size = decompress(payload, room)
            except cramjam.DecompressionError as error:
                if "whole buffer" in str(error):
                    raise BatchTooLargeError from error
                raise
            return bytes(room[:size])

    return decode


DECODERS: dict[str, Decode] = {
    "gzip": gzip_decode,
    "snappy": snappy_decode,
    "lz4": _into(cramjam.lz4.decompress_into),
    "zstd": _into(cramjam.zstd.decompress_into),
}
