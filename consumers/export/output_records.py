"""The records written when a document ends, waits or cannot be read. Pure: from item and result to writes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aiokafka import ConsumerRecord

from consumers.export.later_revisions import kept
from consumers.export.ledger.transactions import OutputRecord, PendingWrite
from consumers.export.protocol.document_state import (
    DocumentState,
    LastOutcome,
    after_removal,
    ended,
    placed,
)
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import WriteDoubt, WriteRemoval, WriteResult
from consumers.export.protocol.sequence import answered
from consumers.export.sending.sage_access import correction_blocker_of
from consumers.export.work_item import WorkItem
from domain.blockers import mapped_digest
from domain.codes import Code
from domain.commands import Retry
from domain.documents import Connection, SourceDocument
from domain.events import ContractError
from domain.outcomes import Outcome, Skipped
from domain.text import single_line
from kafka_client import size_limits
from kafka_client.unreadable import Unreadable
from producers import dead_letters, parties, results
from producers.dead_letters import DeadRecord
from producers.results import ResultRecord, SageAnswer


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Builds the writes of one worker, for that worker's topics."""

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

    def finished(self, work: WorkItem, effect: WriteResult, at: datetime) -> PendingWrite | None:
        """Write for a document that ended: its result, its document state without a claim, the end of its record.

        Args:
            work: The document.
            effect: The result, and the document state before it.
            at: The present time, for the result record.

        Returns:
            The write. None if the document was retried unasked and still waits for the same keys: nothing is new.
        """
        result, entry, command = effect.result, effect.before, work.command
        unasked = effect.completes is None and command is None and not work.was_kept
        if unasked and entry.claim is None and as_before(entry, last_outcome(work, result)):
            return None
        records: tuple[OutputRecord, ...] = (self._result(work, result, at), *self._party(work))
        before, entry = entry, answered(entry, work.received, result)
        taken_away = command is not None and isinstance(command.command, Retry)
        if result.from_ledger:
            if (last := entry.last) is None or not result.records_newer_revision:
                return PendingWrite(None if entry == before else entry, records, effect.completes)
            if last.revision == work.received.revision and not (taken_away and entry.rejected):
                newest = placed(entry, last_outcome(work, result))
                last = replace(last, offset=newest.offset, timestamp=newest.timestamp, emitted=newest.emitted)
                return PendingWrite(replace(entry, last=last), records, effect.completes)
        marked = result.marked or (None if taken_away else entry.marked)
        another = result.refused_by_sage or result.outcome is Outcome.UPDATED
        settled = ended(entry, last_outcome(work, result), posted=result.posted, marked=marked, next_attempt=another)
        if result.waits or result.outcome is Outcome.REJECTED or marked is not None:
            settled = replace(settled, parked=work.value)
        if (moved := result.moved) is not None:
            settled = replace(settled, grouped=moved.grouped)
            records = (*records, OutputRecord(self.rows, work.key.encode(), moved.row))
        return PendingWrite(settled, records, effect.completes)

    def in_doubt(self, work: WorkItem, effect: WriteDoubt, at: datetime) -> PendingWrite | None:
        """Write for a document in doubt: its record ends, its claim stays, its event is kept in the ledger.

        Args:
            work: The document.
            effect: The result that reports the doubt, and the document state before and with the claim.
            at: The present time, for the result record.

        Returns:
            The write. None if the ledger holds the same already, from a former owner of the partition.
        """
        result, entry = effect.result, effect.state
        told = effect.completes is None and work.command is None and entry == effect.before
        if told and as_before(entry, last_outcome(work, result)):
            return None
        parked = replace(entry, last=placed(entry, last_outcome(work, result)), parked=work.value)
        return PendingWrite(answered(parked, work.received), (self._result(work, result, at),), effect.completes)

    def beside_doubt(
        self,
        told: Sequence[tuple[WorkItem, ExportResult]],
        at: datetime,
        *,
        completes: int | None,
        keeps: WorkItem | None,
    ) -> PendingWrite:
        """Write for a record that was read while its document is in doubt: a result, the end of the record.

        The document's state is left as it is: the doubt may be written at the same time.

        Args:
            told: The result of the record, after that of the revision that it supersedes, if any.
            at: The present time, for the result records.
            completes: Offset of the record.
            keeps: The revision that the ledger keeps from now on. None leaves the one that it keeps.
        """
        records = tuple(self._result(work, result, at) for work, result in told)
        return PendingWrite(None, records, completes, () if keeps is None else (kept(keeps),))

    def removed(self, work: WorkItem, effect: WriteRemoval, at: datetime) -> PendingWrite:
        """Write for an existing record that no longer counts: a `reversed` result, and the event kept in the ledger.

        The event is kept because the document is still to be exported.

        Raises:
            ValueError: The ledger knows of no existing record.
        """
        entry, gone = effect.before, effect.gone
        if (posted := entry.posted) is None:
            raise ValueError(f"{entry.key} does not stand in Sage")
        said = work.received.document  # `Skipped` if the document was withdrawn: its reason goes into the result
        goes_on = _pending(work, posted.connection, gone.why)
        after = after_removal(answered(entry, work.received), goes_on, work.value, deleted=gone.deleted)
        told = replace(
            _result_record(work, Outcome.REVERSED, at),
            attempt=effect.attempt,
            code=said.code if isinstance(said, Skipped) else None,
            detail=f"{gone.why}; {said.detail}" if isinstance(said, Skipped) else gone.why,
            connection=posted.connection,
            sage=SageAnswer(posted.record_no, gone.control_id),
        )
        records = (OutputRecord(self.results, work.key.encode(), results.encode(told)),)
        return PendingWrite(after, records, effect.completes)

    def dead(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> PendingWrite:
        """Write for a record that breaks the contract: a dead letter with the untouched bytes.

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
        source, party_id = work.received.document, _party_id(work)
        if not self.parties or not isinstance(source, SourceDocument) or party_id is None:
            return ()
        told = parties.announcement(source, work.connection, party_id)
        return () if told is None else (OutputRecord(self.parties, told[0].encode(), told[1]),)

    def _result(self, work: WorkItem, result: ExportResult, at: datetime) -> OutputRecord:
        claim, plan = work.life.claim, work.plan
        document = plan.document
        corrects = plan.former_records[-1].record_no if plan.former_records else None
        record = replace(
            _result_record(work, result.outcome, at),
            code=result.code,
            detail=result.detail,
            blocked_by=result.blocked_by,
            connection=document.connection if document else claim.connection if claim else None,
            document=document,
            party_id=_party_id(work),
            party_made=plan.party_made,
            sage=result.sage,
            from_ledger=result.from_ledger,
            corrects=corrects if result.outcome is Outcome.POSTED else None,
        )
        return OutputRecord(self.results, work.key.encode(), results.encode(record))


def _result_record(work: WorkItem, outcome: Outcome, at: datetime) -> ResultRecord:
    """The result record of a document, as far as every outcome has the same."""
    return ResultRecord(
        key=work.key,
        event_id=work.received.event_id,
        event_at=work.received.emitted.at if work.received.emitted is not None else None,
        source=work.source,
        subsidiary_id=work.received.subsidiary_id,
        revision=work.received.revision,
        outcome=outcome,
        at=at,
        attempt=work.attempt,
        mapping_offset=work.plan.mapping_offset,
    )


def _party_id(work: WorkItem) -> str | None:
    claim = work.life.claim
    return work.plan.party_id or (claim.party_id if claim is not None else None)


def between_calls(work: WorkItem, entry: DocumentState) -> DocumentState:
    """The document state between two calls. It keeps the event if no source record will bring the event again."""
    if work.life.offset is not None:
        return entry
    goes_on = _pending(work, work.connection, "the next call is another one")
    return replace(entry, last=placed(entry, goes_on), parked=work.value)


def _pending(work: WorkItem, connection: Connection, why: str) -> LastOutcome:
    blocked_by = (correction_blocker_of(connection),)
    return last_outcome(work, ExportResult(Outcome.DEFERRED, Code.CORRECTION_UNDER_WAY, why, blocked_by=blocked_by))


def last_outcome(work: WorkItem, result: ExportResult) -> LastOutcome:
    """The part of a result that the ledger keeps."""
    return LastOutcome(
        revision=work.received.revision,
        outcome=result.outcome,
        offset=work.source.offset,
        timestamp=work.source.timestamp,
        code=result.code,
        detail=None if result.detail is None else single_line(result.detail),
        blocked_by=result.blocked_by,
        by_sage=result.refused_by_sage or result.final_on_replay,
        mapped_digest=_mapped_digest(work, result),
        emitted=work.emitted,
    )


def _mapped_digest(work: WorkItem, result: ExportResult) -> str:
    refused = result.outcome is Outcome.REJECTED and result.blocked_by and work.plan.document is not None
    return mapped_digest(work.plan.content, work.mapped) if refused else ""


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
