"""Adds to rebuilt ledgers what Sage's own records tell beyond copies and results, and says what cannot be proven.

1. All documents of all connected companies are read (`sage_records`).
2. The events of each source partition are read, and matched with the records by marker (`from_sage`).
3. The documents of ledgers that are whole are matched too. What is left is of documents whose events have expired: it
   is kept by marker, in each of the ledgers (`unmatched_records`).

If a part of a company cannot be read that may hold documents of this service, the ledgers of that side are not written:
a document that is in that part would be posted a second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from aiokafka import TopicPartition

from app.bootstrap import SYSTEM_TIME, client_of, config_of, login_of, partitioners_of, subscription_of
from app.errors import CommandError
from app.ledgers.rebuilding import Rebuilt
from app.ledgers.sage_records import SageRecords, UnreadPart, connected, read_companies
from app.ledgers.source_events import EventReader, PartitionEvents
from app.ledgers.survey import sources_of
from app.mapping_access import live_table
from app.output import note
from app.progress import Progress
from app.settings import Settings
from app.topic_reader import TopicReader, offsets_in, reader_of
from consumers.export.ledger import placement, unmatched_records
from consumers.export.ledger.from_sage import (
    MarkedRecord,
    ReadEvent,
    Recovered,
    Unproven,
    only_newest,
    recover,
    recover_by_number,
)
from consumers.export.protocol.document_state import Consolidated, DocumentState, Posted
from consumers.export.record_parsing import PartitionCheck
from domain.categories import Side
from domain.idempotency import marker
from kafka_client.partitioners import Placement


@dataclass(frozen=True, slots=True)
class UnprovenDocument:
    """A document of which something could not be proven, and its record in Sage (None: it is a line of a bill)."""

    key: str
    why: Unproven
    posted: Posted | None


@dataclass(slots=True)
class SageReport:
    """What was found in Sage, and what could not be proven."""

    records: int = 0
    """Number of records read."""
    unread: list[UnreadPart] = field(default_factory=list)
    unproven: list[UnprovenDocument] = field(default_factory=list)
    damaged: list[MarkedRecord] = field(default_factory=list)
    """Records whose marker cannot be read, or that carry several."""
    twice: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)
    """Company, object, number and record numbers of records of ours that stand under one number."""
    unmatched: dict[Side, Sequence[tuple[str, bytes]]] = field(default_factory=dict)
    """Internal records for the records of documents that nothing else tells of."""

    @property
    def closed(self) -> frozenset[Side]:
        """The sides whose ledgers may not be written, because a part of Sage could not be read."""
        return frozenset(side for part in self.unread for side in part.sides)

    @property
    def proven(self) -> bool:
        """Whether everything is proven. Documents may share a number; those that are one document are in `unproven`."""
        return not (self.unread or self.unproven or self.damaged or any(self.unmatched.values()))


def side_of(settings: Settings, source: str) -> Side:
    """The side of the documents of a source topic: invoices are AR, everything else is AP."""
    return Side.AR if source == settings.topics.invoice_created else Side.AP


async def add_sage(settings: Settings, found: Sequence[Rebuilt]) -> SageReport:
    """Add what Sage tells to the ledgers.

    Args:
        settings: Where the broker and the gateway are.
        found: The ledger partitions. Those of a side in `SageReport.closed` may not be written afterwards.

    Raises:
        CommandError: A connection was changed meanwhile.
        SettingsError: The sender's password is not set.
        KafkaError: The broker refused.
    """
    report = SageReport()
    async with (
        live_table(settings) as table,
        client_of(settings) as client,
        reader_of(settings) as reader,
    ):
        before = connected(table.state)
        with SageRecords() as records:
            report.unread = await read_companies(
                client.documents, partial(login_of, settings), table.state, records, SYSTEM_TIME.sleep
            )
            report.records = records.counted
            note(f"{records.counted:,} documents of Sage Intacct are read")
            matcher = _Matcher(records, report)
            subscription = subscription_of(settings)
            in_topics = {
                topic: EventReader(
                    receive,
                    table.state,
                    config_of(settings),
                    subscription.any_record_key,
                    lambda key: records.has(marker(key)),
                    SYSTEM_TIME.now,
                )
                for topic, receive in subscription.sources.items()
            }
            await matcher.match_all(reader, found, in_topics, _partition_checks(settings, found))
            await _match_whole_ledgers(settings, reader, found, records)
            report.damaged, report.twice = list(records.damaged()), records.numbers_twice()
            for side in {side_of(settings, each.position.source.topic) for each in found}:
                report.unmatched[side] = list(unmatched_records.encode(records.unmatched(side)))
        await table.barrier()
        if connected(table.state) != before:
            raise CommandError("a connection was changed while Sage was read; run the command again")
    for each in found:
        each.unmatched = report.unmatched[side_of(settings, each.position.source.topic)]
        each.flush()
    return report


def _partition_checks(settings: Settings, found: Sequence[Rebuilt]) -> Mapping[TopicPartition, PartitionCheck]:
    """The partitioning rule of each partition, as far as its copy or the settings tell it."""
    told = partitioners_of(settings)
    checks: dict[TopicPartition, PartitionCheck] = {}
    for each in found:
        source, value = each.position.source, each.copy.internal(placement.RULE)
        rule = told.get(source.topic) if value is None else placement.decode(each.ledger.topic, value)
        if rule is not None and each.partitions is not None:
            checks[source] = PartitionCheck(source.partition, Placement(rule, each.partitions))
    return checks


async def _match_whole_ledgers(
    settings: Settings, reader: TopicReader, found: Sequence[Rebuilt], records: SageRecords
) -> None:
    """Match the documents of the ledgers that hold records: they need no keeping by marker."""
    rebuilt = {each.ledger for each in found}
    others = [ledger for ledger in await sources_of(settings, {}) if ledger not in rebuilt]
    spans = await reader.whole(others)
    progress = Progress("reading the other ledgers", offsets_in(spans))
    for span in spans:
        async for key, _ in reader.entries(span, progress):
            records.match(marker(key))


class _Matcher:
    """Matches documents with records."""

    def __init__(self, records: SageRecords, report: SageReport) -> None:
        self._records = records
        self._report = report

    async def match_all(
        self,
        reader: TopicReader,
        found: Sequence[Rebuilt],
        in_topics: Mapping[str, EventReader],
        checks: Mapping[TopicPartition, PartitionCheck],
    ) -> None:
        """Match one partition after the other, so that the events of only one are in memory."""
        spans = await reader.whole([each.position.source for each in found])
        progress = Progress("reading events", offsets_in(spans))
        for each, span in zip(found, spans, strict=True):
            source = each.position.source
            read = await in_topics[source.topic].read(reader, span, each.position, progress, checks.get(source))
            for key, events in read.events.items():
                self._match(each, key, events, read)
            for key in [key for key in each.known() if key not in read.events]:
                self._match(each, key, (), read)
            each.flush()

    def _match(self, ledger: Rebuilt, key: str, events: Sequence[ReadEvent], read: PartitionEvents) -> None:
        entry, shown = ledger.entry(key), self._records.of_marker(marker(key))
        if not shown:
            self._records.match(marker(key))
        if entry.claim is not None or entry.marked is not None or entry.grouped is not None:
            return  # the worker looks it up itself; a person's word and a row's bill stand
        if shown and not self._is_newest(key, entry.posted, shown):
            self._tell(ledger, recover(entry, shown, events))
        elif entry.posted is not None:
            if not shown and not self._records.shows(entry.posted):
                self._report.unproven.append(UnprovenDocument(key, Unproven.NOT_IN_SAGE, entry.posted))
        elif entry.last is None and not shown:
            self._match_without_marker(ledger, entry, events, read)

    def _is_newest(self, key: str, posted: Posted | None, shown: Sequence[MarkedRecord]) -> bool:
        """Whether the record that the entry names is the one that stands in Sage, or one of them."""
        if posted is None:
            return False
        standing = {each.name for each in shown if not each.void}
        own = posted.connection.company_id, posted.sage_object, posted.record_no
        if len(standing) > 1 and own in standing:
            self._report.unproven.append(UnprovenDocument(key, Unproven.SEVERAL_RECORDS, posted))
        return own in standing or (not standing and own in {each.name for each in shown})

    def _match_without_marker(
        self, ledger: Rebuilt, entry: DocumentState, events: Sequence[ReadEvent], read: PartitionEvents
    ) -> None:
        """Tell of a document without a record of its marker, and of which results tell no end."""
        key, answered = entry.key, [each for each in events if each.answered]
        if (same := self._by_number(answered)) is not None:
            self._tell(ledger, recover_by_number(entry, same))
        elif key in ledger.open or not answered:
            return
        elif (row := read.rows.get(key)) is not None and self._records.has(marker(row[1])):
            ledger.tell(replace(entry, grouped=Consolidated(*row)))
            self._report.unproven.append(UnprovenDocument(key, Unproven.LINE_OF_BILL, None))
        else:
            if (newest := only_newest(entry, events)) is not None:
                ledger.tell(newest)
            if answered[-1].connection is not None:
                ledger.nowhere[key] = read.first[key]

    def _by_number(self, events: Iterable[ReadEvent]) -> MarkedRecord | None:
        for each in events:
            if each.expected is None or each.connection is None:
                continue
            company, side = each.connection.company_id, each.expected.sage_object.side
            found = self._records.without_marker(company, side, each.expected.numbers, each.expected.party_id)
            if standing := [one for one in found if not one.void]:
                return standing[-1]
        return None

    def _tell(self, ledger: Rebuilt, found: Recovered) -> None:
        ledger.tell(found.entry)
        ledger.open.pop(found.entry.key, None)
        ledger.from_sage += 1
        if found.unproven is not None:
            self._report.unproven.append(UnprovenDocument(found.entry.key, found.unproven, found.entry.posted))
