"""Accepts a damage: the group goes on behind it, and a dead letter says which records were lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.bootstrap import subscription_of
from app.kafka import clients_of
from app.ledgers.survey import Surveyed
from app.settings import Settings
from consumers.export.ledger import generation
from consumers.export.ledger.damage import PartitionFault, lost_records
from consumers.export.ledger.store import MEMORY, LedgerStore
from consumers.export.ledger.transactions import PendingWrite, TransactionScope, TransactionWriter
from consumers.export.output_records import ResultWriter
from domain.codes import Code
from domain.events import ContractError
from kafka_client.fencing import fence
from kafka_client.offset_tracker import OffsetTracker
from kafka_client.stopping import stop_client
from producers.dead_letters import DeadRecord

OF_SOURCES = frozenset({PartitionFault.SOURCE_REPLACED, PartitionFault.SOURCE_RECORDS_EXPIRED})
WITHIN = 60.0
"""Seconds that the transaction of one partition may take."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is done about the damage of one ledger partition."""

    found: Surveyed
    effect: str
    """What happens, in words."""


def acceptances(surveyed: Sequence[Surveyed], *, as_new: bool) -> tuple[list[Acceptance], list[Surveyed]]:
    """The damages that can be accepted, with the effect of it, and those that cannot.

    Args:
        surveyed: The partitions.
        as_new: Whether empty ledgers are accepted too: a person says that nothing was ever posted from them.
    """
    able: list[Acceptance] = []
    unable: list[Surveyed] = []
    for each in surveyed:
        at, fault = each.position, each.damage.fault if each.damage is not None else None
        if fault is PartitionFault.SOURCE_RECORDS_EXPIRED:
            lost = f"offsets {at.committed} to {at.begin - 1} become one dead letter"
            able.append(Acceptance(each, f"{lost}, and the group goes on at {at.begin}"))
        elif fault is PartitionFault.SOURCE_REPLACED:
            able.append(Acceptance(each, f"the topic is read from its beginning, offset {at.begin}"))
        elif fault is PartitionFault.LEDGER_EMPTY and as_new:
            able.append(Acceptance(each, f"it begins anew; the group goes on at {at.committed}"))
        elif fault is not None:
            unable.append(each)
    return able, unable


async def accept(settings: Settings, wanted: Sequence[Acceptance]) -> None:
    """Write each acceptance in one transaction: the dead letter, the ledger's record, and the group's offset.

    The transaction commits the offset as a worker does, so that workers may go on with the other partitions meanwhile.

    Raises:
        KafkaError: The broker refused. What was accepted before stays; run the command again for the rest.
    """
    names = subscription_of(settings)
    writer = ResultWriter(settings.group_id, names.results, names.dead_letters)
    for each in wanted:
        ledger, position = each.found.ledger, each.found.position
        [producer] = await fence(clients_of(settings), [ledger])
        try:
            if each.found.damage is not None and each.found.damage.fault is PartitionFault.LEDGER_EMPTY:
                partitions = len(await producer.partitions_for(ledger.topic))
                begun = [generation.mark_record(partitions), *generation.ids_records(position)]
                await generation.write(producer, ledger, None, begun)
                continue
            failures: list[BaseException] = []
            tracker = OffsetTracker()
            place = TransactionScope(position.source, ledger.topic, settings.group_id)
            with LedgerStore(MEMORY) as scratch:
                transactions = TransactionWriter(producer, place, scratch, tracker, failures.append)
                durable = transactions.write(_write(each.found, writer, tracker))
                await transactions.close(WITHIN)
            await durable
        finally:
            await stop_client(producer)


def _write(found: Surveyed, writer: ResultWriter, tracker: OffsetTracker) -> PendingWrite:
    at = found.position
    ids = tuple(generation.ids_records(at))
    lost = lost_records(at)
    if at.committed is None or lost is None or lost.fault is not PartitionFault.SOURCE_RECORDS_EXPIRED:
        tracker.reached(at.begin)
        return PendingWrite(internal=ids)
    tracker.begin(at.committed)
    tracker.reached(at.begin)
    source = at.source
    letter = DeadRecord(source.topic, source.partition, at.committed, 0, 0, None, None, last=at.begin - 1)
    dead = writer.dead(letter, ContractError(Code.SOURCE_RECORDS_EXPIRED, lost.detail), ends=at.committed)
    return PendingWrite(None, dead.outgoing, dead.completed_offset, internal=ids)
