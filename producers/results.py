"""The record on `sage-export-results`: one per document and finished attempt, key = document key.

Every result explains itself (promise 6). An exported line names its account, the level of the mapping that gave it, and
the key and offset of that mapping record. A refusal names its code, cause, fix and blocker keys. Amounts are decimal
text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from domain.codes import Code
from domain.documents import Connection, Document
from domain.outcomes import Outcome
from domain.parties.party_fields import NotSent
from domain.terms import ChosenTerm
from domain.text import single_line
from producers import attributes

SCHEMA = 1
LARGEST = 1_000_000
"""Most bytes of a value. It is below the default limits of Kafka and its consumers.

A document of some 2,500 lines would be larger.
"""
RESULT_ROOM = LARGEST + 16 * 1024
"""Bytes that the results topic must take: the largest value, its key and framing. Kafka's default limit is higher."""
MOST_WORDS = 20
"""Most error texts of Sage in one result, and most support ids."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The position of the event's record: topic, partition, offset and Kafka timestamp."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    """The Kafka timestamp, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class SageAnswer:
    """The answer of Sage Intacct: a record number, or errors.

    Support ids are for Sage's support. They differ each time, so errors cannot be grouped by them.
    """

    record_no: str | None = None
    control_id: str | None = None
    errors: Sequence[str] = ()
    support_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """One outcome of one document. It can be understood without any other record."""

    key: str
    event_id: str
    source: SourceRecord
    subsidiary_id: str
    revision: str
    outcome: Outcome
    at: datetime
    attempt: int = 0
    code: Code | None = None
    detail: str | None = None
    blocked_by: Sequence[str] = ()
    connection: Connection | None = None
    document: Document | None = None
    party_id: str | None = None
    party_made: Sequence[NotSent] | None = None
    """The fields not sent to Sage when the customer or vendor was created for this document; None: none was created."""
    sage: SageAnswer | None = None
    mapping_offset: int | None = None
    """The mapping-state offset up to which the settings were applied."""
    from_ledger: bool = False
    """True if the answer was already in the ledger and Sage was not called."""
    event_at: datetime | None = None
    """The event's own timestamp; None if it is not known."""
    corrects: str | None = None
    """The record number of the reversed or deleted record that this one replaces."""


def encode(result: ResultRecord) -> bytes:
    """Encode a result as a record value: JSON in UTF-8. The keys are those of docs/contract.md; None is left out.

    If the value with the document's lines would be larger than `LARGEST`, it has only the number of lines.
    """
    value = _encode(result, with_lines=True)
    return value if len(value) <= LARGEST else _encode(result, with_lines=False)


def _encode(result: ResultRecord, *, with_lines: bool) -> bytes:
    source = result.source
    body: dict[str, object] = {
        "schema": SCHEMA,
        "documentKey": result.key,
        "eventId": result.event_id,
        "source": {"topic": source.topic, "partition": source.partition, "offset": source.offset},
        "subsidiaryId": result.subsidiary_id,
        "revision": result.revision,
        "outcome": result.outcome,
        "attempt": result.attempt,
        "at": result.at,
    }
    if result.code is not None:
        explanation = result.code.explanation
        body |= {"code": result.code, "cause": explanation.cause, "fix": explanation.fix}
    if result.detail:
        body["detail"] = single_line(result.detail)
    if result.blocked_by:
        body["blockedBy"] = list(result.blocked_by)
    if result.from_ledger:
        body["fromLedger"] = True
    known = {"mappingStateOffset": result.mapping_offset, "eventTimestamp": result.event_at}
    body |= {name: value for name, value in known.items() if value is not None}
    if result.connection is not None:
        body["connection"] = _connection(result.connection)
    if result.document is not None:
        body["document"] = _document(result.document, result.party_id, with_lines=with_lines)
    body |= attributes.party_made(result.party_id, result.party_made)
    if result.sage is not None:
        body["sage"] = _sage(result.sage)
    if result.corrects is not None:
        body["corrects"] = result.corrects
    return orjson.dumps(body)


def _connection(connection: Connection) -> Mapping[str, object]:
    return {
        "subsidiaryId": connection.subsidiary_id,
        "companyId": connection.company_id,
        "entityId": connection.entity_id,
    }


def _document(document: Document, party_id: str | None, *, with_lines: bool) -> Mapping[str, object]:
    body: dict[str, object] = {
        "object": document.sage_object,
        "kind": document.source.kind,
        "number": document.number,
        "party": party_id,
        "date": document.date,
        "due": document.due,
        "currency": document.source.currency,
        "total": str(document.total),
        "reference": document.reference,
    }
    if document.term is not None:
        body["terms"] = _terms(document.term)
    if document.posting_date is not None:
        body["postingDate"] = document.posting_date
    if document.left_out:
        body["leftOut"] = [
            {"kind": one.kind, "lines": one.lines, "amount": str(one.amount)} for one in document.left_out
        ]
    body |= attributes.document(document)
    if not with_lines:
        return body | {"linesLeftOut": len(document.lines)}
    return body | {
        "lines": [
            {
                "line": number,
                "category": line.category,
                "item": line.item,
                "amount": str(line.amount),
                "account": line.account,
                "mapping": {
                    "level": line.resolution.level,
                    "key": line.resolution.key,
                    "offset": line.resolution.offset,
                },
                "memo": line.memo,
            }
            | attributes.line(line)
            for number, line in enumerate(document.lines, 1)
        ]
    }


def _terms(term: ChosenTerm) -> Mapping[str, object]:
    told: dict[str, object] = {"asked": term.asked, "used": term.used}
    return told | {"fallback": True} if term.fallback else told


def _sage(answer: SageAnswer) -> Mapping[str, object]:
    parts: dict[str, object] = {"recordNo": answer.record_no, "controlId": answer.control_id}
    if answer.errors:
        parts["errors"] = [single_line(error) for error in answer.errors[:MOST_WORDS]]
    if answer.support_ids:
        parts["supportIds"] = [single_line(one) for one in answer.support_ids[:MOST_WORDS]]
    return {name: value for name, value in parts.items() if value is not None}
