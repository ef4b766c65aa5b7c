"""Payments as Sage has them: detail rows by change or by document, the payments' headers, the documents' balances.

Read-only by construction: what is given is a function that sends one `query` (and the `lookup` of its object) and
nothing else, so there is no way from here to any function that writes. Sources: api/accounts-receivable/ar-payments,
accounts-payable/ap-payments; the columns are those that companies list.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

from domain.categories import Side
from domain.documents import SageObject
from domain.payments import Balance, Detail, Header, PaymentKind, adjustment, detail_object, moment, plain, side_of
from sage_client._kinds import Level
from sage_client._reply import Row, whole_number
from sage_client.errors import UnavailableError
from sage_client.login import Login
from sage_client.query import MAX_PAGE, STAMP, AnyOf, Changes, Mark, Query, one_of

Allow = Callable[[], None]
"""Called before each request; raises if it may not be sent."""


class Page(Protocol):
    """Sends one query and returns a page of it: `SageClient.page`."""

    def __call__(
        self, login: Login, query: Query | Changes, after: int | None = None, *, allow: Allow
    ) -> Awaitable[tuple[list[Row], bool]]:
        """The rows, and whether they are the last."""


PAGE = MAX_PAGE
NUMBERS = 1000
"""Record numbers in one filter: as many as `in` takes."""
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
"""The columns of each way to settle, by side: what is applied to a document is their sum. AR rows have discount columns
that `query` refuses; a discount that was taken there is in the document's balance only (docs/decisions/0053)."""
_CREDITS = {
    Side.AR: (("ADJUSTMENTKEY", _ADJUSTMENT), ("NEGATIVEINVOICEKEY", _NEGATIVE), ("INLINEKEY", _INLINE)),
    Side.AP: (("ADJUSTMENTKEY", _ADJUSTMENT), ("INLINEKEY", _INLINE)),
}
"""The field that names the document whose credit is used up, and the column of how much of it."""
_NEEDED = ("RECORDKEY", "PAYMENTKEY", _PAYMENT)


def _optional(side: Side) -> tuple[str, ...]:
    keys = ("POSADJKEY", *(key for key, _ in _CREDITS[side]))
    columns = (each for columns in _COLUMNS[side].values() for each in columns if each != _PAYMENT)
    return (*keys, "PAYMENTDATE", "CURRENCY", "STATE", *columns)


_DETAIL = {side: _optional(side) for side in Side}
"""What of a row a company may lack: a way to settle that it does not have settles nothing there."""
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
    """A page of changed rows, and where the next one begins; None: this is the last."""

    details: list[Detail]
    next: Mark | None


class PaymentsReader:
    """What the poller may ask Sage. Every method only reads; each request counts as one call.

    Raises, every method: `SageError`, and whatever `allow` raises.
    """

    def __init__(self, page: Page, allow: Allow) -> None:
        self._page = page
        self._allow = allow

    async def newest(self, login: Login, side: Side) -> str:
        """The stamp of the row that was changed last; "" where there is none."""
        query = Changes(detail_object(side), (), newest=True, page_size=1)
        rows, _ = await self._page(login, query, allow=self._allow)
        return _stamp(rows[0]) if rows else ""

    async def changed(self, login: Login, side: Side, since: str | None, after: Mark | None = None) -> ChangedDetails:
        """One page of the rows that were changed at `since` or later, in the order of their changes."""
        query = Changes(detail_object(side), _NEEDED, since, after, _DETAIL[side], page_size=PAGE)
        rows, last = await self._page(login, query, allow=self._allow)
        seen = after
        for row in rows:
            seen = _advanced(row, seen)
        return ChangedDetails([_detail(side, row) for row in rows], None if last else seen)

    async def details(self, login: Login, kind: SageObject, record_nos: Collection[str]) -> Iterator[Detail]:
        """All rows that settle these documents, or use them up."""
        side = side_of(kind)
        names = _SETTLED_OR_USED[side] if kind is plain(side) else ("POSADJKEY", "ADJUSTMENTKEY")
        rows: list[Row] = []
        for numbers in _parts(record_nos):
            where = AnyOf(tuple(one_of(name, numbers) for name in names))
            rows += await self._all(login, Query(detail_object(side), (STAMP, *_NEEDED), where, optional=_DETAIL[side]))
        return (_detail(side, row) for row in rows)

    async def headers(self, login: Login, side: Side, record_nos: Collection[str]) -> dict[str, Header]:
        """The payments with these record numbers, as far as the session sees them."""
        rows: list[Row] = []
        for numbers in _parts(record_nos):
            name, states = _HEADERS[side]
            where = one_of("RECORDNO", numbers)
            rows += await self._all(login, Query(name, (), where, optional=(*states, *_HEADER)))
        return {
            row["RECORDNO"]: Header(
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

    async def balances(self, login: Login, kind: SageObject, record_nos: Collection[str]) -> dict[str, Balance]:
        """How these documents stand, as far as the session sees them."""
        rows: list[Row] = []
        for numbers in _parts(record_nos):
            rows += await self._all(login, Query(kind, _BALANCE, one_of("RECORDNO", numbers)))
        return {row["RECORDNO"]: _balance(row) for row in rows}

    async def _all(self, login: Login, query: Query) -> list[Row]:
        rows: list[Row] = []
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


def _advanced(row: Row, seen: Mark | None) -> Mark:
    """The row's place; a page out of order would let the next one skip."""
    mark = Mark(_stamp(row), row.get("RECORDNO", ""))
    if whole_number(mark.record_no) is None or (seen is not None and _place(mark) <= _place(seen)):
        raise UnavailableError(f"a page is not in the order of {STAMP}", level=Level.RESULT)
    return mark


def _place(mark: Mark) -> tuple[datetime, int]:
    return moment(mark.stamp), int(mark.record_no)


def _stamp(row: Row) -> str:
    stamp = row.get(STAMP, "").strip()
    try:
        moment(stamp)
    except ValueError:
        raise _lacking("a payment row", STAMP) from None
    return stamp


def _detail(side: Side, row: Row) -> Detail:
    amounts = {kind: sum((_amount(row, column) for column in columns), Decimal(0))
               for kind, columns in _COLUMNS[side].items()}  # fmt: skip
    credits_used = (
        (adjustment(side) if key == "ADJUSTMENTKEY" else plain(side), row.get(key, "").strip(), _amount(row, column))
        for key, column in _CREDITS[side]
    )
    return Detail(
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


def _balance(row: Row) -> Balance:
    total, paid, due = (_amount(row, f"TRX_{name}|{name}", needed=True)
                        for name in ("TOTALENTERED", "TOTALPAID", "TOTALDUE"))  # fmt: skip
    return Balance(row["RECORDNO"], row.get("STATE", "").strip(), total, paid, due)


def _amount(row: Row, column: str, *, needed: bool = False) -> Decimal:
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
    """`mm/dd/yyyy` as ISO; what is written otherwise stays as it is."""
    try:
        return datetime.strptime(text.strip()[:10], "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a calendar date
    except ValueError:
        return text.strip()


def _lacking(what: str, part: str) -> UnavailableError:
    return UnavailableError(f"{what} lacks its {part}", level=Level.RESULT)
