"""Step 2, the part that asks Sage: what has to be known or made there before a document can be sent.

Read in bulk and kept, never once for each line or document. It decides nothing about money: it books nothing.
"""

from collections.abc import Sequence

from consumers.engine.dimension_check import DimensionCheck
from consumers.engine.directory import PartyDirectory
from consumers.engine.knobs import Knobs, Time
from consumers.engine.work import Verdict, Work
from domain.outcomes import Outcome, Rejected
from sage_client import Login, SageClient


class Preparation:
    """Makes the documents of one company ready. One per lane."""

    def __init__(self, client: SageClient, knobs: Knobs, time: Time) -> None:
        self._directory = PartyDirectory(client, knobs, time)
        self.dimensions = DimensionCheck(client, knobs, time)

    async def prepare(self, login: Login, batch: Sequence[Work]) -> list[tuple[Work, Verdict]]:
        """Find the party of each document of one place.

        Returns:
            Those that cannot be sent, and why; all others have their `party_id`.

        Raises:
            SageError: Something could not be read; nothing was decided, for none of the batch.
        """
        parties = [await self._directory.find(login, work.mapped.party) for work in batch]
        against = []
        for work, party in zip(batch, parties, strict=True):
            if isinstance(party, Rejected):
                against.append((work, Verdict(Outcome.REJECTED, party.code, party.detail)))
            else:
                work.party_id = party
        ended = {work for work, _ in against}
        return against + await self.dimensions.against(login, [work for work in batch if work not in ended])
