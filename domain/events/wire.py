"""Parsing of JSON without losing a cent: a number becomes exactly the Decimal (or int) that was written.

A binary float cannot hold 0.1, so the parser is jiter, which reads JSON numbers as Decimal. It also refuses input that
other parsers may accept but that is unsafe for money: duplicate keys, NaN, infinities, unlimited nesting, and bytes
that are not UTF-8.
"""

import re
from collections.abc import Iterator

import jiter
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.codes import Code
from domain.text import single_line

_ERRORS_SHOWN = 3
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TAG_UNKNOWN = "union_tag_invalid"
"""pydantic's error type for a discriminator with an unknown value. Only its message repeats the value."""


class ContractError(Exception):
    """Error for a record that breaks the event contract. The record goes to the dead letters, unchanged.

    Attributes:
        code: One of the dead letter codes of `domain.codes`.
        detail: The field or byte position in words, on one line of limited length; never the value, which may be a
            secret.
    """

    def __init__(self, code: Code, detail: str) -> None:
        detail = single_line(detail)
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def parse(value: bytes | None) -> object:
    """Parse one JSON text.

    Args:
        value: The bytes of the record; None is a tombstone, which is not allowed on a source topic.

    Returns:
        A dict, list, str, int, Decimal, bool or None.

    Raises:
        ContractError: `MALFORMED_JSON`, with the parser's reason and position.
    """
    if value is None:
        raise ContractError(Code.MALFORMED_JSON, "the record has no value (a tombstone)")
    try:
        return jiter.from_json(
            value, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError as error:
        raise ContractError(Code.MALFORMED_JSON, str(error)) from error


def not_xml(value: bytes, model: BaseModel) -> str | None:
    """Find a text of the model with a character that XML cannot contain.

    Args:
        value: The bytes from which the model was read.
        model: The event or setting.

    Returns:
        The path of the text and the problem, in words; None if there is no such text.
    """
    if not ((b"\\" in value and b"\\u" in value) or b"\xef" in value):
        return None  # control characters occur in JSON only as escapes, U+FFFE and U+FFFF also as bytes from EF on
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
    """Describe a validation error by field and problem, never by the value, which may be a secret."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    words = [f"{'.'.join(map(str, one['loc']))}: {_said(one)}" for one in found[:_ERRORS_SHOWN]]
    more = len(found) - _ERRORS_SHOWN
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


def _said(error: ErrorDetails) -> str:
    return "its kind is none of those known" if error["type"] == _TAG_UNKNOWN else error["msg"]
