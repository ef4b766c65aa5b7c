"""The records written when a document ends, waits or cannot be read. Pure: from item and result to journal notes."""

from dataclasses import dataclass, replace
from datetime import datetime

from aiokafka import ConsumerRecord

from consumers.export import size_limits
from consumers.export.ledger.document_state import (
    REVISION_AMBIGUOUS,
    DocumentState,
    LastOutcome,
    after_removal,
    ended,
    placed,
)
from consumers.export.ledger.transactions import OutputRecord, PendingWrite
from consumers.export.protocol.sequence import answered
from consumers.export.sending.sage_access import correction_blocker_of
from consumers.export.work_item import ExportResult, NoLongerPosted, WorkItem
from consumers.unreadable import Unreadable
from domain.blockers import mapped_digest
from domain.codes import Code
from domain.commands import Retry
from domain.documents import Connection, SourceDocument
from domain.events import ContractError
from domain.outcomes import Outcome, Skipped
from domain.text import single_line
from producers import dead_letters, parties, results
from producers.dead_letters import DeadRecord
from producers.results import ResultRecord, SageAnswer


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Builds the journal notes of one worker, for that worker's topics."""

    group_id: str
    results: str
    """Name of the topic of results; `dead_letters` likewise."""
    dead_letters: str
    room: int = size_limits.max_record_bytes(size_limits.LARGEST_EVENT)
    """Maximum size of a dead letter, in bytes."""
    parties: str = ""
    """Name of the topic that publishes party ids to Alvys. If empty, they are not published."""
    rows: str = ""
    """Name of the topic of rows of consolidated bills."""

    def finished(self, work: WorkItem, verdict: ExportResult, entry: DocumentState, at: datetime) -> PendingWrite:
        """Note for a document that ended: its result, its entry without a claim, the end of its record.

        Args:
            work: The document.
            verdict: The result.
            entry: The ledger entry before the result.
            at: The present time, for the result record.
        """
        result: tuple[OutputRecord, ...] = (self._result(work, verdict, at), *self._party(work))
        before, entry = entry, answered(entry, work.received, verdict)
        taken_away = work.command is not None and isinstance(work.command.command, Retry)
        if verdict.from_ledger:
            if (last := entry.last) is None or not verdict.records_newer_revision:
                return PendingWrite(None if entry == before else entry, result, work.offset)
            if last.revision == work.received.revision and not (taken_away and entry.rejected):
                newest = placed(entry, last_outcome(work, verdict))
                last = replace(last, offset=newest.offset, timestamp=newest.timestamp, emitted=newest.emitted)
                return PendingWrite(replace(entry, last=last), result, work.offset)
        marked = verdict.marked or (None if taken_away else entry.marked)
        another = verdict.refused_by_sage or verdict.outcome is Outcome.UPDATED
        settled = ended(entry, last_outcome(work, verdict), posted=verdict.posted, marked=marked, next_attempt=another)
        if verdict.parked or verdict.outcome is Outcome.REJECTED or marked is not None:
            settled = replace(settled, parked=work.value)
        if (moved := verdict.moved) is not None:
            settled = replace(settled, grouped=moved.grouped)
            result = (*result, OutputRecord(self.rows, work.key.encode(), moved.row))
        return PendingWrite(settled, result, work.offset)

    def in_doubt(self, work: WorkItem, verdict: ExportResult, entry: DocumentState, at: datetime) -> PendingWrite:
        """Note for a document in doubt: its record ends, its claim stays, its event is kept in the ledger."""
        parked = replace(entry, last=placed(entry, last_outcome(work, verdict)), parked=work.value)
        return PendingWrite(answered(parked, work.received), (self._result(work, verdict, at),), work.offset)

    def retired(self, work: WorkItem, gone: NoLongerPosted, entry: DocumentState, at: datetime) -> PendingWrite:
        """Note for an existing record that no longer counts: a `reversed` result, and the event kept in the ledger.

        The event is kept because the document is still to be exported.

        Raises:
            ValueError: The ledger knows of no existing record.
        """
        if (posted := entry.posted) is None:
            raise ValueError(f"{entry.key} does not stand in Sage")
        said = work.received.document  # `Skipped` if the document was withdrawn: its reason goes into the result
        goes_on = _pending(work, posted.connection, gone.why)
        after = after_removal(answered(entry, work.received), goes_on, work.value, deleted=gone.deleted)
        told = ResultRecord(
            key=work.key,
            event_id=work.received.event_id,
            source=work.source,
            subsidiary_id=work.received.subsidiary_id,
            revision=work.received.revision,
            outcome=Outcome.REVERSED,
            at=at,
            attempt=work.claim.attempt if work.claim is not None else work.attempt,
            code=said.code if isinstance(said, Skipped) else None,
            detail=f"{gone.why}; {said.detail}" if isinstance(said, Skipped) else gone.why,
            connection=posted.connection,
            sage=SageAnswer(posted.record_no, gone.control_id),
            mapping_offset=work.mapping_offset,
        )
        return PendingWrite(after, (OutputRecord(self.results, work.key.encode(), results.encode(told)),), work.offset)

    def dead(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> PendingWrite:
        """Note for a record that breaks the contract: a dead letter with the untouched bytes.

        Parts that do not fit into the dead letter are left out, and a header names them.

        Args:
            record: The source record.
            error: How it breaks the contract.
            ends: Offset of the source record that ends with the dead letter. None if no record ends.
        """
        dead = dead_letters.fitted(record, self.room - size_limits.OVERHEAD)
        headers = dead_letters.headers(dead, error.code, error.detail, self.group_id)
        return PendingWrite(None, (OutputRecord(self.dead_letters, dead.key, dead.value, headers),), ends)

    def _party(self, work: WorkItem) -> tuple[OutputRecord, ...]:
        """The party id to publish to Alvys, if any. It goes out with every result, so that no crash loses it."""
        source, party_id = work.received.document, work.party_id or (work.claim.party_id if work.claim else None)
        if not self.parties or not isinstance(source, SourceDocument) or party_id is None:
            return ()
        told = parties.announcement(source, work.connection, party_id)
        return () if told is None else (OutputRecord(self.parties, told[0].encode(), told[1]),)

    def _result(self, work: WorkItem, verdict: ExportResult, at: datetime) -> OutputRecord:
        claim, document = work.claim, work.document
        result = ResultRecord(
            key=work.key,
            event_id=work.received.event_id,
            source=work.source,
            subsidiary_id=work.received.subsidiary_id,
            revision=work.received.revision,
            outcome=verdict.outcome,
            at=at,
            attempt=claim.attempt if claim else work.attempt,
            code=verdict.code,
            detail=verdict.detail,
            blocked_by=verdict.blocked_by,
            connection=document.connection if document else claim.connection if claim else None,
            document=document,
            party_id=work.party_id or (claim.party_id if claim else None),
            party_made=work.party_made,
            sage=verdict.sage,
            mapping_offset=work.mapping_offset,
            from_ledger=verdict.from_ledger,
            corrects=work.former_records[-1].record_no
            if verdict.outcome is Outcome.POSTED and work.former_records
            else None,
        )
        return OutputRecord(self.results, work.key.encode(), results.encode(result))


def with_attempts(work: WorkItem, entry: DocumentState) -> DocumentState:
    """The ledger entry with `attempts` raised by the refusals of this run: each refused call uses up a control id.

    If an update of the existing record may have been executed, the entry also forgets which content that record has.
    """
    entry = replace(entry, attempts=max(entry.attempts, work.attempt))
    if work.update_maybe_applied and entry.posted is not None:
        return replace(entry, posted=replace(entry.posted, revision=REVISION_AMBIGUOUS, content="", booked="", said=""))
    return entry


def between_calls(work: WorkItem, entry: DocumentState) -> DocumentState:
    """The entry between two calls of a document. It keeps the event if no source record will bring the event again."""
    if work.offset is not None:
        return entry
    goes_on = _pending(work, work.connection, "the next call is another one")
    return replace(entry, last=placed(entry, goes_on), parked=work.value)


def _pending(work: WorkItem, connection: Connection, why: str) -> LastOutcome:
    blocked_by = (correction_blocker_of(connection),)
    return last_outcome(
        work, ExportResult(Outcome.DEFERRED, Code.CORRECTION_UNDER_WAY, why, blocked_by=blocked_by, parked=True)
    )


def last_outcome(work: WorkItem, verdict: ExportResult) -> LastOutcome:
    """The part of a result that the ledger keeps."""
    return LastOutcome(
        revision=work.received.revision,
        outcome=verdict.outcome,
        offset=work.source.offset,
        timestamp=work.source.timestamp,
        code=verdict.code,
        detail=None if verdict.detail is None else single_line(verdict.detail),
        blocked_by=verdict.blocked_by,
        by_sage=verdict.refused_by_sage or verdict.final_on_replay,
        mapped_digest=_mapped_digest(work, verdict),
        emitted=work.emitted,
    )


def _mapped_digest(work: WorkItem, verdict: ExportResult) -> str:
    refused = verdict.outcome is Outcome.REJECTED and verdict.blocked_by and work.document is not None
    return mapped_digest(work.content, work.mapped) if refused else ""


def as_before(entry: DocumentState, now: LastOutcome) -> bool:
    """Whether a retried document ended exactly as before. Offset, timestamp and event position are not compared."""
    last = entry.last
    if last is None:
        return False
    return last == replace(now, offset=last.offset, timestamp=last.timestamp, emitted=last.emitted)


def dead_letter_source(record: ConsumerRecord) -> DeadRecord:
    """Convert a source record into the form a dead letter keeps. An unreadable batch becomes one, with its bytes."""
    if isinstance(record, Unreadable):
        place = record.topic, record.partition, record.first, record.timestamp, record.timestamp_type
        return DeadRecord(*place, None, record.batch, last=record.offset)
    return DeadRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.timestamp_type,
        record.key,
        record.value,
        tuple(record.headers),
    )
