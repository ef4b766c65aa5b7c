"""The parts of a result that tell what a document and its lines carry: dimensions and custom fields, each with why.

Left out where there are none, so that a result without them is what it always was.
"""

from collections.abc import Iterable

from domain.documents import CustomValue, Document, DocumentLine


def line(one: DocumentLine) -> dict[str, object]:
    """A line's dimensions and custom fields."""
    parts: dict[str, object] = {}
    if one.dimensions:
        parts["dimensions"] = [
            {"dimension": each.dimension, "value": each.value, "how": each.how, "key": each.key}
            for each in one.dimensions
        ]
    return parts | _custom(one.custom)


def document(one: Document) -> dict[str, object]:
    """The document's own custom fields."""
    return _custom(one.custom)


def _custom(values: Iterable[CustomValue]) -> dict[str, object]:
    told = [
        {"field": each.field, "value": each.value, "how": each.how, "key": each.key}
        | ({} if each.cut_from is None else {"cutFrom": each.cut_from})
        for each in values
    ]
    return {"customFields": told} if told else {}
