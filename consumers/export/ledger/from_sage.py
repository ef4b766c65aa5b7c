"""What Sage's own records tell of a ledger entry that is lost. Pure: records and events in, document states out.

A record in Sage says where a document is: record number, number, party, total, date, and our marker. It does not say
which revision it holds. The events that are still in the source topic do: of those that describe just this record, the
newest is taken for the one that was posted, if all of them book the same today. If none does, or several that differ,
the content is unknown (`REVISION_UNKNOWN`): every event of the document is then rejected with CHANGED_AFTER_POSTING,
and a person decides. A document that may be in Sage is never posted.

=======================================  ==============================================================================
records with the marker                  the document's record
=======================================  ==============================================================================
one that is not reversed                 that one; the others are its former records
several that are not reversed            the newest, of unknown content
only reversed ones                       the newest: like any posted record that is reversed, it is posted anew only
                                         for a later revision
one that carries several markers         the same, of unknown content
=======================================  ==============================================================================

The transaction that Sage adds to reverse a record ("Reversal") belongs to no document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from consumers.export.protocol.document_numbers import is_suffix_of
from consumers.export.protocol.document_state import (
    MAX_FORMER_RECORDS,
    REVISION_UNKNOWN,
    DocumentState,
    FormerRecord,
    LastOutcome,
    Posted,
)
from consumers.export.protocol.sequence import REMEMBERED
from domain.documents import Connection, SageObject
from domain.emission import Emitted
from domain.outcomes import Outcome

UNCOUNTED = 1_000
"""Next attempt of a draft: each of its updates may have taken one, and Sage shows none of them."""
LATER = timedelta(days=2)
"""How much later than a record's last change an event cannot be what the record holds. WHENMODIFIED names no time zone,
and a timestamp may be a day ahead."""


class Unproven(StrEnum):
    """What is not known of a document. The codes are stable."""

    NO_EVENT = "NO_EVENT"
    CONTENT_UNKNOWN = "CONTENT_UNKNOWN"
    CONTENT_AMBIGUOUS = "CONTENT_AMBIGUOUS"
    SEVERAL_RECORDS = "SEVERAL_RECORDS"
    SEVERAL_MARKERS = "SEVERAL_MARKERS"
    MARKER_LOST = "MARKER_LOST"
    NOT_IN_SAGE = "NOT_IN_SAGE"
    LINE_OF_BILL = "LINE_OF_BILL"


REASONS = {
    Unproven.NO_EVENT: "its events have expired, so nothing tells which revision the record holds",
    Unproven.CONTENT_UNKNOWN: "no event that was read describes it: it was changed in Sage, or its event expired",
    Unproven.CONTENT_AMBIGUOUS: "several events of different content describe the record",
    Unproven.SEVERAL_RECORDS: "several records with its marker are not reversed",
    Unproven.SEVERAL_MARKERS: "the record carries the markers of several documents",
    Unproven.MARKER_LOST: "a record has its number and party, and no marker that can be read",
    Unproven.NOT_IN_SAGE: "a copy or a result says that it was posted, and Sage does not show its record",
    Unproven.LINE_OF_BILL: "it counts as a line of its day's bill, which is in Sage; settings now would post it alone",
}


@dataclass(frozen=True, slots=True)
class MarkedRecord:
    """A record as Sage shows it, and the connection that showed it. Texts are as Sage gave them."""

    connection: Connection
    sage_object: SageObject
    record_no: str
    number: str
    party_id: str
    total: Decimal
    date: str
    modified: str
    void: bool
    """Whether it is reversed or voided."""
    draft: bool
    shared: bool
    """Whether it carries more than one marker."""

    @property
    def name(self) -> tuple[str, SageObject, str]:
        """Company, object and record number: the same for every connection that shows the record."""
        return self.connection.company_id, self.sage_object, self.record_no


@dataclass(frozen=True, slots=True)
class ExpectedRecord:
    """The record that an event would make: what of it can be compared with Sage."""

    sage_object: SageObject
    numbers: tuple[str, ...]
    totals: tuple[Decimal, ...]
    """The total with the settings in force, and the total of the event: settings may have left lines out since."""
    date: date
    party_id: str
    """Empty if only Sage's lists tell it."""


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event that is still in the source topic."""

    revision: str
    offset: int
    timestamp: int
    emitted: Emitted | None
    """None if its timestamp cannot be true."""
    digest: str
    """Its digest among the answered events (`sequence.digest`)."""
    answered: bool
    """Whether the group had read it, as far as is known: only then can Sage hold it."""
    connection: Connection | None
    """The connection in force of its subsidiary."""
    expected: ExpectedRecord | None
    """None if it books nothing."""
    content: str = ""
    """What it books with the settings in force: equal for events that make no difference."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A ledger entry as Sage tells it. `unproven`: why the content of its record is unknown; None if it is proven."""

    entry: DocumentState
    unproven: Unproven | None


def recover(before: DocumentState, records: Sequence[MarkedRecord], events: Sequence[ReadEvent]) -> Recovered:
    """Make the entry of a document that is in Sage.

    Args:
        before: What copies and results tell of it: no record in Sage, or one that is not the newest.
        records: Its records, at least one; the same one may occur several times, as several connections showed it.
        events: Its events that are still in the topic.
    """
    once = sorted(_once(records, events), key=_age)
    standing = [each for each in once if not each.void]
    chosen = (standing or once)[-1]
    event, unproven = _event_of(chosen, events)
    if len(standing) > 1:
        unproven = Unproven.SEVERAL_RECORDS
    if any(each.shared for each in once):
        unproven = Unproven.SEVERAL_MARKERS
    former = [each for each in once if each is not chosen]
    entry = replace(
        before,
        posted=_posted(chosen, "" if event is None or unproven else event.revision),
        # Each record that was reversed took an attempt, so the next call has the control id that it would have had.
        attempts=max(before.attempts, UNCOUNTED if chosen.draft else len(former)),
        former_records=tuple(map(_former, former))[-MAX_FORMER_RECORDS:],
        renumbered=any(is_suffix_of(chosen.number, each.number) for each in former if each.number != chosen.number),
        last=None,
        parked=None,
        answered=(),
    )
    if event is None or unproven is not None:
        return Recovered(entry, unproven)
    return Recovered(_answered(entry, event, events, Outcome.POSTED), None)


def recover_by_number(before: DocumentState, found: MarkedRecord) -> Recovered:
    """Make the entry of a document whose number and party a record without marker has: it may be this document."""
    return Recovered(replace(before, posted=_posted(found, REVISION_UNKNOWN), last=None), Unproven.MARKER_LOST)


def only_newest(before: DocumentState, events: Sequence[ReadEvent]) -> DocumentState | None:
    """Make the entry of a document that has several revisions, and is in no result and not in Sage.

    Its newest event was the last to be answered: it waits, was refused, or took the record away (withdrawn, a deleted
    draft). The ones before it come too late when they are read again; else they would be posted for a moment.

    Returns:
        The entry. None if there is nothing to tell: no event was answered, or all have one content.
    """
    if not any(each.answered for each in events):
        return None
    newest = max(events, key=_place)
    several = any(each.revision != newest.revision for each in events)
    return _answered(before, newest, (), Outcome.SKIPPED) if several else None


def _answered(entry: DocumentState, event: ReadEvent, events: Sequence[ReadEvent], outcome: Outcome) -> DocumentState:
    last = LastOutcome(event.revision, outcome, event.offset, event.timestamp, emitted=event.emitted)
    known = [each.digest for each in sorted(events, key=_place) if _place(each) <= _place(event) and each.digest]
    return replace(entry, last=last, answered=tuple(dict.fromkeys(known))[-REMEMBERED:])


def _once(records: Sequence[MarkedRecord], events: Sequence[ReadEvent]) -> list[MarkedRecord]:
    """Each record once: as the connection of the document's newest event shows it, if it does."""
    placed = [each for each in events if each.connection is not None]
    wanted = max(placed, key=_place).connection if placed else None
    found: dict[tuple[str, str, str], MarkedRecord] = {}
    for each in records:
        at, name = each.connection, each.name
        own = wanted is not None and (at.company_id, at.entity_id) == (wanted.company_id, wanted.entity_id)
        if own and wanted is not None:
            found[name] = replace(each, connection=wanted)
        else:
            found.setdefault(name, each)
    return list(found.values())


def _event_of(record: MarkedRecord, events: Sequence[ReadEvent]) -> tuple[ReadEvent | None, Unproven | None]:
    """The newest event whose content the record holds; or why that is not known."""
    if not events:
        return None, Unproven.NO_EVENT
    matching = [each for each in events if each.answered and _describes(each, record)]
    if not matching:
        return None, Unproven.CONTENT_UNKNOWN
    if len({each.content for each in matching}) > 1:
        return None, Unproven.CONTENT_AMBIGUOUS
    return max(matching, key=_place), None


def _describes(event: ReadEvent, record: MarkedRecord) -> bool:
    wanted = event.expected
    return (
        wanted is not None
        and wanted.sage_object is record.sage_object
        and any(is_suffix_of(record.number, number) for number in wanted.numbers)
        and record.total in wanted.totals
        and record.date.strip()[:10] == f"{wanted.date:%m/%d/%Y}"
        and wanted.party_id.casefold() in ("", record.party_id.casefold())
        and not _came_after(event, record)
    )


def _came_after(event: ReadEvent, record: MarkedRecord) -> bool:
    try:
        changed = datetime.strptime(record.modified.strip(), "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007 - Sage names no zone
    except ValueError:
        return False
    return event.emitted is not None and event.emitted.at.replace(tzinfo=None) > changed + LATER


def _place(event: ReadEvent) -> tuple[datetime, int, str, int]:
    """The place of an event in the order of its document's events; one without a place is the oldest."""
    if event.emitted is None:
        return datetime.min.replace(tzinfo=UTC), 0, "", event.offset
    return *event.emitted.rank, event.offset


def _age(record: MarkedRecord) -> int:
    return int(record.record_no) if record.record_no.isdecimal() else 0


def _posted(record: MarkedRecord, revision: str) -> Posted:
    return Posted(
        revision or REVISION_UNKNOWN,
        record.record_no,
        "",
        record.connection,
        record.sage_object,
        record.number,
        record.party_id,
    )


def _former(record: MarkedRecord) -> FormerRecord:
    return FormerRecord(record.record_no, record.number, record.connection, record.sage_object, record.party_id)
