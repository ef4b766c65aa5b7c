"""The document's money: one currency, exact amounts, lines that add up to the total. Nothing is ever recomputed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain import lengths
from domain.codes import Code
from domain.events.fields import Money
from domain.money import BASE_MINOR_UNITS, CURRENCIES, SAGE_DECIMALS, exact
from domain.reading.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Amounts:
    """Checked money of one document, every amount with exactly the currency's decimals."""

    currency: str | None
    total: Decimal
    lines: tuple[Decimal, ...]


def check(total: Money, lines: Sequence[Money]) -> Amounts:
    """Hold the lines against the total (promise 3: never a guess with money).

    A currency that is null beside one that is set counts as two: only the company's settings know what null stands for,
    and booking euros as dollars is worse than asking. A document without lines is refused even if its total is zero:
    an empty document is more likely a fault of its sender than a fact.

    Args:
        total: What the event says is due; it is booked as it stands.
        lines: The lines' amounts, in their order, signs as they are to be booked.

    Raises:
        Refusal: `CURRENCIES_MIXED`, `CURRENCY_UNKNOWN`, `AMOUNT_TOO_FINE`, `AMOUNT_TOO_LARGE`, `NO_LINES` or
            `LINES_DO_NOT_ADD_UP`.
    """
    number = total.currency
    for line in lines:
        if line.currency != number:
            raise Refusal(Code.CURRENCIES_MIXED, f"the total is in {_name(number)}, a line in {_name(line.currency)}")
    currency = None if number is None else CURRENCIES.get(number)
    if number is not None and currency is None:
        raise Refusal(Code.CURRENCY_UNKNOWN, f"the currency number is {number}")
    places = BASE_MINOR_UNITS if currency is None else currency.minor_units
    due = _exact(total.amount, places)
    amounts = tuple([_exact(line.amount, places) for line in lines])
    if not amounts:
        raise Refusal(Code.NO_LINES, f"the total is {due}, and there are no lines")
    added = sum(amounts, Decimal(0))
    if added != due:
        raise Refusal(Code.LINES_DO_NOT_ADD_UP, f"the lines add up to {added}, the total is {due}")
    return Amounts(None if currency is None else currency.letters, due, amounts)


def _exact(amount: Decimal, places: int) -> Decimal:
    """The amount with just the currency's decimals, as Sage can hold it: two decimals, 14 characters.

    A third decimal, of a dinar, is refused where it says anything: Sage rounds it, line by line, and the total is
    another one.
    """
    cents = exact(amount, SAGE_DECIMALS)
    if len(f"{amount if cents is None else cents:f}".partition(".")[0]) > lengths.AMOUNT - SAGE_DECIMALS - 1:
        raise Refusal(Code.AMOUNT_TOO_LARGE, f"{amount:f} has more than {lengths.AMOUNT} characters with its cents")
    found = exact(amount, places)
    if found is None:
        raise Refusal(Code.AMOUNT_TOO_FINE, f"{amount:f} has more than the {places} decimals of its currency")
    if cents is None:
        raise Refusal(Code.AMOUNT_TOO_FINE, f"{amount:f} has more than two decimals, which is all that Sage keeps")
    return found


def _name(number: int | None) -> str:
    if number is None:
        return "no currency"
    found = CURRENCIES.get(number)
    return f"currency {number}" if found is None else found.letters
