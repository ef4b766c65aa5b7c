"""The names of Sage Intacct's objects, fields and functions found in public sources, with those sources.

The data is in `sage-objects.json` beside this file; its `about` explains the terms. The simulator offers only these
names, and tests check that the client uses no others. A name that is missing here is in none of the sources read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_USER_DEFINED_DIMENSIONS = "user-defined dimensions"
_RELATION = re.compile(r"(\w+)>(\w+) by ([\w.]+)")


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field of an object, as the sources describe it."""

    name: str
    sources: tuple[str, ...]
    read: bool
    """Seen in query, read, lookup, inspect or replication."""
    written: bool
    """Seen in create or update."""
    data_type: str
    """The type that the first source gives, in its words; "" if no source gives one."""
    read_only: bool
    values: tuple[str, ...]
    """The valid values that `lookup` lists."""
    everywhere: bool
    """Whether two independent companies or clients read the field, and every complete list of the object has it."""
    absent: tuple[str, ...]
    """The complete lists that lack the field."""
    refused_by_query: tuple[str, ...]
    """The companies whose `inspect` lists the field although their `query` refused it."""
    subscription: str
    """The subscription that the field seems to depend on; "" for none."""
    length: int | None

    @property
    def readable(self) -> bool:
        """Whether some company returns this field.

        That is so if a source reads the field, or if a source sends it and it depends on a subscription that no company
        with a complete list has.
        """
        bought = self.subscription not in {"", _USER_DEFINED_DIMENSIONS}
        return self.read or (bought and not self.data_type.endswith("]"))


@dataclass(frozen=True, slots=True)
class Relation:
    """A path for dotted fields: `VENDOR` on a bill leads to the object VENDOR by the field VENDORID."""

    path: str
    object_name: str
    by: str


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object, as the sources describe it."""

    name: str
    fields: Mapping[str, FieldFacts]
    whole_lists: tuple[str, ...]
    """The sources that list every field a company has."""
    relations: tuple[Relation, ...]
    subscription: str


@dataclass(frozen=True, slots=True)
class SageReference:
    """All names of objects, fields and functions that the sources give."""

    objects: Mapping[str, ObjectFacts]
    functions: Mapping[str, tuple[str, ...]]
    """The elements of an object-specific function or of a block within one, in the order of Sage's schema."""
    dimensions: tuple[str, ...]
    """The values of objectName in the answers of getDimensions."""
    field_elements: tuple[str, ...]
    """The elements of a field in the answer of `lookup`."""
    data_types: tuple[str, ...]
    """The values of DATATYPE in the answer of `lookup`."""

    def readable(self, object_name: str, field: str) -> bool:
        """Whether some company returns this field, directly or over one of the object's paths (`VENDOR.NAME`)."""
        facts = self.objects.get(object_name)
        if facts is None:
            return False
        if field in facts.fields and facts.fields[field].readable:
            return True
        path, _, rest = field.partition(".")
        return bool(rest) and any(
            self.readable(relation.object_name, rest) for relation in facts.relations if relation.path == path
        )

    def writable(self, object_name: str, field: str) -> bool:
        """Whether a source sends this field in a create or update, or as the block around one (`MAILADDRESS`)."""
        facts = self.objects.get(object_name)
        if facts is None:
            return False
        inside = f"{field}."
        return any(known.written and (name == field or name.startswith(inside)) for name, known in facts.fields.items())


@cache
def reference() -> SageReference:
    """Load the data; the result is cached."""
    data = json.loads((Path(__file__).parent / "sage-objects.json").read_text(encoding="utf-8"))
    return SageReference(
        objects={name: _object(name, facts) for name, facts in data["objects"].items()},
        functions={name: tuple(facts["elements"]) for name, facts in data["functions"].items()},
        dimensions=tuple(data["dimensions"]["names"]),
        field_elements=tuple(data["lookup_answer"]["field_elements"]),
        data_types=tuple(data["lookup_answer"]["datatypes"]),
    )


def _object(name: str, facts: dict[str, object]) -> ObjectFacts:
    fields = facts["fields"]
    if not isinstance(fields, dict):
        raise TypeError(f"{name}: fields are listed by name")
    return ObjectFacts(
        name,
        {field: _field(field, known) for field, known in fields.items()},
        _texts(facts, "whole_lists"),
        tuple(Relation(*match.groups()) for text in _texts(facts, "relations") if (match := _RELATION.fullmatch(text))),
        str(facts.get("subscription", "")),
    )


def _field(name: str, facts: dict[str, object]) -> FieldFacts:
    seen, length = _texts(facts, "seen_in"), facts.get("length")
    return FieldFacts(
        name,
        sources=_texts(facts, "sources"),
        read="read" in seen,
        written="write" in seen,
        data_type=str(facts.get("type", "")),
        read_only=facts.get("readonly") is True,
        values=_texts(facts, "values"),
        everywhere=facts.get("everywhere") is True,
        absent=_texts(facts, "absent"),
        refused_by_query=_texts(facts, "refused_by_query"),
        subscription=str(facts.get("subscription", "")),
        length=length if isinstance(length, int) else None,
    )


def _texts(facts: dict[str, object], name: str) -> tuple[str, ...]:
    given = facts.get(name, [])
    return tuple(str(each) for each in given) if isinstance(given, list) else ()
