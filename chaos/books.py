"""What stands in a gateway's books: one shape, whether the simulator's database or Sage's own `query` gave it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sage_client import Login, Query, SageClient

LINES = {
    "ARINVOICE": ("ARINVOICEITEM", "CUSTOMERID"),
    "APBILL": ("APBILLITEM", "VENDORID"),
}
"""The objects that are read, their lines, and the field of their party."""
REVERSAL = "Reversal"
"""The state of the transaction that Sage adds when a document is reversed: Sage's own, and nobody's document."""


@dataclass(frozen=True, slots=True)
class BookedDocument:
    """One document in the books. Lines are account and amount in cents, in their order."""

    company: str
    sage_object: str
    number: str
    party: str
    record_no: str
    cents: int
    lines: tuple[tuple[str, int], ...]
    state: str = "Posted"

    @property
    def reversed(self) -> bool:
        """Whether it is worth nothing any more."""
        return self.state.lower().startswith(("revers", "void"))

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What makes a document one document."""
        return self.company, self.sage_object, self.number, self.party


def of_simulator(documents: Sequence[Mapping[str, Any]]) -> list[BookedDocument]:
    """The answer of the simulator's `/admin/documents`, which is read from its database."""
    return [
        BookedDocument(
            company=each["company"],
            sage_object=each["kind"],
            number=each["number"],
            party=each["party_id"],
            record_no=str(each["recordno"]),
            cents=_cents(each["total"]),
            lines=tuple((line["account"], _cents(line["amount"])) for line in each["lines"]),
            state=each["state"],
        )
        for each in documents
        if each["state"] != REVERSAL
    ]


async def by_query(client: SageClient, logins: Sequence[Login]) -> list[BookedDocument]:
    """Read companies at their top level, entities included, with `query`: any gateway answers that.

    Raises:
        SageError: Something could not be read to its end.
    """
    found = []
    for login in logins:
        for sage_object, (line_object, party) in LINES.items():
            rows = await client.query(login, Query(sage_object, ("RECORDID", party, "TOTALENTERED", "STATE")))
            lines: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
            fields = ("RECORDKEY", "LINE_NO", "ACCOUNTNO", "AMOUNT")
            for row in await client.query(login, Query(line_object, fields)):
                line = (int(row["LINE_NO"]), row["ACCOUNTNO"], _cents(row["AMOUNT"]))
                lines[row["RECORDKEY"]].append(line)
            found += [
                BookedDocument(
                    company=login.company_id,
                    sage_object=sage_object,
                    number=row["RECORDID"],
                    party=row[party],
                    record_no=row["RECORDNO"],
                    cents=_cents(row["TOTALENTERED"]),
                    lines=tuple((account, cents) for _, account, cents in sorted(lines[row["RECORDNO"]])),
                    state=row["STATE"],
                )
                for row in rows
                if row["STATE"] != REVERSAL
            ]
    return found


def _cents(text: str) -> int:
    return int(Decimal(text) * 100)
