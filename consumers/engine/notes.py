"""What is written when a document ends, waits or cannot be read: pure, from work and verdict to journal notes."""

from dataclasses import dataclass, replace
from datetime import datetime

from aiokafka import ConsumerRecord

from consumers.engine import sizes
from consumers.engine.journal import Note, Outgoing
from consumers.engine.ledger import Ending, Entry, ended
from consumers.engine.work import Verdict, Work
from domain.commands import Retry
from domain.events import ContractError
from domain.outcomes import Outcome
from domain.words import one_line
from producers import dead_letters, results
from producers.dead_letters import DeadRecord
from producers.results import Result


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes notes for one worker's topics."""

    group_id: str
    results: str
    """The topic of results; `dead_letters` likewise."""
    dead_letters: str
    room: int = sizes.room(sizes.LARGEST_EVENT)
    """Bytes that a dead letter may have."""
    rows: str = ""
    """The topic of rows of grouped bills."""

    def finished(self, work: Work, verdict: Verdict, entry: Entry, at: datetime) -> Note:
        """The document ended: its result, its entry without a claim, the end of its record."""
        result: tuple[Outgoing, ...] = (self._result(work, verdict, at),)
        if verdict.from_ledger:
            return Note(None, result, work.offset)  # the ledger said it; it has nothing to learn
        taken_away = work.asked is not None and isinstance(work.asked.command, Retry)
        marked = verdict.marked or (None if taken_away else entry.marked)
        settled = ended(entry, ending(work, verdict), posted=verdict.posted, marked=marked, refused=verdict.refused)
        if verdict.parked or verdict.outcome is Outcome.REJECTED or verdict.marked:
            settled = replace(settled, parked=work.value)
        if (moved := verdict.moved) is not None:
            settled = replace(settled, grouped=moved.grouped)
            result = (*result, Outgoing(self.rows, work.key.encode(), moved.row))
        return Note(settled, result, work.offset)

    def in_doubt(self, work: Work, verdict: Verdict, entry: Entry, at: datetime) -> Note:
        """The record ends, the claim stands, the event is kept."""
        parked = replace(entry, last=ending(work, verdict), parked=work.value)
        return Note(parked, (self._result(work, verdict, at),), work.offset)

    def dead(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> Note:
        """The bytes go aside untouched; what of them does not fit is left out and named.

        `ends` is the offset of the record that ends with it, if one does.
        """
        dead = dead_letters.fitted(record, self.room - sizes.AROUND)
        headers = dead_letters.headers(dead, error.code, error.detail, self.group_id)
        return Note(None, (Outgoing(self.dead_letters, dead.key, dead.value, headers),), ends)

    def _result(self, work: Work, verdict: Verdict, at: datetime) -> Outgoing:
        claim, document = work.claim, work.document
        result = Result(
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
            sage=verdict.sage,
            mapping_offset=work.mapping_offset,
            from_ledger=verdict.from_ledger,
        )
        return Outgoing(self.results, work.key.encode(), results.encode(result))


def ending(work: Work, verdict: Verdict) -> Ending:
    """What the ledger keeps of a verdict."""
    return Ending(
        revision=work.received.revision,
        outcome=verdict.outcome,
        offset=work.source.offset,
        timestamp=work.source.timestamp,
        code=verdict.code,
        detail=None if verdict.detail is None else one_line(verdict.detail),
        blocked_by=verdict.blocked_by,
        by_sage=verdict.refused or verdict.stands,
    )


def as_read(record: ConsumerRecord) -> DeadRecord:
    """A source record as a dead letter keeps it."""
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
