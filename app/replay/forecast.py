"""Forecast of what a worker would do with a range of records, made by the worker's own functions.

Each record, in order, is parsed by its topic's module, compared with the ledger by `consumers.export.protocol.begin`,
and planned with the settings in force (`consumers.export.protocol.plan`) if that is the next step. The resulting ledger
entry is kept in memory, so that the second of two equal records finds the first. Only Sage is not called: a document
that would be sent counts as posted.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from aiokafka import ConsumerRecord, TopicPartition

from app.progress import Progress
from app.replay.moves import Move
from app.topic_reader import TopicReader, offsets_in
from consumers.export.config import ExportConfig
from consumers.export.context import ParseRecord
from consumers.export.ledger import unmatched_records
from consumers.export.ledger.codec import decode
from consumers.export.ledger.placement import stand_in
from consumers.export.protocol.begin import Arrival, Begun, begin
from consumers.export.protocol.decide import NextStep, deletes
from consumers.export.protocol.document_state import DocumentState, LastOutcome, Posted, after_removal, ended
from consumers.export.protocol.export_result import ExportResult, result_of
from consumers.export.protocol.lifecycle import History, Mapped
from consumers.export.protocol.plan import Plan, PlanningRules, make_plan, repeats_refusal
from consumers.export.protocol.sequence import Turn, answered
from consumers.export.record_parsing import PartitionCheck, read
from domain.codes import Code
from domain.documents import Document
from domain.events import ContractError
from domain.idempotency import booked_content_hash
from domain.outcomes import Outcome, Rejected
from domain.parties.matching import PartyIndex
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord
from domain.translation.revision import said_of
from producers.results import SourceRecord


class RecordOutcome(StrEnum):
    """The forecast outcome of a record."""

    ALREADY_POSTED = "already_posted"
    SUPERSEDED = "superseded"
    REFUSED = "refused_before"
    CORRECTS = "may_correct"
    CHANGED = "changed_after_posting"
    IN_DOUBT = "in_doubt"
    MAY_POST = "may_be_posted"
    WAITS = "waits"
    SKIPPED = "not_exported"
    REJECTED = "rejected"
    DEAD = "dead_letter"


FROM_LEDGER = frozenset({RecordOutcome.ALREADY_POSTED, RecordOutcome.SUPERSEDED, RecordOutcome.REFUSED})
"""Outcomes that the worker answers from the ledger, without a call and without a change of the entry."""
TO_SAGE = frozenset({RecordOutcome.MAY_POST, RecordOutcome.CORRECTS})
NO_LIST = PartyIndex(())
DEFAULTS = ExportConfig()
PARKED = b""
"""Stands for a parked event. The content is not needed here, and keeping many events would take much memory."""
PARTY_TROUBLE = frozenset({Code.PARTY_NOT_FOUND, Code.PARTY_AMBIGUOUS, Code.PARTY_INACTIVE, Code.PARTY_NOT_CREATED})
BY_CODE: Mapping[Code | None, RecordOutcome] = {
    Code.SUPERSEDED: RecordOutcome.SUPERSEDED,
    Code.CHANGED_AFTER_POSTING: RecordOutcome.CHANGED,
    Code.EVENT_TIME_AHEAD: RecordOutcome.REJECTED,
    Code.EVENT_ID_REUSED: RecordOutcome.REJECTED,
}
BY_OUTCOME = {
    Outcome.POSTED: RecordOutcome.MAY_POST,
    Outcome.UPDATED: RecordOutcome.CORRECTS,
    Outcome.REVERSED: RecordOutcome.CORRECTS,
    Outcome.ALREADY_POSTED: RecordOutcome.ALREADY_POSTED,
    Outcome.DEFERRED: RecordOutcome.WAITS,
    Outcome.SKIPPED: RecordOutcome.SKIPPED,
    Outcome.REJECTED: RecordOutcome.REJECTED,
}


@dataclass(slots=True)
class Forecast:
    """Counts of the records of a range, by forecast outcome."""

    kinds: Counter[RecordOutcome] = field(default_factory=Counter)
    unanswered: int = 0
    """Records without an answer in the ledger, where no later record of their document has one either.

    Dead letters are not counted, because no ledger knows them.
    """
    without_party: int = 0
    """Records among those that may be posted whose party was last missing, ambiguous or inactive in Sage."""
    released: int = 0
    """Waiting documents of these records that a worker posts when it starts, with or without the replay."""

    @property
    def records(self) -> int:
        """The number of records."""
        return self.kinds.total()

    def __add__(self, other: "Forecast") -> "Forecast":
        return Forecast(
            self.kinds + other.kinds,
            self.unanswered + other.unanswered,
            self.without_party + other.without_party,
            self.released + other.released,
        )


class Forecaster:
    """Forecaster of one partition.

    Args:
        receive: Parses the topic's events.
        state: The settings in force.
        ledger: The newest values of the ledger partition by document key, undecoded, because few are needed.
        any_record_key: Whether record keys may differ from document keys.
        now: The current time.
        config: The configuration of the export.
        stand: The partition and its partitioning rule, if the ledger says them; None: not checked.
    """

    def __init__(  # noqa: PLR0913 - all that a worker knows of the partition, from separate sources
        self,
        receive: ParseRecord,
        state: MappingState,
        ledger: Mapping[str, bytes],
        *,
        any_record_key: bool,
        now: datetime,
        config: ExportConfig = DEFAULTS,
        stand: PartitionCheck | None = None,
    ) -> None:
        self._receive = receive
        self._now = now
        self._state = state
        self._ledger = ledger
        self._any_record_key = any_record_key
        self._config = config
        self._stand = stand
        self._entries: dict[str, DocumentState] = {}
        """The entries that differ from the ledger by now."""
        self.forecast = Forecast()

    def take(self, record: ConsumerRecord) -> None:
        """Forecast one record. Call this in the order of the offsets.

        Raises:
            ValueError, KeyError, TypeError: A ledger entry cannot be read; a worker would stop there.
        """
        anyhow, most = self._any_record_key, self._config.max_event_bytes
        try:
            received = read(
                self._receive, record.key, record.value, any_record_key=anyhow, largest_event=most, stand=self._stand
            )
        except ContractError:
            self.forecast.kinds[RecordOutcome.DEAD] += 1
            return
        source = SourceRecord(record.topic, record.partition, record.offset, record.timestamp)
        entry = self._entry(received.key, source)
        begun = self._begin(entry, Arrival(received, record.value, source, from_record=True, command=None))
        kind = self._forecast_one(entry, begun, source, record.value)
        self.forecast.kinds[kind] += 1
        if kind is RecordOutcome.MAY_POST and entry.last is not None and entry.last.revision == begun.received.revision:
            self.forecast.without_party += entry.last.code in PARTY_TROUBLE
        self.forecast.unanswered += begun.turn is not Turn.PAST and kind not in FROM_LEDGER

    def _begin(self, entry: DocumentState, arrival: Arrival) -> Begun:
        return begin(arrival, entry, self._state, self._now)

    def _entry(self, key: str, source: SourceRecord) -> DocumentState:
        if (known := self._entries.get(key)) is not None:
            return known
        value = self._ledger.get(key)
        entry = unmatched_records.state_of(key, self._ledger.get) if value is None else decode(key, value)
        if entry.released_by and entry.claim is None:
            self._wake(entry, source)
        return self._entries.get(key, entry)

    def _wake(self, entry: DocumentState, source: SourceRecord) -> None:
        """Forecast the retry of a blocked document: a worker tries those before it reads the first record."""
        try:
            received = self._receive(entry.parked)
        except ContractError:
            return
        if entry.last is None:
            return
        parked = replace(source, offset=entry.last.offset, timestamp=entry.last.timestamp)
        begun = self._begin(entry, Arrival(received, entry.parked, parked, from_record=False, command=None))
        if entry.rejected and repeats_refusal(self._plan(begun.received, entry, entry.parked)[0], entry):
            return
        self.forecast.released += self._forecast_one(entry, begun, parked, entry.parked) in TO_SAGE

    def _forecast_one(
        self, entry: DocumentState, begun: Begun, source: SourceRecord, value: bytes | None
    ) -> RecordOutcome:
        """Forecast one event: of a record, or one that the ledger had parked."""
        answer, received = begun.decided.answer, begun.received
        if answer is NextStep.RECONCILE:
            return RecordOutcome.IN_DOUBT
        if isinstance(answer, ExportResult):
            result, document = answer, None
        else:
            result, document = self._map(received, entry, value)
        before, entry = entry, answered(entry, received, result)
        if not result.from_ledger or result.records_newer_revision:
            self._keep(entry, replace(received, emitted=begun.emitted), source, result, document)
        elif entry is not before:
            self._entries[entry.key] = entry
        return _kind(result)

    def _plan(self, received: ParsedRecord, entry: DocumentState, value: bytes | None) -> tuple[Plan, Mapped]:
        rules = PlanningRules(self._state, self._config.max_lines_per_request)
        return make_plan(received, value, entry, History(), rules)

    def _map(
        self, received: ParsedRecord, entry: DocumentState, value: bytes | None
    ) -> tuple[ExportResult, Document | None]:
        plan, mapped = self._plan(received, entry, value)
        if mapped.result is not None:
            return mapped.result, None
        if (document := plan.document) is None:
            return ExportResult(Outcome.REVERSED), None
        # Matching the party needs Sage's lists. Only an event that names no party is known to match none of them.
        party = document.party
        match = None if party.external_id else NO_LIST.match(party, document.party_rules, document.source.profile)
        if isinstance(match, Rejected) and match.code is Code.PARTY_UNNAMED:
            return result_of(match), None
        return ExportResult(Outcome.POSTED if entry.posted is None else Outcome.UPDATED), document

    def _keep(
        self,
        entry: DocumentState,
        received: ParsedRecord,
        source: SourceRecord,
        result: ExportResult,
        document: Document | None,
    ) -> None:
        """Keep the ledger entry as it would be afterwards, without the facts that only Sage gives (record numbers)."""
        posted = result.posted
        if document is not None:
            where = document.connection, document.sage_object, document.number
            content, said = booked_content_hash(document), said_of(document.source)
            posted = Posted(received.revision, "", "", *where, party_id="", content=content, said=said)
        by_sage = result.refused_by_sage or result.final_on_replay
        place = source.offset, source.timestamp
        ending = LastOutcome(
            received.revision, result.outcome, *place, result.code, by_sage=by_sage, emitted=received.emitted
        )
        if result.outcome is Outcome.REVERSED and entry.posted is not None:
            after = after_removal(entry, ending, None, deleted=deletes(entry.posted, self._state))
        else:
            after = ended(entry, ending, posted=posted, marked=entry.marked)
        if result.waits or result.outcome is Outcome.REJECTED or after.marked is not None:
            after = replace(after, parked=PARKED)
        self._entries[entry.key] = after if result.moved is None else replace(after, grouped=result.moved.grouped)


def _kind(result: ExportResult) -> RecordOutcome:
    if result.code in BY_CODE:
        return BY_CODE[result.code]
    if result.outcome is Outcome.REJECTED and result.from_ledger:
        return RecordOutcome.REFUSED
    return BY_OUTCOME[result.outcome]


async def forecast(
    reader: TopicReader,
    moves: Sequence[Move],
    ledgers: Mapping[str, str],
    simulation: Callable[[str, Mapping[str, bytes], PartitionCheck | None], Forecaster],
) -> dict[TopicPartition, Forecast]:
    """Forecast all moves: read the records of each and the ledger beside them, one partition after the other.

    Memory holds one partition's ledger at a time, undecoded, and the entries that the records would change.

    Args:
        reader: Reads committed records.
        moves: The planned moves.
        ledgers: The ledger topic of each source topic.
        simulation: Makes the forecaster of a partition from the source topic, the newest values of the ledger, and the
            partitioning rule that the ledger stores (None: it stores none).

    Raises:
        KafkaError: The broker refused.
        ValueError, KeyError, TypeError: An entry of a ledger cannot be read.
    """
    there = [move for move in moves if len(move.span)]
    spans = await reader.whole([TopicPartition(ledgers[m.source.topic], m.source.partition) for m in there])
    progress = Progress("reading events and ledgers", offsets_in(spans) + offsets_in(move.span for move in there))
    found = {move.source: Forecast() for move in moves}
    for move, ledger in zip(there, spans, strict=True):
        newest: dict[str, bytes] = {}
        async for key, value in reader.entries(ledger, progress, internal=True):
            if value is None:
                newest.pop(key, None)
            else:
                newest[key] = value
        partition = simulation(move.source.topic, newest, stand_in(ledger.partition, newest))
        async for records in reader.records(move.span, progress):
            for record in records:
                partition.take(record)
        found[move.source] = partition.forecast
    return found
