"""A credit as the function that creates it: `create_aradjustment` (credit memo), `create_apadjustment` (vendor credit).

The order of their elements is that of Sage's schema (v3.0/api.xsd) and of its official SDKs. The sign: "Use a positive
number to create a debit memo or a negative number to create a credit memo", and "amounts must be all positive or all
negative, not mixed" (Sage developer documentation, accounts-receivable/ar-adjustments and accounts-payable/
ap-adjustments). So a credit's amounts go out as the document has them, below zero; integrations in production send
vendor credits below zero too, and read credit memos back by a total below zero. How a tenant makes sure of it before
the setting is switched on: docs/decisions/0035-credits-are-adjustments.md.

An adjustment has neither due date nor term. Our marker always stands in the description: the schema of an AR adjustment
has no custom fields, and a field that was set up for invoices and bills need not be there on adjustments.

Corrections. Sage documents `create`, `update` and `delete` of adjustments and no function that reverses one: neither
the two pages, nor the schema, nor the SDKs have it; a person can (help: Adjustments, Reverse). To delete or to update
in place what is posted would leave no trace in the books of what stood there, so an adjustment whose document changed
is refused by its own code (`CREDIT_CHANGED`), unless the connection's `correctPostedBy` says that it is deleted.
"""

from collections.abc import Iterable

from domain import lengths
from domain.documents import Document, SageObject
from sage_client._kinds import Level
from sage_client._text import exact, legacy_currency, prose, split_date
from sage_client.errors import RequestInvalidError


def create_adjustment(document: Document, party_id: str, description: str, lines: Iterable[str]) -> str:
    """The function's element, as XML text.

    Args:
        document: A document below zero.
        party_id: The customer or vendor.
        description: With our marker.
        lines: Its `lineitem` elements, written as those of an invoice: they have the same order.

    Raises:
        RequestInvalidError: It cannot be sent as it is; the domain refuses such documents before.
    """
    if any(line.amount > 0 for line in document.lines):
        raise RequestInvalidError(f"lines of {document.number!r} are not all below zero", level=Level.LOCAL)
    receivable = document.sage_object is SageObject.AR_ADJUSTMENT
    name, party, items = (
        ("create_aradjustment", "customerid", "aradjustmentitems")
        if receivable
        else ("create_apadjustment", "vendorid", "apadjustmentitems")
    )
    reference = prose(document.reference or "", "reference", lengths.NUMBER)
    return "".join(
        (
            f"<{name}><{party}>{exact(party_id, party)}</{party}>",
            f"<datecreated>{split_date(document.date)}</datecreated>",
            f"<dateposted>{split_date(document.posting_date)}</dateposted>" if document.posting_date else "",
            f"<adjustmentno>{exact(document.number, 'document number', lengths.NUMBER)}</adjustmentno>",
            f"<action>{'Draft' if document.draft else 'Submit'}</action>",
            # An AR adjustment has a place for the invoice that it is about, and none for a PO number.
            f"<billno>{reference}</billno>" if reference and not receivable else "",
            f"<description>{prose(description, 'description', lengths.DESCRIPTION)}</description>",
            legacy_currency(document.stated_currency),
            f"<{items}>",
            *lines,
            f"</{items}></{name}>",
        )
    )
