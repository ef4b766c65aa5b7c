"""All payment facts in the database, for an audit that compares them with the reported payments."""

from typing import TypedDict

from simulator.database import Database, Row
from simulator.fields import decimal_text, shown
from simulator.kinds import KINDS, SageDocumentKind, Side
from simulator.payments.model import POSTED, SOURCES, parts_of


class Detail(TypedDict):
    """A detail row. `final`: it is posted, so it counts. `amounts` are decimal texts by part, without zero parts."""

    company: str
    side: Side
    recordno: int
    payment: int
    document: int
    amounts: dict[str, str]
    sources: dict[str, int]
    state: str
    final: bool
    date: str
    modified: str
    method: str
    number: str
    memo: str


class Balance(TypedDict):
    """A document that can be paid, with its paid, due and selected amounts."""

    company: str
    side: Side
    recordno: int
    number: str
    total: str
    paid: str
    due: str
    selected: str
    state: str


class Facts(TypedDict):
    """The payment facts of some companies."""

    details: list[Detail]
    documents: list[Balance]


def facts(database: Database, companies: list[str]) -> Facts:
    """List the payment details and balances of these companies, by company, side and record number."""
    details: list[Detail] = []
    documents: list[Balance] = []
    for company in companies:
        for kind in KINDS.values():
            headers = {row["RECORDNO"]: row for row in database.find(kind.payment, company)}
            rows = database.find(kind.payment_detail, company)
            details += [_detail(kind, row, headers[row["PAYMENTKEY"]]) for row in rows]
            documents += [_balance(kind, row) for row in database.find(kind.header, company)]
    return Facts(details=details, documents=documents)


def _detail(kind: SageDocumentKind, row: Row, header: Row) -> Detail:
    return Detail(
        company=row["COMPANY"],
        side=kind.side,
        recordno=row["RECORDNO"],
        payment=row["PAYMENTKEY"],
        document=row["RECORDKEY"],
        amounts={name: decimal_text(amount) for name, amount in parts_of(kind.side, row).items()},
        sources={name: row[column] for name, column in SOURCES[kind.side].items() if row[column] is not None},
        state=row["STATE"],
        final=row["RAWSTATE"] in POSTED,
        date=row["PAYMENTDATE"],
        modified=shown("timestamp", row["WHENMODIFIED"]),
        method=header["PAYMENTMETHOD"] or "",
        number=header["DOCNUMBER"] or "",
        memo=header["DESCRIPTION"] or "",
    )


def _balance(kind: SageDocumentKind, row: Row) -> Balance:
    return Balance(
        company=row["COMPANY"],
        side=kind.side,
        recordno=row["RECORDNO"],
        number=row["RECORDID"] or "",
        total=decimal_text(row["TOTALENTERED"]),
        paid=decimal_text(row["TOTALPAID"]),
        due=decimal_text(row["TOTALDUE"]),
        selected=decimal_text(row["TOTALSELECTED"]),
        state=row["STATE"],
    )
