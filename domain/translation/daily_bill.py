"""`daily.bill.closed` -> consolidated AP bill for the provider's vendor, one line per transaction of the day."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.daily_bill import FuelDayData, FuelRow, TollDayData, TollRow
from domain.events.fields import Money
from domain.money import CURRENCIES
from domain.translation import fuel, toll
from domain.translation.amounts import check
from domain.translation.consolidated import consolidated_key, group_of
from domain.translation.refusal import Refusal
from domain.translation.texts import flat, hashed_number, phrase

DailyBillData = FuelDayData | TollDayData


def key_of(data: DailyBillData) -> str:
    """Build the document key `fuel-day/{subsidiary}/{provider}/{date}/{currency}`, or the same with `toll-day`."""
    number = data.total.currency
    known = None if number is None else CURRENCIES.get(number)
    currency = known.letters if known else number if number is None else str(number)
    return consolidated_key(_kind(data), data.subsidiary_id, data.provider, data.date, currency)


def subsidiary_of(data: DailyBillData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.subsidiary_id


def to_document(data: DailyBillData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a provider's day into a source document, a consolidated AP bill.

    A day without transactions is valid; it has nothing to book.

    Raises:
        Refusal: A transaction belongs to another bill, or the document contradicts itself.
    """
    rows = [_row(row) for row in data.rows]
    _belong(rows, key)
    lines = tuple([_named(line) for row in rows for line in row.lines])
    zero = [] if rows else [Money(amount=Decimal(0), currency=data.total.currency)]
    amounts = check(data.total, [_money(row) for row in data.rows] or zero)
    kind = _kind(data)
    day = data.date.isoformat()
    return SourceDocument(
        kind=kind,
        key=key,
        side=Side.AP,
        subsidiary_id=data.subsidiary_id,
        number=hashed_number(f"{day}-{data.provider}", key),
        party=PartyRef(kind=PartyKind.VENDOR, provider=data.provider),
        # Each row was checked against the activation when it was grouped. The latest time keeps all rows of the bill.
        created_at=max((row.created_at for row in rows), default=emitted_at),
        date=data.date,
        due=data.date,
        currency=amounts.currency,
        total=amounts.total,
        lines=lines,
        description=flat(phrase(data.provider, "fuel" if kind is SourceKind.FUEL_DAY else "toll", day)),
    )


def _kind(data: DailyBillData) -> SourceKind:
    return SourceKind.FUEL_DAY if isinstance(data, FuelDayData) else SourceKind.TOLL_DAY


def _row(row: FuelRow | TollRow) -> SourceDocument:
    if isinstance(row, FuelRow):
        return fuel.to_document(row, fuel.key_of(row), row.timestamp)
    return toll.to_document(row, toll.key_of(row), row.timestamp)


def _named(line: SourceLine) -> SourceLine:
    """Put the transaction number first in the memo of a line, because a consolidated bill has no reference for it."""
    return replace(line, memo=flat(phrase(line.reference, line.memo)))


def _money(row: FuelRow | TollRow) -> Money:
    return row.fuel.total if isinstance(row, FuelRow) else row.toll.amount


def _belong(rows: list[SourceDocument], key: str) -> None:
    for row in rows:
        if (group := group_of(row)) != key:
            raise Refusal(Code.CONSOLIDATED_BILL_INVALID, f"{row.key} belongs to {group}")
        if row.deducted:
            raise Refusal(Code.CONSOLIDATED_BILL_INVALID, f"{row.key} is deducted from a driver")
    if len({row.key for row in rows}) != len(rows):
        raise Refusal(Code.CONSOLIDATED_BILL_INVALID, "a row is there twice")
