"""JSON bytes to Python values without losing a cent: a number becomes the Decimal (or int) that was written.

Binary floats cannot hold 0.1, so the parser is jiter, which reads JSON numbers as Decimal. It also refuses what JSON
leaves open and money cannot afford: duplicate keys, NaN, infinities, endless nesting, bytes that are not UTF-8.
"""

import jiter
from pydantic import ValidationError

from domain.codes import Code

_ERRORS_SHOWN = 3


class ContractError(Exception):
    """A record that breaks the contract; it goes to the dead letters, untouched.

    Attributes:
        code: One of the dead letter codes of `domain.codes`.
        detail: Which field or byte, in words; never the value itself, which may be a secret.
    """

    def __init__(self, code: Code, detail: str) -> None:
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


def in_words(error: ValidationError) -> str:
    """Where and what, never the value: it may be anything, a secret included."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    words = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:_ERRORS_SHOWN]]
    more = len(found) - _ERRORS_SHOWN
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")
