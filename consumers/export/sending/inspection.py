"""Between steps 2 and 3 of a correction: read the existing Sage records by record number, many in one query."""

from collections.abc import Sequence
from datetime import UTC

from consumers.export.config import Clock
from consumers.export.ledger.document_state import Posted
from consumers.export.protocol.correct import Decision, Replacement, plan_correction
from consumers.export.work_item import WorkItem
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
        today = self._time.now().astimezone(UTC).date()
        return [
            (
                work,
                plan_correction(
                    posted,
                    there.get(posted.record_no),
                    Replacement(
                        work.document,
                        work.party_id,
                        today,
                        work.confirmed_missing,
                        work.update_maybe_applied,
                        work.by_deletion,
                        work.not_before,
                    ),
                ),
            )
            for work, posted in zip(batch, standing, strict=True)
        ]


def _posted(work: WorkItem) -> Posted:
    if work.step is None:
        raise ValueError(f"{work.key} has nothing to be looked at")
    return work.step.posted
