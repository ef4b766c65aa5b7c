"""`invoice.created` -> AR invoice: number, customer, lines, and the loads' order and PO numbers."""

from datetime import datetime, timedelta
from decimal import Decimal

from domain.attributes import AttributeName, Attributes, Pair
from domain.categories import Side
from domain.documents import PartyKind, PartyRef, SourceDocument, SourceKind, SourceLine
from domain.events.invoice import InvoiceData, InvoiceLine
from domain.events.withdrawn import WithdrawnInvoiceData
from domain.lines.line_categories import for_invoice_line, is_deduction
from domain.terms import RequestedTerms
from domain.translation.amounts import check
from domain.translation.dates import terms
from domain.translation.load_facts import LoadAndTripFacts, pair
from domain.translation.mapped_category import named
from domain.translation.people import of_customer
from domain.translation.routing import agree, apart
from domain.translation.texts import different, document_number, flat, key_part, phrase


def key_of(data: InvoiceData | WithdrawnInvoiceData) -> str:
    """Build the document key `invoice/{invoice.id}`."""
    return f"invoice/{key_part(data.invoice.id)}"


def subsidiary_of(data: InvoiceData | WithdrawnInvoiceData) -> str:
    """The subsidiary in whose books the document belongs."""
    return data.subsidiary.id


def to_document(data: InvoiceData, key: str, _emitted_at: datetime) -> SourceDocument:
    """Translate an Alvys invoice into a source document, an AR invoice (requirement 2).

    Raises:
        Refusal: The document contradicts itself.
    """
    invoice, customer = data.invoice, data.customer
    _routed(data)
    amounts = check(invoice.total, [line.amount for line in invoice.line_items])
    date = invoice.invoiced_date or invoice.created_date.date()
    loads = data.loads or []
    around = LoadAndTripFacts(_known(data), loads=loads, trips=data.trips)
    return SourceDocument(
        kind=SourceKind.INVOICE if data.intercompany is None else SourceKind.INTERCOMPANY_INVOICE,
        key=key,
        side=Side.AR,
        subsidiary_id=data.subsidiary.id,
        number=document_number(invoice.number),
        number_given=invoice.number,
        party=_customer(data),
        created_at=invoice.created_date,
        date=date,
        due=invoice.due_date or date + timedelta(days=terms(customer.payment_terms_in_days)),
        currency=amounts.currency,
        total=amounts.total,
        lines=tuple(
            [
                _line(line, amount, around.line(line.load_number))
                for line, amount in zip(invoice.line_items, amounts.lines, strict=True)
            ]
        ),
        description=_description(invoice.line_items),
        order_numbers=different([load.order_number for load in loads]),
        po_numbers=different([load.po_number for load in loads]),
        profile=of_customer(customer),
        facts=around.document,
        terms=RequestedTerms(customer.payment_terms_in_days, due_given=invoice.due_date is not None),
    )


def _routed(data: InvoiceData) -> None:
    """Check the subsidiaries: Invoice As issues the customer's invoice; Tender As issues an intercompany invoice to it.

    Raises:
        Refusal: `ROUTING_CONTRADICTS` if the loads name another Invoice As, or if a subsidiary bills itself.
    """
    payer = data.subsidiary
    if data.intercompany is not None:
        payer = data.intercompany.subsidiary
        apart(data.subsidiary, payer)
    for load in data.loads or []:
        agree(payer, "loads[].invoiceAs", load.invoice_as)


def _customer(data: InvoiceData) -> PartyRef:
    customer = data.customer
    external_id = customer.external_accounting_id or None
    if data.intercompany is not None:
        return PartyRef(PartyKind.CUSTOMER, external_id, subsidiary_id=data.intercompany.subsidiary.id)
    names = [name for name in (customer.external_accounting_name, customer.name) if name]
    return PartyRef(PartyKind.CUSTOMER, external_id, tuple(names))


def _known(data: InvoiceData) -> tuple[Pair, ...]:
    """List the issuing subsidiary, the invoice date and the terms, which add no content (docs/decisions/0029)."""
    return (
        (AttributeName.SUBSIDIARY, data.subsidiary.name or data.subsidiary.id),
        *pair(AttributeName.INVOICED_DATE, data.invoice.invoiced_date),
        *pair(AttributeName.TERMS, data.customer.payment_terms_in_days),
    )


def _line(line: InvoiceLine, amount: Decimal, facts: Attributes) -> SourceLine:
    place = named(Side.AR, line.mapping) or for_invoice_line(line.category, line.name)
    load = line.load_number or None
    memo = flat(phrase(line.name or line.category, load and f"load {load}"))
    return SourceLine(place.category, place.item, amount, memo, load, facts, is_deduction(line.category))


def _description(lines: list[InvoiceLine]) -> str:
    loads = different(line.load_number for line in lines)
    if not loads:
        return ""
    return flat(phrase("Load" if len(loads) == 1 else "Loads", ", ".join(loads)))
