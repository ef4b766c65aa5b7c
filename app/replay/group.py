"""The consumer group: who is in it, what it committed, and moving that while nobody is.

A worker commits its offsets in transactions, and to such a commit the broker does not object whoever is in the group.
So there are three guards against a worker that nobody knows of, in this order:

1. the group is described: somebody in it is a refusal that says who;
2. the ledgers of the partitions are fenced, as a new owner would: one that was paused for minutes, so that the group
   put it out, can commit nothing any more when it wakes;
3. the offsets are committed as one who is no member: the broker takes that from nobody while anybody is in the group.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from app.admin import admin_of
from app.errors import CommandError
from app.settings import Settings, kafka_options
from consumers.export.ledger.restore import fence
from consumers.stopping import stop_client
from consumers.topic_facts import refuse

TRIES = 20
BETWEEN_TRIES = 0.5
"""Seconds. A broker that never had a group makes the topic for their offsets at the first question."""
COMMIT_WITHIN = 60.0
"""Seconds."""
INACTIVE = {"Empty", "Dead"}


class GroupActiveError(CommandError):
    """Somebody is in the group; its offsets are not ours to move."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The group as the broker describes it: its state, and its members as ``client id at host``."""

    state: str
    members: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether somebody is in it, or about to be."""
        return bool(self.members) or self.state not in INACTIVE


async def activity(admin: AIOKafkaAdminClient, group_id: str) -> Activity:
    """Who is in the group now.

    Raises:
        KafkaError: The broker refused.
    """
    await _coordinator(admin, group_id)
    (answer,) = await admin.describe_consumer_groups([group_id])
    code, _, state, _, _, members, *_ = answer.groups[0]
    refuse(code, f"group {group_id} cannot be described")
    return Activity(state, tuple(f"{member[1]} at {member[2].lstrip('/')}" for member in members))


async def refuse_if_active_now(settings: Settings) -> None:
    """As `refuse_if_active`, with a connection of its own."""
    async with admin_of(settings) as admin:
        await refuse_if_active(admin, settings)


async def refuse_if_active(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Let nobody be in the group.

    Raises:
        GroupActiveError: Somebody is; the text says who, and how to stop them.
        KafkaError: The broker refused.
    """
    found = await activity(admin, settings.group_id)
    if found.active:
        raise GroupActiveError(f"{active_text(found, settings)}. Nothing was changed")


def active_text(found: Activity, settings: Settings) -> str:
    """Who is in the group, and how to stop them."""
    who = f"{len(found.members)} in it ({', '.join(found.members)})" if found.members else f"state {found.state}"
    seconds = settings.session_timeout_ms // 1000
    return (
        f"group {settings.group_id} is active: {who}. Stop every worker with SIGTERM and wait until it has ended "
        f"(one that was killed counts for {seconds} s more)"
    )


async def committed_offsets(
    admin: AIOKafkaAdminClient, group_id: str, sources: Sequence[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """The group's committed offsets, asked for anew; None where there is none.

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
    admin: AIOKafkaAdminClient,
    settings: Settings,
    before: Mapping[TopicPartition, int | None],
    after: Mapping[TopicPartition, int],
) -> None:
    """Commit `after` for a group that is empty and still stands at `before`: all of it, or nothing.

    Raises:
        GroupActiveError: Somebody is in the group, or came while this was under way. Nothing was changed.
        CommandError: The offsets were moved by somebody else meanwhile. Nothing was changed.
        KafkaError: The broker refused or did not answer.
    """
    await refuse_if_active(admin, settings)
    ledgers = [TopicPartition(settings.topics.ledger(source.topic), source.partition) for source in after]
    producers = await fence(kafka_options(settings), ledgers)
    await asyncio.gather(*(stop_client(producer) for producer in producers))
    if await committed_offsets(admin, settings.group_id, list(before)) != dict(before):
        raise CommandError("the group's offsets were moved meanwhile, by a worker or a replay; ask again")
    # It says "will rejoin" of a consumer that never was a member; the error below says what there is to say.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
    consumer = AIOKafkaConsumer(**kafka_options(settings), group_id=settings.group_id, enable_auto_commit=False)
    try:
        async with asyncio.timeout(COMMIT_WITHIN):
            await consumer.start()
            consumer.assign(list(after))  # assigned by hand: it joins no group
            await consumer.commit(dict(after))
    except CommitFailedError:
        await refuse_if_active(admin, settings)
        raise GroupActiveError(f"a worker came into group {settings.group_id}. Nothing was changed") from None
    finally:
        await stop_client(consumer)


async def _coordinator(admin: AIOKafkaAdminClient, group_id: str) -> None:
    for left in reversed(range(TRIES)):
        try:
            await admin.find_coordinator(group_id)
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            if not left:
                raise
            await asyncio.sleep(BETWEEN_TRIES)
        else:
            return
