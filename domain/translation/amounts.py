"""Checks of a document's money: one currency, exact amounts, lines that add up to the total.

No amount is ever recomputed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain import lengths
from domain.codes import Code
from domain.events.fields import Money
from domain.money import BASE_MINOR_UNITS, CURRENCIES, SAGE_DECIMALS, exact
from domain.translation.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Amounts:
    """The checked amounts of one document, each with exactly the decimals of the currency.

    `currency` is None if the event names none, which means the company's base currency.
    """

    currency: str | None
    total: Decimal
    lines: tuple[Decimal, ...]


def check(total: Money, lines: Sequence[Money]) -> Amounts:
    """Check the lines against the total (promise 3: never a guess with money).

    A missing currency next to a given one counts as two currencies: only the company's settings know which currency is
    meant, and booking euros as dollars is worse than asking. A document without lines is refused even if its total is
    zero, because an empty document is more likely a mistake of its producer than a fact.

    Args:
        total: The total of the event, which is booked unchanged.
        lines: The amounts of the lines, in order, with the signs that are booked.

    Returns:
        The checked amounts.

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
    """Write an amount with exactly the decimals of its currency, and check that Sage can hold it.

    Sage holds two decimals and 14 characters. A third decimal that is not zero, such as in dinars, is refused, because
    Sage rounds each line and the total would change.
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
