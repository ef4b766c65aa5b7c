"""One document while it is exported (`WorkItem`), its possible next steps, and its results (`ExportResult`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from aiokafka.structs import TopicPartition

from consumers.export.command_progress import PendingCommand
from consumers.export.ledger.document_state import (
    CREATE,
    UPDATE,
    Claim,
    Consolidated,
    FormerRecord,
    MarkedSynced,
    Posted,
)
from domain.codes import Code
from domain.documents import Connection, Document, SageObject
from domain.emission import Emitted
from domain.outcomes import Deferred, Outcome, Rejected, Skipped
from domain.party_fields import NotSent
from domain.translation import ParsedRecord
from producers.results import SageAnswer, SourceRecord


@dataclass(frozen=True, slots=True)
class MovedTransaction:
    """A fuel or toll row that was added to a consolidated bill, changed in it, or removed from it."""

    grouped: Consolidated
    row: bytes | None
    """Value of the row's record in the topic of rows. None writes a tombstone: the row is removed."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The result of one attempt to export a document."""

    outcome: Outcome
    code: Code | None = None
    detail: str | None = None
    blocked_by: tuple[str, ...] = ()
    sage: SageAnswer | None = None
    posted: Posted | None = None
    marked: MarkedSynced | None = None
    refused_by_sage: bool = False
    """True if Sage itself definitely refused the call. The next attempt then gets a new control id."""
    final_on_replay: bool = False
    """True if a replay of the record gets this result again without a call to Sage. Every `refused` result does too."""
    parked: bool = False
    """True if the document waits in the ledger and is retried automatically."""
    from_ledger: bool = False
    """True if the result follows from the ledger alone."""
    records_newer_revision: bool = False
    """True if the answer was known, but the ledger must still record this event as the newest. Older events are then
    too late, and an older parked or refused revision with other content is not retried."""
    moved: MovedTransaction | None = None
    """The change of a consolidated bill's row, written together with the result. None for all other documents."""


@dataclass(frozen=True, slots=True)
class ReadExisting:
    """Step: read the existing Sage record before anything is done to it."""

    posted: Posted


@dataclass(frozen=True, slots=True)
class Update:
    """Step: change the existing draft so that it has the content of the document."""

    posted: Posted
    lines: int
    """Number of lines that the draft has now."""


@dataclass(frozen=True, slots=True)
class ReverseOrDelete:
    """Step: reverse the existing record, or delete it (a draft, or by setting). The document is exported after that."""

    posted: Posted
    operation: str
    """`ledger.REVERSE` or `ledger.DELETE`."""
    total: Decimal
    """Total of the existing record."""
    on: date
    """Date of the reversal."""


Step = ReadExisting | Update | ReverseOrDelete
"""The correction step to run: read, update or remove the existing record. None on a `WorkItem` means a plain create."""


@dataclass(frozen=True, slots=True)
class NoLongerPosted:
    """The existing Sage record no longer counts: it was reversed or deleted, or a person accepted its absence."""

    why: str
    """How this is known; published as the detail of the `reversed` result."""
    deleted: bool = False
    """True if the record no longer exists, so that its number is free again."""
    control_id: str | None = None
    """Control id of our call that removed the record. None if no call of ours did."""


def result_of(answer: Skipped | Deferred | Rejected) -> ExportResult:
    """Convert the outcome of a pure step that gave no document into a result."""
    match answer:
        case Skipped():
            return ExportResult(Outcome.SKIPPED, answer.code, answer.detail)
        case Deferred():
            return ExportResult(Outcome.DEFERRED, answer.code, answer.detail, answer.blocked_by, parked=True)
        case Rejected():
            return ExportResult(Outcome.REJECTED, answer.code, answer.detail, answer.blocked_by)


class PartitionHandle(Protocol):
    """The partition that a document came from. Only the partition writes the document's ledger entries and results."""

    @property
    def open(self) -> bool:
        """Whether new claims may be made. False once the partition is being released."""

    @property
    def gone(self) -> bool:
        """Whether another worker may own the partition by now. If so, not even a claimed call may be sent."""

    async def claim(self, claims: Sequence[tuple["WorkItem", Claim]]) -> bool:
        """Write the claims durably, all in one transaction. Returns False if the partition was lost meanwhile."""

    def complete(self, work: "WorkItem", result: ExportResult) -> None:
        """Complete a document: publish its result, update the ledger, and let the next revision start."""

    def park(self, work: "WorkItem", result: ExportResult) -> None:
        """Publish that the outcome is in doubt, and keep the event in the ledger. The look-ups continue."""

    def release(self, work: "WorkItem") -> None:
        """Release a claimed document: Sage definitely did not take it, and this worker will not send it again."""

    def resend(self, work: "WorkItem") -> None:
        """Resend: the call is proven not executed. Map the document again, then post it or correct what exists."""

    def existing_removed(self, work: "WorkItem", gone: NoLongerPosted) -> None:
        """Record durably that the existing Sage record no longer counts, publish that, then post the document."""

    def use_next_number(self, work: "WorkItem") -> None:
        """Use the next number: Sage definitely refused this one, which a former record of the document still has."""


@dataclass(slots=True, eq=False)
class WorkItem:
    """One document of a source partition, from the record that was read to its result."""

    owner: PartitionHandle
    received: ParsedRecord
    value: bytes | None
    """Value of the source record, stored in the ledger if the document has to wait. None if only its claim is left."""
    source: SourceRecord
    offset: int | None
    """Offset of the source record that ends with this document. None if no record is open for it: the document was
    parked before, or a command brought the event along."""
    attempt: int = 0
    document: Document | None = None
    party_id: str | None = None
    claim: Claim | None = None
    step: Step | None = None
    existing: Posted | None = None
    """The existing Sage record, whose content is of another revision: it is corrected first. None if there is none."""
    former_records: tuple[FormerRecord, ...] = ()
    """Former Sage records of this document, oldest first: each was reversed or deleted."""
    party_made: tuple[NotSent, ...] | None = None
    """Profile fields that Sage was not sent when this worker created the document's party. None if it created none."""
    confirmed_missing: bool = False
    """True if a person was told that the existing record cannot be found, and asked to go on."""
    update_maybe_applied: bool = False
    """True once an update of the existing record may or may not have been executed."""
    rejected_update_hash: str | None = None
    """Content hash of an update that no look-up showed as executed, so that it is sent again. None if there is none."""
    content: str = ""
    """Hash of all that is to be booked (`domain.idempotency.booked_content_hash`), to compare with the existing one."""
    mapping_offset: int | None = None
    """Offset of the mapping state that the document was mapped with. None before it was mapped."""
    number_taken: bool = False
    """True if Sage definitely refused the call because the number is taken. A look-up finds out by which record."""
    acknowledged_claim: Claim | None = None
    """The claim whose call Sage says it has executed although no document was found. No other call may replace it."""
    send_deadline: float = 0.0
    """Latest time at which the claimed call may begin, in seconds of the monotonic clock."""
    period_retries: int = 0
    """Number of times the document got a new posting date because its period is closed (`protocol.closed_periods`)."""
    posting_date: date | None = None
    """Posting date of a call that is proven absent. The call is sent again with it, under the same control id."""
    by_deletion: bool = False
    """True if the settings say that a posted, unpaid record is corrected by deletion instead of reversal."""
    not_before: date | None = None
    """Earliest day on which the existing record may be reversed, since Sage refused the day before. None: no limit."""
    sent: str = ""
    """Control id of a call whose bytes may have left. If sent again, it may collide with its own first execution."""
    attempts: int = 0
    """Number of times Sage did not take this document although it took others of the company."""
    doubt_reason: str | None = None
    """Why the outcome is in doubt, as last reported. None if it is not."""
    lookups: int = 0
    """Number of look-ups in Sage because the outcome is in doubt."""
    command: PendingCommand | None = None
    """The command that a person gave for this document. None if nobody did."""
    emitted: Emitted | None = None
    """Position of this document's answer in the order of its events (`sequence.endpoint_of`)."""
    superseded: bool = False
    """True if a command took the place of this work item while it was in doubt. From then on it decides nothing."""

    def reset_for_next_call(self) -> None:
        """Clear everything that belongs to the last call, before the next call is planned."""
        self.claim, self.step, self.party_id = None, None, None
        self.lookups, self.attempts, self.number_taken, self.doubt_reason = 0, 0, False, None
        self.posting_date, self.not_before, self.sent = None, None, ""

    @property
    def key(self) -> str:
        """The document key."""
        return self.received.key

    @property
    def connection(self) -> Connection:
        """Connection of the next call: the claim's, else that of the existing record to correct, else the document's.

        Raises:
            ValueError: The document was not mapped yet.
        """
        if self.claim is not None:
            return self.claim.connection
        return self.step.posted.connection if self.step is not None else self.mapped.connection

    @property
    def sage_object(self) -> SageObject:
        """Kind of the Sage object that the next call is about.

        Raises:
            ValueError: The document was not mapped yet.
        """
        if self.claim is not None:
            return self.claim.sage_object
        return self.step.posted.sage_object if self.step is not None else self.mapped.sage_object

    @property
    def operation(self) -> str:
        """Operation of the next call: create, update, reverse or delete, as in `ledger.document_state`."""
        match self.step:
            case Update():
                return UPDATE
            case ReverseOrDelete():
                return self.step.operation
            case _:
                return CREATE

    @property
    def lines(self) -> int:
        """Number of lines that the next call may send."""
        return len(self.document.lines) if self.document is not None else 1

    @property
    def mapped(self) -> Document:
        """The mapped document. Raises ValueError before it was mapped."""
        if self.document is None:
            raise ValueError(f"{self.key} was not mapped")
        return self.document

    @property
    def claimed(self) -> Claim:
        """The claim of the current call. Raises ValueError before one was made."""
        if self.claim is None:
            raise ValueError(f"{self.key} has no claim")
        return self.claim


def work_without_event(owner: PartitionHandle, source: TopicPartition, key: str, claim: Claim) -> WorkItem:
    """Create a work item for a claim whose event will not be read again. It can be looked up, but never sent."""
    place = f"{source.topic}:{source.partition} at offset {claim.offset}"
    lost = Rejected(Code.EVENT_NOT_READ_AGAIN, f"the record was passed without being read again: {place}")
    received = ParsedRecord("", "", key, claim.connection.subsidiary_id, claim.revision, lost, claim.emitted)
    record = SourceRecord(source.topic, source.partition, claim.offset or 0, claim.timestamp)
    return WorkItem(owner, received, None, record, offset=None)
