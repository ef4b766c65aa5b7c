"""The consumer group: its members, its committed offsets, and moving the offsets while the group has no member.

A worker commits its offsets in transactions, and the broker accepts such a commit from a process that is no member any
more. So there are three guards against an unnoticed worker, in this order:

1. The group is described. If it has members, the command refuses and names them.
2. The ledgers of the partitions are fenced, as a new owner would do. A worker that was suspended for minutes, so that
   the group removed it, can commit nothing when it wakes. A ledger that was emptied is found here too: to read its
   source again would post everything twice.
3. The offsets are committed as a non-member. The broker refuses that while the group has any member.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from app.errors import CommandError
from app.kafka import admin_of, clients_of
from app.settings import Settings
from consumers.export.ledger.generation import begin_unread
from consumers.export.ledger.source_positions import source_positions
from kafka_client.fencing import fence
from kafka_client.interface import Admin
from kafka_client.stopping import stop_client
from kafka_client.topics import refuse

TRIES = 20
BETWEEN_TRIES = 0.5
"""Seconds. A broker that never had a group creates the topic of group offsets at the first request."""
COMMIT_WITHIN = 60.0
"""Seconds that the commit may take."""
INACTIVE = {"Empty", "Dead"}


class GroupActiveError(CommandError):
    """The group has a member, so its offsets may not be moved."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The group as the broker describes it: its state, and its members as ``client id at host``."""

    state: str
    members: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether the group has a member, or is about to have one."""
        return bool(self.members) or self.state not in INACTIVE


async def activity(admin: Admin, group_id: str) -> Activity:
    """Describe the group as it is now.

    Raises:
        KafkaError: The broker refused.
    """
    await _coordinator(admin, group_id)
    (answer,) = await admin.describe_consumer_groups([group_id])
    code, _, state, _, _, members, *_ = answer.groups[0]
    refuse(code, f"group {group_id} cannot be described")
    return Activity(state, tuple(f"{member[1]} at {member[2].lstrip('/')}" for member in members))


async def refuse_if_active_now(settings: Settings) -> None:
    """Call `refuse_if_active` with a connection of its own."""
    async with admin_of(settings) as admin:
        await refuse_if_active(admin, settings)


async def refuse_if_active(admin: Admin, settings: Settings) -> None:
    """Check that the group has no member.

    Raises:
        GroupActiveError: The group has members; the text names them, and says how to stop them.
        KafkaError: The broker refused.
    """
    found = await activity(admin, settings.group_id)
    if found.active:
        raise GroupActiveError(f"{active_text(found, settings)}. Nothing was changed")


def active_text(found: Activity, settings: Settings) -> str:
    """Name the members of the group, and say how to stop them."""
    who = f"{len(found.members)} in it ({', '.join(found.members)})" if found.members else f"state {found.state}"
    seconds = settings.session_timeout_ms // 1000
    return (
        f"group {settings.group_id} is active: {who}. Stop every worker with SIGTERM and wait until it has ended "
        f"(one that was killed counts for {seconds} s more)"
    )


async def committed_offsets(
    admin: Admin, group_id: str, sources: Sequence[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """Read the group's committed offsets from the broker; None for a partition without one.

    Raises:
        KafkaError: The broker refused.
    """
    if not sources:
        return {}
    await _coordinator(admin, group_id)
    found = await admin.list_consumer_group_offsets(group_id, partitions=list(sources))
    offsets = {source: found[source].offset if source in found else -1 for source in sources}
    return {source: None if offset < 0 else offset for source, offset in offsets.items()}


async def move_offsets(
    admin: Admin,
    settings: Settings,
    before: Mapping[TopicPartition, int | None],
    after: Mapping[TopicPartition, int],
) -> None:
    """Commit the offsets `after`, all or nothing, if the group is empty and its offsets are still `before`.

    Args:
        admin: A connected administration client.
        settings: The broker and the group.
        before: The committed offsets as last seen; None: there is none.
        after: The offsets to commit.

    Raises:
        GroupActiveError: The group has a member, or one joined in the meantime. Nothing was changed.
        CommandError: Another process moved the offsets in the meantime. Nothing was changed.
        PartitionDamagedError: A ledger was emptied. Nothing was changed.
        KafkaError: The broker refused or did not answer.
    """
    await refuse_if_active(admin, settings)
    ledgers = [TopicPartition(settings.topics.ledger(source.topic), source.partition) for source in after]
    clients = clients_of(settings)
    producers = dict(zip(ledgers, await fence(clients, ledgers), strict=True))
    try:
        read = dict(zip(ledgers, after, strict=True))
        await begin_unread(clients, producers, await source_positions(clients, settings.group_id, read))
    finally:
        await asyncio.gather(*(stop_client(producer) for producer in producers.values()))
    if await committed_offsets(admin, settings.group_id, list(before)) != dict(before):
        raise CommandError("the group's offsets were moved meanwhile, by a worker or a replay; ask again")
    # aiokafka logs "will rejoin" here, although this consumer was never a member; the error below is enough.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
    consumer = clients.committer(settings.group_id)
    try:
        async with asyncio.timeout(COMMIT_WITHIN):
            await consumer.start()
            consumer.assign(list(after))  # assigned by hand, so it does not join the group
            await consumer.commit(dict(after))
    except CommitFailedError:
        await refuse_if_active(admin, settings)
        raise GroupActiveError(f"a worker came into group {settings.group_id}. Nothing was changed") from None
    finally:
        await stop_client(consumer)


async def _coordinator(admin: Admin, group_id: str) -> None:
    for left in reversed(range(TRIES)):
        try:
            await admin.find_coordinator(group_id)
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            if not left:
                raise
            await asyncio.sleep(BETWEEN_TRIES)
        else:
            return
