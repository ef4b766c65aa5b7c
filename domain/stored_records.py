"""How records that the service reads back are read: JSON in UTF-8 into the dataclasses that were written.

orjson writes dataclasses as they are, amounts as text. pydantic reads the bytes back into the same dataclasses, and
checks each field. So a record and its format are one declaration: a field that is added with a default is absent in
older records, which then have the default. `strict_part` is for parts in which an unknown field may not be ignored.
"""

from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from domain.events.wire import in_words

T = TypeVar("T")

strict_part = with_config(ConfigDict(extra="forbid"))
"""Decorates a dataclass: a stored part with a field that this version does not know cannot be read."""


class StoredRecordError(ValueError):
    """Error for bytes that this version cannot read. The text is the predicate of a sentence about the record."""


def read_stored(kind: TypeAdapter[T], value: bytes | None) -> T:
    """Read the value of a stored record.

    Args:
        kind: The type of the value: a dataclass whose `schema` is a literal number.
        value: The bytes; None for a record without a value, which is refused.

    Raises:
        StoredRecordError: The bytes are of another writer, or of a version with another schema.
    """
    try:
        return kind.validate_json(value or b"")
    except ValidationError as error:
        raise StoredRecordError(_reason(error)) from error


def _reason(error: ValidationError) -> str:
    for each in error.errors(include_url=False):
        if each["loc"] == ("schema",) and each["type"] == "literal_error":
            return f"has schema {each['input']!r}; this version reads {each['ctx']['expected']}"
    return f"is not one of ours: {in_words(error)}"
