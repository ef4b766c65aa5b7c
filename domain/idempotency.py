"""Idempotency: the control id of a call, the marker of a document, and the hash of its content.

All of them stay the same for ever. When `uniqueid` is true, Sage refuses a function whose control id it has already
executed and completed (Sage developer documentation, web-services/requests). The control id is therefore a hash of the
call's purpose: the same document, revision and attempt give the same id in every process.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Context, Decimal

from domain.documents import CustomValue, Document, SourceKind
from domain.parties.matching import link_number

SEPARATOR = "\x1f"
_WIDE = Context(prec=64)


def control_id(company_id: str, entity_id: str | None, key: str, revision: str, operation: str, attempt: int) -> str:
    """Compute the control id of a function call: 64 hex digits.

    Args:
        company_id: The Sage company.
        entity_id: The Sage entity; None is the top level.
        key: The document key.
        revision: The revision of the document.
        operation: The function, such as a create or a reversal.
        attempt: The number of the attempt. It changes only after Sage definitely refused the one before.
    """
    parts = (company_id, entity_id or "", key, revision, operation, str(attempt))
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()


_MARKER = re.compile(r"alvys:[0-9a-f]{12}(?![0-9a-f])")


def marker(key: str) -> str:
    """Compute the marker of a document: `alvys:` and 12 hex digits, derived from the document key.

    The marker is written into the description of the Sage record, so that a look-up can tell our records from others.
    """
    return "alvys:" + hashlib.sha256(key.encode()).hexdigest()[:12]


def contents_of(document: Document) -> tuple[str, ...]:
    """List the content hashes that the Sage record may have: the one of this version, then that of earlier versions."""
    own, former = booked_content_hash(document), document.former
    if former is None:
        return (own,)
    return own, booked_content_hash(replace(document, number=former.number, reference=former.reference))


def markers_in(text: str) -> frozenset[str]:
    """Find all markers in a text from Sage, of this document or of others."""
    return frozenset(_MARKER.findall(text))


def booked_content_hash(document: Document) -> str:
    """Hash, in 32 hex digits, the content to book and its company and entity, before anything is looked up in Sage.

    Two revisions of equal content need no correction: they may differ, say, in a delivery date that no dimension and no
    custom field uses. Compute the hash before the number gets a suffix, the party is resolved, and the term is chosen.
    """
    connection, party, profile = document.connection, document.party, document.source.profile
    parts = [
        *(connection.company_id, connection.entity_id, document.sage_object, document.number, document.draft),
        *(party.kind, party.external_id, party.provider, party.subsidiary_id, *party.names),
        # A party without an External Accounting ID is found by these.
        *(() if party.external_id else (profile and profile.alvys_id, link_number(document.party_rules, profile))),
        document.source.terms.days,
        *(document.date, document.due, document.currency, document.total, document.reference, document.description),
        *((one.field, one.value) for one in document.custom),
    ]
    for line in document.lines:
        parts += (line.account, line.amount, line.memo, line.location_id)
        parts += [(one.dimension, one.value) for one in line.dimensions]
        parts += [(one.field, one.value) for one in line.custom]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def booked_of(document: Document, party_id: str) -> str:
    """Hash, in 32 hex digits, the state of Sage's books after the document is booked: same books, same hash.

    These make no difference (docs/decisions/0065): how the party was named or found, the order of the lines, letter
    case and white space of texts, zeros at the end of amounts, and the name of the payment term, because its effect is
    the due date. The number counts without the suffix that it is posted under.

    Args:
        document: The document, after its term was chosen.
        party_id: The Sage id of the customer or vendor.
    """
    connection = document.connection
    # The description of an intercompany bill is the name of the other subsidiary; a name changes nothing in the books.
    named = document.source.kind is SourceKind.INTERCOMPANY_BILL
    head = (
        *(connection.company_id, connection.entity_id, document.sage_object, document.draft),
        *(document.source.number, document.party.kind, party_id, document.date, document.due),
        document.currency or document.base_currency,
        *(_plain(document.total), document.reference or "", "" if named else _text(document.description)),
        _fields(document.custom),
    )
    lines = sorted(
        repr(
            (
                *(line.account, _plain(line.amount), _text(line.memo), line.location_id or ""),
                sorted((one.dimension, one.value) for one in line.dimensions),
                _fields(line.custom),
            )
        )
        for line in document.lines
    )
    return hashlib.sha256(repr((head, lines)).encode()).hexdigest()[:32]


def _plain(amount: Decimal) -> str:
    return f"{_WIDE.normalize(amount) or Decimal(0):f}"


def _text(text: str) -> str:
    return " ".join(text.split()).casefold()


def _fields(custom: Iterable[CustomValue]) -> list[tuple[str, str]]:
    return sorted((one.field.upper(), one.value) for one in custom)
