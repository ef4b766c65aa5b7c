"""A fuel or toll transaction as an AP bill with one line, for the vendor of the card or toll provider.

Alvys's prerequisites article has fuel and tolls as AP bills; its article "How to Connect Sage Intacct to Alvys and
Configure Settings" has them as lines on AP bills.
"""

from dataclasses import dataclass
from datetime import date, datetime

from domain.attributes import AttributeName, Attributes, Pair, attributes
from domain.categories import Side
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.fields import Money
from domain.events.fuel import Fuel
from domain.events.toll import Toll
from domain.lines.line_categories import CategoryItem
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.load_facts import pair
from domain.translation.texts import flat, hashed_number


@dataclass(frozen=True, slots=True)
class ProviderTransaction:
    """The parts of a transaction in which fuel and tolls differ."""

    kind: SourceKind
    row: Fuel | Toll
    provider: str
    amount: Money
    place: CategoryItem
    description: str
    memo: str
    deducted: bool
    """True if the cost is deducted from a driver, so that the transaction is not booked as a bill."""
    facts: Attributes

    def to_document(self, key: str, emitted_at: datetime) -> SourceDocument:
        """Build the source document.

        Args:
            key: The document key.
            emitted_at: The emission time of the event, which counts as the creation time.

        Raises:
            Refusal: The amount cannot be booked, or no number can be made of the transaction id.
        """
        row, facts = self.row, self.facts
        amounts = check(self.amount, [self.amount])
        reference = row.transaction_id or None
        line = SourceLine(self.place.category, self.place.item, amounts.total, flat(self.memo), reference, facts)
        day: date = row.transaction_date
        return SourceDocument(
            kind=self.kind,
            key=key,
            side=Side.AP,
            subsidiary_id=row.subsidiary_id,
            number=hashed_number(row.transaction_id, row.id),
            party=PartyRef(kind=PartyKind.VENDOR, provider=self.provider),
            created_at=emitted_at,
            date=day,
            due=day,
            terms=RequestedTerms(due_given=False),
            currency=amounts.currency,
            total=amounts.total,
            lines=(line,),
            description=flat(self.description),
            reference=reference,
            deducted=self.deducted,
            facts=facts,
        )


def facts_of(row: Fuel | Toll, truck: str | None, content: tuple[Pair, ...]) -> Attributes:
    """Build the facts of a transaction. The truck is part of the description, so it already is content.

    Args:
        row: The transaction.
        truck: The number of the truck.
        content: The facts that the document does not hold otherwise.
    """
    subsidiary = pair(AttributeName.SUBSIDIARY, row.subsidiary_name or row.subsidiary_id)
    return attributes((*subsidiary, *pair(AttributeName.TRUCK, truck)), content)
