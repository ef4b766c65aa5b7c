"""What brings documents back from the ledger: what they waited for arrived, or a person asks for them.

A few at a time, so that the group's heartbeat need not wait, and no more than the partition's window holds.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import structlog
from aiokafka.structs import TopicPartition

from consumers.engine.documents import Documents
from consumers.engine.ledger import Entry
from consumers.engine.ledger_store import Ledger
from consumers.engine.orders import RECORD, Order, Orders, chosen
from consumers.engine.surroundings import Receive
from consumers.engine.work import Owner, Work, orphan
from domain.commands import Command, Replay
from domain.events import ContractError
from domain.reading import Received
from producers.dead_letters import DeadRecord
from producers.results import SourceRecord

log = structlog.get_logger(__name__)

ASKED_AT_ONCE = 1_000
"""Documents that commands are still to be given to; beyond it the commands topic is not read on."""
AT_ONCE = 20
"""Kept documents looked at without a pause: to read and map one takes up to a millisecond, the largest far longer."""


class Host(Owner, Protocol):
    """The partition."""

    @property
    def receive(self) -> Receive:
        """Reads an event that was taken before; ContractError if it can no longer be read."""

    def read(self, key: bytes | None, value: bytes | None) -> Received:
        """Read a record as one of the source topic; ContractError as there."""

    def admit(self, work: Work) -> None:
        """Take a document back, after those of its key that are on their way."""

    def judge(self, work: Work) -> None:
        """Decide about a document whose turn it is."""

    def set_aside(self, record: DeadRecord, error: ContractError, *, ends: int | None) -> None:
        """Make a dead letter."""

    def told(self) -> AbstractContextManager[None]:
        """A defect of ours within it ends the worker, instead of being swallowed by the event loop."""

    def keep(self, record: tuple[str, bytes]) -> None:
        """Write a record of the engine's own to the ledger, after all that was written before."""


class Recall:
    """Brings back documents of one partition.

    Args:
        host: The partition.
        source: Its name.
        ledger: What it knows, restored.
        documents: Those on their way.
        window: How many may be.
        commands_end: Where the topic of commands ends, by partition.
    """

    def __init__(
        self,
        host: Host,
        source: TopicPartition,
        ledger: Ledger,
        documents: Documents,
        window: int,
        commands_end: Mapping[int, int],
    ) -> None:
        self._host = host
        self._source = source
        self._ledger = ledger
        self._documents = documents
        self._window = window
        self._woken: dict[str, None] = {}
        """Keys of blocked documents to look at again, in the order they were woken."""
        self._orders = Orders(ledger.internal(RECORD), commands_end)
        self._asked: deque[tuple[str, Order, Work | None]] = deque()
        """What commands are still to be given to: the key, and the work if the command brought the event along."""
        self._claims_left = dict(ledger.claims_without_event())
        """Claims without an outcome whose event is not kept here: their records come again, or they are orphans."""
        self._running = False

    def begin(self) -> None:
        """Bring back what was in doubt, and look at all that keys block: they may have come while nobody was here."""
        if self._orders.fresh:
            self._host.keep(self._orders.record())
        for entry in list(self._ledger.in_doubt()):
            self._bring_back(entry)
        self.wake(self._ledger.blocked())

    def arrived(self, blocker: str) -> None:
        """What blocks documents has changed."""
        self.wake(self._ledger.blocked_by(blocker))

    def wake(self, keys: Iterable[str]) -> None:
        """Look at blocked documents again."""
        self._woken.update(dict.fromkeys(keys))
        self.go_on()

    def one(self, blocker: str) -> bool:
        """Bring back one document that waits for the blocker, now; False if there is none that could be."""
        for key in self._ledger.blocked_by(blocker):
            if key in self._documents or (entry := self._ledger.get(key)).claim is not None:
                continue
            if (work := self._kept(entry)) is not None:  # one that cannot be read would be every trial, for ever
                self._host.admit(work)
                return True
        return False

    def passed(self, position: int) -> None:
        """Look up claims whose record was passed without coming again: skipped by hand, or deleted from its topic."""
        for key, claim in list(self._claims_left.items()):
            if claim.offset is None or claim.offset >= position:
                continue
            del self._claims_left[key]
            if key not in self._documents and self._ledger.get(key).claim == claim:
                log.error("a claim was left without its event", key=key, number=claim.number, offset=claim.offset)
                self._host.admit(orphan(self._host, self._source, key, claim))

    def go_on(self) -> None:
        """Bring back what there is room for."""
        if self._running:
            return  # one that still waits for the same ends at once, and its end comes back here
        self._running, again = True, False
        with self._host.told():
            more = True
            for _ in range(AT_ONCE):
                if not (more := self._host.open and self._next()):
                    break
            again = more
        self._running = False
        if again:
            asyncio.get_running_loop().call_soon(self.go_on)

    def _next(self) -> bool:
        """Bring one document back; False when there is none, or no room."""
        room = len(self._documents) < self._window
        if self._asked and (room or self._asked[0][0] in self._documents):
            self._ask(*self._asked.popleft())
            return True
        if not self._woken or not room:
            return False
        key = next(iter(self._woken))
        del self._woken[key]
        if key not in self._documents:
            entry = self._ledger.get(key)
            if entry.released_by and entry.claim is None:
                self._bring_back(entry)
        return True

    def _bring_back(self, entry: Entry) -> None:
        work = self._kept(entry)
        if work is None and entry.claim is not None:  # what was sent can be looked up all the same
            work = replace(orphan(self._host, self._source, entry.key, entry.claim), value=entry.parked)
        if work is not None:
            self._host.admit(work)

    def _kept(self, entry: Entry) -> Work | None:
        """A document from the event that the ledger keeps of it; None if it can no longer be read."""
        if entry.parked is None or entry.last is None:
            raise ValueError(f"of {entry.key} no event is kept")
        try:
            received = self._host.receive(entry.parked)
        except ContractError as error:  # parked by a version that read it otherwise; one document may not stop all
            log.error(  # noqa: TRY400 - the frames say nothing; the code and its detail do
                "a waiting event can no longer be read", key=entry.key, code=error.code, detail=error.detail
            )
            return None
        place: tuple[int, int] = entry.last.offset, entry.last.timestamp
        if entry.claim is not None and entry.claim.offset is not None:
            place = entry.claim.offset, entry.claim.timestamp
        source = SourceRecord(self._source.topic, self._source.partition, *place)
        return Work(self._host, received, entry.parked, source, offset=None)

    # What people ask (the topic of commands).

    @property
    def commands_from(self) -> Mapping[int, int]:
        """From where each partition of the commands topic has to be read for this one."""
        return self._orders.places

    @property
    def crowded(self) -> bool:
        """Whether enough is asked for now."""
        return len(self._asked) >= ASKED_AT_ONCE

    def order(self, partition: int, offset: int, command: Command | None) -> None:
        """Take a command; None stands for a record that is none. What concerns no document here is over at once."""
        if not self._orders.take(partition, offset):
            return
        order = Order(command, partition, offset) if command is not None else None
        asked = self._concerned(order) if order is not None else []
        if order is None or not asked:
            self._orders.end(partition, offset)
            self._host.keep(self._orders.record())
            return
        order.open.update(key for key, _, _ in asked)
        self._asked.extend(asked)
        self.go_on()

    def answered(self, work: Work) -> None:
        """What was asked of the document, if anything was, is done and durable."""
        if work.asked is not None:
            self._answered(work.asked, work.key)
            work.asked = None

    def give_way(self, key: str) -> None:
        """If the document is in doubt and a person asks something of it, that comes first."""
        entry = self._ledger.get(key)
        if (change := self._documents.give_way(key, lambda asked: _is_about(asked, entry))) is not None:
            doubtful, asked = change
            self.answered(doubtful)
            self._host.judge(asked)

    def _concerned(self, order: Order) -> list[tuple[str, Order, Work | None]]:
        command = order.command
        if not isinstance(command, Replay):
            return [(key, order, None) for key in chosen(command, self._source.topic, self._ledger)]
        if (command.topic, command.partition) != (self._source.topic, self._source.partition):
            return []
        work = self._read_once_more(command)
        return [(work.key, order, work)] if work is not None else []

    def _read_once_more(self, command: Replay) -> Work | None:
        """The record that a command brings along; a dead letter again if it still breaks the contract."""
        source = SourceRecord(command.topic, command.partition, command.offset, command.timestamp)
        try:
            received = self._host.read(command.key, command.value)
        except ContractError as error:
            place = (source.topic, source.partition, source.offset, source.timestamp)
            self._host.set_aside(DeadRecord(*place, 0, command.key, command.value), error, ends=None)
            return None
        return Work(self._host, received, command.value, source, offset=None)

    def _ask(self, key: str, order: Order, work: Work | None) -> None:
        """Give one document to the command: at once, or when what is on its way has ended."""
        if work is None:
            entry = self._ledger.get(key)
            work = self._kept(entry) if entry.parked is not None else None
        if work is None:
            self._answered(order, key)  # it ended meanwhile
            return
        work.asked = order
        self._host.admit(work)
        self.give_way(key)

    def _answered(self, order: Order, key: str) -> None:
        if self._orders.answered(order, key):
            self._host.keep(self._orders.record())


def _is_about(asked: Work, entry: Entry) -> bool:
    """Whether a command speaks of what is in doubt now. One about another revision waits, as a record does."""
    if entry.parked is None:  # only the claim is left, and a command brings the event along
        return entry.claim is not None and entry.claim.revision == asked.received.revision
    return asked.value == entry.parked
