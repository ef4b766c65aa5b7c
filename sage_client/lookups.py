"""Look-ups of documents in Sage: by number and party, and all of a kind."""

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from domain.documents import SageObject
from domain.idempotency import markers_in
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow
from sage_client.errors import UnavailableError
from sage_client.query import AllOf, Query, equal

_PARTY_FIELD = {
    SageObject.AR_INVOICE: "CUSTOMERID",
    SageObject.AR_ADJUSTMENT: "CUSTOMERID",
    SageObject.AP_BILL: "VENDORID",
    SageObject.AP_ADJUSTMENT: "VENDORID",
}
_DOCUMENT_FIELDS = ("RECORDID", "STATE", "TRX_TOTALENTERED|TOTALENTERED", "DESCRIPTION", "WHENCREATED")
_MORE = ("AUWHENCREATED", "WHENMODIFIED")

LONGEST_ID = 255
"""Most characters of an id. A longer text is not an id of Sage, and would not fit where ids are stored."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """The key of a look-up: object, number and party, because numbers may be unique per party only."""

    object: SageObject
    number: str
    party_id: str

    def query(self, marker_field: str | None = None) -> Query:
        """Build the query for all records in Sage with this number and party.

        Args:
            marker_field: The custom field for our marker; None if there is none. It is read, but not used as a filter,
                because custom fields are not indexed (web-services/queries). It is not read for adjustments, whose
                marker is in the description.
        """
        where = AllOf((equal("RECORDID", self.number), equal(_PARTY_FIELD[self.object], self.party_id)))
        return replace(every_document(self.object, marker_field), where=where)


def every_document(kind: SageObject, marker_field: str | None = None) -> Query:
    """Build the query for all records of a kind; `marker_field` as in `DocumentKey.query`."""
    own = (marker_field,) if marker_field is not None and not kind.adjusts else ()
    return Query(kind, (_PARTY_FIELD[kind], *_DOCUMENT_FIELDS, *own), optional=_MORE)


@dataclass(frozen=True, slots=True)
class Found:
    """A document found in Sage. It may not be ours: check the marker first, then `total`."""

    record_no: str
    number: str
    party_id: str
    state: str
    """Sage's label, such as Draft, Posted, Partially Paid, Paid, Reversed."""
    total: Decimal
    """The total as entered, in the currency of the document; negative for a credit, as it was sent."""
    description: str
    date: str
    """WHENCREATED, the document's date, `mm/dd/yyyy`."""
    created: str
    """AUWHENCREATED, when it was entered."""
    modified: str
    """WHENMODIFIED, whose time zone Sage does not name."""
    mark: str = ""
    """The value of the custom field for our marker; "" if no such field is configured."""

    def bears(self, marker: str) -> bool:
        """Whether the record has this marker, in the custom field or in the description.

        Both are checked, because the custom field may have been set up after the record was posted.
        """
        return marker in self.mark or marker in self.description

    def anothers(self, marker: str) -> bool:
        """Whether the record has the marker of another document, and not this one."""
        return not self.bears(marker) and bool(markers_in(self.mark) or markers_in(self.description))

    @property
    def reversed(self) -> bool:
        """Whether the record was reversed or voided, or is itself a reversal, so that it has no effect in the books."""
        return is_void(self.state)

    @property
    def reversal(self) -> bool:
        """Whether the record is the transaction that Sage adds to reverse another one. It belongs to no document."""
        return self.state.strip().lower() == "reversal"


def is_void(state: str) -> bool:
    """Whether Sage's label of the state means that a document was reversed or voided.

    The known labels are "Reversed", and "Reversal" for the transaction that Sage adds to reverse another one. All
    labels with the same beginning count, and so does "Voided", which AP payments have.
    """
    return state.strip().lower().startswith(("revers", "void"))


def found(kind: SageObject, row: SageRow, marker_field: str | None = None) -> Found:
    """Read one row of a look-up.

    Args:
        kind: The Sage object of the record.
        row: The row.
        marker_field: The custom field for our marker; None if there is none.

    Raises:
        UnavailableError: The row has no record number or no readable total, so the look-up counts as failed.
    """
    record_no = row.get("RECORDNO", "").strip()
    text = row.get("TRX_TOTALENTERED", "").strip() or row.get("TOTALENTERED", "").strip()
    try:
        total = Decimal(text)
    except InvalidOperation:
        total = Decimal("NaN")
    if not 0 < len(record_no) <= LONGEST_ID or not total.is_finite():
        raise UnavailableError(f"a row of {kind} lacks its record number or its total", level=ExchangeLevel.RESULT)
    return Found(
        record_no=record_no,
        number=row.get("RECORDID", ""),
        party_id=row.get(_PARTY_FIELD[kind], ""),
        state=row.get("STATE", ""),
        total=total,
        description=row.get("DESCRIPTION", ""),
        date=row.get("WHENCREATED", ""),
        created=row.get("AUWHENCREATED", ""),
        modified=row.get("WHENMODIFIED", ""),
        mark=row.get(marker_field, "") if marker_field is not None else "",
    )
