"""What the published results tell of a ledger entry that is lost. Pure: results in, document states out.

A result names the Sage record that a document became, and its control id. So an entry can be made of it that answers
the same event, and lets a later revision correct the record. What a result does not hold is the event: a document that
waited, was refused, or is in doubt has to be read again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from consumers.export.protocol.document_state import (
    MAX_FORMER_RECORDS,
    Consolidated,
    DocumentState,
    FormerRecord,
    LastOutcome,
    MarkedSynced,
    Posted,
    ended,
)
from consumers.export.protocol.sequence import REMEMBERED, digest
from domain.codes import Code
from domain.consolidated_bills import LINE_OF
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.outcomes import Outcome

STANDS = frozenset({Outcome.POSTED, Outcome.ALREADY_POSTED, Outcome.UPDATED})
"""Outcomes after which the document stands in Sage."""
OPEN = frozenset({Outcome.DEFERRED, Outcome.REJECTED, Outcome.UNCERTAIN})
"""Outcomes after which the document goes on, or may be tried again. Its event is needed, so the answer must not stand:
the event, read again, would count as answered. So it is after a reversal, of which a new posting may be a part."""


class _Camel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ResultSource(_Camel):
    """The position of the event's record."""

    topic: str
    partition: int
    offset: int


class _ResultConnection(_Camel):
    subsidiary: str = Field(alias="subsidiaryId")
    company: str = Field(alias="companyId")
    entity: str | None = Field(None, alias="entityId")


class _ResultDocument(_Camel):
    sage_object: SageObject = Field(alias="object")
    number: str
    party: str | None = None


class _ResultSage(_Camel):
    record_no: str | None = Field(None, alias="recordNo")
    control_id: str | None = Field(None, alias="controlId")


class PublishedResult(_Camel):
    """The parts of a record on the results topic that say what became of a document (docs/contract.md)."""

    key: str = Field(alias="documentKey")
    event_id: str = Field("", alias="eventId")
    event_at: datetime | None = Field(None, alias="eventTimestamp")
    """None in results of earlier versions."""
    source: ResultSource
    revision: str
    outcome: Outcome
    at: datetime
    attempt: int = 0
    code: str | None = None
    detail: str | None = None
    from_ledger: bool = Field(default=False, alias="fromLedger")
    connection: _ResultConnection | None = None
    document: _ResultDocument | None = None
    sage: _ResultSage | None = None


FindCredentials = Callable[[str, str, str | None], str]
"""Subsidiary, company and entity in; the name of the credentials of that connection out."""


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """The last result of a document that goes on, or may be tried again, once its event is read."""

    offset: int
    outcome: Outcome
    code: str | None
    emitted: Emitted | None = None


@dataclass(frozen=True, slots=True)
class Retold:
    """A ledger entry as results tell it, and the result of it that is still open (None: there is none)."""

    entry: DocumentState
    open: OpenDocument | None = None
    begun: bool = False
    """Whether a result was applied: all that were written after it are newer than a copy, whatever their offsets."""


def retell(before: Retold, result: PublishedResult, credentials: FindCredentials) -> Retold:
    """Apply the next result of a document. Results come in the order in which they were written.

    Args:
        before: What is known of the document.
        result: The result.
        credentials: Names the credentials of a connection.
    """
    entry = before.entry
    if result.from_ledger or result.code == Code.SUPERSEDED or not (before.begun or _is_after(entry, result)):
        return before
    if result.outcome in OPEN:
        # The next call of a document in doubt has the control id of the last one, so that Sage refuses it if it
        # executed that one. After a refusal it has another.
        attempt = result.attempt + (result.outcome is Outcome.REJECTED)
        return _goes_on(replace(entry, attempts=max(entry.attempts, attempt)), result)
    if result.outcome is Outcome.REVERSED:
        former, attempts = _with_former(entry), max(entry.attempts, result.attempt + 1)
        return _goes_on(replace(entry, posted=None, former_records=former, attempts=attempts), result)
    if result.code == Code.MARKED_SYNCED:
        return _ends(before, ended(entry, _last(result), marked=_mark(result)), result)
    if result.code == Code.GROUPED:
        group = (result.detail or "").removeprefix(LINE_OF)
        entry = replace(entry, grouped=Consolidated(result.revision, group))
    posted = None
    if result.outcome in STANDS and (posted := _posted(entry, result, credentials)) is None:
        return _goes_on(entry, result)  # it stands in Sage, and nobody can say where: a person has to look
    if posted is not None and entry.posted is not None and posted.record_no != entry.posted.record_no:
        entry = replace(entry, former_records=_with_former(entry))
    entry = replace(entry, attempts=max(entry.attempts, result.attempt))
    after = ended(entry, _last(result), posted=posted, next_attempt=result.outcome is Outcome.UPDATED)
    return _ends(before, after, result)


def _goes_on(entry: DocumentState, result: PublishedResult) -> Retold:
    return Retold(entry, OpenDocument(result.source.offset, result.outcome, result.code, _emitted(result)), begun=True)


def _ends(before: Retold, entry: DocumentState, result: PublishedResult) -> Retold:
    """The end of an event. A newer one that is open, such as one behind a doubt, stays open."""
    newer = None
    if (waits := before.open) is not None:
        own = _emitted(result)
        later = own.before(waits.emitted) if own and waits.emitted else waits.offset > result.source.offset
        newer = waits if later else None
    return Retold(_answered(entry, result), newer, begun=True)


def _is_after(entry: DocumentState, result: PublishedResult) -> bool:
    """Whether a result tells more than the copy: of a later event, or of the same one while the document was open."""
    offset = result.source.offset
    if entry.claim is not None:
        return entry.claim.offset is None or offset >= entry.claim.offset
    if entry.last is None:
        return True
    return offset > entry.last.offset or (offset == entry.last.offset and entry.parked is not None)


def _with_former(entry: DocumentState) -> tuple[FormerRecord, ...]:
    """The former records, with the one that stood so far. Its number counts as taken, since nobody knows."""
    if (was := entry.posted) is None:
        return entry.former_records
    gone = FormerRecord(was.record_no, was.number, was.connection, was.sage_object, was.party_id)
    return (*entry.former_records, gone)[-MAX_FORMER_RECORDS:]


def _posted(entry: DocumentState, result: PublishedResult, credentials: FindCredentials) -> Posted | None:
    document, sage, known = result.document, result.sage, entry.posted
    record_no = sage.record_no if sage is not None and sage.record_no else known.record_no if known else None
    control_id = sage.control_id if sage is not None and sage.control_id else known.control_id if known else ""
    if document is None or result.connection is None or record_no is None:
        return None
    at = result.connection
    return Posted(
        revision=result.revision,
        record_no=record_no,
        control_id=control_id,
        connection=Connection(at.subsidiary, at.company, at.entity, credentials(at.subsidiary, at.company, at.entity)),
        sage_object=document.sage_object,
        number=document.number,
        party_id=document.party or "",
    )


def _mark(result: PublishedResult) -> MarkedSynced:
    by = (result.detail or "").removeprefix("marked by ")
    record_no = None if result.sage is None else result.sage.record_no
    return MarkedSynced(result.revision, by, record_no, int(result.at.timestamp() * 1000))


def _last(result: PublishedResult) -> LastOutcome:
    # The time of the answer stands for the record's, which is not published: no record was written after its answer.
    written = int(result.at.timestamp() * 1000)
    return LastOutcome(result.revision, result.outcome, result.source.offset, written, emitted=_emitted(result))


def _emitted(result: PublishedResult) -> Emitted | None:
    """When the event was emitted. None if the result does not tell, or if it cannot be true."""
    if result.event_at is None or not result.event_id:
        return None
    emitted = Emitted(result.event_at.astimezone(UTC), result.event_id)
    return emitted if emitted.possible(result.at) else None


def _answered(entry: DocumentState, result: PublishedResult) -> DocumentState:
    """The entry with the event among the answered ones, by its id and content."""
    if not result.event_id:
        return entry
    mine = digest(Emitted(result.at, result.event_id), result.revision)
    return replace(entry, answered=(*(each for each in entry.answered if each != mine), mine)[-REMEMBERED:])
