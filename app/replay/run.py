"""A replay in two steps: `look` plans and forecasts without a change, `execute` moves the offsets."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from app.bootstrap import SYSTEM_TIME, config_of, subscription_of
from app.errors import CommandError
from app.kafka import admin_of, clients_of
from app.mapping_access import live_table
from app.replay.forecast import Forecast, Forecaster, forecast
from app.replay.group import Activity, activity, committed_offsets, move_offsets
from app.replay.moves import ReplayPlan, make_plan, partitions_of
from app.replay.request import Listed, Scope, Target
from app.settings import Settings
from app.topic_reader import reader_of
from consumers.export.record_parsing import PartitionCheck
from kafka_client.stopping import stop_client

Forecasts = Mapping[TopicPartition, Forecast]


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """The plan of a replay, its forecasts (None if only offsets were requested), and the state of the group."""

    plan: ReplayPlan
    forecasts: Forecasts | None
    group: Activity

    @property
    def loss(self) -> str | None:
        """A sentence that says which records would never be read; None if no record is skipped."""
        forward = [move for move in self.plan.moves if move.skips]
        if self.forecasts is None:
            return f"{sum(len(move.span) for move in forward):,} offsets would never be read" if forward else None
        records = sum(self.forecasts[move.source].records for move in forward)
        unanswered = sum(self.forecasts[move.source].unanswered for move in forward)
        told = f"{unanswered:,} of them have no answer in the ledger: these would be lost"
        if not unanswered:
            told = "each that is no dead letter has its answer in the ledger"
        return f"{records:,} records would never be read; {told}" if records else None


async def look(settings: Settings, target: Target, scope: Scope, *, offsets_only: bool = False) -> ReplayPreview:
    """Plan a replay and forecast what a worker would do. Nothing is changed.

    Args:
        settings: The broker, the group and the topics.
        target: The position to go to.
        scope: The topics and partitions.
        offsets_only: Whether to leave out the forecast, which reads the records.

    Raises:
        CommandError, KafkaError, MappingStateUnavailable: The plan or the forecast failed; the text says why.
    """
    async with admin_of(settings) as admin:
        listed = target if isinstance(target, Listed) else None
        sources = await partitions_of(admin, scope, listed, settings.topics)
        group = await activity(admin, settings.group_id)
        committed = await committed_offsets(admin, settings.group_id, sources)
    # Committed records only, so that a partition ends before the records of an open transaction.
    consumer = clients_of(settings).reader()
    try:
        await consumer.start()
        plan = await make_plan(consumer, committed, target)
    finally:
        await stop_client(consumer)
    forecasts = None if offsets_only else await _forecasts(settings, plan)
    return ReplayPreview(plan, forecasts, group)


async def execute(settings: Settings, found: ReplayPreview, *, skip: bool = False) -> None:
    """Move the offsets as planned.

    Args:
        settings: The broker and the group.
        found: The result of `look`.
        skip: Whether the person has confirmed that records are skipped.

    Raises:
        CommandError: Skipping is not confirmed, the group is active, or its offsets have moved. Nothing was changed.
        KafkaError: The broker refused.
    """
    if found.loss is not None and not skip:
        raise CommandError(f"this goes forward: {found.loss}. Confirm that with --skip. Nothing was changed")
    before = {move.source: move.committed for move in found.plan.moves}
    after = {move.source: move.new for move in found.plan.moves if move.changes}
    if after:
        async with admin_of(settings) as admin:
            await move_offsets(admin, settings, before, after)


async def _forecasts(settings: Settings, plan: ReplayPlan) -> Forecasts:
    if not any(len(move.span) for move in plan.moves):
        return {move.source: Forecast() for move in plan.moves}
    subscription, config = subscription_of(settings), config_of(settings)
    async with live_table(settings) as table, reader_of(settings) as reader:
        state = table.state

        def simulation(topic: str, ledger: Mapping[str, bytes], stand: PartitionCheck | None) -> Forecaster:
            receive = subscription.sources[topic]
            anyhow, now = subscription.any_record_key, SYSTEM_TIME.now()
            return Forecaster(receive, state, ledger, any_record_key=anyhow, now=now, config=config, stand=stand)

        return await forecast(reader, plan.moves, subscription.ledgers, simulation)
