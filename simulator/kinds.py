"""The kinds of documents that the gateway posts, and how they differ."""

from dataclasses import dataclass, replace
from typing import Literal

Side = Literal["AR", "AP"]


@dataclass(frozen=True, slots=True)
class SageDocumentKind:
    """A kind of document (AR invoice, AP bill, adjustment): Sage's names of its objects, party, payments, functions."""

    side: Side
    noun: str
    header: str
    line: str
    lines: str  # the element that holds the lines in a generic create
    party: str
    payment: str
    payment_detail: str
    module: str
    function: str
    """The suffix of its object-specific functions, such as `create_invoice`."""
    adjusts: bool = False
    """Whether it is an adjustment: it has no due date and terms, its amounts have one sign, it is never reversed."""

    @property
    def party_id(self) -> str:
        """The column with the id of the customer or vendor."""
        return f"{self.party}ID"


INVOICE = SageDocumentKind(
    "AR",
    "Invoice",
    "ARINVOICE",
    "ARINVOICEITEM",
    "ARINVOICEITEMS",
    "CUSTOMER",
    "ARPYMT",
    "ARPYMTDETAIL",
    "4.AR",
    "invoice",
)
BILL = SageDocumentKind(
    "AP", "Bill", "APBILL", "APBILLITEM", "APBILLITEMS", "VENDOR", "APPYMT", "APPYMTDETAIL", "3.AP", "bill"
)


def _adjustment(like: SageDocumentKind) -> SageDocumentKind:
    header = f"{like.side}ADJUSTMENT"
    return replace(
        like,
        noun=f"{like.side} adjustment",
        header=header,
        line=f"{header}ITEM",
        lines=f"{header}ITEMS",
        function=header.lower(),
        adjusts=True,
    )


AR_ADJUSTMENT, AP_ADJUSTMENT = _adjustment(INVOICE), _adjustment(BILL)
KINDS = {kind.side: kind for kind in (INVOICE, BILL)}
ALL = (INVOICE, BILL, AR_ADJUSTMENT, AP_ADJUSTMENT)
BY_HEADER = {kind.header: kind for kind in ALL}
BY_FUNCTION = {kind.function: kind for kind in ALL}
