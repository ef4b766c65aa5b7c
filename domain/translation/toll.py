"""`toll.transaction.created` -> AP bill with one line, for the vendor of the toll provider.

Whether the amount of a toll includes its fee is not documented. So only the amount is booked, never more than the
provider states. The fee is named in the memo, for people who compare the bill with the provider's statement.
"""

from datetime import datetime

from domain.attributes import AttributeName
from domain.codes import Code
from domain.documents import SourceDocument, SourceKind
from domain.events.toll import Toll, TollData
from domain.events.withdrawn import WithdrawnTollData
from domain.lines.line_categories import TOLL
from domain.translation.load_facts import pair
from domain.translation.provider_transaction import ProviderTransaction, facts_of
from domain.translation.refusal import Refusal
from domain.translation.texts import key_part, phrase


def key_of(data: TollData | WithdrawnTollData) -> str:
    """Build the document key `toll/{toll.id}`."""
    return f"toll/{key_part(data.toll.id)}"


def subsidiary_of(data: TollData | WithdrawnTollData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.toll.subsidiary_id


def to_document(data: TollData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a toll transaction into a source document, an AP bill.

    The unit number counts as the truck number.

    Raises:
        Refusal: The document contradicts itself, or names no provider.
    """
    toll = data.toll
    if not toll.source:
        raise Refusal(Code.PARTY_UNNAMED, "the toll names no provider")
    description = _description(toll)
    return ProviderTransaction(
        kind=SourceKind.TOLL,
        row=toll,
        provider=toll.source,
        amount=toll.amount,
        place=TOLL,
        description=description,
        memo=phrase(description, _fee(toll)),
        deducted=data.deduct_toll,
        facts=facts_of(toll, toll.unit_number, pair(AttributeName.FLEET, data.fleet)),
    ).to_document(key, emitted_at)


def _description(toll: Toll) -> str:
    unit = f"unit {toll.unit_number}" if toll.unit_number else None
    return phrase(toll.source, "toll", toll.transaction_date.isoformat(), toll.agency, toll.exit_plaza_name, unit)


def _fee(toll: Toll) -> str | None:
    if toll.fee is None or not toll.fee.amount:
        return None
    return f"fee {toll.fee.amount.normalize():f} not booked"
