"""Brings documents back from the ledger: what they waited for has arrived, or a person asked for them.

A few documents at a time, so that the group's heartbeats go on, and never more than the partition's window holds.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import structlog
from aiokafka.structs import TopicPartition

from consumers.export.command_progress import RECORD, CommandProgress, PendingCommand
from consumers.export.context import ParseRecord
from consumers.export.in_flight import InFlight
from consumers.export.later_revisions import KeptEvent, all_kept
from consumers.export.ledger.store import LedgerStore
from consumers.export.protocol.document_state import Claim, DocumentState
from consumers.export.protocol.lifecycle import TakenOver
from consumers.export.sending.sage_access import BACKLOG
from consumers.export.slices import Slices
from consumers.export.sparing import SparingLine
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.codes import Code
from domain.commands import Command, MarkSynced, Replay, Retry
from domain.events import ContractError
from domain.outcomes import Rejected
from domain.translation import ParsedRecord
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)
T = TypeVar("T")

COMMANDS_AT_ONCE, DOCUMENTS_AT_ONCE = 1_000, 200_000
"""High water marks: with so many commands whose documents still wait for them, or so many such documents, the commands
topic is not read on. Hundreds of retries for a company that hangs shall not hold up the commands for others."""
SHARE = 4
"""The documents of a command, and those of a subsidiary for all its commands, take a quarter of the window at most: the
others wait until some of them were answered."""
AT_ONCE = 20
"""Documents brought back without a pause. To parse and map one takes up to a millisecond, a very large one far longer.
"""


class Host(PartitionHandle, Protocol):
    """The partition, as the parking lot needs it."""

    @property
    def slices(self) -> Slices:
        """The long work of all partitions, which takes turns."""

    @property
    def receive(self) -> ParseRecord:
        """Parses an event that was accepted before. Raises ContractError if it can no longer be read."""

    def read(self, key: bytes | None, value: bytes | None) -> ParsedRecord:
        """Parse a record of the source topic. Raises ContractError if the record breaks the contract."""

    def admit(self, work: WorkItem) -> None:
        """Take a document back. It starts at once, or after the earlier work items of its key."""

    def decide(self, work: WorkItem) -> None:
        """Decide about a document whose turn it is."""

    def dead_letter(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Write a dead letter. `ends` is the offset of the source record that ends with it, if any."""

    def reporting_defects(self) -> AbstractContextManager[None]:
        """Catch a defect of ours inside the block, so that it ends the worker: the event loop would swallow it."""

    def relieve(self) -> None:
        """Park what companies have queued beyond their next requests, because the window is full."""

    def write_internal(self, record: tuple[str, bytes]) -> None:
        """Write an internal record to the ledger, after everything that was written before."""


class ParkingLot:
    """Brings documents of one partition back from the ledger.

    Args:
        host: The partition, which takes the documents.
        source: The source partition's topic and number.
        ledger: The restored ledger of the partition.
        documents: The documents in flight.
        window: Maximum number of documents in work; no further one is brought back.
        commands_end: End offset of each partition of the commands topic.
    """

    def __init__(
        self,
        host: Host,
        source: TopicPartition,
        ledger: LedgerStore,
        documents: InFlight,
        window: int,
        commands_end: Mapping[int, int],
    ) -> None:
        self._host = host
        self._source = source
        self._ledger = ledger
        self._documents = documents
        self._window = window
        self._woken: dict[str, OrderedDict[str, None]] = {}
        """Keys of documents to retry, in the order they were woken, by what woke them. The first cause is the next in
        turn. An `OrderedDict`, because to find the first key of a dict takes as long as many were deleted before it."""
        self._returned: dict[str, int] = {}
        """Place of the last document that `release_some` brought back, by blocker."""
        self._orders = CommandProgress(ledger.internal(RECORD), commands_end)
        self._asked: dict[PendingCommand, deque[tuple[str, WorkItem | None]]] = {}
        """Documents that commands still have to reach: key, and the item if the command brought one. The first command
        is the next in turn."""
        self._commanded: dict[WorkItem, str] = {}
        """The documents in flight for commands, with their subsidiaries."""
        self._taken: Counter[str] = Counter()
        """The number of these by subsidiary."""
        self._heads: dict[PendingCommand, tuple[str, str]] = {}
        """The key and the subsidiary of the next document of a command."""
        self._unreadable = SparingLine()
        self._claims_left = dict(ledger.claims_without_event())
        """Claims without an outcome whose event is not kept in the ledger. Their records come again, or never will."""

    async def begin(self) -> None:
        """Bring in-doubt documents back, and retry the parked ones: blockers may have changed while nobody ran.

        Documents that wait only for their turn are left to their lane. There may be tens of thousands in doubt, so
        other tasks run after every few; no record of the partition is read before the last is back, with the later
        revision that the ledger keeps behind it.
        """
        if self._orders.fresh:
            self._host.write_internal(self._orders.record())
        async for entry in _with_pauses(self._ledger.in_doubt()):
            self._bring_back(entry)
        async for kept in _with_pauses(all_kept(self._ledger)):
            self._bring_back_later(kept)
        woken: set[str] = set()
        for blocker in self._ledger.blockers():
            if not blocker.startswith(BACKLOG):
                waiting = [key async for _, key in _with_pauses(self._ledger.waiting_for(blocker)) if key not in woken]
                woken.update(waiting)
                self.wake(waiting, blocker)

    def release(self, blocker: str) -> None:
        """Retry the documents that `blocker` releases, because it has changed."""
        self.wake(self._ledger.blocked_by(blocker), blocker)

    def wake(self, keys: Iterable[str], cause: str = "") -> None:
        """Retry these documents.

        Args:
            keys: Their keys.
            cause: What woke them. Causes take turns: one document does not wait for another cause's tens of thousands.
        """
        if woken := OrderedDict.fromkeys(keys):
            self._woken.setdefault(cause, OrderedDict()).update(woken)
            self.drain()

    def release_one(self, blocker: str) -> bool:
        """Bring back one document that waits for the blocker, now. Returns False if none can be brought back."""
        return any(self._comes_back(key) for _, key in self._ledger.waiting_for(blocker))

    def release_some(self, blocker: str, most: int) -> int:
        """Bring back documents that wait for the blocker, now, the oldest first. Returns how many came back.

        Each comes back once, until it is parked again, or until all others came back.
        """
        released = 0
        for place, key in self._ledger.waiting_for(blocker, after=self._returned.get(blocker, 0)):
            if released == most:
                break
            self._returned[blocker] = place
            released += self._comes_back(key)
        else:
            self._returned.pop(blocker, None)
        return released

    def is_left(self, blocker: str) -> bool:
        """Whether documents wait for the blocker that are not in flight."""
        return any(key not in self._documents for _, key in self._ledger.waiting_for(blocker))

    def _comes_back(self, key: str) -> bool:
        """Bring one document back, unless it is in flight, or its call is looked up, or its event cannot be read."""
        if key in self._documents or (entry := self._ledger.get(key)).claim is not None:
            return False
        if (work := self._kept(entry)) is None:
            return False
        self._host.admit(work)
        return True

    def skipped_past(self, position: int) -> None:
        """Look up claims whose record lies before `position` and did not come again.

        Such a record was skipped by hand, or deleted from its topic.
        """
        for key, claim in list(self._claims_left.items()):
            if claim.offset is None or claim.offset >= position:
                continue
            del self._claims_left[key]
            if key not in self._documents and self._ledger.get(key).claim == claim:
                log.error("a claim was left without its event", key=key, number=claim.number, offset=claim.offset)
                self._host.admit(work_without_event(self._host, self._source, key, claim))

    def drain(self) -> None:
        """Bring back as many documents as there is room for, a few at a time."""
        self._host.slices.run(self._drain_some)

    def _drain_some(self) -> bool:
        """Bring a few documents back. Returns whether there may be more to bring back."""
        more = False
        with self._host.reporting_defects():
            for _ in range(AT_ONCE):
                if not (more := self._host.open and self._next()):
                    break
        return more

    def _next(self) -> bool:
        """Bring one document back. Returns False if none waits, or if there is no room."""
        room = len(self._documents) < self._window
        if self._next_asked(room=room):
            return True
        if not room and (self._asked or self._woken):
            self._host.relieve()
            return False
        if not self._woken:
            return False
        cause = next(iter(self._woken))
        woken = self._woken.pop(cause)
        key, _ = woken.popitem(last=False)
        if woken:
            self._woken[cause] = woken
        if key not in self._documents:
            entry = self._ledger.get(key)
            if entry.released_by and entry.claim is None:
                self._bring_back(entry)
        return True

    def _bring_back(self, entry: DocumentState) -> None:
        work = self._kept(entry)
        if work is None and entry.claim is not None:  # the event is unreadable, but its call can still be looked up
            work = work_without_event(self._host, self._source, entry.key, entry.claim, entry.parked)
        if work is not None:
            self._host.admit(work)

    def _kept(self, entry: DocumentState) -> WorkItem | None:
        """Build a work item from the event that the ledger keeps. None if the event can no longer be read."""
        if entry.parked is None or entry.last is None:
            raise ValueError(f"of {entry.key} no event is kept")
        try:
            received = self._host.receive(entry.parked)
        except ContractError as error:  # parked by another version; one unreadable event must not stop all others
            self._tell_unreadable(entry.key, error)
            return None
        place: tuple[int, int] = entry.last.offset, entry.last.timestamp
        if entry.claim is not None and entry.claim.offset is not None:
            place = entry.claim.offset, entry.claim.timestamp
        source = SourceRecord(self._source.topic, self._source.partition, *place)
        return WorkItem(self._host, received, entry.parked, source)

    def _tell_unreadable(self, key: str, error: ContractError) -> None:
        """Tell of unreadable events at most once a minute: all that wait may be of another version."""
        if not (documents := self._unreadable.count(asyncio.get_running_loop().time())):
            return
        log.error(
            "a waiting event can no longer be read", documents=documents, key=key, code=error.code, detail=error.detail
        )

    def _bring_back_later(self, kept: KeptEvent) -> None:
        """Take a revision that the ledger kept behind a doubt. Its turn comes after the doubt, as before."""
        source = SourceRecord(self._source.topic, self._source.partition, kept.offset, kept.timestamp)
        try:
            received = self._host.receive(kept.event)
        except ContractError as error:  # kept by another version; one unreadable event must not stop all others
            log.error(  # noqa: TRY400 - the frames say nothing; the code and its detail do
                "a kept event can no longer be read",
                partition=str(self._source),
                offset=kept.offset,
                code=error.code,
                detail=error.detail,
            )
            return
        self._host.admit(WorkItem(self._host, received, kept.event, source, was_kept=True, is_kept=True))

    # Commands of people (the topic of commands).

    @property
    def commands_from(self) -> Mapping[int, int]:
        """First offset to read of each partition of the commands topic, for this source partition."""
        return self._orders.positions

    @property
    def is_full(self) -> bool:
        """Whether so many commands have documents to reach that no further command should be read."""
        many = sum(map(len, self._asked.values())) >= DOCUMENTS_AT_ONCE
        return many or len(self._asked) >= COMMANDS_AT_ONCE

    def apply_command(self, partition: int, offset: int, command: Command | None) -> None:
        """Apply a command. None stands for a record that is no command.

        A command that concerns no document of this partition is complete at once.
        """
        if not self._orders.take(partition, offset):
            return
        order = PendingCommand(command, partition, offset) if command is not None else None
        asked = self._concerned(order) if order is not None else []
        if order is None or not asked:
            self._orders.end(partition, offset)
            self._host.write_internal(self._orders.record())
            return
        order.open.update(key for key, _ in asked)
        self._asked[order] = deque(asked)
        self.drain()

    def answered(self, work: WorkItem) -> None:
        """Mark the work item's command, if any, as done for this document. Its result is durable."""
        if work.command is not None:
            if (subsidiary := self._commanded.pop(work, None)) is not None:
                self._taken[subsidiary] -= 1
            self._answered(work.command, work.key)
            work.command = None

    def give_way(self, key: str) -> None:
        """If the document is in doubt and a command about it waits, let the command go first."""
        entry = self._ledger.get(key)
        if (change := self._documents.yield_to_command(key, lambda asked: _is_about(asked, entry))) is not None:
            doubtful, asked = change
            self._host.handle(doubtful, TakenOver())
            self._host.decide(asked)

    def _concerned(self, order: PendingCommand) -> list[tuple[str, WorkItem | None]]:
        command = order.command
        if not isinstance(command, Replay):
            return [(key, None) for key in affected_documents(command, self._source.topic, self._ledger)]
        if (command.topic, command.partition) != (self._source.topic, self._source.partition):
            return []
        work = self._read_once_more(command)
        return [(work.key, work)] if work is not None else []

    def _read_once_more(self, command: Replay) -> WorkItem | None:
        """Build a work item from a replay command's record. None, and a dead letter, if it breaks the contract."""
        source = SourceRecord(command.topic, command.partition, command.offset, command.timestamp)
        try:
            received = self._host.read(command.key, command.value)
        except ContractError as error:
            place = (source.topic, source.partition, source.offset, source.timestamp)
            self._host.dead_letter(DeadRecord(*place, 0, command.key, command.value), error, ends=None)
            return None
        return WorkItem(self._host, received, command.value, source)

    def _next_asked(self, *, room: bool) -> bool:
        """Give a command to its next document. Commands take turns: none waits for all the documents of another.

        Args:
            room: Whether the window has room. A mark needs none, because it calls nobody.

        Returns:
            False if no command has a document that can be reached now.
        """
        for order, left in self._asked.items():
            key, work = left[0]
            reached, most = len(order.open) - len(left), max(1, self._window // SHARE)
            may_go = reached < most and (
                isinstance(order.command, MarkSynced) or (room and self._has_share(order, key, work, most))
            )
            if may_go or key in self._documents:
                left.popleft()
                del self._asked[order]
                self._heads.pop(order, None)
                if left:
                    self._asked[order] = left
                self._ask(key, order, work)
                return True
        return False

    def _has_share(self, order: PendingCommand, key: str, work: WorkItem | None, most: int) -> bool:
        """Whether the document's subsidiary has fewer than so many documents in flight for commands."""
        if len(self._commanded) < most:
            return True  # no subsidiary can have more
        if self._heads.get(order, ("", ""))[0] != key:
            entry = self._ledger.get(key)
            work = work or (self._kept(entry) if entry.parked is not None else None)
            self._heads[order] = key, work.received.subsidiary_id if work is not None else ""
        return self._taken[self._heads[order][1]] < most

    def _ask(self, key: str, order: PendingCommand, work: WorkItem | None) -> None:
        """Give a command to one document: at once, or after the document's work item in flight has ended."""
        if work is None:
            entry = self._ledger.get(key)
            work = self._kept(entry) if entry.parked is not None else None
        if work is None:
            self._answered(order, key)  # the document ended meanwhile
            return
        work.command = order
        self._commanded[work] = work.received.subsidiary_id
        self._taken[work.received.subsidiary_id] += 1
        self._host.admit(work)
        self.give_way(key)

    def _answered(self, order: PendingCommand, key: str) -> None:
        if self._orders.answered(order, key):
            self._host.write_internal(self._orders.record())


async def _with_pauses(documents: Iterable[T]) -> AsyncIterator[T]:
    """Yield documents to bring back, and let other tasks run after every few."""
    for number, document in enumerate(documents):
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        yield document


def _is_about(asked: WorkItem, entry: DocumentState) -> bool:
    """Whether a command is about the revision that is in doubt. A command about another one waits, as a record does."""
    if entry.parked is None:  # only the claim is left in the ledger; the command brings the event along
        return entry.claim is not None and entry.claim.revision == asked.received.revision
    return asked.value == entry.parked


def work_without_event(
    owner: PartitionHandle, source: TopicPartition, key: str, claim: Claim, value: bytes | None = None
) -> WorkItem:
    """Create a work item for a claim whose event will not be read again. It can be looked up, but never sent.

    Args:
        owner: The partition.
        source: The source partition's topic and number.
        key: The document key.
        claim: The claim.
        value: The event as bytes, if the ledger keeps one that cannot be read. None if it keeps none.
    """
    place = f"{source.topic}:{source.partition} at offset {claim.offset}"
    lost = Rejected(Code.SOURCE_RECORD_PASSED, f"the record was passed without being read again: {place}")
    received = ParsedRecord("", "", key, claim.connection.subsidiary_id, claim.revision, lost, claim.emitted)
    record = SourceRecord(source.topic, source.partition, claim.offset or 0, claim.timestamp)
    return WorkItem(owner, received, value, record)


def affected_documents(command: Retry | MarkSynced, topic: str, ledger: LedgerStore) -> tuple[str, ...]:
    """Keys of the documents in one partition of `topic` that a command concerns. Settled documents are left out."""
    keys = [key for key in command.documents if ledger.get(key).parked is not None]
    if isinstance(command, Retry):
        if command.topics and topic not in command.topics:
            return ()
        keys += [key for code in command.codes for key in ledger.coded(code)]
        keys += [key for blocker in command.blocked_by for key in ledger.blocked_by(blocker)]
    return tuple(dict.fromkeys(keys))
