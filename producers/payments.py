"""The record on `sage-payments`: one fact about a payment and a document, or what became of it; key = document key.

Folding records by `paymentId`, the last one wins, gives the present truth. Amounts are decimal text in the document's
currency. docs/contract.md has the same names.
"""

from datetime import datetime
from decimal import Decimal

import orjson

from domain.money import BASE_MINOR_UNITS, MINOR_UNITS
from domain.payments import Balance, Fact
from domain.words import one_line

SCHEMA = 1


def encode(fact: Fact, balance: Balance | None, polled_at: datetime) -> bytes:
    """The record's value: JSON in UTF-8; what Sage does not say is null."""
    document = fact.document
    return orjson.dumps(
        {
            "schema": SCHEMA,
            "paymentId": fact.payment_id,
            "kind": fact.kind,
            "documentKey": document.key,
            "subsidiaryId": document.subsidiary_id,
            "connection": {"companyId": document.company_id, "entityId": document.entity_id},
            "document": {
                "object": document.object,
                "recordNo": document.record_no,
                "number": document.number,
                "party": document.party_id,
            },
            "amount": amount_text(fact.amount, fact.currency),
            "currency": fact.currency or None,
            "date": fact.date or None,
            "method": fact.method or None,
            "checkNumber": fact.check_number or None,
            "reference": fact.reference or None,
            "memo": one_line(fact.memo) or None,
            "documentState": balance.state if balance else None,
            "balance": _balance(balance, fact.currency) if balance else None,
            "source": {
                "object": fact.source_object,
                "recordNo": fact.detail_no or None,
                "paymentRecordNo": fact.payment_no or None,
                "state": fact.state or None,
                "modified": fact.modified or None,
            },
            "polledAt": polled_at,
        }
    )


def _balance(balance: Balance, currency: str) -> dict[str, str]:
    return {
        "total": amount_text(balance.total, currency),
        "paid": amount_text(balance.paid, currency),
        "due": amount_text(balance.due, currency),
    }


def amount_text(amount: Decimal, currency: str) -> str:
    """The amount with the currency's decimals, or with more where Sage gave more: nothing is rounded."""
    places = MINOR_UNITS.get(currency, BASE_MINOR_UNITS)
    exponent = amount.normalize().as_tuple().exponent
    most = max(places, -exponent if isinstance(exponent, int) else places)
    return f"{amount or abs(amount):.{most}f}"
