"""The lanes of all companies. Each is created when the first document for its company comes."""

import asyncio

from consumers.engine.aside import Wakes
from consumers.engine.knobs import Knobs, Time
from consumers.engine.lane import Lane
from consumers.engine.places import Sage
from consumers.engine.work import Owner, Work


class Lanes:
    """One lane per Sage company.

    Args:
        sage: The client and the credentials.
        wakes: Callbacks that retry parked documents.
        knobs: Sizes and delays.
        time: The clock.
    """

    def __init__(
        self,
        sage: Sage,
        wakes: Wakes,
        knobs: Knobs,
        time: Time,
    ) -> None:
        self._sage = sage
        self._wakes = wakes
        self._knobs = knobs
        self._time = time
        self._lanes: dict[str, Lane] = {}

    def submit(self, work: Work) -> None:
        """Post a mapped document."""
        self._lane(work).submit(work)

    def doubt(self, work: Work) -> None:
        """Look a claimed document up in Sage before anything is sent."""
        self._lane(work).doubt(work)

    def give_back(self, owner: Owner) -> None:
        """Drop the documents of a partition that is being released, except those that are on their way to Sage."""
        for lane in self._lanes.values():
            lane.give_back(owner)

    def holds(self, blocker: str) -> bool:
        """Whether the circuit of this Sage connection is open, so that documents still have to wait."""
        return any(lane.holds(blocker) for lane in self._lanes.values())

    def check(self) -> None:
        """Raise the error that ended a lane's task, if any: a dead lane would silently block its company for ever."""
        for lane in self._lanes.values():
            if (error := lane.failure()) is not None:
                raise error

    async def close(self) -> None:
        """Stop all lanes at once."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def _lane(self, work: Work) -> Lane:
        company_id = work.connection.company_id
        if (lane := self._lanes.get(company_id)) is None:
            lane = Lane(company_id, self._sage, self._wakes, self._knobs, self._time, self.submit)
            self._lanes[company_id] = lane
        return lane
