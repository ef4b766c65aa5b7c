"""Where an event stands among those of its document: pure. Promises 4 and 7.

Upstream delivers at least once and without order. So an event is

1. answered already, if its id came with this content before, whatever timestamp the new delivery carries; else
2. older, newer or the same by when it was emitted (`domain.emission`), whatever its offset or its Kafka timestamp;
3. of no known place, if its timestamp cannot be true, or if its id and timestamp came with other content.

An entry of a version that did not keep when its events were emitted is compared by the record's place in the topic.
"""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from consumers.engine.ledger import Claim, Ending, Entry
from consumers.engine.work import Verdict
from domain.codes import Code
from domain.documents import SourceDocument
from domain.emission import Emitted
from domain.identity import SEPARATOR
from domain.reading import Received
from domain.reading.revision import earlier_revisions, revision_of
from producers.results import SourceRecord

REMEMBERED = 20
"""Answered events that are known by their ids, for each document. Older ones are known by their timestamps alone."""
_DIGEST_BYTES = 8
_WITHOUT_A_PLACE = frozenset({Code.EVENT_TIME_AHEAD, Code.EVENT_ID_REUSED})


class Turn(Enum):
    """Whose turn it is when an event arrives."""

    NEWEST = auto()
    """Nothing of the document is known to be newer, and it was not answered before."""
    PAST = auto()
    """It was answered before, or a newer one was answered or sent since."""
    AHEAD = auto()
    """Its timestamp is later than it can have been emitted: whether anything is newer cannot be known."""
    CONTRADICTED = auto()
    """The newest event has its id and its timestamp, and other content: which of the two is true cannot be known."""


def turn_of(entry: Entry, received: Received, source: SourceRecord, now: datetime) -> Turn:
    """Compare an event that was read from the source topic with all that is known of its document.

    Args:
        entry: What the ledger says.
        received: The event.
        source: The record that brought it.
        now: The present.
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
        return Turn.PAST  # of other content only where this version reads the same record otherwise
    return Turn.CONTRADICTED


def _was_answered(entry: Entry, received: Received, emitted: Emitted) -> bool:
    """Whether the event was answered, under this version's revision of its content or an earlier one's."""
    if not entry.answered:
        return False
    if digest(emitted, received.revision) in entry.answered:
        return True
    if not isinstance(received.document, SourceDocument):
        return False
    others = (revision_of(received.document), *earlier_revisions(received.document))
    return any(digest(emitted, revision) in entry.answered for revision in others)


def _after(known: Ending | Claim, emitted: Emitted | None, source: SourceRecord) -> bool:
    if known.emitted is not None and emitted is not None:
        return emitted.before(known.emitted)
    return _not_after(source, known)


def _not_after(source: SourceRecord, known: Ending | Claim) -> bool:
    """Whether the record was read before, or before that one.

    By time as well as by offset: in a topic that was made anew, a new record may have a small offset.
    """
    return known.offset is not None and source.offset <= known.offset and source.timestamp <= known.timestamp


def answered(entry: Entry, received: Received, verdict: Verdict | None = None) -> Entry:
    """The entry, with the event among those that were answered.

    One of no known place that is not kept for a person was told so, and no more: delivered again, it is looked at anew.
    """
    if verdict is not None and verdict.from_ledger and verdict.code in _WITHOUT_A_PLACE:
        return entry
    if received.emitted is None or (mine := digest(received.emitted, received.revision)) in entry.answered:
        return entry
    return replace(entry, answered=(*entry.answered, mine)[-REMEMBERED:])


def digest(emitted: Emitted, revision: str) -> str:
    """11 characters for an event's id with its content. One id with two contents are two events."""
    found = hashlib.sha256(f"{emitted.id}{SEPARATOR}{revision}".encode()).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def place_of(entry: Entry, received: Received, now: datetime, *, newest: bool) -> Emitted | None:
    """The place that the answer to an event takes among those of its document; None where that cannot be known.

    One that was answered before, or that the ledger kept, is answered for the newest event, of whose content it is:
    a copy under a later timestamp makes nothing that lies between too late.

    Args:
        entry: What the ledger says.
        received: The event.
        now: The present.
        newest: Whether it arrived as the newest (`Turn.NEWEST`).
    """
    own = received.emitted if received.emitted is not None and received.emitted.possible(now) else None
    return own if newest else newest_of(entry) or own


def newest_of(entry: Entry) -> Emitted | None:
    """The newest event of the document that was answered, or that a call is about; None where that is not known."""
    last = entry.last.emitted if entry.last is not None else None
    claimed = entry.claim.emitted if entry.claim is not None else None
    if last is None or claimed is None:
        return last or claimed
    return claimed if last.before(claimed) else last


def in_words(entry: Entry) -> str:
    """What an event that is `PAST` comes too late for."""
    if (newest := newest_of(entry)) is not None:
        return f"the newest event of the document is {newest.id} of {newest.at.isoformat()}"
    known = entry.claim or entry.last
    return f"the record at offset {known.offset} came after it" if known is not None else "it was answered before"
