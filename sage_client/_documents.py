"""Rendering of documents: `create_invoice` for an AR invoice, `create` of APBILL for an AP bill.

Invoices use the legacy function, the only one documented for creating them. Its elements must have the order of Sage's
schema (v3.0/api.xsd; Sage developer documentation, accounts-receivable/invoices). Bills use the generic function
(accounts-payable/bills). `onhold` and `batchkey` are never sent, because the schema and the official SDKs disagree
about them. `_adjustments` renders documents with a negative total.

The XML is written as text, not built as a tree: for an invoice of five lines this takes half the time that lxml needs.
Every value passes through `_text`, and the tests read the bytes back with lxml.
"""

from domain import lengths
from domain.documents import Document, DocumentLine, SageObject
from domain.idempotency import marker
from sage_client._adjustments import create_adjustment
from sage_client._attributes import generic_fields, generic_line, header_fields, legacy_fields, legacy_line
from sage_client._error_categories import ExchangeLevel
from sage_client._text import amount, clean, escape, legacy_currency, prose, required_text, split_date, us_date
from sage_client.errors import RequestInvalidError


def described(document: Document, marker_field: str | None = None) -> str:
    """Build the description of a document, with our marker at its end unless a custom field holds the marker."""
    words = clean(document.description)
    if marker_field is not None:
        return words
    mark = marker(document.source.key)
    return f"{words} {mark}" if words else mark


def render(document: Document, party_id: str, marker_field: str | None = None) -> str:
    """Render the function that creates a document, as XML text.

    Args:
        document: The document.
        party_id: The Sage id of the customer or vendor.
        marker_field: The custom field for our marker; None: the marker is put in the description.

    Raises:
        RequestInvalidError: The document cannot be sent unchanged: its lines do not add up, its number would have to
            be cut, or an id has characters that XML cannot contain. The domain refuses such documents earlier; this is
            the last check.
    """
    if not document.lines or sum(line.amount for line in document.lines) != document.total:
        raise RequestInvalidError(f"lines of {document.number!r} do not add up to its total", level=ExchangeLevel.LOCAL)
    if document.due < document.date and not document.sage_object.adjusts:
        raise RequestInvalidError(f"{document.number!r} is due before its own date", level=ExchangeLevel.LOCAL)
    if document.sage_object.adjusts:
        lines = (_invoice_line(line) for line in document.lines)
        return create_adjustment(document, party_id, described(document), lines)
    if document.sage_object is SageObject.AR_INVOICE:
        return _create_invoice(document, party_id, marker_field)
    return _create_bill(document, party_id, marker_field)


def _create_invoice(document: Document, party_id: str, marker_field: str | None) -> str:
    return "".join(
        (
            "<create_invoice>",
            f"<customerid>{required_text(party_id, 'customer id')}</customerid>",
            f"<datecreated>{split_date(document.date)}</datecreated>",
            f"<dateposted>{split_date(document.posting_date)}</dateposted>" if document.posting_date else "",
            f"<datedue>{split_date(document.due)}</datedue>",
            f"<termname>{escape(document.term.used)}</termname>" if document.term else "",
            f"<action>{_action(document)}</action>",
            f"<invoiceno>{required_text(document.number, 'document number', lengths.NUMBER)}</invoiceno>",
            _optional("ponumber", document.reference, lengths.REFERENCE),
            f"<description>{_description(document, marker_field)}</description>",
            legacy_currency(document.stated_currency),
            # The schema places this element directly before the lines.
            legacy_fields(header_fields(document.custom, marker_field, marker(document.source.key))),
            "<invoiceitems>",
            *[_invoice_line(line) for line in document.lines],
            "</invoiceitems></create_invoice>",
        )
    )


def _invoice_line(line: DocumentLine) -> str:
    return (
        f"<lineitem><glaccountno>{required_text(line.account, 'GL account')}</glaccountno>"
        f"<amount>{amount(line.amount)}</amount>"
        f"{_optional('memo', line.memo, lengths.MEMO)}{legacy_line(line)}</lineitem>"
    )


def _create_bill(document: Document, party_id: str, marker_field: str | None) -> str:
    return "".join(
        (
            "<create><APBILL>",
            f"<VENDORID>{required_text(party_id, 'vendor id')}</VENDORID>",
            f"<WHENCREATED>{us_date(document.date)}</WHENCREATED>",
            f"<WHENPOSTED>{us_date(document.posting_date)}</WHENPOSTED>" if document.posting_date else "",
            f"<WHENDUE>{us_date(document.due)}</WHENDUE>",
            f"<TERMNAME>{escape(document.term.used)}</TERMNAME>" if document.term else "",
            f"<RECORDID>{required_text(document.number, 'document number', lengths.NUMBER)}</RECORDID>",
            _optional("DOCNUMBER", document.reference, lengths.REFERENCE),
            f"<DESCRIPTION>{_description(document, marker_field)}</DESCRIPTION>",
            _currency(document.stated_currency),
            f"<ACTION>{_action(document)}</ACTION>",
            # A custom field is an element of its own in a generic function (accounts-payable/bills).
            generic_fields(header_fields(document.custom, marker_field, marker(document.source.key))),
            "<APBILLITEMS>",
            *[_bill_line(line) for line in document.lines],
            "</APBILLITEMS></APBILL></create>",
        )
    )


def _bill_line(line: DocumentLine) -> str:
    return (
        f"<APBILLITEM><ACCOUNTNO>{required_text(line.account, 'GL account')}</ACCOUNTNO>"
        f"<TRX_AMOUNT>{amount(line.amount)}</TRX_AMOUNT>{_optional('ENTRYDESCRIPTION', line.memo, lengths.MEMO)}"
        f"{generic_line(line)}</APBILLITEM>"
    )


def _action(document: Document) -> str:
    return "Draft" if document.draft else "Submit"


def _optional(tag: str, text: str | None, limit: int) -> str:
    words = prose(text, tag, limit) if text else ""
    return f"<{tag}>{words}</{tag}>" if words else ""


def _description(document: Document, marker_field: str | None) -> str:
    return prose(described(document, marker_field), "description", lengths.DESCRIPTION)


def _currency(currency: str | None) -> str:
    """Render the currency of a bill. An empty rate type means "Intacct Daily Rate", as in `legacy_currency`."""
    return f"<CURRENCY>{required_text(currency, 'currency')}</CURRENCY><EXCH_RATE_TYPE_ID/>" if currency else ""
