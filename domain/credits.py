"""Documents below zero: AR adjustments (credit memos) or AP adjustments (vendor credits), where the setting allows it.

Sage takes an adjustment's amounts all positive or all negative, not mixed (Sage developer documentation,
accounts-payable/ap-adjustments; the page of AR adjustments says that a negative amount creates a credit memo, and
nothing of a mixture, so that both sides are read alike). A document below zero with lines of both signs is therefore
refused: to net its lines would book other amounts than the document says. Lines below zero within a document that is
not itself below zero stay as they are.
"""

from collections.abc import Iterable
from decimal import Decimal

from domain.categories import Side
from domain.codes import Code
from domain.outcomes import Rejected
from domain.settings import ConnectionSetting


def objection(side: Side, total: Decimal, amounts: Iterable[Decimal], setting: ConnectionSetting) -> Rejected | None:
    """Why a document of this total and these lines cannot go as a credit; None if it can, or is none.

    Args:
        side: AR or AP.
        total: The document's, in units of its currency.
        amounts: Its lines', signs as they are to be booked.
        setting: The connection's.
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
