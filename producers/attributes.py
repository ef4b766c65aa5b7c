"""The parts of a result for dimensions and custom fields, and for values that differ from those in Alvys.

A part without content is left out, so that a result without any of them is the same as in earlier versions.
"""

from collections.abc import Iterable

from domain.documents import CustomValue, Document, DocumentLine, Shortened
from domain.parties.party_fields import NotSent


def line(one: DocumentLine) -> dict[str, object]:
    """Encode the dimensions, custom fields and shortened texts of a line."""
    parts: dict[str, object] = {}
    if one.dimensions:
        parts["dimensions"] = [
            {"dimension": each.dimension, "value": each.value, "how": each.how, "key": each.key}
            for each in one.dimensions
        ]
    return parts | _custom(one.custom) | _shortened(one.shortened)


def document(one: Document) -> dict[str, object]:
    """Encode the custom fields and shortened texts of the document itself, and its number in Alvys if it differs."""
    given = one.source.number_given
    number = {"alvysNumber": given} if given and given != one.source.number else {}
    return number | _custom(one.custom) | _shortened(one.shortened)


def party_made(party_id: str | None, not_sent: Iterable[NotSent] | None) -> dict[str, object]:
    """Encode the customer or vendor that was created for the document, with the fields that were not sent to Sage.

    `not_sent` is None if no party was created; the answer is then empty.
    """
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
