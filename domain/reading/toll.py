"""`toll.transaction.created` -> AP bill of one line to the toll provider's vendor (C14).

Whether a toll's amount includes its fee is not documented. The amount alone is booked, never more than the provider
states as the amount; a fee is named in the memo, for whoever compares the bill with the provider's statement.
"""

from datetime import datetime

from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.toll import Toll, TollData
from domain.facts import Fact, Facts, facts
from domain.lines import TOLL
from domain.reading.amounts import check
from domain.reading.around import pair
from domain.reading.refusal import Refusal
from domain.reading.texts import flat, hashed_number, key_part, phrase
from domain.terms import AskedTerms


def key_of(data: TollData) -> str:
    """`toll/{toll.id}`."""
    return f"toll/{key_part(data.toll.id)}"


def read(data: TollData, key: str, emitted_at: datetime) -> SourceDocument:
    """The AP bill that a toll is, unless it is deducted from a driver.

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
        terms=AskedTerms(due_given=False),
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


def _facts(data: TollData) -> Facts:
    """The unit's number, taken for the truck's, is part of the description, so content already."""
    toll = data.toll
    known = (*pair(Fact.SUBSIDIARY, toll.subsidiary_name or toll.subsidiary_id), *pair(Fact.TRUCK, toll.unit_number))
    return facts(known, pair(Fact.FLEET, data.fleet))


def _description(toll: Toll) -> str:
    unit = f"unit {toll.unit_number}" if toll.unit_number else None
    return phrase(toll.source, "toll", toll.transaction_date.isoformat(), toll.agency, toll.exit_plaza_name, unit)


def _fee(toll: Toll) -> str | None:
    if toll.fee is None or not toll.fee.amount:
        return None
    return f"fee {toll.fee.amount.normalize():f} not booked"
