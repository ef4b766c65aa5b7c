"""One record of a source topic, read: whose document it is, which revision, and the document or why it is none."""

from dataclasses import dataclass
from datetime import UTC, datetime

from domain.documents import SourceDocument
from domain.emission import Emitted
from domain.events import (
    CarrierBillData,
    CarrierStatementData,
    DriverStatementData,
    EventKind,
    FuelData,
    FuelDayData,
    IntercompanyBillData,
    InvoiceData,
    TollData,
    TollDayData,
    decode,
)
from domain.outcomes import Rejected
from domain.reading import (
    carrier_bill,
    carrier_statement,
    driver_statement,
    fuel,
    intercompany_bill,
    invoice,
    roadside_day,
    toll,
)
from domain.reading.refusal import Refusal
from domain.reading.revision import revision_of, revision_of_raw

SettlementData = DriverStatementData | CarrierStatementData | CarrierBillData | IntercompanyBillData
EventData = InvoiceData | SettlementData | FuelData | TollData | FuelDayData | TollDayData


@dataclass(frozen=True, slots=True)
class Received:
    """What a record says."""

    event_id: str
    event_type: str
    key: str
    """The document key: the same over all revisions of one document, and different between any two documents."""
    subsidiary_id: str
    revision: str
    document: SourceDocument | Rejected
    emitted: Emitted | None = None
    """When; None where only the claim of a call is left of the event."""


def receive(kind: EventKind, value: bytes | None) -> Received:
    """Read one record of the topic that carries `kind`.

    Args:
        kind: The topic's event type.
        value: The record's bytes; None is a tombstone.

    Returns:
        The reading; `document` is `Rejected` where the event is whole but its document contradicts itself.

    Raises:
        ContractError: The bytes are no event of this topic; they belong to the dead letters.
    """
    event = decode(kind, value)
    data = event.data
    key, subsidiary_id = _identity(data)
    document: SourceDocument | Rejected
    try:
        document = _read(data, key, event.timestamp)
        revision = revision_of(document)
    except Refusal as refusal:
        document = refusal.rejected
        revision = revision_of_raw(data)
    emitted = Emitted(event.timestamp.astimezone(UTC), event.id)
    return Received(event.id, kind.value, key, subsidiary_id, revision, document, emitted)


def _identity(data: EventData) -> tuple[str, str]:
    match data:
        case InvoiceData():
            return invoice.key_of(data), data.subsidiary.id
        case FuelData():
            return fuel.key_of(data), data.fuel.subsidiary_id
        case TollData():
            return toll.key_of(data), data.toll.subsidiary_id
        case FuelDayData() | TollDayData():
            return roadside_day.key_of(data), data.subsidiary_id
        case _:
            return _identity_of_settlement(data)


def _identity_of_settlement(data: SettlementData) -> tuple[str, str]:
    match data:
        case DriverStatementData():
            return driver_statement.key_of(data), data.statement.driver.subsidiary_id
        case CarrierStatementData():
            return carrier_statement.key_of(data), data.statement.subsidiary_id
        case CarrierBillData():
            return carrier_bill.key_of(data), data.subsidiary.id
        case IntercompanyBillData():
            return intercompany_bill.key_of(data), data.subsidiary.id


def _read(data: EventData, key: str, emitted_at: datetime) -> SourceDocument:
    match data:
        case InvoiceData():
            return invoice.read(data, key)
        case FuelData():
            return fuel.read(data, key, emitted_at)
        case TollData():
            return toll.read(data, key, emitted_at)
        case FuelDayData() | TollDayData():
            return roadside_day.read(data, key, emitted_at)
        case _:
            return _read_settlement(data, key, emitted_at)


def _read_settlement(data: SettlementData, key: str, emitted_at: datetime) -> SourceDocument:
    match data:
        case DriverStatementData():
            return driver_statement.read(data, key, emitted_at)
        case CarrierStatementData():
            return carrier_statement.read(data, key, emitted_at)
        case CarrierBillData():
            return carrier_bill.read(data, key, emitted_at)
        case IntercompanyBillData():
            return intercompany_bill.read(data, key, emitted_at)
