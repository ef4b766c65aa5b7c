"""A record of a source topic as the document it is: the one reading that the worker, a forecast and a person share."""

from consumers.engine.surroundings import Receive
from domain.codes import Code
from domain.events import ContractError
from domain.reading import Received


def read(
    receive: Receive, key: bytes | None, value: bytes | None, *, any_record_key: bool, largest_event: int
) -> Received:
    """Read a record.

    Args:
        receive: Reads the events of its topic.
        key: The record's key.
        value: The record's value.
        any_record_key: Whether the key may be another than the document's.
        largest_event: Bytes that the value may have.

    Raises:
        ContractError: It breaks the contract; the code says how.
    """
    if (size := len(value or b"")) > largest_event:
        raise ContractError(Code.EVENT_TOO_LARGE, f"it has {size} bytes, {largest_event} are read")
    received = receive(value)
    if key != received.key.encode() and not any_record_key:
        raise ContractError(Code.WRONG_KEY, f"the record's key is {key!r}, its document's is {received.key!r}")
    return received
