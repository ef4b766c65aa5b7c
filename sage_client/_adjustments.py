"""Rendering of credits: `create_aradjustment` (credit memo) and `create_apadjustment` (vendor credit).

The order of the elements is that of Sage's schema (v3.0/api.xsd) and of its official SDKs.

The sign of the amounts: "Use a positive number to create a debit memo or a negative number to create a credit memo",
and "amounts must be all positive or all negative, not mixed" (Sage developer documentation, accounts-receivable/
ar-adjustments and accounts-payable/ap-adjustments). So the negative amounts of a credit are sent unchanged.
Integrations in production also send negative vendor credits, and recognise credit memos by a negative total.
docs/decisions/0035-credits-are-adjustments.md describes how a company checks this before it switches the setting on.

An adjustment has no due date and no term. Our marker is always in the description: the schema of an AR adjustment has
no custom fields, and a custom field of invoices and bills need not exist on adjustments.

Corrections: Sage documents `create`, `update` and `delete` of adjustments, but no function that reverses one. Neither
the two pages, nor the schema, nor the SDKs have such a function; only a person can reverse an adjustment (help:
Adjustments, Reverse). Deleting or updating a posted adjustment would leave no trace in the books. So a changed credit
is refused with a code of its own (`CREDIT_CHANGED`), unless the setting `correctPostedBy` of the connection is
`deletion`.
"""

from collections.abc import Iterable

from domain import lengths
from domain.documents import Document, SageObject
from sage_client._error_categories import ExchangeLevel
from sage_client._text import legacy_currency, prose, required_text, split_date
from sage_client.errors import RequestInvalidError


def create_adjustment(document: Document, party_id: str, description: str, lines: Iterable[str]) -> str:
    """Render the function that creates an adjustment, as XML text.

    Args:
        document: A document with a negative total.
        party_id: The Sage id of the customer or vendor.
        description: The description, with our marker.
        lines: The `lineitem` elements, rendered like those of an invoice, because their elements have the same order.

    Raises:
        RequestInvalidError: The document cannot be sent unchanged. The domain refuses such documents earlier.
    """
    if any(line.amount > 0 for line in document.lines):
        raise RequestInvalidError(f"lines of {document.number!r} are not all below zero", level=ExchangeLevel.LOCAL)
    receivable = document.sage_object is SageObject.AR_ADJUSTMENT
    name, party, items = (
        ("create_aradjustment", "customerid", "aradjustmentitems")
        if receivable
        else ("create_apadjustment", "vendorid", "apadjustmentitems")
    )
    reference = prose(document.reference or "", "reference", lengths.NUMBER)
    return "".join(
        (
            f"<{name}><{party}>{required_text(party_id, party)}</{party}>",
            f"<datecreated>{split_date(document.date)}</datecreated>",
            f"<dateposted>{split_date(document.posting_date)}</dateposted>" if document.posting_date else "",
            f"<adjustmentno>{required_text(document.number, 'document number', lengths.NUMBER)}</adjustmentno>",
            f"<action>{'Draft' if document.draft else 'Submit'}</action>",
            # An AR adjustment has a field for the invoice that it adjusts, but none for a PO number.
            f"<billno>{reference}</billno>" if reference and not receivable else "",
            f"<description>{prose(description, 'description', lengths.DESCRIPTION)}</description>",
            legacy_currency(document.stated_currency),
            f"<{items}>",
            *lines,
            f"</{items}></{name}>",
        )
    )
