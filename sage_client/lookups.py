"""What is looked up in Sage: documents by number and party."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from domain.documents import SageObject
from domain.identity import markers_in
from sage_client._kinds import Level
from sage_client._reply import Row
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
"""Characters: what is longer is no id of Sage's, and would not fit where it is kept."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """A document as a look-up names it: by number and party, for numbers may be unique per party only."""

    object: SageObject
    number: str
    party_id: str

    def query(self, marker_field: str | None = None) -> Query:
        """Everything in Sage under that number and party, with the custom field that holds our marker, if one does.

        The field is read, not filtered by: custom fields are not indexed (web-services/queries). Adjustments are not
        asked for it: their marker stands in the description.
        """
        party = _PARTY_FIELD[self.object]
        where = AllOf((equal("RECORDID", self.number), equal(party, self.party_id)))
        own = (marker_field,) if marker_field is not None and not self.object.adjusts else ()
        return Query(self.object, (party, *_DOCUMENT_FIELDS, *own), where, optional=_MORE)


@dataclass(frozen=True, slots=True)
class Found:
    """A document in Sage. It may be somebody else's: our marker, then `total`, tell."""

    record_no: str
    number: str
    party_id: str
    state: str
    """Sage's label, such as Draft, Posted, Partially Paid, Paid, Reversed."""
    total: Decimal
    """As entered, in the document's own currency; below zero for a credit, as it was sent."""
    description: str
    date: str
    """WHENCREATED, the document's date, `mm/dd/yyyy`."""
    created: str
    """AUWHENCREATED, when it was entered."""
    modified: str
    """WHENMODIFIED, whose time zone Sage does not name."""
    mark: str = ""
    """What the custom field for our marker holds, where one is set up."""

    def bears(self, marker: str) -> bool:
        """Whether it carries the marker, in its field or in the description: a field may have been set up since."""
        return marker in self.mark or marker in self.description

    def anothers(self, marker: str) -> bool:
        """Whether it carries the marker of another document, and not this one."""
        return not self.bears(marker) and bool(markers_in(self.mark) or markers_in(self.description))

    @property
    def reversed(self) -> bool:
        """Whether it was reversed or voided, or reverses another one, so that it is worth nothing."""
        return worth_nothing(self.state)

    @property
    def reversal(self) -> bool:
        """Whether it is the transaction that Sage added when another one was reversed; it is nobody's document."""
        return self.state.strip().lower() == "reversal"


def worth_nothing(state: str) -> bool:
    """Whether Sage's label says that a document was reversed or voided.

    "Reversed" is a label that is known, and "Reversal", of the transaction that Sage adds to reverse one; any that
    begin like them count, and "Voided", which AP payments have.
    """
    return state.strip().lower().startswith(("revers", "void"))


def found(key: DocumentKey, row: Row, marker_field: str | None = None) -> Found:
    """One row of the look-up.

    Raises:
        UnavailableError: The row has no record number or no readable total; it must not pass for a look-up.
    """
    record_no = row.get("RECORDNO", "").strip()
    text = row.get("TRX_TOTALENTERED", "").strip() or row.get("TOTALENTERED", "").strip()
    try:
        total = Decimal(text)
    except InvalidOperation:
        total = Decimal("NaN")
    if not 0 < len(record_no) <= LONGEST_ID or not total.is_finite():
        raise UnavailableError(f"a row of {key.object} lacks its record number or its total", level=Level.RESULT)
    return Found(
        record_no=record_no,
        number=row.get("RECORDID", ""),
        party_id=row.get(_PARTY_FIELD[key.object], ""),
        state=row.get("STATE", ""),
        total=total,
        description=row.get("DESCRIPTION", ""),
        date=row.get("WHENCREATED", ""),
        created=row.get("AUWHENCREATED", ""),
        modified=row.get("WHENMODIFIED", ""),
        mark=row.get(marker_field, "") if marker_field is not None else "",
    )
