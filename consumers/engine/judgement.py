"""Step 1, pure: what the ledger says of a document decides what happens to a revision of it. Promises 2, 4 and 7.

Replay tells what would happen with the same function that decides what does happen.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import TypeVar

from consumers.engine.grouping import stands
from consumers.engine.ledger import OTHER_REVISION, Claim, Entry, Marked, Posted, Retired
from consumers.engine.sequence import Turn, in_words
from consumers.engine.work import Verdict, verdict_of
from domain.categories import Side
from domain.codes import Code
from domain.commands import Command, MarkSynced, Retry, said
from domain.documents import AP_OBJECTS, Connection, Document, SourceDocument
from domain.emission import AHEAD
from domain.identity import booked_of, content_of, contents_of
from domain.keys import ConnectionKey
from domain.mapping_state import MappingState
from domain.outcomes import Deferred, Outcome, Rejected, Skipped
from domain.parties import alvys_party
from domain.reading import Received
from domain.reading.revision import earlier_revisions, former_revisions, said_of
from domain.settings import ConnectionSetting, ConnectionStatus, Invalid
from producers.results import SageAnswer

Known = TypeVar("Known", Claim, Posted)
NOTHING_TO_BOOK = frozenset({Code.ZERO_TOTAL, Code.DEDUCTED_FROM_DRIVER, Code.WITHDRAWN})
"""Skips that say that nothing of the document belongs in Sage any more. All others speak of settings."""

_UNDER_OTHER_KEY = frozenset({Code.BILLED_UNDER_OTHER_KEY, Code.BILLED_OTHERWISE})
_TAKES_BACK = "; this event takes the bill back, and reaches only what its own key posted"


class Next(Enum):
    """What a revision needs that the ledger cannot answer."""

    LOOK_UP = auto()
    """A call of the document has no outcome: Sage is asked first."""
    MAP = auto()
    """It is mapped with the settings in force, and posted if they let it; what stands of it is corrected."""


def as_known(entry: Entry, received: Received) -> Received:
    """The reading as the ledger knows its document.

    Under the revision that the ledger has it under: earlier ones took lists as given. And one that takes back a bill
    which stands under the trip's other key is refused, since nothing else would tell anybody that the bill stands.
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


def judge(entry: Entry, revision: str, turn: Turn = Turn.NEWEST) -> Verdict | Next:
    """Answer a revision from the ledger, or say what it needs.

    Args:
        entry: What the ledger says of the document.
        revision: What arrived.
        turn: Where its event stands among those of the document. One that comes from the ledger itself, or that a
            person asks to be looked at, is the newest.
    """
    if entry.claim is not None:
        looks = revision == entry.claim.revision or turn is Turn.NEWEST
        return Next.LOOK_UP if looks else _too_late(entry, turn)
    # Of what Sage did not show the last time, a new event asks Sage again.
    asks = turn is Turn.NEWEST and lost(entry)
    if not asks and (same := _stands_already(entry, revision) or stands(entry, revision)) is not None:
        return replace(same, newest=turn is Turn.NEWEST)
    told = entry.last if turn is Turn.PAST else None
    if turn in (Turn.AHEAD, Turn.CONTRADICTED) or (told is not None and told.revision != revision):
        return _too_late(entry, turn)
    if entry.marked is not None or (entry.posted is not None and entry.posted.revision == OTHER_REVISION):
        return changed(entry)
    if told is not None and told.by_sage:
        # Sage's refusal stands. Another event of the same content asks anew.
        return Verdict(told.outcome, told.code, told.detail, told.blocked_by, from_ledger=True)
    return Next.MAP


def _too_late(entry: Entry, turn: Turn) -> Verdict:
    """A newer event of the document was answered or sent; or whether one was cannot be known.

    Of the latter a person may still ask for the event. It is kept for that where nothing else is: it may not take the
    place of one that waits.
    """
    match turn:
        case Turn.AHEAD:
            code = Code.EVENT_TIME_AHEAD
            why = f"its timestamp is more than {AHEAD.days} day ahead of the time at which it was read"
        case Turn.CONTRADICTED:
            code, why = Code.EVENT_ID_REUSED, "the document's newest event has its id and timestamp, and other content"
        case _:
            return Verdict(Outcome.SKIPPED, Code.SUPERSEDED, in_words(entry), from_ledger=True)
    kept_already = entry.parked is not None or entry.claim is not None
    return Verdict(Outcome.REJECTED, code, why, stands=True, from_ledger=kept_already)


def _stands_already(entry: Entry, revision: str) -> Verdict | None:
    """The same content is in Sage: we posted it, or a person said so."""
    if entry.posted is not None and entry.posted.revision == revision and entry.marked is None:
        sage = SageAnswer(entry.posted.record_no, entry.posted.control_id)
        return Verdict(Outcome.ALREADY_POSTED, sage=sage, from_ledger=True)
    if entry.marked is not None and entry.marked.revision == revision:
        return Verdict(Outcome.SKIPPED, Code.MARKED_SYNCED, f"marked by {entry.marked.by}", from_ledger=True)
    return None


def changed(entry: Entry) -> Verdict:
    """A revision of a document that stands in Sage with content that a person gave it: it is not corrected.

    What we posted is (docs/decisions/0023-what-changed-after-posting-is-corrected.md).
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
    return Verdict(Outcome.REJECTED, code, detail, sage=sage)


def mapped(
    standing: Posted | None,
    answer: Document | Skipped | Deferred | Rejected,
    state: MappingState,
    retired: Sequence[Retired] = (),
) -> Document | Verdict | None:
    """What the mapping of a revision means where another one stands in Sage, or nothing does.

    Returns:
        The document to post; the verdict that ends it, and leaves what stands as it is; None where nothing is to be
        booked any more, so that what stands has to go.
    """
    if standing is None:
        return answer if isinstance(answer, Document) else _not_posted(answer, retired)
    setting = state.connection(standing.connection.subsidiary_id)
    if isinstance(setting, ConnectionSetting) and setting.state is ConnectionStatus.PAUSED:
        # Of a document that moves, the connection that it leaves; and one that is zero now waits here as well.
        key = ConnectionKey(standing.connection.subsidiary_id).canonical
        return verdict_of(Deferred(Code.CONNECTION_PAUSED, "the connection of what stands in Sage is paused", (key,)))
    if isinstance(answer, Document):
        return answer
    if isinstance(answer, Skipped) and answer.code in NOTHING_TO_BOOK:
        return _taken_back(standing, setting) if answer.code is Code.WITHDRAWN else None
    return _left_standing(standing, answer)


def _taken_back(standing: Posted, setting: ConnectionSetting | Invalid | None) -> Verdict | None:
    """None: what stands of a withdrawn document goes.

    Its event asks no setting, so that those of what stands are asked: where the subsidiary was disconnected, or the
    side is off, nothing is touched in Sage.
    """
    key = ConnectionKey(standing.connection.subsidiary_id).canonical
    if isinstance(setting, Invalid):
        return verdict_of(Deferred(Code.SETTING_INVALID, f"{key}: {setting.reason}", (key,)))
    if setting is None:
        return _left_standing(standing, Skipped(Code.NOT_CONNECTED, "the subsidiary of what stands has no connection"))
    side = setting.ap if standing.sage_object in AP_OBJECTS else setting.ar
    if not side.active:
        return _left_standing(standing, Skipped(Code.SIDE_OFF, "the side of what stands is off"))
    return None


def _left_standing(standing: Posted, answer: Skipped | Deferred | Rejected) -> Verdict:
    """What stands is left as it is; who has to act is told that it stands."""
    sage = SageAnswer(standing.record_no)
    match answer:
        case Deferred():
            return verdict_of(answer)
        case Rejected():
            detail = f"{answer.detail}; record {standing.record_no} stands in Sage as it was posted"
            return replace(verdict_of(answer), detail=detail, sage=sage)
        case Skipped():
            detail = f"record {standing.record_no} stands in Sage, and this revision is not exported: {answer.code}, "
            return Verdict(Outcome.REJECTED, Code.CHANGED_AFTER_POSTING, detail + answer.detail, sage=sage)


def _not_posted(answer: Skipped | Deferred | Rejected, retired: Sequence[Retired]) -> Verdict:
    """Nothing stands. What was taken back to be corrected is not skipped for a setting: nobody would know of it."""
    if not retired or not isinstance(answer, Skipped) or answer.code in NOTHING_TO_BOOK:
        return verdict_of(answer)
    detail = f"record {retired[-1].record_no} was taken back to be corrected, and this is not exported now: "
    return Verdict(Outcome.REJECTED, Code.CHANGED_AFTER_POSTING, f"{detail}{answer.code}, {answer.detail}")


def unchanged(standing: Posted | None, received: Received, document: Document) -> Verdict | None:
    """The revision is another one, and what it asks to book is what was asked: nothing to correct, only to remember.

    Of what an earlier version posted the ledger does not know the content; then it has to be the same but for facts,
    which that version did not read, and for numbers that it cut otherwise.
    """
    if standing is None or not isinstance(received.document, SourceDocument):
        return None
    if standing.content:
        same = standing.content in contents_of(document)
    else:
        same = standing.revision in former_revisions(received.document)
    return _as_it_stands(standing, received, document, standing.content) if same else None


def books_the_same(standing: Posted, received: Received, document: Document) -> bool:
    """Whether the document, under the party that stands, is what Sage holds. Its term has to be settled.

    Also where settings changed since and the event says the same of all but the party: they count for what is exported
    from then on (requirement 62).
    """
    if not standing.booked or not isinstance(received.document, SourceDocument):
        return False
    return standing.booked == booked_of(document, standing.party_id) or standing.said == said_of(received.document)


def same_party(standing: Posted, document: Document, found: str | Rejected) -> bool:
    """Whether the party is the one that stands. `found`: its record in Sage, or why there is none.

    The id itself settles it, and so does what is found in Sage. Where nothing is found under a name, Alvys's own id of
    the party does: it was renamed there, and to look for the new name in Sage is of no use to a document that stands.
    """
    if document.party.external_id:
        return standing.party_id in (document.party.external_id, found)
    known = alvys_party(document.source)
    return found == standing.party_id or (isinstance(found, Rejected) and known != "" and known == standing.alvys_party)


def stands_already(standing: Posted, received: Received, document: Document) -> Verdict:
    """The same books under the same party, though the event names it otherwise or gives its lines in another order."""
    return _as_it_stands(standing, received, document, content_of(document))


def _as_it_stands(standing: Posted, received: Received, document: Document, content: str) -> Verdict:
    sage = SageAnswer(standing.record_no, standing.control_id)
    posted = replace(
        standing,
        revision=received.revision,
        connection=_where_it_stands(standing.connection, document.connection),
        content=content,
        said=said_of(received.document) if isinstance(received.document, SourceDocument) else "",
        alvys_party=alvys_party(document.source) or standing.alvys_party,
    )
    return Verdict(Outcome.ALREADY_POSTED, detail="what it books is what stands already", sage=sage, posted=posted)


def _where_it_stands(was: Connection, now: Connection) -> Connection:
    """The record stays in the company and entity that it was posted to, whatever the subsidiary is connected to now."""
    return now if (now.company_id, now.entity_id) == (was.company_id, was.entity_id) else was


def marked(entry: Entry, revision: str, command: MarkSynced) -> Verdict:
    """A person entered this revision by hand, and says so."""
    earlier = entry.marked.claim if entry.marked is not None else None
    by = said(command)
    sage = SageAnswer(command.record_no) if command.record_no else None
    mark = Marked(revision, by, command.record_no, _at(command), entry.claim or earlier)
    return Verdict(Outcome.SKIPPED, Code.MARKED_SYNCED, f"marked by {by}", sage=sage, marked=mark)


def with_present_credentials(known: Known, settings: MappingState) -> Known:
    """It stays where it was made, but whoever may look there now does: credentials are renamed."""
    was = known.connection
    now = settings.connection(was.subsidiary_id)
    if isinstance(now, ConnectionSetting) and (now.company_id, now.entity_id) == (was.company_id, was.entity_id):
        return replace(known, connection=replace(was, credentials=now.credentials))
    return known


def deletes(known: Posted | Retired, settings: MappingState) -> bool:
    """Whether what is posted and unpaid is deleted to be corrected, by the settings of the connection it stands in."""
    setting = settings.connection(known.connection.subsidiary_id)
    if not isinstance(setting, ConnectionSetting):
        return False
    side = setting.ar if known.sage_object.side is Side.AR else setting.ap
    return side.correct_posted_by == "deletion"


def against_what_stands(
    standing: Posted | None,
    retired: Sequence[Retired],
    received: Received,
    document: Document,
    settings: MappingState,
) -> Document | Verdict:
    """The document to post, or the verdict that it books what stands already.

    `standing`: None also where it is not certain what stands.
    """
    if retired and (retired[-1].number or deletes(retired[-1], settings)):
        # The reversal was booked on an open day; nothing may stand for want of another one.
        document = replace(document, first_open_day=True)
    return unchanged(standing, received, document) or document


def lost(entry: Entry) -> bool:
    """Whether what stands was not found in Sage when it was looked for last."""
    return entry.last is not None and entry.last.code is Code.STANDING_NOT_FOUND


def unmarked(entry: Entry) -> Entry:
    """Who asks again takes the mark away; a call that was in doubt before it is in doubt again."""
    if entry.marked is None:
        return entry
    return replace(entry, marked=None, claim=entry.claim or entry.marked.claim)


def overtaken(entry: Entry, command: Command) -> bool:
    """Whether a mark says that the command was given before what it would change now.

    Commands are read again when their worker stopped before all that they asked for was answered: an old retry may not
    take away a newer mark, nor an old mark reach a revision that came after it.
    """
    if entry.marked is None:
        return False
    if isinstance(command, Retry):
        return _at(command) < entry.marked.at
    return isinstance(command, MarkSynced) and entry.marked.by == said(command)


def _at(command: Command) -> int:
    return int(command.at.timestamp() * 1000)
