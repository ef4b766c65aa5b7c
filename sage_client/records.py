"""Records in Sage of our documents, by record number: read before a correction, and to find out whether it was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from domain.documents import SageObject
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow
from sage_client.errors import UnavailableError
from sage_client.lookups import is_void
from sage_client.query import MAX_VALUES, Query, one_of

_FIELDS = (
    "RECORDID", "STATE", "DOCNUMBER", "CURRENCY", "WHENCREATED", "WHENPOSTED", "TRX_TOTALENTERED|TOTALENTERED",
    "TOTALPAID", "TOTALSELECTED",
)  # fmt: skip
"""The needed fields: each of them may forbid a correction."""
_PARTY = {
    SageObject.AR_INVOICE: "CUSTOMERID",
    SageObject.AP_BILL: "VENDORID",
    SageObject.AR_ADJUSTMENT: "CUSTOMERID",
    SageObject.AP_ADJUSTMENT: "VENDORID",
}
_LINES = {SageObject.AR_INVOICE: "ARINVOICEITEM"}
"""The objects of lines, for documents whose update changes the lines one by one."""
_LINE_FIELDS = {
    "ENTRYDESCRIPTION": "memo",
    "LOCATIONID": "locationid",
    "DEPARTMENTID": "departmentid",
    "PROJECTID": "projectid",
    "CUSTOMERID": "customerid",
    "VENDORID": "vendorid",
    "EMPLOYEEID": "employeeid",
    "ITEMID": "itemid",
    "CLASSID": "classid",
    "CONTRACTID": "contractid",
    "WAREHOUSEID": "warehouseid",
}
"""Fields of a line besides account and amount: the name for reading, and the name for writing.

Lines have no value for a dimension that the company lacks.
"""
PER_QUERY = 100
"""Most record numbers of one query."""


@dataclass(frozen=True, slots=True)
class SageRecord:
    """The Sage record of one document, read by its record number."""

    record_no: str
    number: str
    party_id: str
    state: str
    """Sage's label, such as Draft, Posted, Partially Paid, Paid, Reversed."""
    total: Decimal
    """The total as entered, in the currency of the document."""
    paid: Decimal = Decimal(0)
    selected: Decimal = Decimal(0)
    """The part of `total` that is selected for payment, in the currency of the document."""
    reference: str = ""
    currency: str = ""
    gl_date: date | None = None
    """The date in the general ledger, else the document's date; None if Sage gave no date that can be read."""
    lines: tuple[frozenset[str], ...] | None = None
    """For a draft whose lines are updated one by one: the optional elements of each line that have a value, in order.

    The elements are given by their names for writing. None: the lines were not read, or are not numbered from 1 without
    gaps.
    """

    @property
    def reversed(self) -> bool:
        """Whether the record was reversed or voided, so that it has no effect in the books."""
        return is_void(self.state)

    @property
    def draft(self) -> bool:
        """Whether the record is a draft, which does not count in the books yet."""
        return self.state.strip().lower() == "draft"


def record_queries(kind: SageObject, record_nos: Sequence[str]) -> list[Query]:
    """Build the queries for the records with these record numbers, at most `PER_QUERY` in each."""
    return [
        Query(kind, (_PARTY[kind], *_FIELDS), one_of("RECORDNO", record_nos[at : at + PER_QUERY]))
        for at in range(0, len(record_nos), min(PER_QUERY, MAX_VALUES))
    ]


def record_of(kind: SageObject, row: SageRow) -> SageRecord:
    """Read one row of the answers to `record_queries`.

    Raises:
        UnavailableError: The row has no state, or an amount that cannot be read, so the look-up counts as failed.
    """
    total = _amount(row.get("TRX_TOTALENTERED", "").strip() or row.get("TOTALENTERED", ""))
    paid, selected = (_amount(row.get(name, "").strip() or "0") for name in ("TOTALPAID", "TOTALSELECTED"))
    if not all(each.is_finite() for each in (total, paid, selected)) or not row.get("STATE", "").strip():
        raise UnavailableError(
            f"a row of {kind} lacks its state or has an amount that is none", level=ExchangeLevel.RESULT
        )
    return SageRecord(
        row.get("RECORDNO", "").strip(),
        row.get("RECORDID", ""),
        row.get(_PARTY[kind], ""),
        row["STATE"].strip(),
        total,
        paid,
        selected,
        reference=row.get("DOCNUMBER", "").strip(),
        currency=row.get("CURRENCY", "").strip(),
        gl_date=_day(row.get("WHENPOSTED", "")) or _day(row.get("WHENCREATED", "")),
    )


def line_queries(kind: SageObject, record_nos: Sequence[str]) -> list[Query]:
    """Build one query per document for its lines; empty if an update of the object replaces all lines."""
    if kind not in _LINES:
        return []
    more = tuple(_LINE_FIELDS)
    return [Query(_LINES[kind], ("LINE_NO",), one_of("RECORDKEY", (number,)), optional=more) for number in record_nos]


def lines(rows: Sequence[SageRow]) -> tuple[frozenset[str], ...] | None:
    """List the optional elements of each line of one document, in order; None if the lines are not numbered 1, 2, 3."""
    numbered = {row.get("LINE_NO", "").strip(): row for row in rows}
    wanted = [str(number) for number in range(1, len(rows) + 1)]
    if set(numbered) != set(wanted):
        return None
    return tuple(
        frozenset(written for read, written in _LINE_FIELDS.items() if numbered[number].get(read, "").strip())
        for number in wanted
    )


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return Decimal("NaN")


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip()[:10], "%m/%d/%Y").date()  # noqa: DTZ007 - dates in Sage have no time zone
    except ValueError:
        return None
