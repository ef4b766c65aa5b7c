"""Translation of one record of a source topic: document key, revision, and the source document or its refusal."""

from dataclasses import dataclass
from datetime import UTC, datetime

from domain.codes import Code
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
    Withdrawn,
    WithdrawnCarrierBillData,
    WithdrawnCarrierStatementData,
    WithdrawnData,
    WithdrawnDriverStatementData,
    WithdrawnFuelData,
    WithdrawnIntercompanyBillData,
    WithdrawnInvoiceData,
    WithdrawnSettlementData,
    WithdrawnTollData,
    decode,
)
from domain.outcomes import Rejected, Skipped
from domain.translation import (
    carrier_bill,
    carrier_statement,
    driver_statement,
    fuel,
    intercompany_bill,
    invoice,
    roadside_day,
    toll,
)
from domain.translation.refusal import Refusal
from domain.translation.revision import revision_of, revision_of_raw, revision_of_withdrawal

SettlementData = DriverStatementData | CarrierStatementData | CarrierBillData | IntercompanyBillData
EventData = InvoiceData | SettlementData | FuelData | TollData | FuelDayData | TollDayData


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """The content of a source record: key and revision of its document, and the document or the reason for none."""

    event_id: str
    event_type: str
    key: str
    """The document key: the same for all revisions of one document, and different for any two documents."""
    subsidiary_id: str
    revision: str
    document: SourceDocument | Rejected | Skipped
    """The document of the event.

    `Rejected`: the document contradicts itself. `Skipped` with `Code.WITHDRAWN`: it was withdrawn, so nothing is
    booked.
    """
    emitted: Emitted | None = None
    """The emission of the event; None if the claim of a call is all that is left of the event."""


def parse_record(kind: EventKind, value: bytes | None) -> ParsedRecord:
    """Translate one record of a source topic.

    Args:
        kind: The event type of the topic.
        value: The bytes of the record; None is a tombstone, which breaks the contract.

    Returns:
        The content of the record. Its `document` is `Rejected` if the event is valid but its document contradicts
        itself, and `Skipped` if the document was withdrawn.

    Raises:
        ContractError: The bytes are not a valid event of this topic. The record belongs to the dead letters.
    """
    event = decode(kind, value)
    data = event.data
    key, subsidiary_id = _identity(data)
    emitted = Emitted(event.timestamp.astimezone(UTC), event.id)
    if isinstance(data, Withdrawn):
        gone = revision_of_withdrawal(key)
        return ParsedRecord(event.id, kind.value, key, subsidiary_id, gone, _withdrawn(data), emitted)
    document: SourceDocument | Rejected
    try:
        document = _read(data, key, event.timestamp)
        revision = revision_of(document)
    except Refusal as refusal:
        document = refusal.rejected
        revision = revision_of_raw(data)
    return ParsedRecord(event.id, kind.value, key, subsidiary_id, revision, document, emitted)


def _withdrawn(data: Withdrawn) -> Skipped:
    reason = f": {data.withdrawn.reason}" if data.withdrawn.reason else ""
    return Skipped(Code.WITHDRAWN, f"withdrawn in Alvys{reason}")


def _identity(data: EventData | WithdrawnData) -> tuple[str, str]:
    match data:
        case InvoiceData() | WithdrawnInvoiceData():
            return invoice.key_of(data), data.subsidiary.id
        case FuelData() | WithdrawnFuelData():
            return fuel.key_of(data), data.fuel.subsidiary_id
        case TollData() | WithdrawnTollData():
            return toll.key_of(data), data.toll.subsidiary_id
        case FuelDayData() | TollDayData():
            return roadside_day.key_of(data), data.subsidiary_id
        case _:
            return _identity_of_settlement(data)


def _identity_of_settlement(data: SettlementData | WithdrawnSettlementData) -> tuple[str, str]:
    match data:
        case DriverStatementData() | WithdrawnDriverStatementData():
            return driver_statement.key_of(data), data.statement.driver.subsidiary_id
        case CarrierStatementData() | WithdrawnCarrierStatementData():
            return carrier_statement.key_of(data), data.statement.subsidiary_id
        case CarrierBillData() | WithdrawnCarrierBillData():
            return carrier_bill.key_of(data), data.subsidiary.id
        case IntercompanyBillData() | WithdrawnIntercompanyBillData():
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
