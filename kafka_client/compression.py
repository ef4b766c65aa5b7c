"""Decoders for every compression of Kafka, with a size limit, so that a small batch cannot fill the memory.

Producers and the broker (`compression.type`) choose the compression of each record batch; this service does not. So
every process must be able to read all of them, or it does not start. A broker limits only the compressed size of a
batch: nine kilobytes of zstd may be 300 megabytes of zeros.
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
"""Largest size of a decompressed batch, in bytes: many times a usual batch, and many times the largest event."""

Decode = Callable[[bytes], bytes]

SAMPLE = b"alvys"
ENCODERS: dict[str, Decode] = {
    "gzip": codec.gzip_encode,
    "snappy": codec.snappy_encode,
    "lz4": codec.lz4_encode,
    "zstd": codec.zstd_encode,
}


class CompressionMissingError(Exception):
    """This installation cannot read a compression. The text names it and says what to do."""


class BatchTooLargeError(Exception):
    """A batch is larger than `LARGEST_BATCH` when it is decompressed."""

    def __init__(self) -> None:
        super().__init__(f"it holds more than {LARGEST_BATCH} bytes when it is decompressed")


class _Scratch(threading.local):
    """A buffer to decompress into, one per thread. The system provides its memory page by page as it is used."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, LARGEST_BATCH)


_scratch = _Scratch()


def require_all() -> None:
    """Install these decoders in aiokafka, for every consumer of this process, and try each of them.

    Raises:
        CompressionMissingError: This installation cannot read one of the compressions.
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
    """List the modules in which aiokafka's parsers look up the decoders: in Python, and in C where installed."""
    modules: list[object] = [default_records, legacy_records]
    if default_records.DefaultRecordBatch is not default_records._DefaultRecordBatchPy:  # noqa: SLF001 - it has no public name
        from aiokafka.record._crecords import default_records as fast  # noqa: PLC0415 - absent without a compiler
        from aiokafka.record._crecords import legacy_records as fast_legacy  # noqa: PLC0415 - as above

        modules += [fast, fast_legacy]
    return modules


def gzip_decode(payload: bytes) -> bytes:
    """Decompress gzip.

    Raises:
        BatchTooLargeError: The result is larger than `LARGEST_BATCH`.
        OSError, EOFError, zlib.error: The payload is broken.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(payload)) as file:
        found = file.read(LARGEST_BATCH + 1)
    if len(found) > LARGEST_BATCH:
        raise BatchTooLargeError
    return found


def snappy_decode(payload: bytes) -> bytes:
    """Decompress snappy: raw, as librdkafka writes it, or in the blocks of snappy-java.

    Raises:
        BatchTooLargeError: The result is larger than `LARGEST_BATCH`.
        cramjam.DecompressionError, struct.error: The payload is broken.
    """
    payload = bytes(payload)  # the parser in Python passes bytes, the one in C a memoryview
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
"""The magic bytes of snappy-java's format, and the number of bytes before its first block."""


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
