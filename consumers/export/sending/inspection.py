"""Between steps 2 and 3 of a correction: read the existing Sage records by record number, many in one query."""

from collections.abc import Sequence
from datetime import datetime

from consumers.export.protocol.correct import Decision, Replacement, plan_correction
from consumers.export.protocol.document_state import Posted
from consumers.export.work_item import WorkItem
from kafka_client.clock import Clock
from sage_client import Login, SageClient


class Inspection:
    """Reads the existing records of changed documents. One per lane: the lane of the records' company."""

    def __init__(self, client: SageClient, time: Clock) -> None:
        self._client = client
        self._time = time

    async def inspect(self, login: Login, batch: Sequence[WorkItem]) -> list[tuple[WorkItem, Decision]]:
        """Read the existing records, and decide what to do with each.

        Args:
            login: The user to sign in with.
            batch: Documents with a correction step, all of one place and one kind.

        Raises:
            SageError: The records could not be read. Nothing was decided for any document of the batch.
        """
        standing = [_posted(work) for work in batch]
        kind = standing[0].sage_object
        there = await self._client.records(login, kind, [each.record_no for each in standing], lines_too=True)
        now = self._time.now()
        return [
            (
                work,
                plan_correction(
                    posted,
                    there.get(posted.record_no),
                    _replacement(work, now),
                ),
            )
            for work, posted in zip(batch, standing, strict=True)
        ]


def _replacement(work: WorkItem, now: datetime) -> Replacement:
    plan, history = work.plan, work.life.history
    return Replacement(
        plan.document,
        plan.party_id,
        now,
        history.confirmed_missing,
        history.update_maybe_applied,
        plan.by_deletion,
        history.not_before,
    )


def _posted(work: WorkItem) -> Posted:
    if work.plan.step is None:
        raise ValueError(f"{work.key} has no existing record to inspect")
    return work.plan.step.posted
