"""The number that a document is posted under: its own, unless a reversed record of the document still has it. Pure.

Whether a number must be unique is a setting of the Sage company, so the document's own number is tried first. Once Sage
refused it because of a record that a correction reversed, later postings of the document get a suffix.
"""

from dataclasses import replace

from consumers.export.protocol.document_state import DocumentState
from domain import lengths
from domain.documents import Document


def numbered(document: Document, entry: DocumentState) -> Document:
    """The document with the number to post it under. An existing draft keeps the number that it has."""
    own = document.number
    if entry.posted is not None and document.former is not None and entry.posted.number == document.former.number:
        return replace(document, number=entry.posted.number)
    if entry.posted is not None and entry.renumbered and is_suffix_of(entry.posted.number, own):
        return replace(document, number=entry.posted.number)
    number = next_number(own, entry) if entry.renumbered else None
    return document if number is None else replace(document, number=number)


def next_number(own: str, entry: DocumentState) -> str | None:
    """The first of `own`, `own-1`, `own-2`... that no former record has. None if it is too long for Sage."""
    held = {each.number for each in entry.former_records}
    number = own
    for suffix in range(1, len(held) + 2):
        if number not in held:
            break
        number = f"{own}-{suffix}"
    return number if len(number) <= lengths.NUMBER else None


def is_suffix_of(number: str, own: str) -> bool:
    """Whether `number` is the document's own number, or that number with a suffix of ours."""
    suffix = number.removeprefix(f"{own}-")
    return number == own or (suffix != number and suffix.isdecimal())
