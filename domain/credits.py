"""Documents with a negative total: AR adjustments (credit memos) or AP adjustments (vendor credits).

A setting has to allow them. Sage accepts the amounts of an adjustment all positive or all negative, not mixed (Sage
developer documentation, accounts-payable/ap-adjustments). The page of AR adjustments says only that a negative amount
creates a credit memo, and nothing about mixed signs, so AR follows the same rule. A document with a negative total and
lines of both signs is therefore refused: netting its lines would book other amounts than the document states. Negative
lines of a document whose total is not negative stay as they are.
"""

from collections.abc import Iterable
from decimal import Decimal

from domain.categories import Side
from domain.codes import Code
from domain.outcomes import Rejected
from domain.settings.values import ConnectionSetting


def credit_objection(
    side: Side, total: Decimal, amounts: Iterable[Decimal], setting: ConnectionSetting
) -> Rejected | None:
    """The reason why a document cannot become a credit; None if it can, or if its total is not negative.

    Args:
        side: AR or AP.
        total: The total of the document, in units of its currency.
        amounts: The amounts of the lines, with the signs that are booked.
        setting: The connection of the subsidiary.
    """
    if total >= 0:
        return None
    if not (setting.ar.credit_memos if side is Side.AR else setting.ap.vendor_credits):
        name = "ar.creditMemos" if side is Side.AR else "ap.vendorCredits"
        return Rejected(Code.NEGATIVE_TOTAL, f"the total is {total}, and {name} is off")
    if added := [amount for amount in amounts if amount > 0]:
        return Rejected(
            Code.CREDIT_LINES_MIXED, f"the total is {total}, and {len(added)} lines are above zero, {added[0]} first"
        )
    return None
