"""From a record's bytes to the event of its topic."""

from typing import TypeAlias

from pydantic import ValidationError

from domain.codes import Code
from domain.events.daily_bill import DailyBillClosed
from domain.events.envelope import FORMER_TYPES, EventKind
from domain.events.fuel import FuelTransactionCreated
from domain.events.invoice import InvoiceCreated
from domain.events.settlement import SettlementFinalized
from domain.events.toll import TollTransactionCreated
from domain.events.wire import ContractError, in_words, not_xml, parse
from domain.events.withdrawn import FIELD, WITHDRAWN, WithdrawnEvent, says_withdrawn

Event: TypeAlias = (
    InvoiceCreated
    | SettlementFinalized
    | FuelTransactionCreated
    | TollTransactionCreated
    | DailyBillClosed
    | WithdrawnEvent
)

VERSION = "v1"
_WHOLE: dict[EventKind, type[Event]] = {
    EventKind.INVOICE: InvoiceCreated,
    EventKind.SETTLEMENT: SettlementFinalized,
    EventKind.FUEL: FuelTransactionCreated,
    EventKind.TOLL: TollTransactionCreated,
    EventKind.DAILY_BILL: DailyBillClosed,
}
_KINDS = frozenset(kind.value for kind in EventKind)


def decode(kind: EventKind, value: bytes | None) -> Event:
    """Decode the event of one record.

    Args:
        kind: The event type of the record's topic.
        value: The bytes of the record; None for a record without a value, which is refused.

    Returns:
        The event. Every required field is present, and every field that is read has its type.

    Raises:
        ContractError: `MALFORMED_JSON`, `SCHEMA_VIOLATION`, `WRONG_TOPIC`, `UNKNOWN_TYPE` or `UNKNOWN_VERSION`.
    """
    raw = parse(value)
    if not isinstance(raw, dict):
        raise ContractError(Code.SCHEMA_VIOLATION, "the event is not a JSON object")
    _check_type(kind, raw.get("type"))
    _check_version(raw.get("version"))
    model = _model(kind, raw)
    try:
        event = model.model_validate(raw)
    except ValidationError as error:
        raise ContractError(Code.SCHEMA_VIOLATION, in_words(error)) from None
    if value is not None and (wrong := not_xml(value, event)) is not None:
        raise ContractError(Code.SCHEMA_VIOLATION, wrong)
    return event


def _model(kind: EventKind, raw: dict[str, object]) -> type[Event]:
    if not says_withdrawn(raw):
        return _WHOLE[kind]
    if (model := WITHDRAWN.get(kind)) is None:
        raise ContractError(Code.SCHEMA_VIOLATION, f"data.{FIELD}: the bill of a day is not withdrawn, its rows are")
    return model


def _check_type(kind: EventKind, found: object) -> None:
    if found == kind.value:
        return
    if not isinstance(found, str):
        raise ContractError(Code.SCHEMA_VIOLATION, "type: is not a string")
    if FORMER_TYPES.get(found) is kind:
        return
    if found in _KINDS or found in FORMER_TYPES:
        raise ContractError(Code.WRONG_TOPIC, f"the type is {found}, this topic carries {kind.value}")
    raise ContractError(Code.UNKNOWN_TYPE, f"this topic carries {kind.value}")


def _check_version(found: object) -> None:
    if found == VERSION:
        return
    if not isinstance(found, str):
        raise ContractError(Code.SCHEMA_VIOLATION, "version: is not a string")
    raise ContractError(Code.UNKNOWN_VERSION, f"this service reads {VERSION}")
