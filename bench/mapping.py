"""`map`: from a record's bytes to the bytes of its Sage function, on one core, with the share of each step."""

from collections.abc import Callable
from time import process_time

from pydantic import SecretStr

from bench.documents import five_line_invoices, mapped, settings
from bench.measure import Figure, Outcome, Size, middle, seconds
from domain.documents import SourceDocument
from domain.events import EventKind, decode
from domain.export import export
from domain.outcomes import Rejected
from domain.reading import receive
from sage_client import _documents, _envelope

DOCUMENTS = 4_000
BATCH = 100
PARTY = "CUST-10021"
CONTROL_ID = "0" * 64


def run(size: Size) -> Outcome:
    """Measure in processor time, so that what else runs on the machine counts little."""
    events = five_line_invoices(size.of(DOCUMENTS))
    state = settings()
    values = [event.value for event in events]
    sources = [_source(value) for value in values]
    documents = [mapped(event, state) for event in events]

    def whole() -> None:
        functions = []
        for value in values:
            source = receive(EventKind.INVOICE, value).document
            document = source if isinstance(source, Rejected) else export(source, state)
            functions.append(_envelope.function(CONTROL_ID, _documents.render(document, PARTY)))  # type: ignore[arg-type]
        _requests(functions)

    def rendered() -> None:
        _requests([_envelope.function(CONTROL_ID, _documents.render(document, PARTY)) for document in documents])

    steps: dict[str, Callable[[], object]] = {
        "decode: bytes to event": lambda: [decode(EventKind.INVOICE, value) for value in values],
        "decode and read: to document and revision": lambda: [receive(EventKind.INVOICE, value) for value in values],
        "export: accounts of all lines": lambda: [export(source, state) for source in sources],
        "render: XML, and the request around 100": rendered,
    }
    times = {name: middle(size, lambda step=step: seconds(step, process_time)) for name, step in steps.items()}  # type: ignore[misc]
    decoding, receiving, exporting, rendering = times.values()
    in_all = middle(size, lambda: seconds(whole, process_time))
    split = {
        "decode: bytes to event": decoding,
        "read: document and revision": receiving - decoding,
        "export: accounts of all lines": exporting,
        "render: XML, and the request around 100": rendering,
    }
    each = 1e6 / len(events)
    return Outcome(
        "map",
        "An invoice event of five lines, from bytes to bytes, on one core",
        [
            Figure("documents per second", len(events) / in_all, "1/s"),
            Figure("one document", in_all * each, "µs", 1.0),
            *(Figure(name, time * each, "µs", time / in_all) for name, time in split.items()),
        ],
        [f"{sum(map(len, filter(None, values))) / len(events):,.0f} bytes an event; ratio: share of one document"],
    )


def _source(value: bytes | None) -> SourceDocument:
    source = receive(EventKind.INVOICE, value).document
    if isinstance(source, Rejected):
        raise TypeError(source.detail)
    return source


def _requests(functions: list[str]) -> None:
    sender = _envelope.Sender("AlvysMPP", SecretStr("secret"))
    who = _envelope.Authentication.by_session(SecretStr("session"))
    for start in range(0, len(functions), BATCH):
        _envelope.request(sender, "request", who, functions[start : start + BATCH], unique=True)
