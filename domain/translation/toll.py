"""`toll.transaction.created` -> AP bill with one line, for the vendor of the toll provider.

Alvys's articles disagree whether tolls are bills or lines on bills; see `domain.translation.fuel`. Whether the amount
of a toll includes its fee is not documented. So only the amount is booked, never more than the provider states. The
fee is named in the memo, for people who compare the bill with the provider's statement.
"""

from datetime import datetime

from domain.attributes import AttributeName, Attributes, attributes
from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.toll import Toll, TollData
from domain.events.withdrawn import WithdrawnTollData
from domain.line_categories import TOLL
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.load_facts import pair
from domain.translation.refusal import Refusal
from domain.translation.texts import flat, hashed_number, key_part, phrase


def key_of(data: TollData | WithdrawnTollData) -> str:
    """Build the document key `toll/{toll.id}`."""
    return f"toll/{key_part(data.toll.id)}"


def read(data: TollData, key: str, emitted_at: datetime) -> SourceDocument:
    """Translate a toll transaction into a source document, an AP bill.

    A toll that is deducted from a driver has `deducted` set and is not booked as a bill.

    Args:
        data: The data of the event.
        key: The document key (`key_of`).
        emitted_at: The emission time of the event, which counts as the creation time.

    Raises:
        Refusal: The document contradicts itself, or names no provider.
    """
    toll = data.toll
    if not toll.source:
        raise Refusal(Code.PARTY_UNNAMED, "the toll names no provider")
    amounts = check(toll.amount, [toll.amount])
    description = _description(toll)
    around = _facts(data)
    return SourceDocument(
        kind=SourceKind.TOLL,
        key=key,
        side=Side.AP,
        subsidiary_id=toll.subsidiary_id,
        number=hashed_number(toll.transaction_id, toll.id),
        party=PartyRef(kind=PartyKind.VENDOR, provider=toll.source),
        created_at=emitted_at,
        date=toll.transaction_date,
        due=toll.transaction_date,
        terms=RequestedTerms(due_given=False),
        currency=amounts.currency,
        total=amounts.total,
        lines=(
            SourceLine(
                TOLL.category,
                TOLL.item,
                amounts.total,
                flat(phrase(description, _fee(toll))),
                toll.transaction_id or None,
                around,
            ),
        ),
        description=flat(description),
        reference=toll.transaction_id or None,
        deducted=data.deduct_toll,
        facts=around,
    )


def _facts(data: TollData) -> Attributes:
    """Build the facts of the toll. The unit number counts as the truck number.

    It is part of the description, so it already is content.
    """
    toll = data.toll
    known = (
        *pair(AttributeName.SUBSIDIARY, toll.subsidiary_name or toll.subsidiary_id),
        *pair(AttributeName.TRUCK, toll.unit_number),
    )
    return attributes(known, pair(AttributeName.FLEET, data.fleet))


def _description(toll: Toll) -> str:
    unit = f"unit {toll.unit_number}" if toll.unit_number else None
    return phrase(toll.source, "toll", toll.transaction_date.isoformat(), toll.agency, toll.exit_plaza_name, unit)


def _fee(toll: Toll) -> str | None:
    if toll.fee is None or not toll.fee.amount:
        return None
    return f"fee {toll.fee.amount.normalize():f} not booked"
