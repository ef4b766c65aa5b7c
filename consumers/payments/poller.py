"""The poller process: it polls the companies of its partitions of the cursor topic, each company in its own task.

The consumer group only assigns the partitions; their records are read after the former owner was fenced (`partition`).
A company that is slow, throttled or locked out waits alone, longer each time, and delays no other company.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog
from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition

from consumers.mapping_state import MappingTable
from consumers.payments.balances import Pass
from consumers.payments.companies import PolledCompany, Sessions, companies
from consumers.payments.config import PollContext
from consumers.payments.cursor import PaymentReplay
from consumers.payments.partition import CursorPartition, Cursors, PartitionClosedError, partition_of
from consumers.payments.schedule import PollLoop, PollReport
from kafka_client.stopping import stop_client

log = structlog.get_logger(__name__)

POLL_MS = 200
REOPEN_AFTER = 1.0
"""Seconds before partitions that could not be opened are tried again."""
TURN_AFTER = 5.0
"""Seconds (at random up to twice as many) that `once` waits after another poller took the partition, so that both
progress."""
TURNS = 60
"""How often another poller may interrupt `once` before it gives up."""
TAKEN_AWAY = (PartitionClosedError, ProducerFenced, InvalidProducerEpoch)
"""Errors which mean that another poller owns the partition now."""


@dataclass(frozen=True, slots=True)
class Membership:
    """How the poller takes part in its consumer group, and in which sessions it queries Sage."""

    group_id: str
    sessions: Sessions = "top"
    session_timeout_ms: int = 30_000


@dataclass(slots=True)
class _Ours:
    """A partition that is open in this process, with the polls and tasks of its companies."""

    partition: CursorPartition
    rounds: dict[str, PollLoop]
    tasks: dict[str, asyncio.Task[None]]


class Poller(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Poller of the companies of its partitions: `run` polls until it is stopped, `once` polls each company once.

    Args:
        membership: How to take part in the consumer group.
        cursors: Opens partitions of the cursor topic.
        table: The mapping-state table, for the connections in force.
        around: What all companies share.
    """

    def __init__(
        self,
        membership: Membership,
        cursors: Cursors,
        table: MappingTable,
        around: PollContext,
    ) -> None:
        self._membership = membership
        self._cursors = cursors
        self._table = table
        self._around = around
        self._open: dict[int, _Ours] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._stopping = False
        self._known: tuple[int | None, dict[str, PolledCompany]] = (None, {})
        """Offset of mapping-state, and the companies as of that offset."""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions of the cursor topic that are open here."""
        return frozenset(self._open)

    def poll_now(self) -> None:
        """Poll every company as soon as possible, even one that is waiting after a failure."""
        for ours in self._open.values():
            for rounds in ours.rounds.values():
                rounds.poll_now()

    async def once(
        self, *, replay: PaymentReplay | None = None, only: str | None = None, reconcile_all: bool = False
    ) -> list[PollReport]:
        """Poll every company once, or only one company. A poller that owns their partitions is fenced.

        A running poller takes its partitions back after a while. Then this call waits a little and continues where it
        stopped, until every company was polled: the two take turns.

        Args:
            replay: The replay to carry out; None: publish only news.
            only: The id of the one company to poll; None: all.
            reconcile_all: Also compare the balances of all documents with the published payments.

        Returns:
            One report per company, in order of the ids.

        Raises:
            PartitionClosedError: Another poller took the partition back more than `TURNS` times.
            KafkaError, CursorUnreadableError: As `Cursors.open`.
        """
        chosen: dict[int, list[PolledCompany]] = {}
        for name, company in sorted(self._companies().items()):
            if only in {None, name}:
                chosen.setdefault(partition_of(name, self._cursors.partitions), []).append(company)
        polled = await asyncio.gather(
            *(self._in_turns(number, wanted, replay, reconcile_all) for number, wanted in chosen.items())
        )
        return sorted((each for group in polled for each in group), key=lambda each: each.company)

    async def _in_turns(
        self, number: int, wanted: list[PolledCompany], replay: PaymentReplay | None, reconcile_all: bool
    ) -> list[PollReport]:
        polled: dict[str, PollReport] = {}
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
                    polled |= {end.company: end for end in ends if isinstance(end, PollReport)}
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
        company: PolledCompany,
        partition: CursorPartition,
        begun: set[str],
        replay: PaymentReplay | None,
        reconcile_all: bool,
    ) -> PollReport:
        goes_on = company.id in begun
        if replay is not None and not goes_on:  # on a later turn the stored cursors say how far the replay came
            cursors = partition.cursor_of(company.id).cursors.values()
            await partition.write(company.id, [replace(each, replay=replay) for each in cursors])
        begun.add(company.id)
        passing = Pass.DUE if not reconcile_all else Pass.REST if goes_on else Pass.WHOLE
        polled, _ = await PollLoop(company.id, partition, self._around).once(company, passing)
        return polled

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set.

        Raises:
            KafkaError, MappingStateUnavailable, LedgerUnreadableError, CursorUnreadableError: The poller cannot go on.
                What was published is stored; the rest is published after the next start.
        """
        consumer = self._consumer = self._cursors.clients.member(
            self._membership.group_id,
            session_timeout_ms=self._membership.session_timeout_ms,
            offset_reset="latest",
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
        """Close the partitions before the group assigns them to another poller."""
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
        """Reopen a partition whose transaction did not commit.

        Nothing of the transaction was published. This process reads the rows again, or the one that fenced it does.
        """
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
        # Partitions are opened in groups, so cancelling one opening cancels its group: the ones we keep start again.
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

    def _companies(self) -> dict[str, PolledCompany]:
        state = self._table.state
        if self._known[0] != state.offset:
            self._known = state.offset, companies(state, self._membership.sessions)
        return self._known[1]

    def _company(self, name: str) -> PolledCompany | None:
        return self._companies().get(name)

    def _share_out(self) -> None:
        """Start a task for each company of an open partition, and cancel the tasks of companies no longer connected."""
        wanted = self._companies()
        for number, ours in self._open.items():
            here = {name for name in wanted if partition_of(name, self._cursors.partitions) == number}
            ended = {name for name, task in ours.tasks.items() if task.done() and not task.exception()}
            for name in (ours.tasks.keys() - here) | ended:
                ours.tasks.pop(name).cancel()
                ours.rounds.pop(name)
            for name in here - ours.tasks.keys():
                rounds = ours.rounds[name] = PollLoop(name, ours.partition, self._around)
                ours.tasks[name] = asyncio.create_task(rounds.run(self._company), name=f"payments of {name}")

    def _check(self) -> None:
        """Raise the error that ended a task: otherwise its company would silently never be polled again."""
        self._around.documents.check()
        for task in {*self._opening.values(), *(task for ours in self._open.values() for task in ours.tasks.values())}:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, PartitionClosedError):
                raise error
