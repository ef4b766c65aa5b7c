"""Reading of payments from Sage: detail rows by change or by document, headers of payments, balances of documents.

This module can only read: its only access to Sage is a function that sends one `query` (and the `lookup` of its
object), so it cannot call any function that writes. Sources: Sage developer documentation,
accounts-receivable/ar-payments and accounts-payable/ap-payments; the columns are those that companies list.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

from domain.categories import Side
from domain.documents import SageObject
from domain.payments import (
    DocumentBalance,
    PaymentDetail,
    PaymentHeader,
    PaymentKind,
    adjustment,
    detail_object,
    moment,
    plain,
    side_of,
)
from sage_client._error_categories import ExchangeLevel
from sage_client._reply import SageRow, whole_number
from sage_client.errors import UnavailableError
from sage_client.login import Login
from sage_client.query import MAX_PAGE, STAMP, AnyOf, Changes, PageCursor, Query, one_of

Allow = Callable[[], None]
"""Function that is called before each request, and raises if the request may not be sent."""


class Page(Protocol):
    """Function that sends one query and returns a page of its rows, such as `SageClient.page`."""

    def __call__(
        self, login: Login, query: Query | Changes, after: int | None = None, *, allow: Allow
    ) -> Awaitable[tuple[list[SageRow], bool]]:
        """Return the rows of the page, and whether it is the last."""


PAGE = MAX_PAGE
NUMBERS = 1000
"""Most record numbers in one filter: as many as `in` accepts."""
_PAYMENT = "TRX_PAYMENTAMOUNT|PAYMENTAMOUNT"
_DISCOUNT = "TRX_DISCOUNTAMOUNT|DISCOUNTAMOUNT"
_ADJUSTMENT = "TRX_ADJUSTMENTAMOUNT|ADJUSTMENTAMOUNT"
_NEGATIVE = "TRX_NEGATIVEINVOICEAMOUNT|NEGATIVEINVOICEAMOUNT"
_INLINE = "TRX_INLINEAMOUNT|INLINEAMOUNT"
_ADVANCE = "TRX_POSTEDADVANCEAMOUNT|POSTEDADVANCEAMOUNT"
_OVERPAYMENT = "TRX_POSTEDOVERPAYMENTAMOUNT|POSTEDOVERPAYMENTAMOUNT"
_COLUMNS = {
    Side.AR: {
        PaymentKind.PAYMENT: (_PAYMENT,),
        PaymentKind.CREDIT: (_ADJUSTMENT, _NEGATIVE, _INLINE),
        PaymentKind.ADVANCE: (_ADVANCE,),
        PaymentKind.OVERPAYMENT: (_OVERPAYMENT,),
    },
    Side.AP: {
        PaymentKind.PAYMENT: (_PAYMENT,),
        PaymentKind.DISCOUNT: (_DISCOUNT,),
        PaymentKind.CREDIT: (_ADJUSTMENT, _INLINE),
        PaymentKind.ADVANCE: (_ADVANCE,),
    },
}
"""The columns of each way to settle, by side. The amount applied to a document is the sum of the columns.

AR rows have discount columns, but `query` refuses them. A discount on AR is visible only in the balance of the document
(docs/decisions/0053).
"""
_CREDITS = {
    Side.AR: (("ADJUSTMENTKEY", _ADJUSTMENT), ("NEGATIVEINVOICEKEY", _NEGATIVE), ("INLINEKEY", _INLINE)),
    Side.AP: (("ADJUSTMENTKEY", _ADJUSTMENT), ("INLINEKEY", _INLINE)),
}
"""The fields that name the document whose credit is used up, each with the column of the amount used."""
_NEEDED = ("RECORDKEY", "PAYMENTKEY", _PAYMENT)


def _optional(side: Side) -> tuple[str, ...]:
    keys = ("POSADJKEY", *(key for key, _ in _CREDITS[side]))
    columns = (each for columns in _COLUMNS[side].values() for each in columns if each != _PAYMENT)
    return (*keys, "PAYMENTDATE", "CURRENCY", "STATE", *columns)


_DETAIL = {side: _optional(side) for side in Side}
"""Columns that a company may lack. If a company lacks a way to settle, nothing is settled in that way."""
_SETTLED_OR_USED = {side: ("RECORDKEY", *(key for key, _ in _CREDITS[side][1:])) for side in Side}
"""The fields of a row that may name an invoice or bill."""
_HEADERS = {
    Side.AR: ("ARPYMT", ("DISPLAYSTATE/STATE",)),
    Side.AP: ("APPYMT", ("DISPLAYSTATE/STATE", "RAWSTATE")),
}
_HEADER = ("PAYMENTMETHOD", "DOCNUMBER", "RECORDID", "DESCRIPTION")
_BALANCE = ("STATE", "TRX_TOTALENTERED|TOTALENTERED", "TRX_TOTALPAID|TOTALPAID", "TRX_TOTALDUE|TOTALDUE")


@dataclass(frozen=True, slots=True)
class ChangedDetails:
    """A page of changed detail rows. `next` is the cursor for the next page; None: this page is the last."""

    details: list[PaymentDetail]
    next: PageCursor | None


class PaymentsReader:
    """Reads payments for the poller. Every method only reads.

    Every method raises `SageError` if Sage cannot be read, and any error that `allow` raises.

    Args:
        page: Sends one query and returns a page of it (`SageClient.page`).
        allow: Called before each request; it raises if the request may not be sent. So each request counts as one call.
    """

    def __init__(self, page: Page, allow: Allow) -> None:
        self._page = page
        self._allow = allow

    async def newest(self, login: Login, side: Side) -> str:
        """Read the timestamp of the detail row that was changed last; "" if there is no row."""
        query = Changes(detail_object(side), (), newest=True, page_size=1)
        rows, _ = await self._page(login, query, allow=self._allow)
        return _stamp(rows[0]) if rows else ""

    async def changed(
        self, login: Login, side: Side, since: str | None, after: PageCursor | None = None
    ) -> ChangedDetails:
        """Read one page of the detail rows that were changed at `since` or later, in the order of their changes.

        Args:
            login: The login whose session is used.
            side: AR or AP.
            since: A timestamp as Sage writes it; None: from the beginning.
            after: The cursor of the page before; None: the first page.
        """
        query = Changes(detail_object(side), _NEEDED, since, after, _DETAIL[side], page_size=PAGE)
        rows, last = await self._page(login, query, allow=self._allow)
        seen = after
        for row in rows:
            seen = _advanced(row, seen)
        return ChangedDetails([_detail(side, row) for row in rows], None if last else seen)

    async def details(self, login: Login, kind: SageObject, record_nos: Collection[str]) -> Iterator[PaymentDetail]:
        """Read all detail rows that settle these documents, or use up their credit."""
        side = side_of(kind)
        names = _SETTLED_OR_USED[side] if kind is plain(side) else ("POSADJKEY", "ADJUSTMENTKEY")
        rows: list[SageRow] = []
        for numbers in _parts(record_nos):
            where = AnyOf(tuple(one_of(name, numbers) for name in names))
            rows += await self._all(login, Query(detail_object(side), (STAMP, *_NEEDED), where, optional=_DETAIL[side]))
        return (_detail(side, row) for row in rows)

    async def headers(self, login: Login, side: Side, record_nos: Collection[str]) -> dict[str, PaymentHeader]:
        """Read the headers of payments by record number. Payments that the session may not see are left out."""
        rows: list[SageRow] = []
        for numbers in _parts(record_nos):
            name, states = _HEADERS[side]
            where = one_of("RECORDNO", numbers)
            rows += await self._all(login, Query(name, (), where, optional=(*states, *_HEADER)))
        return {
            row["RECORDNO"]: PaymentHeader(
                row["RECORDNO"],
                (row.get("DISPLAYSTATE") or row.get("STATE", "")).strip(),
                row.get("PAYMENTMETHOD", "").strip(),
                row.get("DOCNUMBER", "").strip(),
                row.get("RECORDID", "").strip(),
                row.get("DESCRIPTION", "").strip(),
                row.get("RAWSTATE", "").strip(),
            )
            for row in rows
        }

    async def balances(self, login: Login, kind: SageObject, record_nos: Collection[str]) -> dict[str, DocumentBalance]:
        """Read the balances of documents by record number. Documents that the session may not see are left out."""
        rows: list[SageRow] = []
        for numbers in _parts(record_nos):
            rows += await self._all(login, Query(kind, _BALANCE, one_of("RECORDNO", numbers)))
        return {row["RECORDNO"]: _balance(row) for row in rows}

    async def _all(self, login: Login, query: Query) -> list[SageRow]:
        rows: list[SageRow] = []
        after: int | None = None
        while True:
            page, last = await self._page(login, query, after, allow=self._allow)
            for row in page:
                number = whole_number(row.get("RECORDNO", ""))
                if number is None or (after is not None and number <= after):
                    raise _lacking(query.object, "record number, or the page its order")
                after = number
            rows += page
            if last:
                return rows


def _parts(record_nos: Collection[str]) -> Iterator[list[str]]:
    numbers = sorted(set(record_nos), key=int)
    for begin in range(0, len(numbers), NUMBERS):
        yield numbers[begin : begin + NUMBERS]


def _advanced(row: SageRow, seen: PageCursor | None) -> PageCursor:
    """Find the position of a row, and check that it follows `seen`, because a page out of order would lose rows."""
    mark = PageCursor(_stamp(row), row.get("RECORDNO", ""))
    if whole_number(mark.record_no) is None or (seen is not None and _place(mark) <= _place(seen)):
        raise UnavailableError(f"a page is not in the order of {STAMP}", level=ExchangeLevel.RESULT)
    return mark


def _place(mark: PageCursor) -> tuple[datetime, int]:
    return moment(mark.stamp), int(mark.record_no)


def _stamp(row: SageRow) -> str:
    stamp = row.get(STAMP, "").strip()
    try:
        moment(stamp)
    except ValueError:
        raise _lacking("a payment row", STAMP) from None
    return stamp


def _detail(side: Side, row: SageRow) -> PaymentDetail:
    amounts = {kind: sum((_amount(row, column) for column in columns), Decimal(0))
               for kind, columns in _COLUMNS[side].items()}  # fmt: skip
    credits_used = (
        (adjustment(side) if key == "ADJUSTMENTKEY" else plain(side), row.get(key, "").strip(), _amount(row, column))
        for key, column in _CREDITS[side]
    )
    return PaymentDetail(
        record_no=row["RECORDNO"],
        settles=row.get("RECORDKEY", "").strip(),
        settles_adjustment=row.get("POSADJKEY", "").strip(),
        payment_no=row.get("PAYMENTKEY", "").strip(),
        date=_date(row.get("PAYMENTDATE", "")),
        amounts={kind: amount for kind, amount in amounts.items() if amount},
        uses=tuple(each for each in credits_used if each[1] and each[2]),
        currency=row.get("CURRENCY", "").strip(),
        state=row.get("STATE", "").strip(),
        modified=row.get(STAMP, "").strip(),
    )


def _balance(row: SageRow) -> DocumentBalance:
    total, paid, due = (_amount(row, f"TRX_{name}|{name}", needed=True)
                        for name in ("TOTALENTERED", "TOTALPAID", "TOTALDUE"))  # fmt: skip
    return DocumentBalance(row["RECORDNO"], row.get("STATE", "").strip(), total, paid, due)


def _amount(row: SageRow, column: str, *, needed: bool = False) -> Decimal:
    text = next((found for name in column.split("|") if (found := row.get(name, "").strip())), "")
    if not text and not needed:
        return Decimal(0)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise _lacking("a row", f"readable {column}")
    return amount


def _date(text: str) -> str:
    """Convert `mm/dd/yyyy` to an ISO date; any other text stays as it is."""
    try:
        return datetime.strptime(text.strip()[:10], "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a calendar date
    except ValueError:
        return text.strip()


def _lacking(what: str, part: str) -> UnavailableError:
    return UnavailableError(f"{what} lacks its {part}", level=ExchangeLevel.RESULT)
