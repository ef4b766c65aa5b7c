"""Reader of the topic `export-commands` for the partitions of a worker. Each partition's ledger stores its position.

Commands are few, so every worker reads all of them, without a consumer group, and each partition takes those that
concern its documents. The reader stores nothing: when a partition opens later, the reader moves back to the position of
that partition.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from consumers.export import metrics
from domain.commands import Command, InvalidCommandError, decode
from kafka_client.clients import connected_admin
from kafka_client.interface import KafkaClients
from kafka_client.stopping import stop_client
from kafka_client.topics import describe

log = structlog.get_logger(__name__)

POLL_MS = 200
POLL_RECORDS = 100
RETRY_AFTER = 1.0
"""Seconds to wait before the next try when the broker does not answer."""


class Follower(Protocol):
    """A source partition of the worker that takes commands."""

    @property
    def commands_from(self) -> Mapping[int, int]:
        """The offset in each partition of the commands topic from which this partition still has to read."""

    def apply_command(self, partition: int, offset: int, command: Command | None) -> None:
        """Take one record of the commands topic. It may be delivered more than once.

        Args:
            partition: The record's partition.
            offset: The record's offset.
            command: The command; None: the record holds no valid command, or the person may not give it.
        """

    @property
    def is_full(self) -> bool:
        """Whether enough commands are under way for now."""


class CommandReader:
    """Reader that passes the records of the commands topic to its followers, in order, until it is stopped.

    Args:
        topic: The full name of the commands topic.
        clients: The factory of Kafka clients.
        refuses: Returns why a person may not give commands, or None if the person may.
    """

    def __init__(
        self,
        topic: str,
        clients: KafkaClients,
        *,
        refuses: Callable[[str], str | None] | None = None,
    ) -> None:
        self._topic = topic
        self._refuses = refuses
        self._clients = clients
        # Where retention deleted records, reading continues with the oldest one left.
        self._consumer = clients.reader(tolerant=True)
        self._followers: set[Follower] = set()
        self._new: list[Follower] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            self._consumer.assign([TopicPartition(self._topic, number) for number in range(await self._partitions())])
        except BaseException:
            await stop_client(self._consumer)
            raise
        self._task = asyncio.create_task(self._run(), name=f"{self._topic} reader")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await stop_client(self._consumer)

    async def _partitions(self) -> int:
        async with connected_admin(self._clients) as admin:
            facts = (await describe(admin, [self._topic])).get(self._topic)
        if facts is None:
            raise UnknownTopicOrPartitionError(f"{self._topic}: create it with `alvys-sage topics --create`")
        return facts.partitions

    def check(self) -> None:
        """Raise the error that ended the reader, if one did."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def ends(self) -> Mapping[int, int]:
        """The end offset of each partition of the topic now.

        Raises:
            KafkaError: The broker does not answer.
        """
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        return {source.partition: end for source, end in ends.items()}

    def join(self, follower: Follower) -> None:
        """Add a partition. It takes commands from its own `commands_from` on."""
        self._new.append(follower)

    def leave(self, follower: Follower) -> None:
        """Remove a partition that was revoked."""
        self._followers.discard(follower)
        if follower in self._new:
            self._new.remove(follower)

    async def _run(self) -> None:
        while True:
            try:
                await self._turn()
            except KafkaError as error:
                log.warning("commands cannot be read; trying again", topic=self._topic, error=repr(error))
                await asyncio.sleep(RETRY_AFTER)

    async def _turn(self) -> None:
        if self._new:
            await self._admit(self._new[:])
        if any(follower.is_full for follower in self._followers):
            await asyncio.sleep(POLL_MS / 1000)
            return
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        for source, records in batches.items():
            for record in records:
                command = self._allowed(_read(source, record.offset, record.value))
                for follower in list(self._followers):
                    follower.apply_command(source.partition, record.offset, command)

    def _allowed(self, command: Command | None) -> Command | None:
        """Return the command if its author may give it, else None.

        Commands have no answer, so the log line and the metric here are the only notice of a refusal.
        """
        if command is None or self._refuses is None or (reason := self._refuses(command.by)) is None:
            return command
        metrics.COMMANDS_REFUSED.labels(command.action).inc()
        log.warning("a command was refused", id=command.id, action=command.action, by=command.by, reason=reason)
        return None

    async def _admit(self, new: list[Follower]) -> None:
        """Add new followers, and move the reader back to the earliest position that one of them needs.

        No fetch is under way here, so the next poll begins at that position.
        """
        positions = {tp: await self._consumer.position(tp) for tp in self._consumer.assignment()}
        for follower in new:
            if follower not in self._new:
                continue  # the follower left while the broker was asked
            self._new.remove(follower)
            begin = follower.commands_from
            positions = {tp: min(position, begin.get(tp.partition, 0)) for tp, position in positions.items()}
            self._followers.add(follower)
        for tp, position in positions.items():
            self._consumer.seek(tp, position)


def _read(source: TopicPartition, offset: int, value: bytes | None) -> Command | None:
    try:
        return decode(value)
    except InvalidCommandError as error:
        log.warning(
            "a command cannot be read, and nothing is done for it",
            topic=source.topic,
            partition=source.partition,
            offset=offset,
            reason=str(error),
        )
        return None
