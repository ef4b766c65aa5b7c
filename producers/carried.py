"""The parts of a result that tell what a document and its lines carry, and what of them is not as Alvys has it.

Left out where there are none, so that a result without them is what it always was.
"""

from collections.abc import Iterable

from domain.documents import CustomValue, Document, DocumentLine, Shortened
from domain.party_fields import NotSent


def line(one: DocumentLine) -> dict[str, object]:
    """A line's dimensions and custom fields."""
    parts: dict[str, object] = {}
    if one.dimensions:
        parts["dimensions"] = [
            {"dimension": each.dimension, "value": each.value, "how": each.how, "key": each.key}
            for each in one.dimensions
        ]
    return parts | _custom(one.custom) | _shortened(one.shortened)


def document(one: Document) -> dict[str, object]:
    """The document's own custom fields, what was shortened of it, and its number in Alvys where that is another."""
    given = one.source.number_given
    number = {"alvysNumber": given} if given and given != one.source.number else {}
    return number | _custom(one.custom) | _shortened(one.shortened)


def party_made(party_id: str | None, not_sent: Iterable[NotSent] | None) -> dict[str, object]:
    """The customer or vendor that was made for the document, and what its profile gives and Sage was not sent."""
    if not_sent is None:
        return {}
    told = [{"field": each.field, "why": each.why} for each in not_sent]
    return {"partyMade": {"id": party_id} | ({"notSent": told} if told else {})}


def _shortened(texts: Iterable[Shortened]) -> dict[str, object]:
    told = [{"field": each.field, "cutFrom": each.cut_from} for each in texts]
    return {"shortened": told} if told else {}


def _custom(values: Iterable[CustomValue]) -> dict[str, object]:
    told = [
        {"field": each.field, "value": each.value, "how": each.how, "key": each.key}
        | ({} if each.cut_from is None else {"cutFrom": each.cut_from})
        for each in values
    ]
    return {"customFields": told} if told else {}
