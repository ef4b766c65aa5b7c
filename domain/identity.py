"""Names that stay the same for ever: the control id of a call, the marker on a document, the revision of a content.

Sage refuses a function whose control id it has executed and completed when `uniqueid` is true (Sage developer
documentation, web-services/requests). So the id is a hash of what the call is to do: the same document, revision and
attempt give the same id in every process, for ever.
"""

import hashlib
import re
from dataclasses import replace

from domain.documents import Document
from domain.parties import link_number

SEPARATOR = "\x1f"


def control_id(company_id: str, entity_id: str | None, key: str, revision: str, operation: str, attempt: int) -> str:
    """The function control id, 64 hex digits. `attempt` changes only after Sage definitely refused."""
    parts = (company_id, entity_id or "", key, revision, operation, str(attempt))
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()


_MARKER = re.compile(r"alvys:[0-9a-f]{12}(?![0-9a-f])")


def marker(key: str) -> str:
    """A short, stable mark of the document, written into its description: by it a look-up tells ours from others."""
    return "alvys:" + hashlib.sha256(key.encode()).hexdigest()[:12]


def contents_of(document: Document) -> tuple[str, ...]:
    """The contents that what stands in Sage may have, posted by this version or by an earlier one."""
    own, former = content_of(document), document.former
    if former is None:
        return (own,)
    return own, content_of(replace(document, number=former.number, reference=former.reference))


def markers_in(text: str) -> frozenset[str]:
    """The marks that a text in Sage holds, of whichever documents."""
    return frozenset(_MARKER.findall(text))


def content_of(document: Document) -> str:
    """32 hex digits over all that is booked, and where, however it came about.

    Two revisions of equal content need no correction: one may tell of a delivery date that no dimension and no custom
    field takes. Before the number gets a suffix, the party its record and the document its term.
    """
    connection, party, profile = document.connection, document.party, document.source.profile
    parts = [
        *(connection.company_id, connection.entity_id, document.sage_object, document.number, document.draft),
        *(party.kind, party.external_id, party.provider, party.subsidiary_id, *party.names),
        # Without an id of its own, what else the party is found by.
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
