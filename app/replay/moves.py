"""The plan of a replay: each partition's present offset and its new one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from app.errors import CommandError, UsageError
from app.replay.request import AtOffset, AtTime, Listed, ResetTo, Scope, Shift, Target
from app.settings import Topics
from app.topic_reader import OffsetRange
from kafka_client.interface import Admin, Consumer
from kafka_client.topics import describe


@dataclass(frozen=True, slots=True)
class Move:
    """The planned move of one source partition. All numbers are offsets; `begin` and `end` are those of the log."""

    source: TopicPartition
    committed: int | None
    """The committed offset; None: the group never committed here."""
    begin: int
    end: int
    """The end of the committed records. Records of an open transaction lie after it: they can be neither read nor
    skipped."""
    new: int
    """The offset to commit."""

    @property
    def place(self) -> int:
        """Where a worker would begin without the move: at the committed offset, or at the beginning.

        The beginning is used if nothing was committed, or if the committed offset does not exist in the log.
        """
        fits = self.committed is not None and self.begin <= self.committed <= self.end
        return self.committed if fits and self.committed is not None else self.begin

    @property
    def skips(self) -> bool:
        """Whether the move goes forward, over records that were not read yet."""
        return self.new > self.place

    @property
    def changes(self) -> bool:
        """Whether anything has to be committed."""
        return self.new != (self.place if self.committed is None else self.committed)

    @property
    def span(self) -> OffsetRange:
        """The offsets that are read again, or skipped."""
        return OffsetRange(self.source, min(self.place, self.new), max(self.place, self.new))


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The moves in order of topic and partition, and warnings for the person."""

    moves: tuple[Move, ...]
    warnings: tuple[str, ...]


async def partitions_of(admin: Admin, scope: Scope, listed: Listed | None, topics: Topics) -> list[TopicPartition]:
    """List the source partitions of a request. Each topic and its ledger must exist.

    Args:
        admin: A connected administration client.
        scope: The topics and partitions that were named.
        listed: The offsets of a file, which name the partitions instead of `scope`; None: no file was given.
        topics: The names of the topics.

    Raises:
        UsageError: A named partition does not exist.
        CommandError: A topic does not exist, or source and ledger differ in their partition counts.
        KafkaError: The broker refused.
    """
    wanted = {source.topic for source in listed.offsets} if listed is not None else set(scope)
    facts = await describe(admin, [name for topic in wanted for name in (topic, topics.ledger(topic))])
    meant: list[TopicPartition] = []
    for topic in sorted(wanted):
        for name in (topic, topics.ledger(topic)):
            if name not in facts:
                raise CommandError(f"{name} does not exist; see alvys-sage topics")
        count = facts[topic].partitions
        if facts[topics.ledger(topic)].partitions != count:
            raise CommandError(f"{topic} and its ledger differ in their partitions; see alvys-sage topics")
        named = scope.get(topic) if listed is None else {s.partition for s in listed.offsets if s.topic == topic}
        numbers = range(count) if named is None else sorted(named)
        if wrong := [number for number in numbers if number >= count]:
            raise UsageError(f"{topic} has no partition {wrong[0]}: it has 0 to {count - 1}")
        meant += [TopicPartition(topic, number) for number in numbers]
    return meant


async def make_plan(
    consumer: Consumer,
    committed: Mapping[TopicPartition, int | None],
    target: Target,
) -> ReplayPlan:
    """Plan the move of each partition in `committed`.

    Args:
        consumer: A started consumer that reads committed records only.
        committed: The committed offset of each partition; None: there is none.
        target: The position to go to.

    Raises:
        KafkaError: The broker refused.
    """
    sources = list(committed)
    begins = await consumer.beginning_offsets(sources)
    ends = await consumer.end_offsets(sources)
    timed: Mapping[TopicPartition, object] = {}
    if isinstance(target, AtTime):
        milliseconds = int(target.at.timestamp() * 1000)
        timed = await consumer.offsets_for_times(dict.fromkeys(sources, milliseconds))
    moves: list[Move] = []
    warnings: list[str] = []
    for source in sources:
        stands = Move(source, committed[source], begins[source], ends[source], new=0)
        at = getattr(timed.get(source), "offset", None)
        wanted = _wanted(target, stands, at)
        new = min(max(wanted, stands.begin), stands.end)
        moves.append(Move(source, stands.committed, stands.begin, stands.end, new))
        warnings += _warnings(moves[-1], wanted, asked=isinstance(target, AtOffset | Shift | Listed))
    return ReplayPlan(tuple(moves), tuple(warnings))


def _wanted(target: Target, stands: Move, at: int | None) -> int:
    """The requested offset, which may be outside the log."""
    current = stands.place if stands.committed is None else stands.committed
    match target:
        case ResetTo():
            return {ResetTo.EARLIEST: stands.begin, ResetTo.LATEST: stands.end, ResetTo.CURRENT: current}[target]
        case AtTime():
            return stands.end if at is None else at
        case AtOffset():
            return target.offset
        case Shift():
            return stands.place + target.by
        case Listed():
            return target.offsets[stands.source]


def _warnings(move: Move, wanted: int, *, asked: bool) -> Sequence[str]:
    where = f"{move.source.topic} {move.source.partition}"
    found = []
    if move.committed is not None and move.committed < move.begin:
        found.append(
            f"{where}: the committed offset {move.committed} is before the log's beginning {move.begin}: retention "
            f"deleted {move.begin - move.committed} offsets before the group read them"
        )
    if move.committed is not None and move.committed > move.end:
        found.append(
            f"{where}: the committed offset {move.committed} is after the log's end {move.end}: was the topic made "
            "anew? A worker begins at the beginning then"
        )
    if wanted < move.begin and asked:
        found.append(
            f"{where}: offset {wanted} is before the log's beginning {move.begin}, which is taken instead; "
            "what retention deleted cannot be read again"
        )
    elif wanted > move.end and asked:
        found.append(f"{where}: offset {wanted} is after the log's end {move.end}, which is taken instead")
    return found
