"""The mapping-state topic as a table in memory: every process that maps documents holds all of it.

What a caller may rely on:

1. **Complete at the start.** When `start` returns, every record written before the call is applied: the table has read
   from the first offset to the broker's high watermark, past compacted holes, aborted records and transaction markers.
2. **Followed for ever.** Later records are applied in the order of their partition, and only committed ones.
3. **Read-your-writes.** When `barrier` returns, every record that was acknowledged or committed before the call is
   applied.
4. **Never a stale answer by silence.** A table that is not complete, or whose reader died, raises
   `MappingStateUnavailable` with the cause. A `barrier` that cannot prove freshness in time raises too.
5. **Never a table with holes.** The topic must exist and be compacted. If the topic was deleted and created again, or
   its partition count has changed since the start, the reader ends: keys may have moved or gone. A restart reads all.
6. **Stable between awaits.** The state changes only while the caller awaits something; one task writes it.
7. **Subscribers learn of changes.** After `start` has returned, each subscriber is called once per changed key, in the
   order of the records, after the state holds the change.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord

from domain.settings.mapping_state import MappingState
from kafka_client.clients import connected_admin
from kafka_client.follower import PartitionFollower
from kafka_client.high_watermarks import HighWatermarks
from kafka_client.interface import KafkaClients
from kafka_client.topics import describe, set_cleanup

log = structlog.get_logger(__name__)

State = Literal["unstarted", "loading", "caught_up", "degraded", "failed"]
"""State of the table.

``unstarted``: `start` was not called yet, or `stop` was called. ``loading``: reading the records present at the start.
``caught_up``: complete. ``degraded``: the broker does not answer or the reader is behind; it recovers by itself.
``failed``: the reader died; the table refuses to serve.
"""

PolicyMismatch = Literal["raise", "warn", "reconcile"]
"""How to treat a topic that is not compacted: refuse to start, log and continue, or set its cleanup policy."""

Subscriber = Callable[[str], None]
"""A function that is called with the canonical text of a changed key (`domain.settings.keys`).

It must not raise. If it does, the error is logged and the next subscriber is called.
"""

FETCH_BYTES = 8 * 1024 * 1024


class MappingStateUnavailable(Exception):  # noqa: N818 - it is a state of the table, as in "service unavailable"
    """The table cannot answer now. The text says why and what to do; the cause is chained."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Time-outs of the table, in seconds."""

    catch_up: float = 120.0
    """How long `start` may take."""
    barrier: float = 10.0
    """How long `barrier` may take."""
    check_every: float = 5.0
    """Interval of the table's own freshness checks, which keep `status` up to date."""


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A snapshot for people and metrics. Offsets are by partition; a position is the next offset to read."""

    state: State
    positions: Mapping[int, int]
    ends: Mapping[int, int]
    """The high watermarks when the broker was last asked."""
    lag: int
    """Offsets between positions and ends, over all partitions. Markers and holes count, so records may be fewer."""
    records: int
    invalid: int
    """Records whose key or value cannot be read."""
    cleared_masters: tuple[str, ...]
    """Keys of master Defaults that another writer cleared (requirement 58 forbids it)."""
    reader_error: str | None


class MappingTable:
    """The mapping-state table. It reads without a consumer group, so every process has all partitions.

    Call `start` first, then use `state`.

    Args:
        topic: The full name of the mapping-state topic.
        clients: The factory of Kafka clients.
        on_policy_mismatch: How to treat a topic that is not compacted.
        patience: The table's time-outs.
    """

    def __init__(
        self,
        topic: str,
        clients: KafkaClients,
        *,
        on_policy_mismatch: PolicyMismatch = "raise",
        patience: Patience = Patience(),
    ) -> None:
        self.topic = topic
        self._clients = clients
        self._on_policy_mismatch = on_policy_mismatch
        self._patience = patience
        self._status: State = "unstarted"
        self._state = MappingState()
        self._subscribers: list[Subscriber] = []
        self._reported_masters: set[str] = set()
        self._keyless = 0
        self._error: BaseException | None = None
        self._failed = asyncio.Event()
        self._stopped = False
        # A missing offset means that the topic was created anew: an error, no reason to start over (guarantee 5).
        reader = clients.reader(offset_reset="none", fetch_bytes=FETCH_BYTES)
        self._follower = PartitionFollower(
            reader, HighWatermarks(clients), self._apply, name=f"{topic} reader", on_end=self._fail
        )
        self._watching: asyncio.Task[None] | None = None

    @property
    def state(self) -> MappingState:
        """The settings in force, for look-ups.

        Raises:
            MappingStateUnavailable: The table is not complete, or its reader died.
        """
        self._refuse_unless_complete()
        return self._state

    def subscribe(self, callback: Subscriber) -> None:
        """Call `callback` with each key that changes after `start` returned. Subscribe before `start` to miss none."""
        self._subscribers.append(callback)

    def status(self) -> TableStatus:
        """The table's status, without a request to the broker."""
        positions, ends = self._follower.positions, self._follower.ends
        behind = (ends.get(tp, 0) - position for tp, position in positions.items())
        return TableStatus(
            state=self._status,
            positions={tp.partition: position for tp, position in positions.items()},
            ends={tp.partition: end for tp, end in ends.items()},
            lag=sum(max(0, offsets) for offsets in behind),
            records=len(self._state.records()),
            invalid=len(self._state.problems()) + self._keyless,
            cleared_masters=tuple(sorted(self._state.cleared_masters())),
            reader_error=None if self._error is None else _text(self._error),
        )

    async def start(self) -> None:
        """Read all records of the topic, then go on following it in the background.

        Raises:
            MappingStateUnavailable: The topic is missing or not compacted, the broker does not answer, or the end was
                not reached in time. All tasks and connections are stopped.
            RuntimeError: The table was started before.
        """
        if self._status != "unstarted" or self._stopped:
            raise RuntimeError("a table starts once")
        self._status = "loading"
        try:
            async with asyncio.timeout(self._patience.catch_up):
                await self._follower.start(await self._examine_topic())
                await self._follower.barrier()
        except (KafkaError, TimeoutError, OSError) as error:
            reason = self._error or error
            await self.stop()
            raise MappingStateUnavailable(f"{self.topic}: not caught up: {_text(reason)}") from reason
        except BaseException:
            await self.stop()
            raise
        # No await from here to the return, so subscribers are called for every record that is applied later.
        self._status = "caught_up"
        self._watching = asyncio.create_task(self._watch(), name=f"{self.topic} watch")
        log.info("mapping state caught up", topic=self.topic, records=self.status().records, end=self.status().ends)

    async def stop(self) -> None:
        """Stop reading and close the connections. It is safe to stop a table that was never started."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        self._stopped = True
        self._status = "unstarted"
        await self._follower.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def barrier(self) -> None:
        """Return when every record acknowledged or committed before the call is applied (guarantee 3).

        Concurrent callers share one request to the broker.

        Raises:
            MappingStateUnavailable: The reader died, the table was stopped, or freshness could not be proved in time,
                because the broker does not answer or another writer's open transaction holds records back.
        """
        self._refuse_unless_complete()
        try:
            async with asyncio.timeout(self._patience.barrier):
                await self._follower.barrier()
        except (KafkaError, TimeoutError, OSError) as error:
            self._refuse_unless_complete()
            self._turn("degraded", error)
            raise MappingStateUnavailable(
                f"{self.topic}: not known to be fresh: {_text(error)}{self._gap()}"
            ) from error
        self._turn("caught_up")

    async def failure(self) -> MappingStateUnavailable:
        """Wait until the reader dies, and return the reason. For a supervisor: while the table works, this waits."""
        await self._failed.wait()
        return self._unavailable()

    # Starting.

    async def _examine_topic(self) -> list[TopicPartition]:
        async with connected_admin(self._clients) as admin:
            facts = (await describe(admin, [self.topic])).get(self.topic)
            if facts is None:
                raise MappingStateUnavailable(
                    f"{self.topic}: no such topic; create it with `alvys-sage topics --create`"
                )
            if "compact" not in facts.cleanup:
                wrong = f"{self.topic}: cleanup.policy is {','.join(sorted(facts.cleanup)) or 'unknown'}, not compact"
                if self._on_policy_mismatch == "raise":
                    raise MappingStateUnavailable(f"{wrong}: settings older than its retention would vanish")
                log.warning("mapping state is not compacted", topic=self.topic, action=self._on_policy_mismatch)
                if self._on_policy_mismatch == "reconcile":
                    await set_cleanup(admin, self.topic, facts, "compact")
        return [TopicPartition(self.topic, number) for number in range(facts.partitions)]

    # Reading.

    def _apply(self, record: ConsumerRecord[bytes | None, bytes | None]) -> None:
        if record.key is None:
            self._keyless += 1
            log.warning("mapping state record without key ignored", topic=self.topic, offset=record.offset)
            return
        changed = self._state.apply(record.key, record.value, record.offset)
        self._report_cleared_masters()
        if changed is None or self._status == "loading":
            return
        for tell in self._subscribers:
            try:
                tell(changed)
            except Exception:  # a defect of one subscriber must stop neither the table nor the other subscribers
                log.exception("mapping state subscriber failed", key=changed)

    def _report_cleared_masters(self) -> None:
        cleared = set(self._state.cleared_masters())
        for key in sorted(cleared - self._reported_masters):
            log.warning("master Default cleared by another writer", code="MASTER_DEFAULT_CLEARED", key=key)
        self._reported_masters = cleared

    def _fail(self, error: BaseException) -> None:
        self._error = error
        self._status = "failed"
        self._failed.set()
        log.error("mapping state reader died; the table refuses to serve", topic=self.topic, error=_text(error))

    # Freshness.

    async def _watch(self) -> None:
        """Keep `status` up to date while no caller uses `barrier`, and detect a changed partition count."""
        while True:
            await asyncio.sleep(self._patience.check_every)
            try:
                await self.barrier()
            except MappingStateUnavailable:
                if self._error is not None:
                    return
            else:
                self._fail_when_repartitioned()

    def _fail_when_repartitioned(self) -> None:
        known, positions = self._follower.partitions_for_topic(self.topic), self._follower.positions
        if known is not None and len(known) != len(positions):
            was, now = len(positions), len(known)
            self._follower.cancel()
            self._fail(RuntimeError(f"the topic has {now} partitions and had {was} at the start; restart to read all"))

    def _turn(self, state: Literal["caught_up", "degraded"], error: BaseException | None = None) -> None:
        if self._status == state or self._status not in {"caught_up", "degraded"}:
            return
        self._status = state
        reason = None if error is None else _text(error)
        log.warning("mapping state table changed", topic=self.topic, state=state, error=reason, lag=self.status().lag)

    def _gap(self) -> str:
        positions = self._follower.positions
        gaps = [f"partition {tp.partition} at {positions[tp]} of {end}" for tp, end in self._follower.ends.items()]
        return f" ({', '.join(gaps)})"

    def _refuse_unless_complete(self) -> None:
        if self._error is not None:
            raise self._unavailable() from self._error
        if self._status in {"unstarted", "loading"}:
            raise MappingStateUnavailable(f"{self.topic}: the table is {'stopped' if self._stopped else self._status}")

    def _unavailable(self) -> MappingStateUnavailable:
        reason = "unknown" if self._error is None else _text(self._error)
        return MappingStateUnavailable(f"{self.topic}: the reader died, restart to read all: {reason}")


def _text(error: BaseException) -> str:
    if isinstance(error, OffsetOutOfRangeError):
        return f"the topic was deleted and made again, or cut short ({error})"
    if isinstance(error, TimeoutError):
        return "no answer or no end in time"
    return f"{type(error).__name__}: {error}"
