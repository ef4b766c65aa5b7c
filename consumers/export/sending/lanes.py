"""The lanes of all companies. Each is created when the first document for its company comes."""

import asyncio

from consumers.export.config import ExportConfig
from consumers.export.sending.circuit_breaker import ParkedDocuments
from consumers.export.sending.lane import Lane
from consumers.export.sending.sage_access import BACKLOG, SageAccess, company_of_backlog
from consumers.export.work_item import PartitionHandle, WorkItem
from kafka_client.clock import Clock

HELD = 4
"""Companies that take long may have a quarter of a partition's window on its way."""


class Lanes:
    """One lane per Sage company.

    Args:
        sage: The client and the credentials.
        wakes: Callbacks that retry parked documents.
        config: Sizes and delays.
        time: The clock.
    """

    def __init__(
        self,
        sage: SageAccess,
        wakes: ParkedDocuments,
        config: ExportConfig,
        time: Clock,
    ) -> None:
        self._sage = sage
        self._wakes = wakes
        self._config = config
        self._time = time
        self._lanes: dict[str, Lane] = {}

    def send(self, work: WorkItem) -> None:
        """Post a mapped document."""
        self._lane(work).send(work)

    def reconcile(self, work: WorkItem) -> None:
        """Look a claimed document up in Sage before anything is sent."""
        self._lane(work).reconcile(work)

    def release_partition(self, owner: PartitionHandle) -> None:
        """Drop the documents of a partition that is being released, except those that are on their way to Sage."""
        for lane in self._lanes.values():
            lane.release_partition(owner)

    def relieve(self, owner: PartitionHandle, share: int) -> None:
        """Park what a partition has queued beyond the next requests, because its window is full.

        Args:
            owner: The partition.
            share: How many of its documents may stay queued. The companies share it equally.
        """
        busy = [lane for lane in self._lanes.values() if lane.queued]
        for lane in busy:
            lane.relieve(owner, share // len(busy))

    def room(self, owner: PartitionHandle) -> int:
        """Number of further records of the partition that companies which take long may have on their way.

        A request cannot be parked: a hundred companies that hang would keep the window full until the last gives up.
        """
        if len(self._lanes) == 1:
            return self._config.max_in_flight
        return self._config.max_in_flight // HELD - sum(lane.held(owner) for lane in self._lanes.values())

    def resume_backlog(self, blocker: str) -> None:
        """Bring back the documents whose wait for this backlog is durable, in their turn."""
        self._lane_of(company_of_backlog(blocker)).resume_backlog(blocker)

    @property
    def reading_pause(self) -> float:
        """How long reading pauses after each slice, in times of what the slice took.

        While a company has a backlog, its documents are read only to be parked. So reading takes a quarter of the time,
        and half of it if those who have none run out of documents: then theirs may stand behind many to be parked.
        """
        if not any(lane.has_backlog for lane in self._lanes.values()):
            return 0.0
        return 3.0 if any(lane.queued and not lane.has_backlog for lane in self._lanes.values()) else 1.0

    def is_blocked(self, blocker: str) -> bool:
        """Whether documents still have to wait for this blocker: a circuit is open, or older documents stand before."""
        if blocker.startswith(BACKLOG):  # asked for each record: no search
            lane = self._lanes.get(company_of_backlog(blocker))
            return lane is not None and lane.is_blocked(blocker)
        return any(lane.is_blocked(blocker) for lane in self._lanes.values())

    def raise_defect(self) -> None:
        """Raise the error that ended a lane's task, if any: a dead lane would silently block its company for ever."""
        for lane in self._lanes.values():
            if (error := lane.failure()) is not None:
                raise error

    async def close(self) -> None:
        """Stop all lanes at once."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def _lane(self, work: WorkItem) -> Lane:
        return self._lane_of(work.connection.company_id)

    def _lane_of(self, company_id: str) -> Lane:
        if (lane := self._lanes.get(company_id)) is None:
            lane = Lane(company_id, self._sage, self._wakes, self._config, self._time, self)
            self._lanes[company_id] = lane
        return lane
