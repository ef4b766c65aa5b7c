"""The place of an event in the order of its document's events. Pure. Promises 4 and 7.

Upstream delivers each event at least once, in any order. So an event is

1. answered already, if its id came with this content before, whatever timestamp the new delivery has; else
2. older, newer or equal by the time at which it was emitted (`domain.emission`), whatever its offset or its Kafka
   timestamp;
3. of unknown place, if its timestamp cannot be true, or if its id and timestamp came before with other content.

If a ledger entry is of a version that did not store when events were emitted, the record's place in the topic decides.
"""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from consumers.export.protocol.document_state import Claim, DocumentState, LastOutcome
from consumers.export.protocol.export_result import ExportResult
from domain.codes import Code
from domain.documents import SourceDocument
from domain.emission import Emitted
from domain.idempotency import SEPARATOR
from domain.translation import ParsedRecord
from domain.translation.revision import earlier_revisions, revision_of
from producers.results import SourceRecord

REMEMBERED = 20
"""Number of answered events that an entry remembers by id. Older ones are recognised by their timestamps alone."""
_DIGEST_BYTES = 8
_WITHOUT_A_PLACE = frozenset({Code.EVENT_TIME_AHEAD, Code.EVENT_ID_REUSED})


class Turn(Enum):
    """The place of an event that arrives."""

    NEWEST = auto()
    """No event of the document is known to be newer, and this event was not answered before."""
    PAST = auto()
    """The event was answered before, or a newer one was answered or sent since."""
    AHEAD = auto()
    """The event's timestamp is later than it can have been emitted: it is unknown whether any event is newer."""
    CONTRADICTED = auto()
    """The newest event has the same id and timestamp, but other content: it is unknown which of the two is true."""


def turn_of(entry: DocumentState, received: ParsedRecord, source: SourceRecord, now: datetime) -> Turn:
    """Compare an event from the source topic with everything known of its document.

    Args:
        entry: The ledger entry of the document.
        received: The event.
        source: The record that brought the event.
        now: The present time.
    """
    emitted, last = received.emitted, entry.last
    if emitted is not None and _was_answered(entry, received, emitted):
        return Turn.PAST
    if emitted is not None and not emitted.possible(now):
        return Turn.AHEAD
    if any(_after(each, emitted, source) for each in (last, entry.claim) if each is not None):
        return Turn.PAST
    if last is None or emitted is None or last.emitted != emitted:
        return Turn.NEWEST
    if last.revision == received.revision or _not_after(source, last):
        return Turn.PAST  # if the content differs, only because this version reads the same record differently
    return Turn.CONTRADICTED


def _was_answered(entry: DocumentState, received: ParsedRecord, emitted: Emitted) -> bool:
    """Whether the event was answered, by this version's revision of its content or an earlier version's."""
    if not entry.answered:
        return False
    if digest(emitted, received.revision) in entry.answered:
        return True
    if not isinstance(received.document, SourceDocument):
        return False
    others = (revision_of(received.document), *earlier_revisions(received.document))
    return any(digest(emitted, revision) in entry.answered for revision in others)


def _after(known: LastOutcome | Claim, emitted: Emitted | None, source: SourceRecord) -> bool:
    if known.emitted is not None and emitted is not None:
        return emitted.before(known.emitted)
    return _not_after(source, known)


def _not_after(source: SourceRecord, known: LastOutcome | Claim) -> bool:
    """Whether the record has the same place as the known one, or an earlier one.

    Both timestamp and offset have to be smaller or equal: if a topic was created again, new records have small offsets.
    """
    return known.offset is not None and source.offset <= known.offset and source.timestamp <= known.timestamp


def answered(entry: DocumentState, received: ParsedRecord, result: ExportResult | None = None) -> DocumentState:
    """The entry with the event added to the answered ones.

    An event of unknown place that is not kept for a person is not added: if it is delivered again, it is judged again.
    """
    if result is not None and result.from_ledger and result.code in _WITHOUT_A_PLACE:
        return entry
    if received.emitted is None or (mine := digest(received.emitted, received.revision)) in entry.answered:
        return entry
    return replace(entry, answered=(*entry.answered, mine)[-REMEMBERED:])


def digest(emitted: Emitted, revision: str) -> str:
    """A digest of 11 characters over an event's id and content. An id that comes with two contents is two events."""
    found = hashlib.sha256(f"{emitted.id}{SEPARATOR}{revision}".encode()).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def place_of(entry: DocumentState, received: ParsedRecord, now: datetime, *, newest: bool) -> Emitted | None:
    """The position that the answer to an event takes in the order of its document's events. None if not known.

    An event that was answered before, or that the ledger kept, takes the position of the newest event, because its
    answer is about that content: a copy with a later timestamp must not make the events in between too late.

    Args:
        entry: The ledger entry of the document.
        received: The event.
        now: The present time.
        newest: Whether the event arrived as the newest (`Turn.NEWEST`).
    """
    own = received.emitted if received.emitted is not None and received.emitted.possible(now) else None
    return own if newest else newest_of(entry) or own


def newest_of(entry: DocumentState) -> Emitted | None:
    """The newest event of the document that was answered, or that a claim is about. None if not known."""
    last = entry.last.emitted if entry.last is not None else None
    claimed = entry.claim.emitted if entry.claim is not None else None
    if last is None or claimed is None:
        return last or claimed
    return claimed if last.before(claimed) else last


def in_words(entry: DocumentState) -> str:
    """Describe the newer event or record, for the result of an event that is `PAST`."""
    if (newest := newest_of(entry)) is not None:
        return f"the newest event of the document is {newest.id} of {newest.at.isoformat()}"
    known = entry.claim or entry.last
    return f"the record at offset {known.offset} came after it" if known is not None else "it was answered before"
