"""Writes an empty ledger anew: from a copy, from the published results, from Sage (`sage_matching`), or from all."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from aiokafka import TopicPartition
from pydantic import ValidationError

from app.errors import CommandError
from app.kafka import admin_of, clients_of
from app.ledgers.survey import sources_of
from app.mapping_access import live_table
from app.output import note
from app.progress import Progress
from app.replay.request import Scope
from app.settings import Settings
from app.topic_reader import offsets_in, partitions_of, reader_of
from consumers.export.ledger import generation
from consumers.export.ledger.codec import encode
from consumers.export.ledger.damage import SourcePosition
from consumers.export.ledger.from_results import FindCredentials, OpenDocument, PublishedResult, Retold, retell
from consumers.export.ledger.generation import MARK, TOPICS
from consumers.export.ledger.restore import OF_THE_KILLED
from consumers.export.ledger.source_positions import source_positions
from consumers.export.ledger.store import MEMORY, LedgerRecord, LedgerStore
from consumers.export.ledger.store_files import existing
from consumers.export.protocol.document_state import DocumentState
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting
from kafka_client.fencing import fence
from kafka_client.interface import KafkaClients, Producer
from kafka_client.read_to_end import connected_reader
from kafka_client.stopping import stop_client
from kafka_client.topics import describe

TRANSACTION_MS = 10 * 60 * 1000
"""Milliseconds that the one transaction of a ledger partition may take. Brokers usually allow 15 minutes."""
AT_ONCE = 1_000
"""Records that are sent before the first of them is waited for."""


@dataclass(slots=True, eq=False)
class Rebuilt:
    """The new content of one ledger partition. What the copy does not hold is on disk: a ledger may have millions.

    Args:
        ledger: The ledger partition.
        position: Its source partition.
        partitions: Number of partitions of the ledger topic.
        copy: The copy it is taken from; empty if there is none. It is not changed.
        told: The entries of which results or Sage tell more than the copy.
    """

    ledger: TopicPartition
    position: SourcePosition
    partitions: int
    copy: LedgerStore
    told: LedgerStore
    open: dict[str, OpenDocument] = field(default_factory=dict)
    """The documents whose events have to be read again, with their last results."""
    nowhere: dict[str, int] = field(default_factory=dict)
    """The documents whose events were read, and that are in no result and not in Sage: offset of their first event."""
    unmatched: Sequence[tuple[str, bytes]] = ()
    """Internal records for the records in Sage of documents that nothing else tells of."""
    added: int = 0
    """Number of documents that only the results know."""
    from_sage: int = 0
    """Number of documents whose entry was made of a record in Sage."""
    _recent: dict[str, DocumentState] = field(default_factory=dict)

    @property
    def copied(self) -> int:
        """Number of documents of the copy."""
        return len(self.copy)

    @property
    def documents(self) -> int:
        """Number of documents to write, or more: those that the copy tells otherwise count twice."""
        return self.copied + len(self.told)

    @property
    def holds_anything(self) -> bool:
        """Whether there is anything to write. A copy without documents tells which log is replaced."""
        named = self.copy.internal(MARK) is not None
        return bool(named or self.copied or len(self.told) or self._recent or self.open or self.unmatched)

    @property
    def read_again_from(self) -> int | None:
        """The offset from which events have to be read again. None: the group reads all that is open by itself."""
        committed = self.position.committed
        offsets = [*(each.offset for each in self.open.values()), *self.nowhere.values()]
        return min((each for each in offsets if committed is not None and each < committed), default=None)

    def entry(self, key: str) -> DocumentState:
        """What is known of a document by now."""
        if (recent := self._recent.get(key)) is not None:
            return recent
        return self.told.get(key) if key in self.told else self.copy.get(key)

    def is_told(self, key: str) -> bool:
        """Whether results told of a document, or Sage did."""
        return key in self._recent or key in self.open or key in self.told

    def tell(self, entry: DocumentState) -> None:
        """Replace what is known of a document."""
        self._recent[entry.key] = entry
        if len(self._recent) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what was told to disk."""
        self.told.apply(LedgerRecord(key, encode(each), each) for key, each in self._recent.items())
        self._recent.clear()

    def known(self) -> Iterator[str]:
        """The keys of all documents that have an entry."""
        self.flush()
        yield from self.told.known()
        yield from (key for key in self.copy.known() if key not in self.told)

    def records(self) -> Iterator[tuple[str, bytes]]:
        """All records of the partition, in the order in which they are written: first its mark."""
        self.flush()
        yield from self._first()
        yield from ((key, value) for key, value in self.copy.all_values() if key not in self.told)
        yield from self.told.all_values()

    def _first(self) -> Iterator[tuple[str, bytes]]:
        held = self.copy.internal(MARK)
        former = () if held is None else (*(before := generation.decode(held)).follows, before.id)
        yield generation.mark_record(self.partitions, former)
        yield from generation.ids_records(self.position)
        yield from ((name, value) for name, value in self.copy.all_internal() if name not in (MARK, TOPICS))
        yield from self.unmatched


@asynccontextmanager
async def plan(
    settings: Settings, scope: Scope, directory: Path | None, *, results: bool, former: str | None = None
) -> AsyncIterator[list[Rebuilt]]:
    """Work out the new content of the ledger partitions that are empty. Nothing is changed.

    Args:
        settings: Where the broker is.
        scope: The source topics, and the partitions of each; all if it is empty.
        directory: The directory of the copies. None: there are none.
        results: Whether to add what only the published results tell.
        former: The former name of the one source topic in the scope, under which copies and results know it. None: its
            own.

    Yields:
        All empty partitions, also those of which nothing is known.

    Raises:
        KafkaError: The broker refused.
    """
    clients = clients_of(settings)
    sources = await sources_of(settings, scope)
    async with connected_reader(clients) as reader:
        begins, ends = await reader.begins(sources), await reader.ends(list(sources), only=OF_THE_KILLED)
        held = await generation.first_records(reader, begins, ends)
    empty = {ledger: source for ledger, source in sources.items() if ledger not in held}
    positions = await source_positions(clients, settings.group_id, empty)
    async with admin_of(settings) as admin:
        counts = {
            name: each.partitions for name, each in (await describe(admin, {each.topic for each in empty})).items()
        }
    with ExitStack() as stack:
        found: list[Rebuilt] = []
        for ledger in empty:
            named = ledger if former is None else TopicPartition(settings.topics.ledger(former), ledger.partition)
            copy = None if directory is None else existing(directory, named)
            # A copy without documents still names the log that is replaced; local stores of it may be built anew then.
            copy = stack.enter_context(LedgerStore(MEMORY) if copy is None else copy)
            found.append(
                Rebuilt(ledger, positions[ledger], counts[ledger.topic], copy, stack.enter_context(LedgerStore()))
            )
        if results and found:
            await _add_results(settings, found, former)
        yield found


async def write(settings: Settings, found: Sequence[Rebuilt]) -> None:
    """Write each ledger partition, in one transaction: a reader sees all of it or nothing.

    Raises:
        CommandError: A ledger is not empty any more, or its partition count is not that of the copy.
        KafkaError: The broker refused. What was written before is complete; run the command again for the rest.
    """
    clients = clients_of(settings)
    for rebuilt in found:
        ledger, partitions = rebuilt.ledger, rebuilt.partitions
        mark = rebuilt.copy.internal(MARK)
        if mark is not None and (was := generation.decode(mark).partitions) != partitions:
            raise CommandError(
                f"{ledger.topic} has {partitions} partitions, and the copy is of one with {was}: create it with {was}"
            )
        [producer] = await fence(clients, [ledger], timeout_ms=TRANSACTION_MS)
        try:
            await _expect_empty(clients, ledger)
            await _write(producer, rebuilt)
        finally:
            await stop_client(producer)


async def _expect_empty(clients: KafkaClients, ledger: TopicPartition) -> None:
    async with connected_reader(clients) as reader:
        begins, ends = await reader.begins([ledger]), await reader.ends([ledger])
        if await generation.first_records(reader, begins, ends):
            raise CommandError(f"{ledger.topic}-{ledger.partition} is not empty any more; nothing was written to it")


async def _write(producer: Producer, rebuilt: Rebuilt) -> None:
    ledger = rebuilt.ledger
    progress = Progress(f"writing {ledger.topic}-{ledger.partition}", rebuilt.documents, unit="records")
    await producer.begin_transaction()
    for part in batched(rebuilt.records(), AT_ONCE):
        sent = [
            await producer.send(ledger.topic, key=key.encode(), value=value, partition=ledger.partition)
            for key, value in part
        ]
        await asyncio.gather(*sent)
        progress.add(len(part))
    await producer.commit_transaction()


def batched(records: Iterator[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    """Cut records into lists of at most `size`."""
    while part := list(islice(records, size)):
        yield part


async def _add_results(settings: Settings, found: Sequence[Rebuilt], former: str | None) -> None:
    """Read all published results, and apply those of these partitions."""
    sources = [(each, each.position.source) for each in found]
    by_source = {TopicPartition(former or source.topic, source.partition): each for each, source in sources}
    async with live_table(settings) as table:
        credentials = _credentials_in(table.state)
    async with reader_of(settings) as reader:
        spans = await reader.whole(await partitions_of(settings, [settings.topics.sage_export_results]))
        progress = Progress("reading results", offsets_in(spans))
        for span in spans:
            async for records in reader.records(span, progress, wait_for_ever=False):
                for record in records:
                    _apply(by_source, record.value, credentials)


def _apply(by_source: Mapping[TopicPartition, Rebuilt], value: bytes | None, credentials: FindCredentials) -> None:
    try:
        result = PublishedResult.model_validate_json(value or b"")
    except ValidationError:
        note("a record on the results topic cannot be read, and is passed over")
        return
    rebuilt = by_source.get(TopicPartition(result.source.topic, result.source.partition))
    if rebuilt is None:
        return
    before = Retold(rebuilt.entry(result.key), rebuilt.open.get(result.key), begun=rebuilt.is_told(result.key))
    if (after := retell(before, result, credentials)) is before:
        return
    if before.entry.last is None and after.entry.last is not None:
        rebuilt.added += 1
    if after.entry != before.entry:
        rebuilt.tell(after.entry)
    if after.open is None:
        rebuilt.open.pop(result.key, None)
    else:
        rebuilt.open[result.key] = after.open


def _credentials_in(state: MappingState) -> FindCredentials:
    """Find the name of a connection's credentials in the settings. Where it is gone, the company's name stands in."""

    def find(subsidiary: str, company: str, _entity: str | None) -> str:
        setting = state.connection(subsidiary)
        return setting.credentials if isinstance(setting, ConnectionSetting) else company

    return find
