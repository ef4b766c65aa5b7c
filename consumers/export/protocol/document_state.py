"""The state of each document of one source partition: its record in Sage, its claim, its last outcome.

The ledger is the compacted topic `{source}.ledger`, co-partitioned with its source. (It is the export ledger, not the
general ledger.) This module defines the state that its records hold, and the state after an outcome; `ledger.codec`
writes and reads the records. The worker's copy (`ledger.store`) is a cache of the topic and nothing else: a new owner
of the partition restores it before reading the first event, behind the transactional id that fences the former owner.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.outcomes import Outcome
from domain.stored_records import strict_part

WAITING = frozenset({Outcome.DEFERRED, Outcome.UNCERTAIN})
"""Outcomes of documents that continue without a person."""
REVISION_UNKNOWN = ""
"""`Posted.revision` of a record in Sage whose content is not known to be that of any of our revisions."""
REVISION_AMBIGUOUS = "?"
"""`Posted.revision` after an update that may or may not have been executed: the content is of one of two revisions."""
CREATE, UPDATE, REVERSE, DELETE = "create", "update", "reverse", "delete"
"""Operations of a call, in `Claim.operation` and in the control id."""
MAX_FORMER_RECORDS = 30
"""How many former Sage records are remembered for each document: the newest."""
INTERNAL = "~"
"""Prefix of the export's internal records. Such a key is no document key; only the record's writer reads its value."""


@strict_part
@dataclass(frozen=True, slots=True)
class Claim:
    """A call that was about to be made. Until its outcome is known, nothing else may be sent for the document."""

    revision: str
    control_id: str
    attempt: int
    connection: Connection
    sage_object: SageObject
    number: str
    party_id: str
    total: Decimal
    lease_until: datetime
    """End of the lease. No byte of the call leaves after it; absence in Sage proves nothing before it."""
    offset: int | None = None
    """Offset of the source record that the call was made for, and its Kafka timestamp. Older claims have neither."""
    timestamp: int = 0
    repeats: int = 0
    """How often Sage said that it had executed this control id before, although no document was found."""
    asked: bool = False
    """True once a person was asked about the call. Its lease has ended, and it is never sent again."""
    operation: str = CREATE
    record_no: str = ""
    """Record number of the Sage record that a correction changes. Empty for a call that creates."""
    posting_date: date | None = None
    """Posting date in the general ledger if it is not the document's own (`closed_periods`). For a reversal, its date
    if Sage refused an earlier one."""
    content: str = ""
    """Hash of what is to be booked (`domain.idempotency.booked_content_hash`). Empty if not known."""
    booked: str = ""
    """Hash of what Sage holds after the call (`domain.idempotency.booked_of`). Empty if not known."""
    said: str = ""
    """Hash of what the event says except for the party (`domain.translation.revision.said_of`). Empty if not known."""
    alvys_party: str = ""
    """Alvys's own id of the party. Empty if the event did not give it."""
    emitted: Emitted | None = None
    """When the event was emitted that the call was made for. None in older claims, and if the timestamp was wrong."""

    @property
    def corrects(self) -> bool:
        """Whether the call changes an existing Sage record, instead of creating one."""
        return self.operation != CREATE


@strict_part
@dataclass(frozen=True, slots=True)
class Posted:
    """The existing Sage record of a document."""

    revision: str
    record_no: str
    control_id: str
    connection: Connection
    sage_object: SageObject
    number: str
    party_id: str
    content: str = ""
    """Hash of what was asked to be booked (`domain.idempotency.booked_content_hash`). Empty if not known."""
    booked: str = ""
    """Hash of what Sage holds since (`domain.idempotency.booked_of`). Empty if not known."""
    said: str = ""
    """Hash of what the event says except for the party (`domain.translation.revision.said_of`). Empty if not known."""
    alvys_party: str = ""
    """Alvys's own id of the party. Empty if the event did not give it."""
    shown_by: datetime | None = None
    """The time before which it proves nothing that Sage does not show the record: reads may lag behind what was posted.
    The end of the lease of the call that posted it. None in older entries."""


@strict_part
@dataclass(frozen=True, slots=True)
class FormerRecord:
    """A former Sage record of a document. It was reversed or deleted, by us or in Sage."""

    record_no: str
    number: str
    """The number that the record still has. Empty if it was deleted, which frees its number."""
    connection: Connection
    """Where the record was posted. It is kept, with object and party, because its payments may still be voided."""
    sage_object: SageObject
    party_id: str


@strict_part
@dataclass(frozen=True, slots=True)
class MarkedSynced:
    """A person's statement that the document is in Sage already. It is never posted."""

    revision: str
    by: str
    """Who marked the document, when and why."""
    record_no: str | None = None
    at: int = 0
    """Time of the mark, in milliseconds since 1970. A retry given before it is about the state before the mark."""
    claim: Claim | None = None
    """The call that was in doubt at the mark. If the mark is cleared, it is looked up before anything is sent."""


@strict_part
@dataclass(frozen=True, slots=True)
class Consolidated:
    """The document is a row of consolidated bills, and will never be a bill of its own."""

    revision: str
    group: str | None
    """Document key of the bill that has the row as a line. None while the row is withdrawn."""


@strict_part
@dataclass(frozen=True, slots=True)
class LastOutcome:
    """The outcome of the newest revision, as its result said it."""

    revision: str
    outcome: Outcome
    offset: int
    timestamp: int = 0
    """Kafka timestamp of the source record, in milliseconds; with `offset`, the record's place."""
    code: Code | None = None
    detail: str | None = None
    blocked_by: tuple[str, ...] = ()
    by_sage: bool = False
    """True if Sage itself refused. Only then does a new attempt cost a call."""
    emitted: Emitted | None = None
    """Position of the newest answered event. None in entries of older versions."""
    mapped_digest: str = ""
    """For a refusal that names keys: hash of what the settings made of the document (`domain.blockers.mapped_digest`).
    If a key is rewritten and the hash stays the same, the document is not tried again."""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """The ledger entry of one document."""

    key: str
    attempts: int = 0
    """Number of the next attempt: calls that Sage definitely refused, plus corrections that it executed."""
    posted: Posted | None = None
    claim: Claim | None = None
    last: LastOutcome | None = None
    parked: bytes | None = None
    """The event, kept until the document is settled: while it waits or is in doubt, or was rejected and may be tried
    again. So the retention of the source topic cannot lose it."""
    marked: MarkedSynced | None = None
    former_records: tuple[FormerRecord, ...] = ()
    """Former Sage records, oldest first. None of them is ever adopted, or ends a later posting as reversed by hand."""
    renumbered: bool = False
    """True once Sage refused a number that only a former record of ours has: later postings get a suffix."""
    grouped: Consolidated | None = None
    answered: tuple[str, ...] = ()
    """Digests of the last answered events, oldest first (`sequence.digest`). An event that comes again with a later
    timestamp is recognised by them."""

    @property
    def rejected(self) -> bool:
        """Whether the document was rejected, and is kept until a person has acted."""
        return self.parked is not None and self.last is not None and self.last.outcome is Outcome.REJECTED

    @property
    def waiting(self) -> bool:
        """Whether the document continues without a person: when a blocker arrives, or when its doubt ends."""
        return self.parked is not None and self.last is not None and self.last.outcome in WAITING

    @property
    def released_by(self) -> tuple[str, ...]:
        """The keys whose change retries the document: it waits for them, or they caused its refusal."""
        return self.last.blocked_by if self.last is not None and (self.waiting or self.rejected) else ()


def placed(entry: DocumentState, ending: LastOutcome) -> LastOutcome:
    """The outcome, at the place of the newest known event: an event that is read again makes nothing older."""
    for known in (entry.last, entry.claim):
        if known is None or known.offset is None:
            continue
        if known.emitted is not None and ending.emitted is not None:
            newer = ending.emitted.before(known.emitted)
        else:
            newer = known.timestamp >= ending.timestamp and known.offset > ending.offset
        if newer:
            ending = replace(ending, offset=known.offset, timestamp=known.timestamp, emitted=known.emitted)
        elif ending.emitted is None:
            ending = replace(ending, emitted=known.emitted)
    return ending


def ended(
    entry: DocumentState,
    ending: LastOutcome,
    *,
    posted: Posted | None = None,
    marked: MarkedSynced | None = None,
    next_attempt: bool = False,
) -> DocumentState:
    """The entry after an outcome: the claim is settled, and no event is kept.

    Args:
        entry: The entry before.
        ending: The outcome.
        posted: The record in Sage. None leaves the entry's.
        marked: The mark. None clears the entry's.
        next_attempt: True if the next call needs another control id: Sage definitely refused this one, or executed it
            as a correction.
    """
    return replace(
        entry,
        attempts=entry.attempts + next_attempt,
        posted=posted or entry.posted,
        claim=None,
        last=placed(entry, ending),
        parked=None,
        marked=marked,
    )


def after_removal(entry: DocumentState, ending: LastOutcome, parked: bytes | None, *, deleted: bool) -> DocumentState:
    """The entry after the existing Sage record was reversed or deleted. The event is still to be exported.

    Args:
        entry: The entry before.
        ending: The outcome that says so.
        parked: The event, to be kept.
        deleted: Whether the record was deleted, which frees its number.

    Raises:
        ValueError: The entry has no existing record.
    """
    posted = entry.posted
    if posted is None:
        raise ValueError(f"{entry.key} does not stand in Sage")
    former = (*entry.former_records, _retired(posted, deleted=deleted))[-MAX_FORMER_RECORDS:]
    after = ended(entry, ending, next_attempt=True)
    return replace(after, posted=None, parked=parked, former_records=former)


def _retired(posted: Posted, *, deleted: bool) -> FormerRecord:
    number = "" if deleted else posted.number
    return FormerRecord(posted.record_no, number, posted.connection, posted.sage_object, posted.party_id)
