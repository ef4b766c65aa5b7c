"""One document of a source partition, from the record that was read to its result (`WorkItem`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from consumers.export.command_progress import PendingCommand
from consumers.export.protocol.document_state import CREATE, UPDATE, Claim
from consumers.export.protocol.lifecycle import Event, InDoubt, Life
from consumers.export.protocol.plan import Plan
from consumers.export.protocol.steps import ReverseOrDelete, Update
from domain.documents import Connection, Document, SageObject
from domain.emission import Emitted
from domain.translation import ParsedRecord
from producers.results import SourceRecord


class PartitionHandle(Protocol):
    """The partition that a document came from. Only the partition writes the document's ledger entries and results."""

    @property
    def open(self) -> bool:
        """Whether new claims may be made. False once the partition is being released."""

    @property
    def gone(self) -> bool:
        """Whether another worker may own the partition by now. If so, not even a claimed call may be sent."""

    async def claim(self, claims: Sequence[tuple["WorkItem", Claim]], send_deadline: float) -> bool:
        """Write the claims durably, all in one transaction. Returns False if the partition was lost meanwhile.

        Args:
            claims: Each document with the claim of its next call.
            send_deadline: Latest time at which the calls may begin, in seconds of the monotonic clock.
        """

    async def renew(self, claims: Sequence[tuple["WorkItem", Claim]]) -> bool:
        """Write the claims of calls in doubt durably, each with a new lease, all in one transaction.

        Returns False if the partition was lost meanwhile, or if a doubt is still being written.
        """

    def handle(self, work: "WorkItem", event: Event) -> None:
        """Apply an event to the document's life, and perform what follows from it (`protocol.lifecycle`)."""


@dataclass(slots=True, eq=False)
class WorkItem:
    """One document of a source partition.

    Only the partition replaces `life`. The lane completes `plan` until the call is claimed.
    """

    owner: PartitionHandle
    received: ParsedRecord
    value: bytes | None
    """Value of the source record, stored in the ledger if the document has to wait. None if only its claim is left."""
    source: SourceRecord
    life: Life = field(default_factory=Life)
    plan: Plan = field(default_factory=Plan)
    command: PendingCommand | None = None
    """The command that a person gave for this document. None if nobody did, or once it is answered."""
    was_kept: bool = False
    """Whether the ledger kept the event behind an earlier revision in doubt. It is judged as if its record came now."""
    is_kept: bool = False
    """Whether the ledger still has the record that keeps the event (`later_revisions`). The item's next write ends it.
    """
    emitted: Emitted | None = None
    """Position of this document's answer in the order of its events (`protocol.sequence.place_of`)."""

    @property
    def key(self) -> str:
        """The document key."""
        return self.received.key

    @property
    def attempt(self) -> int:
        """Number of the current call, or of the next one if there is none."""
        return claim.attempt if (claim := self.life.claim) is not None else self.life.history.attempt

    @property
    def connection(self) -> Connection:
        """Connection of the current call: the claim's, else the existing record's, else the document's.

        Raises:
            ValueError: The document was not mapped yet.
        """
        if (claim := self.life.claim) is not None:
            return claim.connection
        step = self.plan.step
        return step.posted.connection if step is not None else self.mapped.connection

    @property
    def sage_object(self) -> SageObject:
        """Kind of the Sage object that the current call is about.

        Raises:
            ValueError: The document was not mapped yet.
        """
        if (claim := self.life.claim) is not None:
            return claim.sage_object
        step = self.plan.step
        return step.posted.sage_object if step is not None else self.mapped.sage_object

    @property
    def operation(self) -> str:
        """Operation of the planned call: create, update, reverse or delete, as in `protocol.document_state`."""
        match self.plan.step:
            case Update():
                return UPDATE
            case ReverseOrDelete(operation=operation):
                return operation
            case _:
                return CREATE

    @property
    def lines(self) -> int:
        """Number of lines that the next call may send."""
        return len(self.plan.document.lines) if self.plan.document is not None else 1

    @property
    def mapped(self) -> Document:
        """The mapped document. Raises ValueError before it was mapped."""
        if self.plan.document is None:
            raise ValueError(f"{self.key} was not mapped")
        return self.plan.document

    @property
    def claimed(self) -> Claim:
        """The claim of the current call. Raises ValueError before one was made."""
        if (claim := self.life.claim) is None:
            raise ValueError(f"{self.key} has no claim")
        return claim

    @property
    def doubt(self) -> InDoubt | None:
        """The doubt about the current call. None if its outcome is known, or if no call was made."""
        return self.life.state if isinstance(self.life.state, InDoubt) else None
