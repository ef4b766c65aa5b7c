"""`map`: from a record's bytes to the bytes of its Sage function, on one core, with the share of each step."""

import gc
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from time import process_time
from typing import TypeVar

from pydantic import SecretStr

from bench.documents import five_line_invoices, mapped, settings
from bench.measure import BenchResult, Figure, Size, seconds
from domain.documents import Document, SourceDocument
from domain.events import EventKind, decode
from domain.export import export
from domain.translation import parse_record
from sage_client import _documents, _envelope

T = TypeVar("T")

DOCUMENTS = 4_000
BATCH = 100
PARTY = "CUST-10021"
CONTROL_ID = "0" * 64
YARDSTICK = "yardstick: json.loads of the same bytes"
DECODE, READ = "decode: bytes to event", "read: document and revision"
EXPORT, RENDER = "export: accounts of all lines", "render: XML, and the request around 100"
WHOLE = "one document"


def run(size: Size) -> BenchResult:
    """Measure in processor time, so that what else runs on the machine counts little."""
    events = five_line_invoices(size.of(DOCUMENTS))
    work = _work([event.value or b"" for event in events], [mapped(event, settings()) for event in events])
    # What was prepared is none of the collector's business: a worker holds no thousands of finished documents.
    gc.collect()
    gc.freeze()
    try:
        # One after the other within a run, so that a slower minute of the machine slows all of them.
        runs = [{name: seconds(step, process_time) for name, step in work.items()} for _ in range(size.runs)]
    finally:
        gc.unfreeze()
    for each in runs:
        each[READ] -= each[DECODE]
    took = {name: median(each[name] for each in runs) for name in work}
    shares = {name: median(each[name] / each[WHOLE] for each in runs) for name in work}
    length = sum(len(event.value or b"") for event in events) / len(events)
    return BenchResult(
        "map",
        "An invoice event of five lines, from bytes to bytes, on one core",
        [
            Figure("documents per second", len(events) / took[WHOLE], "1/s"),
            *(Figure(name, took[name] / len(events) * 1e6, "µs", shares[name]) for name in work),
        ],
        [f"{length:,.0f} bytes an event; ratio: against one document, in the same run"],
    )


def _work(values: list[bytes], documents: list[Document]) -> dict[str, Callable[[], None]]:
    """The whole way, and each step alone. `READ` is measured with the decoding before it."""
    state = settings()
    sources = [document.source for document in documents]

    def whole() -> None:
        for batch in _batches(values):
            _request([_function(export(_source(value), state)) for value in batch])

    def render() -> None:
        for batch in _batches(documents):
            _request([_function(document) for document in batch])

    return {
        WHOLE: whole,
        DECODE: lambda: _exhaust(decode(EventKind.INVOICE, value) for value in values),
        READ: lambda: _exhaust(parse_record(EventKind.INVOICE, value) for value in values),
        EXPORT: lambda: _exhaust(export(source, state) for source in sources),
        RENDER: render,
        YARDSTICK: lambda: _exhaust(json.loads(value) for value in values),
    }


def _exhaust(made: Iterable[object]) -> None:
    """Make all of them and keep none."""
    deque(made, maxlen=0)


def _batches(made: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(made), BATCH):
        yield made[start : start + BATCH]


def _source(value: bytes) -> SourceDocument:
    source = parse_record(EventKind.INVOICE, value).document
    if not isinstance(source, SourceDocument):
        raise TypeError(source.detail)
    return source


def _function(document: object) -> str:
    if not isinstance(document, Document):
        raise TypeError(f"not a document: {document}")
    return _envelope.function(CONTROL_ID, _documents.render(document, PARTY))


def _request(functions: list[str]) -> None:
    sender = _envelope.Sender("AlvysMPP", SecretStr("secret"))
    who = _envelope.Authentication.by_session(SecretStr("session"))
    _envelope.request(sender, "request", who, functions, unique=True)
