"""The lanes of all companies, made as their first document comes."""

import asyncio

from consumers.engine.aside import Wakes
from consumers.engine.knobs import Knobs, Time
from consumers.engine.lane import Lane
from consumers.engine.places import Sage
from consumers.engine.work import Owner, Work


class Lanes:
    """One lane per Sage company."""

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
        """Look a claimed document up before anything is sent."""
        self._lane(work).doubt(work)

    def give_back(self, owner: Owner) -> None:
        """Drop the owner's documents that are not on their way to Sage: it is being given up."""
        for lane in self._lanes.values():
            lane.give_back(owner)

    def holds(self, blocker: str) -> bool:
        """Whether documents still have to wait for this Sage connection."""
        return any(lane.holds(blocker) for lane in self._lanes.values())

    def check(self) -> None:
        """Raise what ended a lane's task, if anything did: one that died silently would hold its company for ever."""
        for lane in self._lanes.values():
            if (error := lane.failure()) is not None:
                raise error

    async def close(self) -> None:
        """Stop them all at once."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def _lane(self, work: Work) -> Lane:
        company_id = work.connection.company_id
        if (lane := self._lanes.get(company_id)) is None:
            lane = Lane(company_id, self._sage, self._wakes, self._knobs, self._time, self.submit)
            self._lanes[company_id] = lane
        return lane
