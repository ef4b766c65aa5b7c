"""The two documents this gateway posts, and in what they differ."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["AR", "AP"]


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """An AR invoice or an AP bill: its objects, its party, its payments, and what Sage calls it."""

    side: Side
    noun: str
    header: str
    line: str
    lines: str  # the element that holds the lines in a generic create
    party: str
    payment: str
    payment_detail: str
    module: str

    @property
    def party_id(self) -> str:
        """The column with the id of the customer or vendor."""
        return f"{self.party}ID"


INVOICE = DocumentKind(
    "AR", "Invoice", "ARINVOICE", "ARINVOICEITEM", "ARINVOICEITEMS", "CUSTOMER", "ARPYMT", "ARPYMTDETAIL", "4.AR"
)
BILL = DocumentKind("AP", "Bill", "APBILL", "APBILLITEM", "APBILLITEMS", "VENDOR", "APPYMT", "APPYMTDETAIL", "3.AP")
KINDS = {kind.side: kind for kind in (INVOICE, BILL)}
BY_HEADER = {kind.header: kind for kind in (INVOICE, BILL)}
