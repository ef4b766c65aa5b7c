"""Translation of one record of a source topic: document key, revision, and the source document or its refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel

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
    WithdrawnDriverStatementData,
    WithdrawnFuelData,
    WithdrawnIntercompanyBillData,
    WithdrawnInvoiceData,
    WithdrawnTollData,
    decode,
)
from domain.outcomes import Rejected, Skipped
from domain.translation import (
    carrier_bill,
    carrier_statement,
    daily_bill,
    driver_statement,
    fuel,
    intercompany_bill,
    invoice,
    toll,
)
from domain.translation.refusal import Refusal
from domain.translation.revision import revision_of, revision_of_raw, revision_of_withdrawal


class DocumentKind(Protocol):
    """The functions that each module of this package offers which translates one kind of document."""

    def key_of(self, data: Any) -> str:
        """Build the document key, from the data of an event or of a withdrawal."""

    def subsidiary_of(self, data: Any) -> str:
        """The id of the subsidiary in whose books the document belongs, from the same data."""

    def to_document(self, data: Any, key: str, emitted_at: datetime) -> SourceDocument:
        """Translate the data of an event into a source document.

        Args:
            data: The data of the event.
            key: The document key.
            emitted_at: The emission time of the event, which counts as the creation time of a document without one.

        Raises:
            Refusal: The document contradicts itself.
        """


DOCUMENT_KINDS: Mapping[type[BaseModel], DocumentKind] = {
    InvoiceData: invoice,
    WithdrawnInvoiceData: invoice,
    DriverStatementData: driver_statement,
    WithdrawnDriverStatementData: driver_statement,
    CarrierStatementData: carrier_statement,
    WithdrawnCarrierStatementData: carrier_statement,
    CarrierBillData: carrier_bill,
    WithdrawnCarrierBillData: carrier_bill,
    IntercompanyBillData: intercompany_bill,
    WithdrawnIntercompanyBillData: intercompany_bill,
    FuelData: fuel,
    WithdrawnFuelData: fuel,
    TollData: toll,
    WithdrawnTollData: toll,
    FuelDayData: daily_bill,
    TollDayData: daily_bill,
}
"""The module that translates each type of `data` in an event."""


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
    translation = DOCUMENT_KINDS[type(data)]
    key, subsidiary_id = translation.key_of(data), translation.subsidiary_of(data)
    emitted = Emitted(event.timestamp.astimezone(UTC), event.id)
    if isinstance(data, Withdrawn):
        gone = revision_of_withdrawal(key)
        return ParsedRecord(event.id, kind.value, key, subsidiary_id, gone, _withdrawn(data), emitted)
    document: SourceDocument | Rejected
    try:
        document = translation.to_document(data, key, event.timestamp)
        revision = revision_of(document)
    except Refusal as refusal:
        document = refusal.rejected
        revision = revision_of_raw(data)
    return ParsedRecord(event.id, kind.value, key, subsidiary_id, revision, document, emitted)


def _withdrawn(data: Withdrawn) -> Skipped:
    reason = f": {data.withdrawn.reason}" if data.withdrawn.reason else ""
    return Skipped(Code.WITHDRAWN, f"withdrawn in Alvys{reason}")
