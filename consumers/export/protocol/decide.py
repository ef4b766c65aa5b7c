"""Step 1, pure: decide from a document's ledger entry what happens to a revision of it. Promises 2, 4 and 7.

The forecast of a replay uses the same function as the worker.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import TypeVar

from consumers.export.protocol.consolidated import is_placed_finally
from consumers.export.protocol.document_state import (
    REVISION_UNKNOWN,
    Claim,
    DocumentState,
    FormerRecord,
    MarkedSynced,
    Posted,
)
from consumers.export.protocol.export_result import ExportResult, result_of
from consumers.export.protocol.sequence import Turn, in_words
from domain.categories import Side
from domain.codes import Code
from domain.commands import Command, MarkSynced, Retry, said
from domain.documents import AP_OBJECTS, Connection, Document, SourceDocument
from domain.emission import AHEAD
from domain.idempotency import booked_content_hash, booked_of, contents_of
from domain.outcomes import Deferred, Outcome, Rejected, Skipped
from domain.parties.matching import alvys_party
from domain.settings.keys import ConnectionKey
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting, ConnectionStatus, InvalidSetting
from domain.translation import ParsedRecord
from domain.translation.revision import earlier_revisions, former_revisions, said_of
from producers.results import SageAnswer

Known = TypeVar("Known", Claim, Posted)
NOTHING_TO_BOOK = frozenset({Code.ZERO_TOTAL, Code.DEDUCTED_FROM_DRIVER, Code.WITHDRAWN})
"""Skip codes that mean that nothing of the document belongs in Sage any more. All others are about settings."""

_UNDER_OTHER_KEY = frozenset({Code.BILLED_UNDER_OTHER_KEY, Code.BILLED_OTHERWISE})
_TAKES_BACK = "; this event takes the bill back, and reaches only what its own key posted"


class NextStep(Enum):
    """The next step of a revision that the ledger cannot answer."""

    RECONCILE = auto()
    """Look the document up in Sage first: one of its calls has no outcome."""
    MAP = auto()
    """Map the event with the settings in force; then post it if they allow, or correct the existing record."""


def as_known(entry: DocumentState, received: ParsedRecord) -> ParsedRecord:
    """Adapt what was read from an event to what the ledger knows of the document.

    The revision becomes the one under which an earlier version stored the same content (that version took lists as
    given). And an event that takes back a bill which exists under the trip's other key becomes `Rejected`, because
    otherwise nobody would learn that the bill still exists.
    """
    last = entry.last
    if entry.posted is None and last is not None and last.code in _UNDER_OTHER_KEY and _takes_back(received.document):
        detail = f"{(last.detail or 'it stands there').removesuffix(_TAKES_BACK)}{_TAKES_BACK}"
        return replace(received, document=Rejected(Code.BILLED_OTHERWISE, detail))
    known = {each.revision for each in (entry.posted, entry.claim, entry.last, entry.marked) if each is not None}
    if not known or received.revision in known or not isinstance(received.document, SourceDocument):
        return received
    former = next((each for each in earlier_revisions(received.document) if each in known), None)
    return received if former is None else replace(received, revision=former)


def _takes_back(document: SourceDocument | Skipped | Rejected) -> bool:
    if isinstance(document, SourceDocument):
        return not any(line.amount for line in document.lines)
    return isinstance(document, Skipped) and document.code in NOTHING_TO_BOOK


def decide(entry: DocumentState, revision: str, turn: Turn = Turn.NEWEST) -> ExportResult | NextStep:
    """Answer a revision from the ledger, or return the next step.

    Args:
        entry: The ledger entry of the document.
        revision: The revision that arrived.
        turn: The place of its event in the order of the document's events. An event that comes from the ledger itself,
            or that a person asked for, counts as the newest.
    """
    if entry.claim is not None:
        looks = revision == entry.claim.revision or turn is Turn.NEWEST
        return NextStep.RECONCILE if looks else _too_late(entry, turn)
    # If the existing record was not found at the last look, a new event asks Sage again.
    asks = turn is Turn.NEWEST and lost(entry)
    if not asks and (same := _is_final_already(entry, revision) or is_placed_finally(entry, revision)) is not None:
        return replace(same, records_newer_revision=turn is Turn.NEWEST)
    told = entry.last if turn is Turn.PAST else None
    if turn in (Turn.AHEAD, Turn.CONTRADICTED) or (told is not None and told.revision != revision):
        return _too_late(entry, turn)
    if entry.marked is not None or (entry.posted is not None and entry.posted.revision == REVISION_UNKNOWN):
        return reject_changed(entry)
    if told is not None and told.by_sage:
        # The same event gets Sage's refusal again. Another event of the same content asks Sage anew.
        return ExportResult(told.outcome, told.code, told.detail, told.blocked_by, from_ledger=True)
    return NextStep.MAP


def _too_late(entry: DocumentState, turn: Turn) -> ExportResult:
    """The result of an event that comes too late, or whose place in the order of events cannot be known.

    An event of unknown place is kept in the ledger, so that a person may still ask for it; but not if the ledger keeps
    another event or a claim of the document already.
    """
    match turn:
        case Turn.AHEAD:
            code = Code.EVENT_TIME_AHEAD
            why = f"its timestamp is more than {AHEAD.days} day ahead of the time at which it was read"
        case Turn.CONTRADICTED:
            code, why = Code.EVENT_ID_REUSED, "the document's newest event has its id and timestamp, and other content"
        case _:
            return ExportResult(Outcome.SKIPPED, Code.SUPERSEDED, in_words(entry), from_ledger=True)
    kept_already = entry.parked is not None or entry.claim is not None
    return ExportResult(Outcome.REJECTED, code, why, final_on_replay=True, from_ledger=kept_already)


def _is_final_already(entry: DocumentState, revision: str) -> ExportResult | None:
    """The result if the same content is in Sage already: we posted it, or a person marked it as synced."""
    if entry.posted is not None and entry.posted.revision == revision and entry.marked is None:
        sage = SageAnswer(entry.posted.record_no, entry.posted.control_id)
        return ExportResult(Outcome.ALREADY_POSTED, sage=sage, from_ledger=True)
    if entry.marked is not None and entry.marked.revision == revision:
        return ExportResult(Outcome.SKIPPED, Code.MARKED_SYNCED, f"marked by {entry.marked.by}", from_ledger=True)
    return None


def reject_changed(entry: DocumentState) -> ExportResult:
    """Reject a revision whose document is in Sage with content that a person gave it. Such a record is not corrected.

    A record that we posted is corrected (docs/decisions/0023-what-changed-after-posting-is-corrected.md).

    Raises:
        ValueError: The entry has neither a posted record nor a mark.
    """
    posted, marked = entry.posted, entry.marked
    code = Code.CHANGED_AFTER_POSTING
    if posted is not None:
        if posted.sage_object.adjusts:
            code = Code.CREDIT_CHANGED
        detail = f"record {posted.record_no} in Sage has the content of another revision"
        sage = SageAnswer(posted.record_no, posted.control_id)
    elif marked is not None:
        detail = f"another revision was marked as synced by {marked.by}"
        sage = SageAnswer(marked.record_no)
    else:
        raise ValueError(f"{entry.key} does not stand in Sage")
    return ExportResult(Outcome.REJECTED, code, detail, sage=sage)


def plan_export(
    standing: Posted | None,
    answer: Document | Skipped | Deferred | Rejected,
    state: MappingState,
    retired: Sequence[FormerRecord] = (),
) -> Document | ExportResult | None:
    """Combine the outcome of mapping a revision with the existing Sage record, if there is one.

    Args:
        standing: The existing Sage record, posted for another revision. None if there is none.
        answer: The outcome of mapping the revision.
        state: The settings in force.
        retired: Former Sage records of the document.

    Returns:
        The document to post; or the result that ends the revision and leaves the existing record as it is; or None if
        nothing is to be booked any more, so that the existing record has to be removed.
    """
    if standing is None:
        return answer if isinstance(answer, Document) else _not_posted(answer, retired)
    setting = state.connection(standing.connection.subsidiary_id)
    if isinstance(setting, ConnectionSetting) and setting.state is ConnectionStatus.PAUSED:
        # For a document that moves, this is the connection that it leaves. A document that is zero now waits here too.
        key = ConnectionKey(standing.connection.subsidiary_id).canonical
        return result_of(Deferred(Code.CONNECTION_PAUSED, "the connection of what stands in Sage is paused", (key,)))
    if isinstance(answer, Document):
        return answer
    if isinstance(answer, Skipped) and answer.code in NOTHING_TO_BOOK:
        return _taken_back(standing, setting) if answer.code is Code.WITHDRAWN else None
    return _left_posted(standing, answer)


def _taken_back(standing: Posted, setting: ConnectionSetting | InvalidSetting | None) -> ExportResult | None:
    """Decide what happens to the existing record of a withdrawn document. None: it is removed.

    The withdrawal is mapped without any setting, so the settings of the existing record are checked here: if the
    subsidiary was disconnected, or the side is off, nothing is touched in Sage.
    """
    key = ConnectionKey(standing.connection.subsidiary_id).canonical
    if isinstance(setting, InvalidSetting):
        return result_of(Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,)))
    if setting is None:
        return _left_posted(standing, Skipped(Code.NOT_CONNECTED, "the subsidiary of what stands has no connection"))
    side = setting.ap if standing.sage_object in AP_OBJECTS else setting.ar
    if not side.active:
        return _left_posted(standing, Skipped(Code.SIDE_DISABLED, "the side of what stands is off"))
    return None


def _left_posted(standing: Posted, answer: Skipped | Deferred | Rejected) -> ExportResult:
    """The result that leaves the existing record as it is. A rejection names the record, for whoever has to act."""
    sage = SageAnswer(standing.record_no)
    match answer:
        case Deferred():
            return result_of(answer)
        case Rejected():
            detail = f"{answer.detail}; record {standing.record_no} stands in Sage as it was posted"
            return replace(result_of(answer), detail=detail, sage=sage)
        case Skipped():
            detail = f"record {standing.record_no} stands in Sage, and this revision is not exported: {answer.code}, "
            return ExportResult(Outcome.REJECTED, Code.CHANGED_AFTER_POSTING, detail + answer.detail, sage=sage)


def _not_posted(answer: Skipped | Deferred | Rejected, retired: Sequence[FormerRecord]) -> ExportResult:
    """The result if no record exists.

    If a record was removed for a correction, the document is rejected and not skipped for a setting: else nobody would
    notice that it is missing.
    """
    if not retired or not isinstance(answer, Skipped) or answer.code in NOTHING_TO_BOOK:
        return result_of(answer)
    detail = f"record {retired[-1].record_no} was taken back to be corrected, and this is not exported now: "
    return ExportResult(Outcome.REJECTED, Code.CHANGED_AFTER_POSTING, f"{detail}{answer.code}, {answer.detail}")


def already_booked(standing: Posted | None, received: ParsedRecord, document: Document) -> ExportResult | None:
    """The result if a new revision books the same as before: nothing is corrected, only the revision is stored.

    If an earlier version posted the record, the ledger has no content hash of it. Then the revisions have to be equal
    except for facts, which that version did not read, and for numbers, which it cut differently.

    Returns:
        The result, or None if the document has to be posted or corrected.
    """
    if standing is None or not isinstance(received.document, SourceDocument):
        return None
    if standing.content:
        same = standing.content in contents_of(document)
    else:
        same = standing.revision in former_revisions(received.document)
    return _as_booked(standing, received, document, standing.content) if same else None


def books_the_same(standing: Posted, received: ParsedRecord, document: Document) -> bool:
    """Whether Sage already holds the document, provided that its party is the existing record's.

    Call this once the document's payment term is settled. Also true if settings changed since, and the event says the
    same except for the party: a changed setting counts only for what is exported from then on (requirement 62).
    """
    if not standing.booked or not isinstance(received.document, SourceDocument):
        return False
    return standing.booked == booked_of(document, standing.party_id) or standing.said == said_of(received.document)


def same_party(standing: Posted, document: Document, found: str | Rejected) -> bool:
    """Whether the document's party is the party of the existing record.

    An external id decides, and so does a party that is found in Sage. If Sage has no party of that name, Alvys's own id
    decides: the party was renamed in Alvys, and searching Sage for the new name is of no use for a posted document.

    Args:
        standing: The existing record.
        document: The document.
        found: The id of the party's record in Sage, or why there is none.
    """
    if document.party.external_id:
        return standing.party_id in (document.party.external_id, found)
    known = alvys_party(document.source)
    return found == standing.party_id or (isinstance(found, Rejected) and known != "" and known == standing.alvys_party)


def is_booked_already(standing: Posted, received: ParsedRecord, document: Document) -> ExportResult:
    """The result for the same books under the same party, if the event names the party or orders lines otherwise."""
    return _as_booked(standing, received, document, booked_content_hash(document))


def _as_booked(standing: Posted, received: ParsedRecord, document: Document, content: str) -> ExportResult:
    sage = SageAnswer(standing.record_no, standing.control_id)
    posted = replace(
        standing,
        revision=received.revision,
        connection=_keep_company_of(standing.connection, document.connection),
        content=content,
        said=said_of(received.document) if isinstance(received.document, SourceDocument) else "",
        alvys_party=alvys_party(document.source) or standing.alvys_party,
    )
    return ExportResult(Outcome.ALREADY_POSTED, detail="what it books is what stands already", sage=sage, posted=posted)


def _keep_company_of(was: Connection, now: Connection) -> Connection:
    """The connection of the existing record, which stays in its company and entity wherever the subsidiary is now."""
    return now if (now.company_id, now.entity_id) == (was.company_id, was.entity_id) else was


def mark_synced(entry: DocumentState, revision: str, command: MarkSynced) -> ExportResult:
    """The result for a revision that a person entered in Sage by hand and marks as synced."""
    earlier = entry.marked.claim if entry.marked is not None else None
    by = said(command)
    sage = SageAnswer(command.record_no) if command.record_no else None
    mark = MarkedSynced(revision, by, command.record_no, _at(command), entry.claim or earlier)
    return ExportResult(Outcome.SKIPPED, Code.MARKED_SYNCED, f"marked by {by}", sage=sage, marked=mark)


def with_current_credentials(known: Known, settings: MappingState) -> Known:
    """Keep the company of the old call, but use today's credentials, which may have been renamed."""
    was = known.connection
    now = settings.connection(was.subsidiary_id)
    if isinstance(now, ConnectionSetting) and (now.company_id, now.entity_id) == (was.company_id, was.entity_id):
        return replace(known, connection=replace(was, credentials=now.credentials))
    return known


def deletes(known: Posted | FormerRecord, settings: MappingState) -> bool:
    """Whether the settings of the record's connection say that a posted, unpaid record is corrected by deletion."""
    setting = settings.connection(known.connection.subsidiary_id)
    if not isinstance(setting, ConnectionSetting):
        return False
    side = setting.ar if known.sage_object.side is Side.AR else setting.ap
    return side.correct_posted_by == "deletion"


def plan_against_existing(
    standing: Posted | None,
    retired: Sequence[FormerRecord],
    received: ParsedRecord,
    document: Document,
    settings: MappingState,
) -> Document | ExportResult:
    """Return the document to post, or a result if its content is in Sage already.

    Args:
        standing: The existing Sage record. None if there is none, or if its content is not certain.
        retired: Former Sage records of the document.
        received: The event as it was read.
        document: The document that the event was mapped to.
        settings: The settings in force.
    """
    if retired and (retired[-1].number or deletes(retired[-1], settings)):
        # The record was removed on an open day. The new posting may use the first open day as well: else a closed
        # period would leave nothing in Sage.
        document = replace(document, first_open_day=True)
    return already_booked(standing, received, document) or document


def lost(entry: DocumentState) -> bool:
    """Whether the existing record was not found in Sage at the last look."""
    return entry.last is not None and entry.last.code is Code.POSTED_DOCUMENT_NOT_FOUND


def clear_mark(entry: DocumentState) -> DocumentState:
    """Clear the mark, because a person asks again. A call that was in doubt before the mark is in doubt again."""
    if entry.marked is None:
        return entry
    return replace(entry, marked=None, claim=entry.claim or entry.marked.claim)


def is_stale(entry: DocumentState, command: Command) -> bool:
    """Whether the document's mark shows that a command is older than the state it would change now.

    A command may be read twice, because its worker stopped before it was complete. An old retry must not clear a newer
    mark, and an old mark must not apply to a revision that came after it.
    """
    if entry.marked is None:
        return False
    if isinstance(command, Retry):
        return _at(command) < entry.marked.at
    return isinstance(command, MarkSynced) and entry.marked.by == said(command)


def _at(command: Command) -> int:
    return int(command.at.timestamp() * 1000)
