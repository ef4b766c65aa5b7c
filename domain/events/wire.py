"""JSON bytes to Python values without losing a cent: a number becomes the Decimal (or int) that was written.

Binary floats cannot hold 0.1, so the parser is jiter, which reads JSON numbers as Decimal. It also refuses what JSON
leaves open and money cannot afford: duplicate keys, NaN, infinities, endless nesting, bytes that are not UTF-8.
"""

import re
from collections.abc import Iterator

import jiter
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.codes import Code
from domain.words import one_line

_ERRORS_SHOWN = 3
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TAG_UNKNOWN = "union_tag_invalid"
"""pydantic's name for a discriminator with an unknown value; its message is the only one that repeats the value."""


class ContractError(Exception):
    """A record that breaks the contract; it goes to the dead letters, untouched.

    Attributes:
        code: One of the dead letter codes of `domain.codes`.
        detail: Which field or byte, in words; never the value itself, which may be a secret. One line, cut.
    """

    def __init__(self, code: Code, detail: str) -> None:
        detail = one_line(detail)
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def parse(value: bytes | None) -> object:
    """Read one JSON text.

    Args:
        value: The record's bytes; None is a tombstone, which no source topic may carry.

    Returns:
        dict, list, str, int, Decimal, bool or None.

    Raises:
        ContractError: `UNDECODABLE`, with the parser's reason and position.
    """
    if value is None:
        raise ContractError(Code.UNDECODABLE, "the record has no value (a tombstone)")
    try:
        return jiter.from_json(
            value, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError as error:
        raise ContractError(Code.UNDECODABLE, str(error)) from error


def not_xml(value: bytes, model: BaseModel) -> str | None:
    """Where a text of the model holds what XML cannot carry; None if none does. `value`: the bytes it was read from."""
    if not ((b"\\" in value and b"\\u" in value) or b"\xef" in value):
        return None  # JSON has control characters only escaped, U+FFFE from byte EF too
    found = (path for path, text in _texts(model.model_dump(), ()) if _NOT_XML.search(text))
    return next((f"{'.'.join(path)}: holds a control character" for path in found), None)


def _texts(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, str(index)))


def in_words(error: ValidationError) -> str:
    """Where and what, never the value: it may be anything, a secret included."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    words = [f"{'.'.join(map(str, one['loc']))}: {_said(one)}" for one in found[:_ERRORS_SHOWN]]
    more = len(found) - _ERRORS_SHOWN
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


def _said(error: ErrorDetails) -> str:
    return "its kind is none of those known" if error["type"] == _TAG_UNKNOWN else error["msg"]
