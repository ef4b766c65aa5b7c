"""Step 1, pure: what a document needs when its turn comes. An event, the ledger or a person brought it."""

from dataclasses import dataclass
from datetime import datetime

from consumers.export.protocol.decide import (
    NextStep,
    as_known,
    clear_mark,
    decide,
    is_stale,
    mark_synced,
    with_current_credentials,
)
from consumers.export.protocol.document_state import DocumentState
from consumers.export.protocol.lifecycle import Decided
from consumers.export.protocol.sequence import Turn, place_of, turn_of
from domain.codes import Code
from domain.commands import Command, MarkSynced, Replay, Retry
from domain.emission import Emitted
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord
from producers.results import SourceRecord


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document whose turn has come."""

    received: ParsedRecord
    value: bytes | None
    """The event as bytes. None if only its claim is left."""
    source: SourceRecord
    from_record: bool
    """Whether a record of the source topic brought it. If not, the ledger kept it or a command brought it along."""
    command: Command | None


@dataclass(frozen=True, slots=True)
class Begun:
    """The arrival, adapted to what the ledger knows, and the decision about it."""

    received: ParsedRecord
    turn: Turn
    """Place of the event in the order of its document's events. `NEWEST` if no record and no replay brought it."""
    emitted: Emitted | None
    """Position of the document's answer in the order of its events. None if not known."""
    decided: Decided


def begin(arrival: Arrival, entry: DocumentState, settings: MappingState, now: datetime) -> Begun:
    """Decide what a document needs: an answer from the ledger, a look-up, or a call.

    Args:
        arrival: The document.
        entry: The document state.
        settings: The settings in force.
        now: The present time.
    """
    received, command = as_known(entry, arrival.received), arrival.command
    arrives = arrival.from_record or isinstance(command, Replay)
    turn = turn_of(entry, received, arrival.source, now) if arrives else Turn.NEWEST
    emitted = place_of(entry, received, now, newest=arrives and turn is Turn.NEWEST)
    return Begun(received, turn, emitted, _decided(arrival, received.revision, turn, entry, settings))


def _decided(arrival: Arrival, revision: str, turn: Turn, entry: DocumentState, settings: MappingState) -> Decided:
    command, confirmed_missing = arrival.command, False
    if command is not None:
        another = not isinstance(command, Replay) and entry.parked != arrival.value
        if another or is_stale(entry, command):
            return Decided(None)  # `another`: a different revision was answered while the command waited for it
        if isinstance(command, MarkSynced):
            return Decided(mark_synced(entry, revision, command))
        if isinstance(command, Retry):
            entry = clear_mark(entry)
            confirmed_missing = entry.last is not None and entry.last.code is Code.POSTED_DOCUMENT_NOT_FOUND
    answer = decide(entry, revision, turn)
    claim = None
    if answer is NextStep.RECONCILE and entry.claim is not None:
        claim = with_current_credentials(entry.claim, settings)
    return Decided(answer, claim, confirmed_missing)
