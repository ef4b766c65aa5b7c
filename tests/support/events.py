"""The sample events of tests/fixtures/events, one file each, and ways to change one a little."""

import copy
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.documents import SourceDocument
from domain.events import EventKind
from domain.translation import ParsedRecord, parse_record

FOLDER = Path(__file__).parents[1] / "fixtures" / "events"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))

_SAMPLES: dict[str, dict[str, Any]] = {name: json.loads((FOLDER / f"{name}.json").read_bytes()) for name in NAMES}


def event(name: str) -> dict[str, Any]:
    """A sample event, the caller's own to change."""
    return copy.deepcopy(_SAMPLES[name])


def kind_of(sample: dict[str, Any]) -> EventKind:
    """The event's type, so its topic's."""
    return EventKind(sample["type"])


def to_bytes(sample: object) -> bytes:
    """As a producer would write it."""
    return json.dumps(sample).encode()


def read(sample: dict[str, Any]) -> ParsedRecord:
    """Receive an event on the topic of its type."""
    return parse_record(kind_of(sample), to_bytes(sample))


def source(name: str, **changes: Any) -> SourceDocument:
    """The document that a sample event describes, with changes."""
    found = read(event(name)).document
    assert isinstance(found, SourceDocument)
    return replace(found, **changes)


def shuffled(value: Any, chance: random.Random, *, lists: bool = True) -> Any:
    """The same JSON with its fields, and its lists, in another order."""
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance, lists=lists) for name in names}
    if isinstance(value, list):
        inner = [shuffled(each, chance, lists=lists) for each in value]
        if lists:
            chance.shuffle(inner)
        return inner
    return value


def spelled(value: Any) -> Any:
    """The same JSON with every amount as a text with two decimals."""
    if isinstance(value, dict):
        if set(value) == {"amount", "currency"} and isinstance(value["amount"], int | float):
            return value | {"amount": f"{value['amount']:.2f}"}
        return {name: spelled(inner) for name, inner in value.items()}
    return [spelled(inner) for inner in value] if isinstance(value, list) else value


_NAMED_BY = {
    "invoice": ({"id"}, None),
    "fuel": ({"id", "subsidiaryId"}, None),
    "toll": ({"id", "subsidiaryId"}, None),
    "bill": ({"id"}, None),
    "trip": ({"id", "tripNumber"}, None),
    "subsidiary": ({"id"}, None),
    "carrier": ({"id"}, None),
    "statement": ({"number", "subsidiaryId"}, "driver"),
}
"""Of the parts of `data` that name a document: which of their fields do, and which part of theirs."""


def withdrawn(sample: dict[str, Any], said: object = True) -> dict[str, Any]:
    """The event that takes a document back, with what names the document and nothing else."""
    data: dict[str, Any] = {"withdrawn": said}
    for part, value in sample["data"].items():
        if part == "settlementType":
            data[part] = value
        elif part in _NAMED_BY:
            fields, inner = _NAMED_BY[part]
            data[part] = {name: each for name, each in value.items() if name in fields}
            if inner is not None and inner in value:
                data[part][inner] = {name: value[inner][name] for name in ("id", "subsidiaryId")}
    return {name: sample[name] for name in ("type", "timestamp", "version")} | {
        "id": f"{sample['id']}-withdrawn",
        "data": data,
    }
