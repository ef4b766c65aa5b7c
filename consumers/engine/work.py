"""One document on its way through the engine, and what can become of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from aiokafka.structs import TopicPartition

from consumers.engine.ledger import CREATE, UPDATE, Claim, Grouped, Marked, Posted, Retired
from consumers.engine.orders import Order
from domain.codes import Code
from domain.documents import Connection, Document, SageObject
from domain.emission import Emitted
from domain.outcomes import Deferred, Outcome, Rejected, Skipped
from domain.party_fields import NotSent
from domain.reading import Received
from producers.results import SageAnswer, SourceRecord


@dataclass(frozen=True, slots=True)
class Moved:
    """A row of grouped bills that came, changed or went."""

    grouped: Grouped
    row: bytes | None
    """Its record in the topic of rows; None: a tombstone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a document ended, this time."""

    outcome: Outcome
    code: Code | None = None
    detail: str | None = None
    blocked_by: tuple[str, ...] = ()
    sage: SageAnswer | None = None
    posted: Posted | None = None
    marked: Marked | None = None
    refused: bool = False
    """True when Sage itself definitely refused the call: the next attempt gets a new control id."""
    stands: bool = False
    """True when a replay of the record is answered with it, without asking Sage anew; so is every `refused` one."""
    parked: bool = False
    """True when the document waits in the ledger and goes on by itself."""
    from_ledger: bool = False
    newest: bool = False
    """True when the ledger, though it knew the answer, has to learn that the newest event says it again: an event older
    than this one comes too late, and one of other content that waits or was refused is overtaken."""
    moved: Moved | None = None
    """What is written of a row of a grouped bill, beside its result."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """What stands in Sage is looked at, before anything is done to it."""

    posted: Posted


@dataclass(frozen=True, slots=True)
class Update:
    """The draft that stands is made to hold the document."""

    posted: Posted
    lines: int
    """How many lines it has."""


@dataclass(frozen=True, slots=True)
class Retire:
    """What stands is reversed, or deleted (a draft, or by setting); the document is posted after that."""

    posted: Posted
    operation: str
    """`ledger.REVERSE` or `ledger.DELETE`."""
    total: Decimal
    on: date
    """The day of the reversal."""


Step = Inspect | Update | Retire
"""What a document needs before it can be posted, or instead of it; None on a work: it is posted."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What stood in Sage is worth nothing any more; how that is known."""

    why: str
    deleted: bool = False
    control_id: str | None = None
    """Of the call that did it, if it was ours."""


def verdict_of(answer: Skipped | Deferred | Rejected) -> Verdict:
    """The verdict of a pure step that did not give a document."""
    match answer:
        case Skipped():
            return Verdict(Outcome.SKIPPED, answer.code, answer.detail)
        case Deferred():
            return Verdict(Outcome.DEFERRED, answer.code, answer.detail, answer.blocked_by, parked=True)
        case Rejected():
            return Verdict(Outcome.REJECTED, answer.code, answer.detail)


class Owner(Protocol):
    """The partition a document came from: it alone writes the document's ledger and results."""

    @property
    def open(self) -> bool:
        """False once the partition is being given up: nothing new may be claimed for it."""

    @property
    def gone(self) -> bool:
        """True once it is given up: another worker may own it, so not even a claimed call may be made."""

    async def claim(self, claims: Sequence[tuple["Work", Claim]]) -> bool:
        """Make the claims durable, all in one transaction; False when the partition was lost meanwhile."""

    def finish(self, work: "Work", verdict: Verdict) -> None:
        """The document ended: tell the world, settle the ledger, let the next revision go."""

    def park(self, work: "Work", verdict: Verdict) -> None:
        """The outcome is in doubt: tell the world and keep the event, but go on looking."""

    def let_go(self, work: "Work") -> None:
        """A claimed document was definitely not taken and will not be sent by this worker: nothing is in doubt."""

    def again(self, work: "Work") -> None:
        """The doubt ended: the call was not executed. Map the document anew and post it, or correct what stands."""

    def retired(self, work: "Work", gone: Gone) -> None:
        """What stood in Sage is worth nothing any more. Make that durable, tell the world, then post the document."""

    def renumber(self, work: "Work") -> None:
        """Sage definitely refused the number, which a retired record of the document holds. Post it under another."""


@dataclass(slots=True, eq=False)
class Work:
    """A document of one source partition, from the record that was read to the verdict."""

    owner: Owner
    received: Received
    value: bytes | None
    """The record's value, as it was read: parked if the document has to wait. None where only its claim is left."""
    source: SourceRecord
    offset: int | None
    """The offset that ends with this document; None when it was parked before and its record has ended already."""
    attempt: int = 0
    document: Document | None = None
    party_id: str | None = None
    claim: Claim | None = None
    step: Step | None = None
    standing: Posted | None = None
    """What of the document stands in Sage, with the content of another revision: to be corrected first."""
    retired: tuple[Retired, ...] = ()
    """What of the document stood there once."""
    party_made: tuple[NotSent, ...] | None = None
    """What its profile gives and Sage was not sent, where this worker made the party for the document."""
    consented: bool = False
    """True when a person, told that what stood cannot be found, asked to go on."""
    unsure: bool = False
    """True once an update of what stands may or may not have been executed."""
    updated_to: str | None = None
    """The content of an update that is proven not executed; None if none was sent."""
    content: str = ""
    """What is to be booked, as the ledger compares it with what stands; see `domain.identity.content_of`."""
    mapping_offset: int | None = None
    number_taken: bool = False
    """True when Sage definitely refused the call because its number is taken; a look-up tells by whom."""
    executed: Claim | None = None
    """The claim whose call Sage says it has executed, though nothing was found: no other call may replace it."""
    begin_by: float = 0.0
    """By the monotonic clock: when the claimed call begins at the latest."""
    steps: int = 0
    """How often it was dated anew because its period is closed (`periods`)."""
    posting_date: date | None = None
    """As the call had it that is proven absent and is sent again under its control id."""
    by_deletion: bool = False
    """Whether the settings say that what is posted and unpaid is deleted to be corrected, instead of reversed."""
    not_before: date | None = None
    """The first day on which it may be reversed: Sage refused the day before."""
    sent: str = ""
    """The control id of a call whose bytes may have left: sent again, it may meet itself."""
    tries: int = 0
    """How often its company did not take it while it took others."""
    doubt: str | None = None
    """Why its outcome is not known yet, as it was last told."""
    looks: int = 0
    """Times it was looked up in Sage because its outcome is in doubt."""
    asked: Order | None = None
    """The command that a person gave for it, if one did."""
    emitted: Emitted | None = None
    """The place of its answer among the events of the document (`sequence.place_of`)."""
    withdrawn: bool = False
    """True when another work took its place: a person spoke while it was in doubt. It decides nothing any more."""

    def afresh(self) -> None:
        """Nothing of the call that was claimed holds for the next one."""
        self.claim, self.step, self.party_id = None, None, None
        self.looks, self.tries, self.number_taken, self.doubt = 0, 0, False, None
        self.posting_date, self.not_before, self.sent = None, None, ""

    @property
    def key(self) -> str:
        """The document key."""
        return self.received.key

    @property
    def connection(self) -> Connection:
        """Where its next call goes: to what stands, or to where the document goes; ValueError before it was mapped."""
        if self.claim is not None:
            return self.claim.connection
        return self.step.posted.connection if self.step is not None else self.mapped.connection

    @property
    def sage_object(self) -> SageObject:
        """What its next call is about; ValueError before it was mapped."""
        if self.claim is not None:
            return self.claim.sage_object
        return self.step.posted.sage_object if self.step is not None else self.mapped.sage_object

    @property
    def operation(self) -> str:
        """What its next call does."""
        match self.step:
            case Update():
                return UPDATE
            case Retire():
                return self.step.operation
            case _:
                return CREATE

    @property
    def lines(self) -> int:
        """How many lines its next call may carry."""
        return len(self.document.lines) if self.document is not None else 1

    @property
    def mapped(self) -> Document:
        """The document; ValueError before it was mapped."""
        if self.document is None:
            raise ValueError(f"{self.key} was not mapped")
        return self.document

    @property
    def claimed(self) -> Claim:
        """The claim; ValueError before it was made."""
        if self.claim is None:
            raise ValueError(f"{self.key} has no claim")
        return self.claim


def orphan(owner: Owner, source: TopicPartition, key: str, claim: Claim) -> Work:
    """A claim whose event will not be read again: it can be looked up, but never be sent."""
    place = f"{source.topic}:{source.partition} at offset {claim.offset}"
    lost = Rejected(Code.EVENT_NOT_READ_AGAIN, f"the record was passed without being read again: {place}")
    received = Received("", "", key, claim.connection.subsidiary_id, claim.revision, lost, claim.emitted)
    record = SourceRecord(source.topic, source.partition, claim.offset or 0, claim.timestamp)
    return Work(owner, received, None, record, offset=None)
