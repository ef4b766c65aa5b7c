"""Reads the events that are still in a source partition, and what each of them would be in Sage."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from aiokafka import ConsumerRecord

from app.progress import Progress
from app.topic_reader import OffsetRange, TopicReader
from consumers.export.config import ExportConfig
from consumers.export.context import ParseRecord
from consumers.export.ledger.damage import SourcePosition
from consumers.export.ledger.from_sage import ExpectedRecord, ReadEvent
from consumers.export.protocol.sequence import digest
from consumers.export.record_parsing import PartitionCheck, read
from domain.consolidated_bills import consolidation_of
from domain.documents import Connection, Document, SourceDocument, becomes
from domain.events import ContractError
from domain.export import export
from domain.idempotency import booked_content_hash
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting
from domain.translation import ParsedRecord
from domain.translation.consolidated import DAYS, group_of
from domain.translation.texts import former_number


@dataclass(slots=True)
class PartitionEvents:
    """The events of one source partition, by document key.

    Memory holds about 1 kB for each event.
    """

    events: dict[str, list[ReadEvent]] = field(default_factory=lambda: defaultdict(list))
    first: dict[str, int] = field(default_factory=dict)
    """Offset of the first event of each document."""
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Fuel and toll transactions that were read, and that today's settings would post as bills of their own: the
    revision of the newest event, and the key of the consolidated bill of their day."""


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads the events of one source topic as a worker would, without deciding anything.

    Args:
        receive: Parses the topic's events.
        state: The settings in force.
        config: The configuration of the export.
        any_record_key: Whether record keys may differ from document keys.
        in_sage: Says whether Sage has a record of a document key. Only then is it worth mapping the event.
        now: Returns the present time.
    """

    receive: ParseRecord
    state: MappingState
    config: ExportConfig
    any_record_key: bool
    in_sage: Callable[[str], bool]
    now: Callable[[], datetime]

    async def read(
        self,
        reader: TopicReader,
        span: OffsetRange,
        position: SourcePosition,
        progress: Progress,
        stand: PartitionCheck | None = None,
    ) -> PartitionEvents:
        """Read all events of a source partition. What a worker would make a dead letter is left out.

        Args:
            reader: Reads the records.
            span: The whole source partition.
            position: The partition as the group knows it: what it has not read yet is in no ledger.
            progress: Is advanced by the offsets read.
            stand: The partition and its partitioning rule; None: not checked.
        """
        found = PartitionEvents()
        # An offset at the beginning tells nothing: the group was set back for a replay, or its offsets are lost.
        told = position.committed is not None and position.committed > position.begin
        end = position.committed if told and position.committed is not None else span.end
        async for records in reader.records(span, progress, wait_for_ever=False):
            for record in records:
                self._take(found, record, answered=record.offset < end, stand=stand)
        return found

    def _take(
        self, found: PartitionEvents, record: ConsumerRecord, *, answered: bool, stand: PartitionCheck | None
    ) -> None:
        most = self.config.max_event_bytes
        try:
            received = read(
                self.receive,
                record.key,
                record.value,
                any_record_key=self.any_record_key,
                largest_event=most,
                stand=stand,
            )
        except ContractError:
            return
        found.events[received.key].append(self._event(received, record, answered=answered))
        found.first.setdefault(received.key, record.offset)
        document = received.document
        found.rows.pop(received.key, None)
        if answered and isinstance(document, SourceDocument) and document.kind in DAYS:
            placed = consolidation_of(document, self.state, known=False)
            if placed is None and document.total and not document.deducted:
                found.rows[received.key] = received.revision, group_of(document)

    def _event(self, received: ParsedRecord, record: ConsumerRecord, *, answered: bool) -> ReadEvent:
        setting = self.state.connection(received.subsidiary_id)
        connection = None
        if isinstance(setting, ConnectionSetting):
            place = setting.company_id, setting.entity_id, setting.credentials
            connection = Connection(received.subsidiary_id, *place)
        expected, content = self._expected(received)
        emitted = received.emitted
        return ReadEvent(
            revision=received.revision,
            offset=record.offset,
            timestamp=record.timestamp,
            emitted=emitted if emitted is not None and emitted.possible(self.now()) else None,
            digest="" if emitted is None else digest(emitted, received.revision),
            answered=answered,
            connection=connection,
            expected=expected,
            content=content,
        )

    def _expected(self, received: ParsedRecord) -> tuple[ExpectedRecord | None, str]:
        source = received.document
        if not isinstance(source, SourceDocument):
            return None, received.revision
        numbers = (source.number, former_number(source.number_given or source.number))
        # Only an id of the event itself: a vendor that settings name may be another than at the time of posting.
        party = source.party.external_id or ""
        mapped = None
        if self.in_sage(received.key):
            mapped = export(source, self.state, self.config.max_lines_per_request)
        if not isinstance(mapped, Document):
            kind = becomes(source.side, source.total)
            return ExpectedRecord(kind, numbers, (source.total,), source.date, party), received.revision
        totals = (mapped.total, source.total)
        return ExpectedRecord(mapped.sage_object, numbers, totals, mapped.date, party), booked_content_hash(mapped)
