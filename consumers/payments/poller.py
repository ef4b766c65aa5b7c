"""Who polls what: the companies of the partitions of the cursor topic that are ours, each in a task of its own.

The consumer group only shares the partitions out; their records are read behind the fence (`partition`). A company that
is slow, throttled or locked out waits by itself, longer each time, and holds up no other.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition

from consumers.mapping_state import MappingTable
from consumers.payments.companies import Company, Sessions, companies
from consumers.payments.memory import Replay
from consumers.payments.partition import CursorPartition, Cursors, PartitionClosedError, partition_of
from consumers.payments.reconcile import Pass
from consumers.payments.rounds import Polled, Rounds
from consumers.payments.rules import Around
from consumers.stopping import stop_client

log = structlog.get_logger(__name__)

POLL_MS = 200
REOPEN_AFTER = 1.0
"""Seconds before partitions that could not be opened are tried again."""
TURN_AFTER = 5.0
"""Seconds, up to twice as many, before what another poller interrupted goes on: it gets to work meanwhile too."""
TURNS = 60
"""How often somebody may interrupt before it is given up."""
TAKEN_AWAY = (PartitionClosedError, ProducerFenced, InvalidProducerEpoch)
"""How a partition says that another poller owns it now."""


@dataclass(frozen=True, slots=True)
class Membership:
    """How the poller takes part in its group, and whose sessions it asks in."""

    group_id: str
    sessions: Sessions = "top"
    session_timeout_ms: int = 30_000
    check_crcs: bool = True


@dataclass(slots=True)
class _Ours:
    """A partition that is open here, and its companies' tasks."""

    partition: CursorPartition
    rounds: dict[str, Rounds]
    tasks: dict[str, asyncio.Task[None]]


class Poller(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Polls the companies of its partitions until it is told to stop, or each of them once."""

    def __init__(
        self,
        membership: Membership,
        cursors: Cursors,
        table: MappingTable,
        around: Around,
    ) -> None:
        self._membership = membership
        self._cursors = cursors
        self._table = table
        self._around = around
        self._open: dict[int, _Ours] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._stopping = False
        self._known: tuple[int | None, dict[str, Company]] = (None, {})
        """The companies as of an offset of mapping-state."""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions of the cursor topic that are open here."""
        return frozenset(self._open)

    def poll_now(self) -> None:
        """Have every company polled as soon as possible, whatever it waits for."""
        for ours in self._open.values():
            for rounds in ours.rounds.values():
                rounds.at_once()

    async def once(
        self, *, replay: Replay | None = None, only: str | None = None, reconcile_all: bool = False
    ) -> list[Polled]:
        """Poll every company, or only one, one time, in all partitions: whoever polls them at the moment is fenced.

        A poller that runs takes its partitions back after a while. Then this waits a little and goes on from where it
        stood, until it is through: both get to work in turns.

        Args:
            replay: What is to be told once more.
            only: The id of the one company.
            reconcile_all: Hold all balances against what was told, too.

        Raises:
            PartitionClosedError: Others took the partition back too often.
            KafkaError, CursorUnreadableError: as `Cursors.open`.
        """
        chosen: dict[int, list[Company]] = {}
        for name, company in sorted(self._companies().items()):
            if only in {None, name}:
                chosen.setdefault(partition_of(name, self._cursors.partitions), []).append(company)
        polled = await asyncio.gather(
            *(self._in_turns(number, wanted, replay, reconcile_all) for number, wanted in chosen.items())
        )
        return sorted((each for group in polled for each in group), key=lambda each: each.company)

    async def _in_turns(
        self, number: int, wanted: list[Company], replay: Replay | None, reconcile_all: bool
    ) -> list[Polled]:
        polled: dict[str, Polled] = {}
        begun: set[str] = set()
        for turn in range(TURNS):
            if turn:
                await self._around.time.sleep(TURN_AFTER * (1 + self._around.time.random()))
            try:
                [partition] = await self._cursors.open([number], lambda _place, _error: None)
                try:
                    left = [each for each in wanted if each.id not in polled]
                    ends = await asyncio.gather(
                        *(self._one(each, partition, begun, replay, reconcile_all) for each in left),
                        return_exceptions=True,
                    )
                    polled |= {end.company: end for end in ends if isinstance(end, Polled)}
                    for end in ends:
                        if isinstance(end, BaseException):
                            raise end
                finally:
                    await partition.close()
            except TAKEN_AWAY:
                log.info("a poller that runs took its companies back; this goes on after it", partition=number)
                continue
            return list(polled.values())
        raise PartitionClosedError(
            f"another poller took partition {number} of {self._cursors.topic} back {TURNS} times: stop it, or try later"
        )

    async def _one(
        self,
        company: Company,
        partition: CursorPartition,
        begun: set[str],
        replay: Replay | None,
        reconcile_all: bool,
    ) -> Polled:
        goes_on = company.id in begun
        if replay is not None and not goes_on:  # else its cursors say how far it came, if it did not end
            cursors = partition.of(company.id).cursors.values()
            await partition.write(company.id, [replace(each, replay=replay) for each in cursors])
        begun.add(company.id)
        passing = Pass.DUE if not reconcile_all else Pass.REST if goes_on else Pass.WHOLE
        polled, _ = await Rounds(company.id, partition, self._around).once(company, passing)
        return polled

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set.

        Raises:
            KafkaError, MappingStateUnavailable, LedgerUnreadableError, CursorUnreadableError: it cannot go on; what was
                told is remembered, and what was not will be told after the next start.
        """
        consumer = self._consumer = AIOKafkaConsumer(
            **self._cursors.kafka,
            group_id=self._membership.group_id,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=self._membership.session_timeout_ms,
            heartbeat_interval_ms=self._membership.session_timeout_ms // 10,
            check_crcs=self._membership.check_crcs,
        )
        consumer.subscribe([self._cursors.topic], listener=self)
        await consumer.start()
        try:
            while not stop.is_set():
                self._check()
                self._share_out()
                await consumer.getmany(timeout_ms=POLL_MS)  # keeps the membership alive; its partitions are paused
        finally:
            self._stopping = True
            await self._let_go({*self._open, *self._opening})
            await stop_client(consumer)

    # Rebalance.

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Open the partitions in the background: restoring must not hold up the group's heartbeat."""
        if self._stopping:
            return
        for place in assigned:
            with suppress(IllegalStateError):  # taken away meanwhile
                self._consumer.pause(place)
        self._begin([place.partition for place in assigned])

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go before anybody else is given them."""
        await self._let_go({place.partition for place in revoked})

    def _begin(self, numbers: Collection[int], delay: float = 0.0) -> None:
        if numbers:
            task = asyncio.create_task(self._open_all(sorted(numbers), delay), name="open cursors")
            self._opening |= dict.fromkeys(numbers, task)

    async def _open_all(self, numbers: list[int], delay: float) -> None:
        while True:
            await self._around.time.sleep(delay)
            try:
                opened = await self._cursors.open(numbers, self._failed)
                break
            except (KafkaError, TimeoutError) as error:
                log.warning("payment cursors could not be opened; trying again", partitions=numbers, error=repr(error))
                delay = REOPEN_AFTER
        for number, partition in zip(numbers, opened, strict=True):
            self._open[number] = _Ours(partition, {}, {})
            self._opening.pop(number, None)
        log.info("payment cursors open", partitions=numbers)

    def _failed(self, place: TopicPartition, error: BaseException) -> None:
        """A transaction did not commit. What it held was not told; it is read again, by us or by whoever fenced us."""
        fenced = isinstance(error, ProducerFenced | InvalidProducerEpoch)
        log.warning("payment cursor failed", partition=place.partition, fenced=fenced, error=repr(error))
        delay = self._membership.session_timeout_ms / 1000 if fenced else REOPEN_AFTER
        self._opening[place.partition] = asyncio.create_task(self._reopen(place.partition, delay), name="reopen cursor")

    async def _reopen(self, number: int, delay: float) -> None:
        await self._close(number)
        await self._open_all([number], delay)

    async def _let_go(self, numbers: Collection[int]) -> None:
        tasks = {task for number in numbers if (task := self._opening.pop(number, None)) is not None}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A group of partitions is opened together; those of it that stay ours are begun anew.
        await asyncio.gather(*(self._close(number) for number in numbers))

    async def _close(self, number: int) -> None:
        ours = self._open.pop(number, None)
        if ours is None:
            return
        for task in ours.tasks.values():
            task.cancel()
        await asyncio.gather(*ours.tasks.values(), return_exceptions=True)
        await ours.partition.close()

    # Companies.

    def _companies(self) -> dict[str, Company]:
        state = self._table.state
        if self._known[0] != state.offset:
            self._known = state.offset, companies(state, self._membership.sessions)
        return self._known[1]

    def _company(self, name: str) -> Company | None:
        return self._companies().get(name)

    def _share_out(self) -> None:
        """A task for each company of an open partition; none for those that are no longer connected."""
        wanted = self._companies()
        for number, ours in self._open.items():
            here = {name for name in wanted if partition_of(name, self._cursors.partitions) == number}
            ended = {name for name, task in ours.tasks.items() if task.done() and not task.exception()}
            for name in (ours.tasks.keys() - here) | ended:
                ours.tasks.pop(name).cancel()
                ours.rounds.pop(name)
            for name in here - ours.tasks.keys():
                rounds = ours.rounds[name] = Rounds(name, ours.partition, self._around)
                ours.tasks[name] = asyncio.create_task(rounds.run(self._company), name=f"payments of {name}")

    def _check(self) -> None:
        """Raise what ended a task of ours: what died silently would never be polled again."""
        self._around.documents.check()
        for task in {*self._opening.values(), *(task for ours in self._open.values() for task in ours.tasks.values())}:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, PartitionClosedError):
                raise error
