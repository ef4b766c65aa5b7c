"""The record on `sage-payments`: one fact about a payment of a document, or a change of that fact; key = document key.

The latest record of each `paymentId` is the current state. Amounts are decimal text in the currency of the document.
docs/contract.md uses the same names.
"""

from datetime import datetime
from decimal import Decimal

import orjson

from domain.money import BASE_MINOR_UNITS, MINOR_UNITS
from domain.payments import DocumentBalance, PaymentFact
from domain.text import single_line

SCHEMA = 1


def encode(fact: PaymentFact, balance: DocumentBalance | None, polled_at: datetime) -> bytes:
    """Encode a payment fact as a record value: JSON in UTF-8; a value that Sage does not give is null.

    Args:
        fact: The fact to publish.
        balance: The balance of the document in Sage; None if it was not read.
        polled_at: The time at which Sage was polled.
    """
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
            "memo": single_line(fact.memo) or None,
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


def _balance(balance: DocumentBalance, currency: str) -> dict[str, str]:
    return {
        "total": amount_text(balance.total, currency),
        "paid": amount_text(balance.paid, currency),
        "due": amount_text(balance.due, currency),
    }


def amount_text(amount: Decimal, currency: str) -> str:
    """Write an amount with the decimals of its currency, or with more if Sage gave more; nothing is rounded."""
    places = MINOR_UNITS.get(currency, BASE_MINOR_UNITS)
    exponent = amount.normalize().as_tuple().exponent
    most = max(places, -exponent if isinstance(exponent, int) else places)
    return f"{amount or abs(amount):.{most}f}"
