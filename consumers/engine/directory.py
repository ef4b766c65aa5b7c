"""The customers and vendors of one company, read in pages and kept: no look-up per document."""

import asyncio
from dataclasses import dataclass

from consumers.engine.knobs import Knobs, Time
from domain.documents import PartyKind, PartyRef
from domain.outcomes import Rejected
from domain.parties import PartyIndex
from sage_client import Login, SageClient


@dataclass(slots=True)
class _Kept:
    index: PartyIndex
    read_at: float


class PartyDirectory:
    """Finds the Sage record of a party that has no external id. One per company; safe to ask concurrently."""

    def __init__(self, client: SageClient, knobs: Knobs, time: Time) -> None:
        self._client = client
        self._knobs = knobs
        self._time = time
        self._kept: dict[tuple[str | None, PartyKind], _Kept] = {}
        self._reading = asyncio.Lock()

    async def find(self, login: Login, ref: PartyRef) -> str | Rejected:
        """The party's id in Sage, or why there is none.

        Raises:
            SageError: the list could not be read; nothing was decided.
        """
        if ref.external_id:
            return ref.external_id  # an id that is set is used as it is: Sage itself refuses one it does not know (C4)
        index = await self._index(login, ref.kind, self._knobs.party_refresh.total_seconds())
        answer = index.match(ref)
        if isinstance(answer, Rejected):
            # Created in Sage a moment ago? A fresh list decides, read at most twice a minute.
            index = await self._index(login, ref.kind, self._knobs.party_recheck.total_seconds())
            answer = index.match(ref)
        return answer

    async def _index(self, login: Login, kind: PartyKind, oldest: float) -> PartyIndex:
        place = (login.entity_id, kind)
        async with self._reading:
            kept = self._kept.get(place)
            if kept is None or self._time.monotonic() - kept.read_at > oldest:
                records = await self._client.parties(login, kind)
                kept = self._kept[place] = _Kept(PartyIndex(records), self._time.monotonic())
            return kept.index
