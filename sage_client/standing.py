"""What stands in Sage under a record number of ours: read before it is corrected, and to learn whether it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from domain.documents import SageObject
from sage_client._kinds import Level
from sage_client._reply import Row
from sage_client.errors import UnavailableError
from sage_client.lookups import worth_nothing
from sage_client.query import MAX_VALUES, Query, one_of

_FIELDS = (
    "RECORDID", "STATE", "DOCNUMBER", "CURRENCY", "WHENCREATED", "WHENPOSTED", "TRX_TOTALENTERED|TOTALENTERED",
    "TOTALPAID", "TOTALSELECTED",
)  # fmt: skip
"""All of them are needed: each may forbid a correction."""
_PARTY = {
    SageObject.AR_INVOICE: "CUSTOMERID",
    SageObject.AP_BILL: "VENDORID",
    SageObject.AR_ADJUSTMENT: "CUSTOMERID",
    SageObject.AP_ADJUSTMENT: "VENDORID",
}
_LINES = {SageObject.AR_INVOICE: "ARINVOICEITEM"}
"""Where the lines are that an update changes one by one."""
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
"""What a line may hold besides account and amount: read name to written name. A dimension that the company lacks is on
no line of it."""
PER_QUERY = 100
"""Record numbers of one query."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One document in Sage, by its record number."""

    record_no: str
    number: str
    party_id: str
    state: str
    """Sage's label, such as Draft, Posted, Partially Paid, Paid, Reversed."""
    total: Decimal
    """As entered, in the document's own currency."""
    paid: Decimal = Decimal(0)
    selected: Decimal = Decimal(0)
    """Of it, what is selected for payment."""
    reference: str = ""
    currency: str = ""
    day: date | None = None
    """When it counts in the books; None where Sage gave no date that can be read."""
    lines: tuple[frozenset[str], ...] | None = None
    """For a draft whose lines are updated one by one: of each, in order, the written names of the optional elements
    that hold something. None: not asked for, or not numbered from 1 on without a gap."""

    @property
    def reversed(self) -> bool:
        """Whether it was reversed or voided, so that it is worth nothing."""
        return worth_nothing(self.state)

    @property
    def draft(self) -> bool:
        """Whether it counts for nothing yet."""
        return self.state.strip().lower() == "draft"


def standing_queries(kind: SageObject, record_nos: Sequence[str]) -> list[Query]:
    """The documents with these record numbers, in as many queries as they need."""
    return [
        Query(kind, (_PARTY[kind], *_FIELDS), one_of("RECORDNO", record_nos[at : at + PER_QUERY]))
        for at in range(0, len(record_nos), min(PER_QUERY, MAX_VALUES))
    ]


def standing(kind: SageObject, row: Row) -> Standing:
    """One row of `standing_queries`.

    Raises:
        UnavailableError: The row has no readable total; it must not pass for a look-up.
    """
    total = _amount(row.get("TRX_TOTALENTERED", "").strip() or row.get("TOTALENTERED", ""))
    paid, selected = (_amount(row.get(name, "").strip() or "0") for name in ("TOTALPAID", "TOTALSELECTED"))
    if not all(each.is_finite() for each in (total, paid, selected)) or not row.get("STATE", "").strip():
        raise UnavailableError(f"a row of {kind} lacks its state or has an amount that is none", level=Level.RESULT)
    return Standing(
        row.get("RECORDNO", "").strip(),
        row.get("RECORDID", ""),
        row.get(_PARTY[kind], ""),
        row["STATE"].strip(),
        total,
        paid,
        selected,
        reference=row.get("DOCNUMBER", "").strip(),
        currency=row.get("CURRENCY", "").strip(),
        day=_day(row.get("WHENPOSTED", "")) or _day(row.get("WHENCREATED", "")),
    )


def line_queries(kind: SageObject, record_nos: Sequence[str]) -> list[Query]:
    """The lines of these documents, a query each; none where an update gives all lines anew."""
    if kind not in _LINES:
        return []
    more = tuple(_LINE_FIELDS)
    return [Query(_LINES[kind], ("LINE_NO",), one_of("RECORDKEY", (number,)), optional=more) for number in record_nos]


def lines(rows: Sequence[Row]) -> tuple[frozenset[str], ...] | None:
    """What the lines of one document hold, in their order; None if they are not numbered 1, 2, 3."""
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
